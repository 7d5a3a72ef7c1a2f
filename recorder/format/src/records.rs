//! The payloads of every frame kind but the event chunk: flat structs, frozen per (kind, version).

use serde::{Deserialize, Serialize};

/// What made the recorder write the dump.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub enum Trigger {
    /// The service asked for it.
    Call,
    /// A panic, in whatever thread; the task that panicked is in [`Header::trigger_value`], or 0.
    Panic,
    /// A signal; its number is in [`Header::trigger_value`].
    Signal,
    /// A poll over the limit; its length in ns is in [`Header::trigger_value`].
    SlowPoll,
    /// Work existed and no poll ended for the limit; its length in ns is in [`Header::trigger_value`].
    Stall,
    /// A schedule delay over the limit; its length in ns is in [`Header::trigger_value`].
    ScheduleDelay,
    /// Recovered from a crash file.
    Recovered,
}

/// How much the recorder was asked to see.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub enum Level {
    /// Runtime hooks: spawns, polls, ends, parks.
    Hooks,
    /// The same, and wakes of the tasks spawned through the recorder.
    Wakes,
    /// The same, and tokio's own waker events.
    Tracing,
    /// The same, and every primitive that tokio instruments.
    Resources,
}

/// Which clock the recorder read.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub enum ClockSource {
    /// The invariant time stamp counter, converted through anchors.
    Tsc,
    /// `CLOCK_MONOTONIC` or the platform's like.
    Monotonic,
}

/// Two clocks read at one moment.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct Anchor {
    /// Nanoseconds since [`Header::base_mono_ns`].
    pub at: u64,
    /// Wall clock, nanoseconds since the Unix epoch.
    pub wall_ns: u64,
}

/// The first frame of a dump: who recorded, where, when, why, and how much it could see.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Header {
    /// Name of the program, from its executable.
    pub process: String,
    /// Process id.
    pub pid: u32,
    /// Host name.
    pub host: String,
    /// Operating system and architecture, such as `linux x86_64`.
    pub platform: String,
    /// Version of the recorder that wrote the file.
    pub recorder: String,
    /// Identity of the recording process: the wall clock in ns at which its recorder was built.
    pub process_start_wall_ns: u64,
    /// The level that was asked for.
    pub level: Level,
    /// Whether the runtime hooks were there (tokio built with `--cfg tokio_unstable` and attached).
    pub hooks: bool,
    /// Which clock was read.
    pub clock: ClockSource,
    /// `CLOCK_MONOTONIC` in ns at which every time of the file is 0.
    pub base_mono_ns: u64,
    /// Clock anchors, ascending; at least one.
    pub anchors: Vec<Anchor>,
    /// Why the dump was written.
    pub trigger: Trigger,
    /// A number that belongs to the trigger, see [`Trigger`].
    pub trigger_value: u64,
    /// When the trigger fired.
    pub trigger_at: u64,
    /// More about the trigger: the panic message and its place, or the reason of a call; may be empty.
    pub trigger_detail: String,
    /// The window's start: from here on every event of every worker is in the file.
    pub window_start: u64,
    /// The window's end: the moment of the snapshot.
    pub window_end: u64,
    /// From here on the events of threads that are no workers are in the file, too.
    pub others_start: u64,
    /// Bytes of the recorder's event arena.
    pub arena_bytes: u64,
    /// Bytes of the recorder's history.
    pub history_bytes: u64,
}

/// A run of interned strings with consecutive ids.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Strings {
    /// Id of the first string; ids start at 1.
    pub first_id: u32,
    /// Length of each string in bytes.
    pub lengths: Vec<u32>,
    /// The strings, one behind the other.
    pub blob: String,
}

/// What the history knows of one task: its spawn facts and all that was folded so far.
///
/// The events of the file that lie behind each chunk's folded mark are *not* in these figures.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct TaskRow {
    /// The task.
    pub id: u64,
    /// The number of the runtime that runs it.
    pub runtime: u32,
    /// See [`crate::TaskKind`].
    pub kind: u8,
    /// String id of the name, or 0.
    pub name: u32,
    /// String id of the spawn location, or 0 where the spawn was not seen.
    pub location: u32,
    /// The task whose poll spawned it.
    pub parent: Option<u64>,
    /// Size of the future in bytes; 0 where it is not known.
    pub size: u32,
    /// Whether the task's wakes are recorded.
    pub wakes_recorded: bool,
    /// When it was spawned, where that was seen.
    pub spawned_at: Option<u64>,
    /// When it ended, if it has.
    pub terminated_at: Option<u64>,
    /// Polls folded.
    pub polls: u64,
    /// Their lengths added up, ns.
    pub busy_ns: u64,
    /// The longest of them, ns.
    pub longest_poll_ns: u64,
    /// When the longest began.
    pub longest_poll_start: u64,
    /// Start of the latest poll folded.
    pub last_poll_start: u64,
    /// End of the latest poll folded.
    pub last_poll_end: u64,
    /// Outcome of the latest poll folded, see [`crate::PollOutcome`].
    pub last_outcome: u8,
    /// Wakes folded.
    pub wakes: u64,
    /// Of them, wakes from the task's own poll.
    pub self_wakes: u64,
    /// Time of the latest wake folded.
    pub last_wake_at: Option<u64>,
    /// Who issued it: 0 unknown, 1 a task, 2 the runtime, 3 a blocking job, 4 an outside thread.
    pub last_waker_kind: u8,
    /// The waking task where `last_waker_kind` is 1; the thread's number where it is 3 or 4.
    pub last_waker: u64,
    /// Time of the latest [`crate::Event::Unwakeable`] folded. It holds only while no later wake
    /// or poll is known.
    pub unwakeable_at: Option<u64>,
    /// Marked waits begun, folded.
    pub waits: u64,
}

/// A marked wait that is open as far as it was folded.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct OpenWait {
    /// The task that waits.
    pub task: u64,
    /// Identity of the wait.
    pub wait: u64,
    /// String id of the mark.
    pub name: u32,
    /// String id of its place in the code.
    pub location: u32,
    /// When it began.
    pub since: u64,
}

/// A part of the history; a file may hold several.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Tasks {
    /// One row per task.
    pub rows: Vec<TaskRow>,
    /// Their open waits.
    pub open_waits: Vec<OpenWait>,
}

/// A runtime that was attached to the recorder.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct RuntimeRow {
    /// Its number, counted from 0 in the order of attaching.
    pub id: u32,
    /// String id of its name, or 0.
    pub name: u32,
    /// Number of its workers.
    pub workers: u32,
    /// Whether it is a `current_thread` runtime.
    pub current_thread: bool,
    /// When it was attached.
    pub attached_at: u64,
    /// When it was dropped, if it was.
    pub dropped_at: Option<u64>,
}

/// Totals of one worker, folded.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct WorkerRow {
    /// Number of the runtime.
    pub runtime: u32,
    /// Index of the worker in it.
    pub worker: u32,
    /// Polls folded.
    pub polls: u64,
    /// Their lengths added up, ns.
    pub busy_ns: u64,
    /// Parks folded.
    pub parks: u64,
    /// Their lengths added up, ns.
    pub parked_ns: u64,
}

/// A thread that wrote events, or that was inside a poll at the end.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ThreadRow {
    /// Its number in the recording.
    pub id: u32,
    /// String id of its name, or 0.
    pub name: u32,
    /// The operating system's thread id; 0 where it is not known.
    pub tid: u64,
    /// Whether it has been a worker of some runtime.
    pub worker: bool,
    /// Whether it had ended by the time of the dump.
    pub exited: bool,
}

/// An interval that was still going on when the dump was made: a poll, or a worker's park.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Running {
    /// The thread.
    pub thread: u32,
    /// Number of the runtime whose worker it was; `u32::MAX` where it was none.
    pub runtime: u32,
    /// Index of the worker; `u32::MAX` where it was none.
    pub worker: u32,
    /// The task being polled; `None` for a park.
    pub task: Option<u64>,
    /// When it began.
    pub start: u64,
}

/// Runtimes, workers and threads.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Workers {
    /// The runtimes.
    pub runtimes: Vec<RuntimeRow>,
    /// Their workers' totals.
    pub workers: Vec<WorkerRow>,
    /// Every thread that the recorder knew.
    pub threads: Vec<ThreadRow>,
    /// What was still going on.
    pub running: Vec<Running>,
}

/// Which data the recorder or the reader lost.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
pub enum LossKind {
    /// Events reclaimed before they were folded into the history.
    Unfolded,
    /// Events dropped because no chunk could be had.
    NoChunk,
    /// Events dropped because the recorder was re-entered.
    Reentrant,
    /// Polls nested too deep, or on a thread with too many recorders.
    Nested,
    /// Threads for which no slot was left; their events are missing.
    NoThreadSlot,
    /// Tasks whose history entry was given up because the history was full.
    HistoryFull,
    /// Spawn facts that found no place.
    SpawnFacts,
    /// Strings that found no place; they appear without text.
    Strings,
    /// Waits for which the history had no room, or whose end may have been lost.
    Waits,
    /// An error inside the recorder.
    Internal,
}

/// A named, counted piece of missing data.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct LossRow {
    /// What was lost.
    pub kind: LossKind,
    /// How much of it, in the unit that the kind names.
    pub count: u64,
    /// Start of the time range that it concerns, where it is known.
    pub from: Option<u64>,
    /// Its end.
    pub to: Option<u64>,
}

/// The losses that the recorder counted.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Losses {
    /// One row per kind with a count above 0.
    pub rows: Vec<LossRow>,
}

/// The last frame: a file without it was cut short.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct End {
    /// Frames before this one.
    pub frames: u64,
    /// Events in them.
    pub events: u64,
}

impl Strings {
    /// The strings with their ids. `None` when the lengths do not fit the blob.
    #[must_use]
    pub fn iter(&self) -> Option<impl Iterator<Item = (u32, &str)>> {
        let mut from = 0_usize;
        let mut pieces = Vec::with_capacity(self.lengths.len());
        for (number, &length) in self.lengths.iter().enumerate() {
            let id = self.first_id.checked_add(u32::try_from(number).ok()?)?;
            let to = from.checked_add(length as usize)?;
            pieces.push((id, self.blob.get(from..to)?));
            from = to;
        }
        Some(pieces.into_iter())
    }
}
