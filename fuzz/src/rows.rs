//! Dumps after a recipe: their frames are sound, and the events and the history in them say anything at all.

use std::{iter::Copied, slice::Iter};

use dial9_format::{
    Anchor, ChunkBuilder, ChunkInfo, ClockSource, DumpWriter, Event, Header, Level, OpenWait,
    PollOutcome, Running, RuntimeRow, Strings, TaskKind, TaskRow, Tasks, ThreadRow, Trigger,
    WaitOutcome, Waker, WorkerRow, Workers,
};

use crate::trace::number;

/// What the strings of every such dump say.
const TEXTS: [&str; 4] = ["main", "src/a.rs:1:2", "\u{1b}[31m", ""];

/// The dump that `recipe` tells. Its first bytes are the header's times; then each step takes one byte for what comes
/// next (an event of any kind, a row of the history, another chunk) and one for every number in it, or nine where the
/// first is 255.
#[must_use]
pub fn dump_of_rows(recipe: &[u8]) -> Vec<u8> {
    let mut recipe = Recipe(recipe.iter().copied());
    let header = header(&mut recipe);
    let mut rows = Rows::default();
    let mut chunks = vec![chunk(&mut recipe)];
    while let Some(what) = recipe.byte() {
        match what & 0x0f {
            0 => chunks.push(chunk(&mut recipe)),
            1 => rows.tasks.rows.push(task(&mut recipe)),
            2 => rows.tasks.open_waits.push(OpenWait {
                task: recipe.number(),
                wait: recipe.number(),
                name: recipe.small(),
                location: recipe.small(),
                since: recipe.number(),
            }),
            3 => rows.workers.running.push(Running {
                thread: recipe.small(),
                runtime: recipe.small(),
                worker: recipe.small(),
                task: recipe.maybe(),
                start: recipe.number(),
            }),
            4 => rows.owner(what, &mut recipe),
            _ => {
                let thread = recipe.small();
                let event = event(what, &mut recipe);
                if let Some(chunk) = chunks.last_mut() {
                    chunk.push(thread, &event);
                    if what & 0x80 != 0 {
                        chunk.set_folded(chunk.len() as u64);
                    }
                }
            }
        }
    }
    write(&header, &rows, &chunks).expect("memory takes everything")
}

fn write(header: &Header, rows: &Rows, chunks: &[ChunkBuilder]) -> std::io::Result<Vec<u8>> {
    let mut writer = DumpWriter::new(Vec::new())?;
    writer.header(header)?;
    writer.strings(&Strings {
        first_id: 1,
        lengths: TEXTS.iter().map(|text| text.len() as u32).collect(),
        blob: TEXTS.concat(),
    })?;
    writer.tasks(&rows.tasks)?;
    writer.workers(&rows.workers)?;
    for chunk in chunks {
        writer.events(chunk)?;
    }
    writer.finish()
}

#[derive(Default)]
struct Rows {
    tasks: Tasks,
    workers: Workers,
}

impl Rows {
    /// A runtime, the totals of a worker, or a thread.
    fn owner(&mut self, what: u8, recipe: &mut Recipe<'_>) {
        match what >> 4 & 3 {
            0 => self.workers.runtimes.push(RuntimeRow {
                id: recipe.small(),
                name: recipe.small(),
                workers: recipe.small(),
                current_thread: what & 0x80 != 0,
                attached_at: recipe.number(),
                dropped_at: recipe.maybe(),
            }),
            1 => self.workers.workers.push(WorkerRow {
                runtime: recipe.small(),
                worker: recipe.small(),
                polls: recipe.number(),
                busy_ns: recipe.number(),
                parks: recipe.number(),
                parked_ns: recipe.number(),
            }),
            _ => self.workers.threads.push(ThreadRow {
                id: recipe.small(),
                name: recipe.small(),
                tid: recipe.number(),
                worker: what & 0x80 != 0,
                exited: what & 0x40 != 0,
            }),
        }
    }
}

fn header(recipe: &mut Recipe<'_>) -> Header {
    let what = recipe.byte().unwrap_or(0);
    Header {
        process: "fuzz".to_owned(),
        pid: 1,
        host: String::new(),
        platform: String::new(),
        recorder: String::new(),
        process_start_wall_ns: recipe.number(),
        level: if what & 1 == 0 {
            Level::Wakes
        } else {
            Level::Hooks
        },
        hooks: what & 2 == 0,
        clock: ClockSource::Monotonic,
        base_mono_ns: recipe.number(),
        anchors: vec![Anchor {
            at: recipe.number(),
            wall_ns: recipe.number(),
        }],
        trigger: Trigger::Panic,
        trigger_value: recipe.number(),
        trigger_at: recipe.number(),
        trigger_detail: "\u{7}".to_owned(),
        window_start: recipe.number(),
        window_end: recipe.number(),
        others_start: recipe.number(),
        arena_bytes: 0,
        history_bytes: 0,
    }
}

fn chunk(recipe: &mut Recipe<'_>) -> ChunkBuilder {
    let what = recipe.byte().unwrap_or(0);
    ChunkBuilder::new(ChunkInfo {
        stream: recipe.small(),
        shared: what & 1 == 1,
        runtime: (what & 2 == 0).then_some(u32::from(what >> 6)),
        worker: (what & 4 == 0).then_some(u32::from(what >> 4 & 3)),
        // Where the next one would overflow, no chunk can be.
        first_seq: recipe.number() & (u64::MAX >> 1),
    })
}

fn event(what: u8, recipe: &mut Recipe<'_>) -> Event {
    let (at, task) = (recipe.number(), recipe.number());
    match what & 0x0f {
        5 => Event::Spawn {
            at,
            task,
            parent: recipe.maybe(),
            location: recipe.small(),
            name: recipe.small(),
            runtime: recipe.small(),
            kind: [TaskKind::Async, TaskKind::Local, TaskKind::Blocking]
                [usize::from(what >> 4) % 3],
            size: recipe.small(),
        },
        6 => Event::Terminate { at, task },
        7 => Event::WaitBegin {
            at,
            task,
            wait: recipe.number(),
            name: recipe.small(),
            location: recipe.small(),
        },
        8 => Event::WaitEnd {
            at,
            task,
            wait: recipe.number(),
            outcome: [WaitOutcome::Done, WaitOutcome::Abandoned][usize::from(what >> 4 & 1)],
        },
        9 => Event::Unwakeable { at, task },
        10 => Event::Park {
            start: at,
            end: at.saturating_add(recipe.number()),
        },
        11 | 12 => Event::Wake {
            at,
            task,
            waker: match what >> 4 & 3 {
                0 => Waker::Task(recipe.number()),
                1 => Waker::Runtime,
                2 => Waker::Blocking,
                _ => Waker::Outside,
            },
        },
        _ => Event::Poll {
            start: at,
            end: at.saturating_add(recipe.number()),
            task,
            outcome: [
                PollOutcome::Pending,
                PollOutcome::Ready,
                PollOutcome::Cancelled,
                PollOutcome::Panicked,
                PollOutcome::Ended,
            ][usize::from(what >> 4 & 7) % 5],
        },
    }
}

fn task(recipe: &mut Recipe<'_>) -> TaskRow {
    TaskRow {
        id: recipe.number(),
        runtime: recipe.small(),
        kind: recipe.byte().unwrap_or(0),
        name: recipe.small(),
        location: recipe.small(),
        parent: recipe.maybe(),
        size: recipe.small(),
        wakes_recorded: recipe.byte().is_some_and(|byte| byte & 1 == 1),
        spawned_at: recipe.maybe(),
        terminated_at: recipe.maybe(),
        polls: recipe.number(),
        busy_ns: recipe.number(),
        longest_poll_ns: recipe.number(),
        longest_poll_start: recipe.number(),
        last_poll_start: recipe.number(),
        last_poll_end: recipe.number(),
        last_outcome: recipe.byte().unwrap_or(0),
        wakes: recipe.number(),
        self_wakes: recipe.number(),
        last_wake_at: recipe.maybe(),
        last_waker_kind: recipe.byte().unwrap_or(0),
        last_waker: recipe.number(),
        unwakeable_at: recipe.maybe(),
        waits: recipe.number(),
    }
}

/// What is left of a recipe.
struct Recipe<'a>(Copied<Iter<'a, u8>>);

impl Recipe<'_> {
    fn byte(&mut self) -> Option<u8> {
        self.0.next()
    }

    fn number(&mut self) -> u64 {
        number(&mut self.0)
    }

    fn small(&mut self) -> u32 {
        self.number() as u32
    }

    /// A number, unless it is even and small.
    fn maybe(&mut self) -> Option<u64> {
        let number = self.number();
        (number % 2 == 1 || number > 255).then_some(number)
    }
}
