//! A second reader, written after `FORMAT.md` alone: it checks the description, and with it the crate.
//!
//! It uses no decoder of the crate, nor postcard, nor a checksum library; only zstd is borrowed.

mod common;

use std::collections::BTreeMap;

use common::{Part, contents};
use dial9_format::Event;

/// Bytes from the front, as sections 2 and 3 have them.
struct Bytes<'a>(&'a [u8]);

impl<'a> Bytes<'a> {
    fn take(&mut self, count: usize) -> &'a [u8] {
        let (taken, rest) = self.0.split_at(count);
        self.0 = rest;
        taken
    }

    fn fixed(&mut self, count: usize) -> u64 {
        let bytes = self.take(count).iter().rev();
        bytes.fold(0, |sum, &byte| sum << 8 | u64::from(byte))
    }

    fn varint(&mut self) -> u64 {
        let mut value = 0;
        for shift in (0..).step_by(7) {
            let byte = self.fixed(1);
            value |= (byte & 0x7F) << shift;
            if byte < 0x80 {
                break;
            }
        }
        value
    }

    fn option(&mut self) -> Option<u64> {
        (self.fixed(1) == 1).then(|| self.varint())
    }

    fn bytes(&mut self) -> &'a [u8] {
        let length = self.varint() as usize;
        self.take(length)
    }

    fn string(&mut self) -> String {
        String::from_utf8(self.bytes().to_vec()).expect("UTF-8")
    }
}

/// Section 1: the checksum of gzip and PNG, bit by bit.
fn crc(bytes: &[u8]) -> u64 {
    let mut crc = u32::MAX;
    for &byte in bytes {
        crc ^= u32::from(byte);
        for _ in 0..8 {
            crc = crc >> 1 ^ if crc & 1 == 1 { 0xEDB8_8320 } else { 0 };
        }
    }
    u64::from(!crc)
}

fn unpacked(packed: &[u8], length: usize) -> Vec<u8> {
    let mut raw = vec![0; length];
    assert_eq!(zstd_safe::decompress(&mut raw[..], packed), Ok(length));
    raw
}

/// Kind and payload of every frame.
fn frames(file: &[u8]) -> Vec<(u64, Vec<u8>)> {
    let mut rest = Bytes(file);
    assert_eq!(rest.take(8), b"DIAL9\r\n\x1a");
    assert_eq!((rest.fixed(2), rest.fixed(2)), (1, 0));
    assert_eq!(rest.fixed(4), crc(&file[..12]));
    let mut frames = Vec::new();
    while !rest.0.is_empty() {
        let before = rest.0;
        assert_eq!(rest.take(4), [0xD9, 0xF7, 0x1E, 0x9C]);
        let (kind, version, flags) = (rest.fixed(1), rest.fixed(1), rest.fixed(2));
        let (stored, raw) = (rest.fixed(4) as usize, rest.fixed(4) as usize);
        let sum = rest.fixed(4);
        let payload = rest.take(stored);
        assert_eq!(sum, crc(&[&before[..16], payload].concat()));
        assert_eq!(version, 1);
        let payload = match flags {
            0 => payload.to_vec(),
            1 => unpacked(payload, raw),
            _ => panic!("flags {flags}"),
        };
        assert_eq!(payload.len(), raw);
        frames.push((kind, payload));
    }
    frames
}

/// Section 6: the events of a chunk as text, each with its number and thread.
fn events(payload: &[u8]) -> Vec<String> {
    let mut head = Bytes(payload);
    let (stream, shared) = (head.varint(), head.fixed(1) == 1);
    let _worker = (head.option(), head.option());
    let (first_seq, _folded, count) = (head.varint(), head.varint(), head.varint());
    let (first_time, min_time, max_time) = (head.varint(), head.varint(), head.varint());
    let lengths: Vec<usize> = (0..22).map(|_| head.varint() as usize).collect();
    let packed = head.fixed(1) == 1;
    let columns = head.bytes();
    assert!(head.0.is_empty());
    let length = count as usize + lengths.iter().sum::<usize>();
    let columns = if packed {
        unpacked(columns, length)
    } else {
        columns.to_vec()
    };
    assert_eq!(columns.len(), length);
    let mut rest = Bytes(&columns);
    let kinds = rest.take(count as usize);
    let mut strings: Vec<Bytes<'_>> = lengths.iter().map(|&n| Bytes(rest.take(n))).collect();

    let mut number = |column: usize| {
        let mut bytes = strings[2 * column].take(1).to_vec();
        while bytes[bytes.len() - 1] >= 0x80 {
            bytes.extend(strings[2 * column + 1].take(1));
        }
        Bytes(&bytes).varint()
    };
    let signed = |coded: u64| (coded >> 1) ^ (coded & 1).wrapping_neg();
    let (mut last_time, mut last_end) = (first_time, first_time);
    let (mut last_task, mut last_wait) = (0_u64, 0_u64);
    let (mut least, mut most) = (u64::MAX, 0);
    let mut told = Vec::new();
    for (index, kind) in (0..).zip(kinds) {
        let thread = if shared { number(10) } else { stream };
        let detail = kind >> 3;
        let mut at = 0;
        let mut text = Vec::new();
        if let 0 | 4 = kind & 7 {
            let first = usize::from(kind & 7) / 2;
            let start = last_end.wrapping_add(signed(number(first)));
            at = start + number(first + 1);
            last_end = at;
            text.push(format!("start {start}"));
        }
        match kind & 7 {
            0 | 4 => {}
            1 => at = last_time.wrapping_add(signed(number(4))),
            _ => at = last_time.wrapping_add(signed(number(5))),
        }
        last_time = at;
        (least, most) = (least.min(at), most.max(at));
        if kind & 7 != 4 {
            last_task = last_task.wrapping_add(signed(number(6)));
            text.push(format!("task {last_task}"));
        }
        match (kind & 7, detail) {
            (1, 0) => {
                last_task = last_task.wrapping_add(signed(number(7)));
                text.push(format!("waker {last_task}"));
            }
            (2, _) => {
                text.extend(
                    ["location", "name", "runtime", "size"]
                        .map(|field| format!("{field} {}", number(9))),
                );
                if detail & 1 == 1 {
                    text.push(format!(
                        "parent {}",
                        last_task.wrapping_add(signed(number(9)))
                    ));
                }
            }
            (5 | 6, _) => {
                last_wait = last_wait.wrapping_add(signed(number(8)));
                text.push(format!("wait {last_wait}"));
                if kind & 7 == 5 {
                    text.push(format!("name {} location {}", number(9), number(9)));
                }
            }
            _ => {}
        }
        told.push(line(first_seq + index, thread, *kind, at, &text));
    }
    assert!(strings.iter().all(|string| string.0.is_empty()));
    assert!(count == 0 || (least, most) == (min_time, max_time));
    told
}

fn line(number: u64, thread: u64, kind: u8, at: u64, text: &[String]) -> String {
    format!(
        "{number} thread {thread} kind {kind:#04x} at {at} {}",
        text.join(" ")
    )
}

/// What the text of the same event is when the crate has read it.
fn told(number: u64, thread: u32, event: &Event) -> String {
    let mut text = Vec::new();
    let kind = match *event {
        Event::Poll {
            start,
            task,
            outcome,
            ..
        } => {
            text.extend([format!("start {start}"), format!("task {task}")]);
            (outcome as u8) << 3
        }
        Event::Park { start, .. } => {
            text.push(format!("start {start}"));
            4
        }
        Event::Wake { task, waker, .. } => {
            text.push(format!("task {task}"));
            1 | match waker {
                dial9_format::Waker::Task(id) => {
                    text.push(format!("waker {id}"));
                    0
                }
                dial9_format::Waker::Runtime => 1,
                dial9_format::Waker::Blocking => 2,
                dial9_format::Waker::Outside => 3,
            } << 3
        }
        Event::Spawn {
            task,
            parent,
            location,
            name,
            runtime,
            kind,
            size,
            ..
        } => {
            text.push(format!("task {task}"));
            text.push(format!(
                "location {location} name {name} runtime {runtime} size {size}"
            ));
            text.extend(parent.map(|parent| format!("parent {parent}")));
            2 | (kind as u8) << 4 | u8::from(parent.is_some()) << 3
        }
        Event::Terminate { task, .. } => {
            text.push(format!("task {task}"));
            3
        }
        Event::WaitBegin {
            task,
            wait,
            name,
            location,
            ..
        } => {
            text.push(format!(
                "task {task} wait {wait} name {name} location {location}"
            ));
            5
        }
        Event::WaitEnd {
            task,
            wait,
            outcome,
            ..
        } => {
            text.push(format!("task {task} wait {wait}"));
            6 | (outcome as u8) << 3
        }
        Event::Unwakeable { task, .. } => {
            text.push(format!("task {task}"));
            7
        }
    };
    line(number, u64::from(thread), kind, event.at(), &text)
}

#[test]
fn the_description_is_enough_to_read_every_event() {
    for contents in [contents::tiny(), contents::every_kind()] {
        let frames = frames(&common::write(&contents));
        assert_eq!(frames.len(), contents.len());
        let mut chunks = 0;
        for ((kind, payload), part) in frames.iter().zip(&contents) {
            if let Part::Events(chunk) = part {
                let wanted: Vec<_> = (chunk.info.first_seq..)
                    .zip(&chunk.events)
                    .map(|(number, (thread, event))| told(number, *thread, event))
                    .collect();
                assert_eq!((*kind, events(payload)), (6, wanted));
                chunks += 1;
            }
        }
        assert!(chunks > 0);
    }
}

#[test]
fn the_description_is_enough_to_read_strings_and_who_recorded() {
    let frames = frames(&common::write(&contents::every_kind()));
    let mut header = Bytes(&frames[0].1);
    assert_eq!(header.string(), "demo");
    assert_eq!(header.varint(), 300);
    assert_eq!(
        (header.string(), header.string()),
        ("h".to_owned(), "linux".to_owned())
    );

    let mut strings = BTreeMap::new();
    for (_, payload) in frames.iter().filter(|(kind, _)| *kind == 2) {
        let mut rest = Bytes(payload);
        let first = rest.varint();
        let lengths: Vec<_> = (0..rest.varint()).map(|_| rest.varint() as usize).collect();
        let mut blob = Bytes(rest.bytes());
        for (id, length) in (first..).zip(lengths) {
            strings.insert(
                id,
                String::from_utf8(blob.take(length).to_vec()).expect("UTF-8"),
            );
        }
    }
    let wanted = [
        (1, "src/main.rs:10:5"),
        (2, ""),
        (3, "flush"),
        (4, "тест"),
        (5, "orders"),
    ];
    assert_eq!(
        strings,
        wanted.map(|(id, text)| (id, text.to_owned())).into()
    );
}
