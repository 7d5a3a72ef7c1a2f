//! What an event costs in a dump: bytes before and after packing, and the speed of either way.
//!
//! ```text
//! cargo run --release -p dial9-format --example columns             # made-up traffic
//! cargo run --release -p dial9-format --example columns FILE.dial9  # what a service recorded
//! ```
//!
//! The made-up traffic is hard to pack: how long its polls take is spread evenly over two decades, with
//! nothing repeating. A real service's polls repeat themselves, and pack better.
#![allow(clippy::print_stdout, reason = "an example tells what it measured")]

use std::collections::BTreeMap;
use std::error::Error;
use std::hint::black_box;
use std::time::{Duration, Instant};

use dial9_format::{
    ChunkBuilder, ChunkInfo, DumpReader, DumpWriter, Event, Frame, Piece, PollOutcome, TaskKind,
    Waker,
};

/// Events in one chunk. Small chunks pack worse: their code tables weigh more.
const CHUNK_EVENTS: usize = 32_768;
const MADE_UP_EVENTS: usize = 2_000_000;
/// Repetitions; the fastest counts, since whatever else the machine does only slows one down.
const ROUNDS: usize = 7;

/// Events by stream.
type Streams = BTreeMap<u32, (ChunkInfo, Vec<(u32, Event)>)>;

fn main() -> Result<(), Box<dyn Error>> {
    let files: Vec<String> = std::env::args().skip(1).collect();
    if files.is_empty() {
        return measure("made-up traffic", &made_up());
    }
    for file in files {
        measure(&file, &recorded(&std::fs::read(&file)?)?)?;
    }
    Ok(())
}

/// The events of a dump.
fn recorded(bytes: &[u8]) -> Result<Streams, Box<dyn Error>> {
    let mut streams = Streams::new();
    for piece in DumpReader::new(bytes)? {
        if let Piece::Frame(_, Frame::Events(chunk)) = piece {
            let info = chunk.info();
            let (_, events) = streams.entry(info.stream).or_insert((info, Vec::new()));
            for event in chunk.events() {
                events.push(event?);
            }
        }
    }
    Ok(streams)
}

/// Two workers, a hundred tasks that wake each other, parks between, now and then a task for a moment.
fn made_up() -> Streams {
    let mut state = 1_u64;
    let mut random = move |below: u64| {
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        (state >> 11) % below
    };
    let mut streams = Streams::new();
    for worker in 0..2 {
        let info = ChunkInfo {
            stream: worker,
            shared: false,
            runtime: Some(0),
            worker: Some(worker),
            first_seq: 0,
        };
        let (mut now, mut newest) = (1_000_000_000_u64, 1_000 + u64::from(worker));
        let mut events = Vec::new();
        while events.len() < MADE_UP_EVENTS / 2 {
            let task = 17 + random(100);
            let start = now + 60 + random(40);
            let end = start + 1_000 + random(49_000);
            if random(2) == 0 {
                let at = start + random(end - start);
                let waker = Waker::Task(task);
                events.push(Event::Wake {
                    at,
                    task: 17 + random(100),
                    waker,
                });
            }
            let outcome = PollOutcome::Pending;
            events.push(Event::Poll {
                start,
                end,
                task,
                outcome,
            });
            now = end;
            match random(50) {
                0 => {
                    newest += 2;
                    events.push(Event::Spawn {
                        at: now + 20,
                        task: newest,
                        parent: Some(task),
                        location: 3,
                        name: 0,
                        runtime: 0,
                        kind: TaskKind::Async,
                        size: 512,
                    });
                    let (start, end) = (now + 90, now + 900 + random(400));
                    let outcome = PollOutcome::Ready;
                    events.push(Event::Terminate {
                        at: end - 30,
                        task: newest,
                    });
                    events.push(Event::Poll {
                        start,
                        end,
                        task: newest,
                        outcome,
                    });
                    now = end;
                }
                1..=8 => {
                    let (start, end) = (now + 150 + random(60), now + 2_000 + random(60_000));
                    events.push(Event::Park { start, end });
                    events.push(Event::Wake {
                        at: end + 300 + random(200),
                        task: 17 + random(100),
                        waker: Waker::Runtime,
                    });
                    now = end + 500;
                }
                _ => {}
            }
        }
        let events = events.into_iter().map(|event| (worker, event)).collect();
        streams.insert(worker, (info, events));
    }
    streams
}

fn measure(what: &str, streams: &Streams) -> Result<(), Box<dyn Error>> {
    let events: usize = streams.values().map(|(_, events)| events.len()).sum();
    let mut bytes = Vec::new();
    let writing = fastest(|| {
        bytes = write(streams)?;
        Ok(())
    })?;
    let packing = writing - fastest(|| gather(streams))?.min(writing);
    let reading = fastest(|| decode(&bytes))?;
    let (mut raw, mut stored) = (0, 0);
    for piece in DumpReader::new(&bytes)? {
        if let Piece::Frame(_, Frame::Events(chunk)) = piece {
            raw += chunk.raw_bytes();
            stored += chunk.stored_bytes();
        }
    }
    let each = |bytes: usize| bytes as f64 / events as f64;
    let speed = |time: Duration| events as f64 / 1e6 / time.as_secs_f64();
    println!("{what}: {events} events");
    println!(
        "  bytes per event   {:.2} raw, {:.2} packed, {:.2} of the file",
        each(raw),
        each(stored),
        each(bytes.len())
    );
    println!(
        "  encode            {:.1} M events/s, packing {:.0} % of it",
        speed(writing),
        100.0 * packing.as_secs_f64() / writing.as_secs_f64()
    );
    println!(
        "  decode            {:.1} M events/s, one thread",
        speed(reading)
    );
    Ok(())
}

fn fastest(
    mut work: impl FnMut() -> Result<(), Box<dyn Error>>,
) -> Result<Duration, Box<dyn Error>> {
    let mut fastest = Duration::MAX;
    for _ in 0..ROUNDS {
        let start = Instant::now();
        work()?;
        fastest = fastest.min(start.elapsed());
    }
    Ok(fastest)
}

/// Every chunk in turn, in `builder`.
fn chunks(
    streams: &Streams,
    mut done: impl FnMut(&ChunkBuilder) -> std::io::Result<()>,
) -> std::io::Result<()> {
    let mut builder = ChunkBuilder::default();
    for (info, events) in streams.values() {
        let mut info = *info;
        for part in events.chunks(CHUNK_EVENTS) {
            builder.reset(info);
            for (thread, event) in part {
                builder.push(*thread, event);
            }
            info.first_seq += part.len() as u64;
            done(&builder)?;
        }
    }
    Ok(())
}

fn write(streams: &Streams) -> Result<Vec<u8>, Box<dyn Error>> {
    let mut writer = DumpWriter::new(Vec::new())?;
    chunks(streams, |chunk| writer.events(chunk))?;
    Ok(writer.finish()?)
}

/// Only the columns, without packing and checksums.
fn gather(streams: &Streams) -> Result<(), Box<dyn Error>> {
    chunks(streams, |chunk| {
        black_box(chunk);
        Ok(())
    })?;
    Ok(())
}

fn decode(bytes: &[u8]) -> Result<(), Box<dyn Error>> {
    for piece in DumpReader::new(bytes)? {
        if let Piece::Frame(_, Frame::Events(chunk)) = piece {
            for event in chunk.events() {
                black_box(event?);
            }
        }
    }
    Ok(())
}
