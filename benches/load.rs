//! How fast a dump becomes a recording: rows per second into columns, and with every index.
//!
//! `cargo bench -p dial9-tui --bench load [-- EVENTS]`. Budgets: 40 M rows/s into columns, 20 M rows/s with every index.
#![allow(clippy::print_stdout, reason = "printing is what a benchmark does")]

use std::{
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    thread,
    time::{Duration, Instant},
};

use dial9_format::{
    Anchor, ChunkBuilder, ChunkInfo, ClockSource, DumpWriter, Event, Header, Level, PollOutcome,
    RuntimeRow, Trigger, Waker, Workers,
};
use dial9_tui::{
    open::{Progress, Stage, open_bytes},
    recording::Recording,
};

const WORKERS: u32 = 4;
const TASKS: u64 = 4_000;
const CHUNK: u64 = 1_500;

fn main() {
    let argument = std::env::args()
        .skip(1)
        .find_map(|argument| argument.parse::<u64>().ok());
    let events = argument.unwrap_or(5_000_000);
    let bytes = dump(events);
    println!(
        "{events} events in {:.1} MB, {:.2} B each",
        bytes.len() as f64 / 1e6,
        bytes.len() as f64 / events as f64
    );
    let mut best = [f64::MAX; 2];
    for _ in 0..5 {
        let (recording, columns, whole) = load(bytes.clone());
        assert_eq!(recording.counts().total, events);
        best = [best[0].min(columns), best[1].min(whole)];
        println!(
            "into batches {:6.1} ms {:6.1} M/s   with every index {:6.1} ms {:6.1} M/s",
            columns * 1e3,
            events as f64 / columns / 1e6,
            whole * 1e3,
            events as f64 / whole / 1e6
        );
    }
    let rate = |seconds: f64| events as f64 / seconds / 1e6;
    println!(
        "best: into columns {:.1} M rows/s, with every index {:.1} M rows/s",
        rate(best[0]),
        rate(best[1])
    );
}

/// The recording, seconds until its rows were in columns, and seconds until it was done.
fn load(bytes: Vec<u8>) -> (Recording, f64, f64) {
    let progress = Arc::new(Progress::default());
    let done = Arc::new(AtomicBool::new(false));
    let begin = Instant::now();
    let watcher = thread::spawn({
        let (progress, done) = (Arc::clone(&progress), Arc::clone(&done));
        move || {
            while !done.load(Ordering::Relaxed) {
                if matches!(progress.stage(), Stage::Indexing | Stage::Done) {
                    return begin.elapsed();
                }
                thread::sleep(Duration::from_micros(200));
            }
            begin.elapsed()
        }
    });
    let recording = open_bytes("bench.dial9", bytes, &progress).expect("the dump opens");
    let whole = begin.elapsed();
    done.store(true, Ordering::Relaxed);
    let columns = watcher.join().expect("the watcher does not panic");
    (recording, columns.as_secs_f64(), whole.as_secs_f64())
}

/// A dump of `events` polls and wakes, half of each, as a busy service has them.
fn dump(events: u64) -> Vec<u8> {
    let mut writer = DumpWriter::new(Vec::new()).expect("a vector takes everything");
    let span = events * 250;
    let header = Header {
        process: "bench".to_owned(),
        pid: 1,
        host: String::new(),
        platform: String::new(),
        recorder: String::new(),
        process_start_wall_ns: 1,
        level: Level::Wakes,
        hooks: true,
        clock: ClockSource::Tsc,
        base_mono_ns: 0,
        anchors: vec![Anchor { at: 0, wall_ns: 1 }],
        trigger: Trigger::Call,
        trigger_value: 0,
        trigger_at: span,
        trigger_detail: String::new(),
        window_start: 0,
        window_end: span,
        others_start: 0,
        arena_bytes: 0,
        history_bytes: 0,
    };
    writer.header(&header).expect("written");
    let runtime = RuntimeRow {
        id: 0,
        name: 0,
        workers: WORKERS,
        current_thread: false,
        attached_at: 0,
        dropped_at: None,
    };
    let workers = Workers {
        runtimes: vec![runtime],
        ..Workers::default()
    };
    writer.workers(&workers).expect("written");
    let mut random = 0x9e37_79b9_7f4a_7c15_u64;
    let mut next = move || {
        random ^= random << 13;
        random ^= random >> 7;
        random ^= random << 17;
        random
    };
    let mut clocks = [0u64; WORKERS as usize];
    let mut seqs = [0u64; WORKERS as usize];
    let mut chunk = ChunkBuilder::new(ChunkInfo::default());
    let mut written = 0;
    while written < events {
        let worker = (0..WORKERS as usize)
            .min_by_key(|worker| clocks[*worker])
            .unwrap_or(0);
        let stream = worker as u32;
        let first_seq = seqs[worker];
        chunk.reset(ChunkInfo {
            stream,
            shared: false,
            runtime: Some(0),
            worker: Some(stream),
            first_seq,
        });
        let count = CHUNK.min(events - written);
        let mut pushed = 0;
        while pushed < count {
            let (task, woken) = (next() % TASKS + 1, next() % TASKS + 1);
            let start = clocks[worker] + 100 + next() % 200;
            let end = start + 300 + next() % 1_000;
            clocks[worker] = end;
            if pushed + 1 < count {
                chunk.push(
                    stream,
                    &Event::Wake {
                        at: start + 150,
                        task: woken,
                        waker: Waker::Task(task),
                    },
                );
                pushed += 1;
            }
            let poll = Event::Poll {
                start,
                end,
                task,
                outcome: PollOutcome::Pending,
            };
            chunk.push(stream, &poll);
            pushed += 1;
        }
        seqs[worker] += count;
        written += count;
        writer.events(&chunk).expect("written");
    }
    writer.finish().expect("written")
}
