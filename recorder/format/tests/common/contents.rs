//! What the golden files hold, value by value. Frozen: a new version of the format gets new files.

use super::{Chunk, Part};
use dial9_format::{
    Anchor, ChunkInfo, ClockSource, Event, Header, Level, LossKind, LossRow, Losses, NO_STRING,
    OpenWait, PollOutcome, Running, RuntimeRow, Strings, TaskKind, TaskRow, Tasks, ThreadRow,
    Trigger, WaitOutcome, Waker, WorkerRow, Workers,
};

/// The smallest file with something in it: what `FORMAT.md` shows byte by byte.
pub fn tiny() -> Vec<Part> {
    vec![
        Part::Header(Box::new(Header {
            process: "demo".to_owned(),
            pid: 300,
            host: "h".to_owned(),
            platform: "linux".to_owned(),
            recorder: "1".to_owned(),
            process_start_wall_ns: 5,
            level: Level::Wakes,
            hooks: true,
            clock: ClockSource::Tsc,
            base_mono_ns: 7,
            anchors: vec![Anchor { at: 0, wall_ns: 9 }],
            trigger: Trigger::Signal,
            trigger_value: 10,
            trigger_at: 2_000,
            trigger_detail: String::new(),
            window_start: 0,
            window_end: 2_000,
            others_start: 0,
            arena_bytes: 1 << 20,
            history_bytes: 1 << 16,
        })),
        strings(1, &["a.rs:1:2", "io"]),
        Part::Events(Chunk {
            info: ChunkInfo {
                stream: 3,
                shared: false,
                runtime: Some(0),
                worker: Some(1),
                first_seq: 40,
            },
            folded: 1,
            events: events(
                3,
                &[
                    spawn(1_000, 17, None, TaskKind::Async),
                    wake(1_010, 17, Waker::Outside),
                    poll(1_300, 1_500, 17, PollOutcome::Pending),
                    poll(1_490, 1_500, 18, PollOutcome::Ready),
                ],
            ),
        }),
        Part::End(dial9_format::End {
            frames: 3,
            events: 4,
        }),
    ]
}

/// Every kind of frame, of event and of detail; private and shared chunks, plain and packed.
pub fn every_kind() -> Vec<Part> {
    let Part::Header(mut header) = tiny().swap_remove(0) else {
        unreachable!("a header comes first");
    };
    header.anchors.push(Anchor {
        at: 1_000_000_000,
        wall_ns: 1_764_000_000_000_000_000,
    });
    header.trigger = Trigger::Panic;
    header.trigger_detail = "src/main.rs:7:5: “no”".to_owned();
    vec![
        Part::Header(header),
        strings(1, &["src/main.rs:10:5", "", "flush", "тест"]),
        strings(5, &["orders"]),
        Part::Tasks(tasks()),
        Part::Events(private()),
        Part::Events(steady()),
        Part::Events(shared()),
        Part::Events(Chunk {
            info: ChunkInfo::default(),
            folded: 0,
            events: Vec::new(),
        }),
        Part::Workers(workers()),
        Part::Losses(Losses {
            rows: vec![
                LossRow {
                    kind: LossKind::Unfolded,
                    count: 12,
                    from: Some(5),
                    to: Some(900),
                },
                LossRow {
                    kind: LossKind::Internal,
                    count: u64::MAX,
                    from: None,
                    to: None,
                },
            ],
        }),
        Part::End(dial9_format::End {
            frames: 10,
            events: 18 + 300 + 4,
        }),
    ]
}

fn strings(first_id: u32, texts: &[&str]) -> Part {
    Part::Strings(Strings {
        first_id,
        lengths: texts.iter().map(|text| text.len() as u32).collect(),
        blob: texts.concat(),
    })
}

fn events(thread: u32, events: &[Event]) -> Vec<(u32, Event)> {
    events.iter().map(|&event| (thread, event)).collect()
}

fn poll(start: u64, end: u64, task: u64, outcome: PollOutcome) -> Event {
    Event::Poll {
        start,
        end,
        task,
        outcome,
    }
}

fn wake(at: u64, task: u64, waker: Waker) -> Event {
    Event::Wake { at, task, waker }
}

fn spawn(at: u64, task: u64, parent: Option<u64>, kind: TaskKind) -> Event {
    Event::Spawn {
        at,
        task,
        parent,
        location: 1,
        name: NO_STRING,
        runtime: 0,
        kind,
        size: 1_000,
    }
}

/// A worker's chunk with every kind of event, times that run backwards, and the largest numbers.
fn private() -> Chunk {
    Chunk {
        info: ChunkInfo {
            stream: 2,
            shared: false,
            runtime: Some(1),
            worker: Some(0),
            first_seq: 1 << 40,
        },
        folded: 7,
        events: events(
            2,
            &[
                Event::Park {
                    start: 100,
                    end: 5_000,
                },
                spawn(5_100, 31, None, TaskKind::Async),
                spawn(5_150, 32, Some(31), TaskKind::Local),
                spawn(5_150, 33, Some(u64::MAX), TaskKind::Blocking),
                wake(5_200, 32, Waker::Task(31)),
                poll(5_050, 5_300, 31, PollOutcome::Pending),
                poll(5_310, 5_311, 32, PollOutcome::Ready),
                Event::Terminate {
                    at: 5_312,
                    task: 32,
                },
                Event::WaitBegin {
                    at: 5_320,
                    task: 31,
                    wait: 900,
                    name: 5,
                    location: 1,
                },
                Event::WaitEnd {
                    at: 5_400,
                    task: 31,
                    wait: 900,
                    outcome: WaitOutcome::Done,
                },
                Event::WaitEnd {
                    at: 5_390,
                    task: 33,
                    wait: 1,
                    outcome: WaitOutcome::Abandoned,
                },
                wake(5_380, 31, Waker::Runtime),
                poll(5_400, 5_400, 31, PollOutcome::Cancelled),
                poll(5_400, 6_000, 33, PollOutcome::Panicked),
                poll(6_001, u64::MAX, 34, PollOutcome::Ended),
                Event::Unwakeable {
                    at: 7_000,
                    task: u64::MAX,
                },
                wake(0, 0, Waker::Blocking),
                Event::Park { start: 0, end: 0 },
            ],
        ),
    }
}

/// A chunk so regular that it is packed.
fn steady() -> Chunk {
    let mut at = 10_000;
    let all = (0..300_u64).map(|number| {
        at += 400 + number % 3;
        let task = 50 + number / 2 % 3;
        if number % 2 == 0 {
            wake(at, task + 1, Waker::Task(task))
        } else {
            poll(at - 390, at, task, PollOutcome::Pending)
        }
    });
    Chunk {
        info: ChunkInfo {
            stream: 2,
            shared: false,
            runtime: Some(1),
            worker: Some(0),
            first_seq: (1 << 40) + 18,
        },
        folded: 0,
        events: all.map(|event| (2, event)).collect(),
    }
}

/// What threads that are no workers wrote.
fn shared() -> Chunk {
    Chunk {
        info: ChunkInfo {
            stream: 0x8000_0001,
            shared: true,
            runtime: None,
            worker: None,
            first_seq: 0,
        },
        folded: 4,
        events: vec![
            (9, wake(4_000, 31, Waker::Outside)),
            (0x4000_0007, wake(4_010, 33, Waker::Blocking)),
            (9, poll(3_000, 4_020, 40, PollOutcome::Ready)),
            (
                u32::MAX,
                Event::Terminate {
                    at: 4_030,
                    task: 40,
                },
            ),
        ],
    }
}

fn tasks() -> Tasks {
    let known = TaskRow {
        id: 31,
        runtime: 1,
        kind: 0,
        name: 3,
        location: 1,
        parent: Some(30),
        size: 1_000,
        wakes_recorded: true,
        spawned_at: Some(5_100),
        terminated_at: None,
        polls: 2,
        busy_ns: 250,
        longest_poll_ns: 250,
        longest_poll_start: 5_050,
        last_poll_start: 5_050,
        last_poll_end: 5_300,
        last_outcome: 1,
        wakes: 6,
        self_wakes: 1,
        last_wake_at: Some(5_380),
        last_waker_kind: 2,
        last_waker: 0,
        unwakeable_at: Some(77),
        waits: 1,
    };
    let unseen = TaskRow {
        id: u64::MAX,
        kind: 2,
        name: 0,
        location: 0,
        parent: None,
        wakes_recorded: false,
        spawned_at: None,
        terminated_at: Some(0),
        last_wake_at: None,
        unwakeable_at: None,
        ..known
    };
    Tasks {
        rows: vec![known, unseen],
        open_waits: vec![OpenWait {
            task: 31,
            wait: 900,
            name: 5,
            location: 1,
            since: 5_320,
        }],
    }
}

fn workers() -> Workers {
    Workers {
        runtimes: vec![RuntimeRow {
            id: 1,
            name: 0,
            workers: 1,
            current_thread: false,
            attached_at: 3,
            dropped_at: Some(8_000),
        }],
        workers: vec![WorkerRow {
            runtime: 1,
            worker: 0,
            polls: 9,
            busy_ns: 1_234,
            parks: 2,
            parked_ns: 4_900,
        }],
        threads: vec![ThreadRow {
            id: 2,
            name: 3,
            tid: 4_711,
            worker: true,
            exited: false,
        }],
        running: vec![
            Running {
                thread: 2,
                runtime: 1,
                worker: 0,
                task: Some(33),
                start: 6_100,
            },
            Running {
                thread: 9,
                runtime: u32::MAX,
                worker: u32::MAX,
                task: None,
                start: 0,
            },
        ],
    }
}
