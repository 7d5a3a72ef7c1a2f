//! How fast a dump becomes a recording: rows per second into columns, and with every index.
//!
//! `cargo bench -p dial9-tui --bench load [-- EVENTS] [-- dump] [-- trace] [-- tasks] [-- large]`. Budgets: dumps at 40 M
//! rows/s into columns and 20 M rows/s with every index; 28 bytes of memory per event of an upstream trace at the peak.
//! `large` are 80 M events. Beside the rates stands what the look-ups of a frame take.
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
    recording::{
        Band, Batch, Cover, Curve, Format, LaneIx, Outcome, Recording, RecordingBuilder, SeatKey,
        Source, WakerKey, Window,
    },
};

const WORKERS: u32 = 4;
const TASKS: u64 = 4_000;
const CHUNK: u64 = 1_500;

fn main() {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let named = |name: &str| arguments.iter().any(|argument| argument == name);
    let events = arguments.iter().find_map(|argument| argument.parse().ok());
    // Without a choice, everything but the one that takes 3 GB.
    let all = !["dump", "trace", "large", "tasks"]
        .iter()
        .any(|name| named(name));
    if all || named("dump") {
        dumps(events.unwrap_or(5_000_000));
    }
    if all || named("trace") {
        model(
            "25 M events, 4 000 tasks",
            events.unwrap_or(25_000_000),
            4_000,
        );
    }
    if named("large") {
        model("80 M events, 4 000 tasks", 80_000_000, 4_000);
    }
    if all || named("tasks") {
        model("1 M tasks of 8 events", 8_000_000, 1_000_000);
    }
}

/// Dumps of our own recorder, from bytes in memory.
fn dumps(events: u64) {
    let bytes = dump(events);
    println!(
        "dump: {events} events in {:.1} MB, {:.2} B each",
        bytes.len() as f64 / 1e6,
        bytes.len() as f64 / events as f64
    );
    let mut best = [f64::MAX; 2];
    for _ in 0..5 {
        let copy = bytes.clone();
        let meter = Meter::start();
        let (recording, columns, whole) = load(copy);
        let used = meter.stop();
        assert_eq!(recording.counts().total, events);
        best = [best[0].min(columns), best[1].min(whole)];
        println!(
            "  into columns {:6.1} ms {:6.1} M/s   with every index {:6.1} ms {:6.1} M/s   {}",
            columns * 1e3,
            events as f64 / columns / 1e6,
            whole * 1e3,
            events as f64 / whole / 1e6,
            used.per(events)
        );
    }
    let rate = |seconds: f64| events as f64 / seconds / 1e6;
    println!(
        "  best: into columns {:.1} M rows/s, with every index {:.1} M rows/s",
        rate(best[0]),
        rate(best[1])
    );
}

/// What any reader's rows cost once they are decoded: an upstream trace has an event for a poll's start and one for its end.
fn model(name: &str, events: u64, tasks: u64) {
    println!("model: {name}");
    for _ in 0..3 {
        let meter = Meter::start();
        let builder = rows(events, tasks);
        let filled = meter.stop();
        let begin = Instant::now();
        let cpu = cpu_seconds();
        let recording = builder.finish();
        let (wall, cpu) = (begin.elapsed().as_secs_f64(), cpu_seconds() - cpu);
        let done = meter.stop();
        println!(
            "  rows {:5.1} B/event   finish {:6.1} ms ({:6.1} ms CPU) {:5.1} M events/s   {}",
            filled.resident as f64 / events as f64,
            wall * 1e3,
            cpu * 1e3,
            events as f64 / wall / 1e6,
            done.per(events)
        );
        frames(&recording);
    }
}

/// Every look-up of a frame at every zoom, of all lanes and curves.
fn frames(recording: &Recording) {
    let mut slowest = [Duration::ZERO; 3];
    let window = recording.window();
    let busiest = recording
        .tasks()
        .max_by_key(|task| recording.polls_of(*task).len());
    for zoom in 0..30 {
        let length = (window.end >> zoom).max(200);
        let from = window.end / 3 - length / 3;
        let mut took = |which: usize, look: &dyn Fn()| {
            // Others use the machine, too: the best of a few is what it takes.
            let times = (0..7).map(|_| {
                let begin = Instant::now();
                look();
                begin.elapsed()
            });
            slowest[which] = slowest[which].max(times.min().unwrap_or_default());
        };
        took(0, &|| {
            let mut cells = [Cover::default(); 200];
            for lane in (0..recording.lanes().len()).map(LaneIx::new) {
                recording.lane_cover(lane, from, from + length, &mut cells);
                recording.park_cover(lane, from, from + length, &mut cells);
            }
        });
        took(1, &|| {
            let mut cells = [Cover::default(); 200];
            if let Some(task) = busiest {
                recording.task_cover(task, from, from + length, &mut cells);
                recording.ready_cover(task, from, from + length, &mut cells);
            }
        });
        took(2, &|| {
            let mut bands = [Band::default(); 200];
            for curve in [Curve::Runnable, Curve::Alive, Curve::Wakes, Curve::Queue] {
                recording.cover_curve(curve, from, from + length, &mut bands);
            }
        });
    }
    let [lanes, task, curves] = slowest.map(|time| time.as_secs_f64() * 1e3);
    println!(
        "  slowest of 30 zooms: lanes {lanes:.2} ms, one task {task:.2} ms, curves {curves:.2} ms"
    );
}

/// Rows as a reader fills them: 16 threads, each of which hands over batches of some 25 000 events.
fn rows(events: u64, tasks: u64) -> RecordingBuilder {
    const THREADS: usize = 16;
    const BATCH: u64 = 25_000;
    let source = Source {
        format: Format::Dial9Trace,
        paths: Vec::new(),
        bytes: 0,
        sample: false,
    };
    let polls = events / 3;
    let span = i64::try_from(polls / THREADS as u64 * 900).unwrap_or(i64::MAX);
    let window = Window {
        end: span,
        others_start: 0,
        wall_start: None,
    };
    let mut builder = RecordingBuilder::new(source, window);
    let mut random = 0x9e37_79b9_7f4a_7c15_u64;
    let mut next = move || {
        random ^= random << 13;
        random ^= random >> 7;
        random ^= random << 17;
        random
    };
    let mut clocks = [0i64; THREADS];
    let mut written = 0;
    let mut number = 0;
    while written < polls {
        let thread = (0..THREADS)
            .min_by_key(|thread| clocks[*thread])
            .unwrap_or(0);
        let mut batch = Batch::new(number);
        number += 1;
        let worker = thread as u32;
        batch.seat(SeatKey {
            worker: Some((0, worker)),
            thread: worker,
        });
        let count = (BATCH / 3).min(polls - written);
        for _ in 0..count {
            // Tasks come and go: those of one time are neighbours.
            let about = written * tasks / polls;
            let task = |random: u64| (about + random % 4_000.min(tasks)) % tasks + 1;
            let (polled, woken) = (task(next()), task(next()));
            let start = clocks[thread] + 50 + (next() % 150) as i64;
            let end = start + 100 + (next() % 1_300) as i64;
            clocks[thread] = end;
            batch.wake(woken, start + 40, WakerKey::Task(polled));
            batch.poll(polled, start, end, Outcome::Pending);
            written += 1;
        }
        batch.park(clocks[thread], clocks[thread] + 10, false);
        batch.other_events(count);
        batch.sort();
        builder.batch(batch);
    }
    builder
}

/// Memory, as the operating system sees it.
#[derive(Clone, Copy)]
struct Meter {
    before: u64,
}

struct Used {
    peak: u64,
    resident: u64,
}

impl Used {
    fn per(&self, events: u64) -> String {
        format!(
            "peak {:.1} B/event, in the end {:.1}",
            self.peak as f64 / events as f64,
            self.resident as f64 / events as f64
        )
    }
}

impl Meter {
    fn start() -> Self {
        // The peak begins anew; where that is not allowed, it is that of the whole process.
        let _ = std::fs::write("/proc/self/clear_refs", "5");
        Self {
            before: status("VmRSS:"),
        }
    }

    fn stop(&self) -> Used {
        Used {
            peak: status("VmHWM:").saturating_sub(self.before),
            resident: status("VmRSS:").saturating_sub(self.before),
        }
    }
}

fn status(field: &str) -> u64 {
    let status = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
    let line = status.lines().find_map(|line| line.strip_prefix(field));
    let kib = line.and_then(|line| line.trim().strip_suffix(" kB")?.trim().parse::<u64>().ok());
    kib.unwrap_or(0) * 1_024
}

/// CPU time of this process: less of a guess than the clock on the wall when others use the machine.
fn cpu_seconds() -> f64 {
    let stat = std::fs::read_to_string("/proc/self/stat").unwrap_or_default();
    let behind_name = stat.rsplit(')').next().unwrap_or_default();
    let ticks = |field: usize| {
        let value = behind_name.split_whitespace().nth(field);
        value
            .and_then(|value| value.parse::<f64>().ok())
            .unwrap_or(0.0)
    };
    (ticks(11) + ticks(12)) / 100.0
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
