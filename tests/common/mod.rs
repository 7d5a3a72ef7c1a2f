//! Dumps made by hand, for tests that know every event of them.
#![allow(dead_code, reason = "every test uses a part of it")]

use dial9_format::{
    Anchor, ChunkBuilder, ChunkInfo, ClockSource, DumpWriter, Event, Header, Level, Losses,
    PollOutcome, RuntimeRow, Strings, TaskKind, TaskRow, Tasks, ThreadRow, Trigger, Waker, Workers,
};
use dial9_tui::{
    open::{OpenError, Progress, open_bytes},
    recording::{Poll, Recording},
};

/// A chunk: whose it is, its folded mark, its events with their threads.
type Chunk = (ChunkInfo, u64, Vec<(u32, Event)>);

/// The parts of a dump, in the order in which they are written.
#[derive(Clone)]
pub(crate) struct Dump {
    pub(crate) header: Option<Header>,
    pub(crate) strings: Vec<String>,
    pub(crate) tasks: Tasks,
    pub(crate) workers: Workers,
    pub(crate) chunks: Vec<Chunk>,
    pub(crate) losses: Losses,
}

/// The window of [`Dump::new`] begins here, so that relative times are easily told from those of the file.
pub(crate) const START: u64 = 1_000_000;

impl Dump {
    /// A dump of one process with one runtime of two workers on threads 0 and 1, and a window of 1 ms.
    pub(crate) fn new() -> Self {
        let thread = |id| ThreadRow {
            id,
            name: 0,
            tid: 0,
            worker: true,
            exited: false,
        };
        Self {
            header: Some(header()),
            strings: Vec::new(),
            tasks: Tasks::default(),
            workers: Workers {
                runtimes: vec![RuntimeRow {
                    id: 0,
                    name: 0,
                    workers: 2,
                    current_thread: false,
                    attached_at: 0,
                    dropped_at: None,
                }],
                workers: Vec::new(),
                threads: vec![thread(0), thread(1)],
                running: Vec::new(),
            },
            chunks: Vec::new(),
            losses: Losses::default(),
        }
    }

    /// The id of a string.
    pub(crate) fn string(&mut self, text: &str) -> u32 {
        self.strings.push(text.to_owned());
        self.strings.len() as u32
    }

    /// A chunk of worker `worker`, which runs on the thread of the same number.
    pub(crate) fn worker_chunk(
        &mut self,
        worker: u32,
        first_seq: u64,
        folded: u64,
        events: &[Event],
    ) {
        let info = ChunkInfo {
            stream: worker,
            shared: false,
            runtime: Some(0),
            worker: Some(worker),
            first_seq,
        };
        self.chunks.push((
            info,
            folded,
            events.iter().map(|event| (worker, *event)).collect(),
        ));
    }

    /// A chunk that threads share which are no workers.
    pub(crate) fn shared_chunk(&mut self, first_seq: u64, events: &[(u32, Event)]) {
        let info = ChunkInfo {
            stream: 0x8000_0000,
            shared: true,
            runtime: None,
            worker: None,
            first_seq,
        };
        self.chunks.push((info, 0, events.to_vec()));
    }

    /// The file.
    pub(crate) fn bytes(&self) -> Vec<u8> {
        let mut writer = DumpWriter::new(Vec::new()).unwrap();
        if let Some(header) = &self.header {
            writer.header(header).unwrap();
        }
        let strings = Strings {
            first_id: 1,
            lengths: self.strings.iter().map(|text| text.len() as u32).collect(),
            blob: self.strings.concat(),
        };
        writer.strings(&strings).unwrap();
        writer.tasks(&self.tasks).unwrap();
        writer.workers(&self.workers).unwrap();
        for (info, folded, events) in &self.chunks {
            let mut chunk = ChunkBuilder::new(*info);
            for (thread, event) in events {
                chunk.push(*thread, event);
            }
            chunk.set_folded(*folded);
            writer.events(&chunk).unwrap();
        }
        writer.losses(&self.losses).unwrap();
        writer.finish().unwrap()
    }

    /// What the program makes of it.
    pub(crate) fn open(&self) -> Recording {
        open_bytes("test.dial9", self.bytes(), &Progress::default()).unwrap()
    }

    /// The dump in a file of the test's own directory.
    pub(crate) fn file(&self, name: &str) -> std::path::PathBuf {
        file(name, &self.bytes())
    }
}

/// A header whose window begins at [`START`] and is 1 ms long.
pub(crate) fn header() -> Header {
    Header {
        process: "svc".to_owned(),
        pid: 42,
        host: "host".to_owned(),
        platform: "linux x86_64".to_owned(),
        recorder: "0.1.0".to_owned(),
        process_start_wall_ns: 1_795_252_830_000_000_000,
        level: Level::Wakes,
        hooks: true,
        clock: ClockSource::Tsc,
        base_mono_ns: 5_000,
        anchors: vec![Anchor {
            at: START - 500,
            wall_ns: 1_795_252_831_000_000_000,
        }],
        trigger: Trigger::Call,
        trigger_value: 0,
        trigger_at: START + 1_000_000,
        trigger_detail: String::new(),
        window_start: START,
        window_end: START + 1_000_000,
        others_start: START,
        arena_bytes: 1 << 20,
        history_bytes: 1 << 20,
    }
}

/// A row of the history that says nothing yet.
pub(crate) fn row(id: u64) -> TaskRow {
    TaskRow {
        id,
        runtime: 0,
        kind: TaskKind::Async as u8,
        name: 0,
        location: 0,
        parent: None,
        size: 0,
        wakes_recorded: true,
        spawned_at: None,
        terminated_at: None,
        polls: 0,
        busy_ns: 0,
        longest_poll_ns: 0,
        longest_poll_start: 0,
        last_poll_start: 0,
        last_poll_end: 0,
        last_outcome: PollOutcome::Pending as u8,
        wakes: 0,
        self_wakes: 0,
        last_wake_at: None,
        last_waker_kind: 0,
        last_waker: 0,
        unwakeable_at: None,
        waits: 0,
    }
}

/// A poll of `task`; times from the window's start.
pub(crate) fn poll(task: u64, start: u64, end: u64, outcome: PollOutcome) -> Event {
    Event::Poll {
        start: START + start,
        end: START + end,
        task,
        outcome,
    }
}

/// A wake of `task`; the time from the window's start.
pub(crate) fn wake(task: u64, at: u64, waker: Waker) -> Event {
    Event::Wake {
        at: START + at,
        task,
        waker,
    }
}

/// A spawn of `task`; the time from the window's start.
pub(crate) fn spawn(task: u64, at: u64, parent: Option<u64>, location: u32) -> Event {
    Event::Spawn {
        at: START + at,
        task,
        parent,
        location,
        name: 0,
        runtime: 0,
        kind: TaskKind::Async,
        size: 64,
    }
}

/// The end of `task`; the time from the window's start.
pub(crate) fn end(task: u64, at: u64) -> Event {
    Event::Terminate {
        at: START + at,
        task,
    }
}

/// The polls of the task of this id.
pub(crate) fn polls(recording: &Recording, id: u64) -> Vec<Poll> {
    let task = recording.task_by_id(id).expect("a task of this id");
    recording
        .polls_of(task)
        .iter()
        .map(|poll| recording.poll(*poll))
        .collect()
}

/// Opens bytes, whatever comes of it.
pub(crate) fn try_open(bytes: Vec<u8>) -> Result<Recording, OpenError> {
    open_bytes("test.dial9", bytes, &Progress::default())
}

/// Writes a file of the test's own directory. Names are unique over all tests.
pub(crate) fn file(name: &str, bytes: &[u8]) -> std::path::PathBuf {
    let path = std::path::Path::new(env!("CARGO_TARGET_TMPDIR")).join(name);
    std::fs::write(&path, bytes).unwrap();
    path
}
