//! Files that were cut, flipped and patched together: what is intact is read, what is not is counted.

mod common;

use std::collections::HashSet;

use common::{Part, borders, contents, end, plain, preamble, read, read_whole, write};
use dial9_format::{OpenError, ReadLossKind};

#[test]
fn every_prefix_tells_what_is_missing_and_gives_the_rest() {
    let bytes = write(&contents::every_kind());
    let (borders, parts) = (borders(&bytes), read_whole(&bytes));
    for length in 0..bytes.len() {
        match read(&bytes[..length]) {
            Ok(reading) => {
                let whole = borders[1..].iter().filter(|&&end| end <= length).count();
                assert_eq!(reading.parts, parts[..whole], "{length}");
                let kinds: Vec<_> = reading.losses.iter().map(|loss| loss.kind).collect();
                assert_eq!(kinds, [ReadLossKind::Truncated], "{length}");
                let lost = length - borders[whole].min(length);
                assert_eq!(reading.losses[0].bytes, lost, "{length}");
            }
            Err(OpenError::Empty) => assert_eq!(length, 0),
            Err(OpenError::TooShort { bytes }) => assert!(bytes == length && length < 16),
            Err(other) => panic!("{length}: {other:?}"),
        }
    }
}

#[test]
fn every_flipped_bit_is_noticed_and_costs_one_frame() {
    let mut bytes = write(&contents::every_kind());
    let (borders, parts) = (borders(&bytes), read_whole(&bytes));
    for bit in 0..8 * bytes.len() {
        let at = bit / 8;
        bytes[at] ^= 1 << (bit % 8);
        match read(&bytes) {
            Ok(reading) => {
                assert!(!reading.is_whole(), "bit {bit} went unnoticed");
                let hit = borders.iter().rposition(|&border| border <= at);
                let mut left = parts.clone();
                if let Some(hit) = hit {
                    left.remove(hit);
                }
                assert_eq!(reading.parts, left, "bit {bit}");
            }
            Err(OpenError::NotADump) => assert!(at < 8, "bit {bit}"),
            Err(other) => panic!("bit {bit}: {other:?}"),
        }
        bytes[at] ^= 1 << (bit % 8);
    }
}

/// Numbers that look random and are the same every time.
fn noise(seed: u64) -> impl FnMut() -> u64 {
    let mut state = seed;
    move || {
        state = state
            .wrapping_mul(6_364_136_223_846_793_005)
            .wrapping_add(1_442_695_040_888_963_407);
        state >> 33
    }
}

#[test]
fn holes_overwrites_and_repeats_never_invent_anything() {
    let bytes = write(&contents::every_kind());
    let parts = read_whole(&bytes);
    let mut next = noise(9);
    for round in 0..2_000 {
        let mut damaged = bytes.clone();
        for _ in 0..=next() % 3 {
            let from = 16 + next() as usize % (damaged.len() - 16);
            let to = (from + next() as usize % 60).min(damaged.len());
            match next() % 3 {
                0 => drop(damaged.drain(from..to)),
                1 => damaged[from..to]
                    .iter_mut()
                    .for_each(|byte| *byte = next() as u8),
                _ => {
                    let piece = damaged[from..to].to_vec();
                    damaged.splice(to..to, piece);
                }
            }
        }
        if damaged == bytes {
            continue;
        }
        let reading = read(&damaged).expect("the preamble is intact");
        for part in &reading.parts {
            assert!(parts.contains(part), "{round}: {part:?}");
        }
        assert!(!reading.is_whole(), "{round}");
    }
}

#[test]
fn a_stretch_of_garbage_is_one_loss_and_reading_goes_on_behind_it() {
    let bytes = write(&contents::every_kind());
    let (borders, parts) = (borders(&bytes), read_whole(&bytes));
    let mut next = noise(5);
    // Among it sync words, and heads that claim a little, much and far too much.
    let mut garbage: Vec<u8> = (0..5_000).map(|_| next() as u8).collect();
    for claim in [0_u32, 90, 3_000_000, u32::MAX] {
        let mut head = plain(6, b"");
        head[8..12].copy_from_slice(&claim.to_le_bytes());
        head[16] ^= 1;
        let at = next() as usize % garbage.len();
        garbage.splice(at..at, head);
    }
    for &border in &borders[..borders.len() - 1] {
        let patched = [&bytes[..border], &garbage, &bytes[border..]].concat();
        let reading = read(&patched).expect("a dump");
        assert_eq!(reading.parts, parts);
        assert_eq!(reading.losses.len(), 1, "{:?}", reading.losses);
        let loss = &reading.losses[0];
        assert_eq!(
            (loss.kind, loss.offset, loss.bytes),
            (ReadLossKind::Damaged, border, garbage.len())
        );
    }
}

#[test]
fn megabytes_of_sync_words_cost_no_more_than_a_few_readings_of_the_file() {
    // Every twentieth byte begins a frame that claims to reach over the next megabytes. Checksumming
    // each of them to its end would be terabytes.
    let mut head = plain(6, b"");
    head[8..12].copy_from_slice(&(4_u32 << 20).to_le_bytes());
    let mut bytes = write(&contents::tiny());
    let whole = bytes.len();
    bytes.truncate(borders(&bytes)[3]);
    let kept = bytes.len();
    bytes.extend(head.repeat((12 << 20) / head.len()));
    let reading = read(&bytes).expect("a dump");
    assert_eq!(reading.parts.len(), 3);
    assert_eq!(
        (reading.losses[0].kind, reading.losses[0].offset),
        (ReadLossKind::Damaged, kept)
    );
    assert!(whole > kept);
    assert_eq!(
        reading.losses.last().map(|loss| loss.kind),
        Some(ReadLossKind::Truncated)
    );
}

#[test]
fn bytes_behind_the_end_are_told() {
    let bytes = write(&contents::tiny());
    for behind in [&b"\0"[..], b"more", &bytes] {
        let reading = read(&[&bytes, behind].concat()).expect("a dump");
        assert_eq!(reading.parts, contents::tiny());
        assert_eq!(reading.losses.len(), 1);
        assert_eq!(reading.losses[0].offset, bytes.len());
        assert_eq!(reading.losses[0].bytes, behind.len());
    }
}

#[test]
fn a_frame_that_vanished_without_a_trace_is_missed_by_the_end_frame() {
    let bytes = write(&contents::every_kind());
    let borders = borders(&bytes);
    for pair in borders.windows(2).take(borders.len() - 2) {
        let reading = read(&[&bytes[..pair[0]], &bytes[pair[1]..]].concat()).expect("a dump");
        assert_eq!(reading.parts.len(), borders.len() - 2);
        assert_eq!(reading.losses.len(), 1);
    }
}

#[test]
fn the_end_frame_may_claim_what_it_likes() {
    for (frames, events) in [(u64::MAX, u64::MAX), (0, 0), (1, u64::MAX), (u64::MAX, 0)] {
        let mut bytes = preamble(1, 0);
        bytes.extend(plain(77, b"unknown"));
        bytes.extend(end(frames, events));
        assert!(!read(&bytes).expect("a dump").is_whole());
    }
}

#[test]
fn a_second_header_is_told_and_left_out() {
    let parts = contents::tiny();
    let mut twice = parts.clone();
    twice.insert(2, parts[0].clone());
    let reading = read(&write(&twice)).expect("a dump");
    let kinds: HashSet<_> = reading.losses.iter().map(|loss| loss.kind).collect();
    assert_eq!(kinds, HashSet::from([ReadLossKind::Malformed]));
    assert_eq!(reading.parts[..3], parts[..3]);
}

#[test]
fn without_a_header_the_rest_is_still_there() {
    let mut parts = contents::every_kind();
    parts.remove(0);
    let read = read_whole(&write(&parts));
    assert!(!matches!(read[0], Part::Header(_)));
    assert_eq!(read[..read.len() - 1], parts[..parts.len() - 1]);
}

#[test]
fn what_is_no_dump_says_so() {
    let cases: [(&[u8], OpenError); 5] = [
        (b"", OpenError::Empty),
        (
            b"\x89PNG\r\n\x1a\n and so on and so on",
            OpenError::NotADump,
        ),
        (b"DIAL8\r\n\x1a and so on and so on", OpenError::NotADump),
        (
            b"DIAL9\n\x1a copied as text, which ate a byte",
            OpenError::NotADump,
        ),
        (b"DIAL9\r\n\x1a\x01", OpenError::TooShort { bytes: 9 }),
    ];
    for (bytes, wanted) in cases {
        assert_eq!(read(bytes), Err(wanted));
    }
}

#[test]
fn a_newer_minor_version_is_read_and_a_newer_major_one_refused() {
    let bytes = write(&contents::tiny());
    for minor in [1, u16::MAX] {
        let reading = read(&[&preamble(1, minor), &bytes[16..]].concat()).expect("a dump");
        assert!(reading.is_whole());
        assert_eq!(reading.parts, contents::tiny());
    }
    for major in [2, u16::MAX] {
        let newer = [&preamble(major, 3), &bytes[16..]].concat();
        assert_eq!(read(&newer), Err(OpenError::NewerMajor { major, minor: 3 }));
    }
}
