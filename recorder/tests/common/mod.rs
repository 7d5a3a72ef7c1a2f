//! Reads a dump back with the format crate alone, the way a tool in another language would.

#![allow(
    dead_code,
    unreachable_pub,
    missing_docs,
    reason = "every test binary uses its own part of this"
)]

use std::collections::HashMap;
use std::path::{Path, PathBuf};

use dial9_format::{
    DumpReader, Event, Frame, Header, LossRow, OpenWait, Piece, PollOutcome, Running, TaskRow,
    ThreadRow, Waker, WorkerRow,
};

/// An event with whatever its chunk tells of it.
#[derive(Clone, Debug)]
pub struct Recorded {
    pub stream: u32,
    pub seq: u64,
    pub thread: u32,
    pub worker: Option<(u32, u32)>,
    /// Whether the history contains it already.
    pub folded: bool,
    pub event: Event,
}

/// A dump, read whole.
#[derive(Debug)]
pub struct Dump {
    pub header: Header,
    pub strings: HashMap<u32, String>,
    pub tasks: HashMap<u64, TaskRow>,
    pub open_waits: Vec<OpenWait>,
    pub workers: Vec<WorkerRow>,
    pub threads: Vec<ThreadRow>,
    pub running: Vec<Running>,
    pub losses: Vec<LossRow>,
    pub events: Vec<Recorded>,
}

impl Dump {
    pub fn read(path: &Path) -> Self {
        let bytes = std::fs::read(path).expect("the dump can be read");
        let mut header = None;
        let mut dump = Self {
            header: Header {
                process: String::new(),
                pid: 0,
                host: String::new(),
                platform: String::new(),
                recorder: String::new(),
                process_start_wall_ns: 0,
                level: dial9_format::Level::Hooks,
                hooks: false,
                clock: dial9_format::ClockSource::Monotonic,
                base_mono_ns: 0,
                anchors: Vec::new(),
                trigger: dial9_format::Trigger::Call,
                trigger_value: 0,
                trigger_at: 0,
                trigger_detail: String::new(),
                window_start: 0,
                window_end: 0,
                others_start: 0,
                arena_bytes: 0,
                history_bytes: 0,
            },
            strings: HashMap::new(),
            tasks: HashMap::new(),
            open_waits: Vec::new(),
            workers: Vec::new(),
            threads: Vec::new(),
            running: Vec::new(),
            losses: Vec::new(),
            events: Vec::new(),
        };
        for piece in DumpReader::new(&bytes).expect("a dump") {
            let frame = match piece {
                Piece::Frame(_, frame) => frame,
                Piece::Loss(loss) => panic!("a fresh dump has no loss: {loss:?}"),
            };
            match frame {
                Frame::Header(found) => header = Some(*found),
                Frame::Strings(strings) => dump.strings.extend(
                    strings
                        .iter()
                        .expect("lengths fit")
                        .map(|(id, text)| (id, text.to_owned())),
                ),
                Frame::Tasks(tasks) => {
                    for row in tasks.rows {
                        assert!(dump.tasks.insert(row.id, row).is_none(), "a task twice");
                    }
                    dump.open_waits.extend(tasks.open_waits);
                }
                Frame::Workers(workers) => {
                    dump.workers = workers.workers;
                    dump.threads = workers.threads;
                    dump.running = workers.running;
                }
                Frame::Events(chunk) => {
                    let info = chunk.info();
                    for (index, event) in chunk.events().enumerate() {
                        let (thread, event) = event.expect("a sound chunk");
                        dump.events.push(Recorded {
                            stream: info.stream,
                            seq: info.first_seq + index as u64,
                            thread,
                            worker: info.runtime.zip(info.worker),
                            folded: (index as u64) < chunk.folded(),
                            event,
                        });
                    }
                }
                Frame::Losses(losses) => dump.losses = losses.rows,
                _ => {}
            }
        }
        dump.header = header.expect("a header");
        dump
    }

    /// Panics unless every event stands once, in its thread's order, with nothing lost.
    pub fn assert_sound(&self) {
        assert!(self.losses.is_empty(), "{:?}", self.losses);
        let mut by_stream: HashMap<u32, Vec<&Recorded>> = HashMap::new();
        for event in &self.events {
            by_stream.entry(event.stream).or_default().push(event);
        }
        for events in by_stream.values_mut() {
            events.sort_by_key(|event| event.seq);
            for pair in events.windows(2) {
                assert_eq!(
                    pair[0].seq + 1,
                    pair[1].seq,
                    "one after the other, none twice"
                );
                assert!(pair[0].event.at() <= pair[1].event.at());
            }
        }
    }

    pub fn text(&self, id: u32) -> &str {
        self.strings.get(&id).map_or("", String::as_str)
    }

    pub fn task_named(&self, name: &str) -> &TaskRow {
        let mut found = self
            .tasks
            .values()
            .filter(|row| self.text(row.name) == name);
        let row = found
            .next()
            .unwrap_or_else(|| panic!("no task is called {name}"));
        assert!(found.next().is_none(), "two tasks are called {name}");
        row
    }

    /// A task's events, oldest first.
    pub fn events_of(&self, id: u64) -> Vec<&Recorded> {
        let mut events: Vec<_> = self
            .events
            .iter()
            .filter(|event| task_of(&event.event) == Some(id))
            .collect();
        events.sort_by_key(|event| event.event.at());
        events
    }

    /// Polls of a task: those in the history, those behind the folded marks, and the one in progress:
    /// whoever joins a task hears of its end before its last poll has ended.
    pub fn polls(&self, id: u64) -> u64 {
        let running = self
            .running
            .iter()
            .filter(|running| running.task == Some(id))
            .count() as u64;
        running + self.tasks.get(&id).map_or(0, |row| row.polls) + self.unfolded(id, |event| {
            matches!(event, Event::Poll { outcome, .. } if *outcome != PollOutcome::Cancelled)
        })
    }

    /// Wakes of a task, likewise.
    pub fn wakes(&self, id: u64) -> u64 {
        self.tasks.get(&id).map_or(0, |row| row.wakes)
            + self.unfolded(id, |event| matches!(event, Event::Wake { .. }))
    }

    fn unfolded(&self, id: u64, which: impl Fn(&Event) -> bool) -> u64 {
        let events = self.events_of(id).into_iter();
        events
            .filter(|event| !event.folded && which(&event.event))
            .count() as u64
    }

    /// Polls of a task that the window shows in full, aborts left out.
    pub fn window_polls(&self, id: u64) -> u64 {
        let events = self.events_of(id).into_iter();
        events
            .filter(|event| {
                matches!(event.event, Event::Poll { outcome, .. } if outcome != PollOutcome::Cancelled)
            })
            .count() as u64
    }

    pub fn outcomes(&self, id: u64) -> Vec<PollOutcome> {
        self.events_of(id)
            .into_iter()
            .filter_map(|event| match event.event {
                Event::Poll { outcome, .. } => Some(outcome),
                _ => None,
            })
            .collect()
    }

    pub fn wakers(&self, id: u64) -> Vec<Waker> {
        self.events_of(id)
            .into_iter()
            .filter_map(|event| match event.event {
                Event::Wake { waker, .. } => Some(waker),
                _ => None,
            })
            .collect()
    }

    /// Ends of a task in the window.
    pub fn ends(&self, id: u64) -> usize {
        let events = self.events_of(id).into_iter();
        events
            .filter(|event| matches!(event.event, Event::Terminate { .. }))
            .count()
    }
}

pub fn task_of(event: &Event) -> Option<u64> {
    match *event {
        Event::Poll { task, .. }
        | Event::Wake { task, .. }
        | Event::Spawn { task, .. }
        | Event::Terminate { task, .. }
        | Event::WaitBegin { task, .. }
        | Event::WaitEnd { task, .. }
        | Event::Unwakeable { task, .. } => Some(task),
        Event::Park { .. } => None,
    }
}

/// A directory of the test's own, removed at the end.
pub struct Directory(PathBuf);

impl Directory {
    pub fn new(name: &str) -> Self {
        let path = std::env::temp_dir().join(format!("dial9-test-{name}-{}", std::process::id()));
        let _ = std::fs::remove_dir_all(&path);
        std::fs::create_dir_all(&path).expect("a directory");
        Self(path)
    }

    pub fn path(&self) -> &Path {
        &self.0
    }

    pub fn join(&self, name: &str) -> PathBuf {
        self.0.join(name)
    }

    /// The dumps in it, by name.
    pub fn dumps(&self) -> Vec<PathBuf> {
        let mut paths: Vec<_> = std::fs::read_dir(&self.0)
            .expect("the directory")
            .map(|entry| entry.expect("an entry").path())
            .collect();
        paths.sort();
        paths
    }

    /// Waits until there are dumps, and tells them.
    pub fn wait_for_dumps(&self, count: usize) -> Vec<PathBuf> {
        loop {
            let dumps: Vec<_> = self
                .dumps()
                .into_iter()
                .filter(|path| {
                    path.extension()
                        .is_some_and(|extension| extension == "dial9")
                })
                .collect();
            if dumps.len() >= count {
                return dumps;
            }
            std::thread::sleep(std::time::Duration::from_millis(5));
        }
    }
}

impl Drop for Directory {
    fn drop(&mut self) {
        let _ = std::fs::remove_dir_all(&self.0);
    }
}
