//! Where a recording comes from: files, process, trigger, level, and what is missing from it.

use super::{Ns, StrId, ThreadIx};

/// Which kind of file the recording was read from.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Format {
    /// A dump that our recorder wrote.
    Dial9Dump,
    /// A trace that upstream dial9 wrote.
    Dial9Trace,
    /// A recording that console-subscriber wrote.
    TokioConsole,
}

impl Format {
    /// Its name in reports.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Dial9Dump => "dial9-dump",
            Self::Dial9Trace => "dial9-trace",
            Self::TokioConsole => "tokio-console",
        }
    }
}

/// The files behind a recording.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Source {
    /// Their format.
    pub format: Format,
    /// Their paths, made safe to print; `-` is standard input.
    pub paths: Vec<String>,
    /// Their bytes, together.
    pub bytes: u64,
    /// Whether this is the incident that ships inside the binary: every screen must say SAMPLE.
    pub sample: bool,
}

impl Source {
    /// A title for the header line: the file's name, `N files`, or `SAMPLE`.
    #[must_use]
    pub fn title(&self) -> String {
        match self.paths.as_slice() {
            _ if self.sample => "SAMPLE".to_owned(),
            [path] if path == "-" => "standard input".to_owned(),
            [path] => path.rsplit('/').next().unwrap_or(path).to_owned(),
            paths => format!("{} files", paths.len()),
        }
    }
}

/// How much the recorder was asked to see; see the recorder's `Level`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Level {
    /// Spawns, polls, ends, parks.
    Hooks,
    /// The same, and the wakes of the tasks that were spawned through the recorder.
    Wakes,
    /// The same, and tokio's own waker events.
    Tracing,
    /// The same, and every primitive that tokio instruments.
    Resources,
}

impl Level {
    /// Its name, as the recorder's documentation spells it.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Hooks => "Hooks",
            Self::Wakes => "Wakes",
            Self::Tracing => "Tracing",
            Self::Resources => "Resources",
        }
    }
}

/// The process that was recorded.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Process {
    /// Its program's name.
    pub name: StrId,
    /// Its process id.
    pub pid: u32,
    /// The host that it ran on.
    pub host: StrId,
    /// When it started, in wall clock nanoseconds, where that is known. With name, host and process id it tells two
    /// processes apart.
    pub started: Option<i64>,
    /// Operating system and architecture.
    pub platform: StrId,
    /// The version of the recorder.
    pub recorder: StrId,
    /// The level that was asked for.
    pub level: Level,
    /// Whether the runtime hooks were there; without them only wrapped futures have polls.
    pub hooks: bool,
}

/// What made the recorder write.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Trigger {
    /// The kind of event.
    pub kind: TriggerKind,
    /// When it fired.
    pub at: Ns,
    /// The panic message, the reason of a call; may be [`StrId::NONE`].
    pub detail: StrId,
}

/// Kinds of triggers.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum TriggerKind {
    /// The service asked.
    Call,
    /// A panic, in the task of this number if it was in one.
    Panic(Option<u64>),
    /// The signal of this number.
    Signal(u64),
    /// A poll of this length.
    SlowPoll(Ns),
    /// No poll ended for this long, although work existed.
    Stall(Ns),
    /// A schedule delay of this length.
    ScheduleDelay(Ns),
    /// Recovered from a crash file.
    Recovered,
}

impl TriggerKind {
    /// Its name: `call`, `panic`, `signal 10`, `slow-poll`, `stall`, `schedule-delay`, `recovered`.
    #[must_use]
    pub fn name(self) -> String {
        match self {
            Self::Call => "call".to_owned(),
            Self::Panic(_) => "panic".to_owned(),
            Self::Signal(number) => format!("signal {number}"),
            Self::SlowPoll(_) => "slow-poll".to_owned(),
            Self::Stall(_) => "stall".to_owned(),
            Self::ScheduleDelay(_) => "schedule-delay".to_owned(),
            Self::Recovered => "recovered".to_owned(),
        }
    }
}

/// Which data is missing.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum LossKind {
    /// The file ends before its end mark.
    Truncated,
    /// Bytes whose checksum is wrong, or that belong to no piece of the file.
    Damaged,
    /// A piece of a kind, or of a version, that this program does not know.
    UnknownKind,
    /// A piece whose checksum is right but whose content cannot be understood.
    Malformed,
    /// Events that were in the window but are in no piece of the file.
    MissingEvents,
    /// More than this program loads.
    OverCap,
    /// Time between two dumps of one process that neither covers.
    Gap,
    /// Events overwritten before the recorder could add them to the history.
    Unfolded,
    /// Events dropped because the recorder had no room for them.
    NoChunk,
    /// Events dropped because the recorder was re-entered.
    Reentrant,
    /// Polls nested too deep to be recorded.
    Nested,
    /// Threads that found no slot in the recorder.
    NoThreadSlot,
    /// Tasks given up because the recorder's history was full.
    HistoryFull,
    /// Spawn facts that found no place.
    SpawnFacts,
    /// Strings that found no place.
    Strings,
    /// Waits that found no place.
    Waits,
    /// An error inside the recorder.
    Internal,
}

impl LossKind {
    /// Whether events of the window itself are missing: then a task may have been polled or woken without a trace.
    #[must_use]
    pub fn is_hole(self) -> bool {
        match self {
            Self::Truncated
            | Self::Damaged
            | Self::UnknownKind
            | Self::Malformed
            | Self::MissingEvents
            | Self::OverCap
            | Self::Gap
            | Self::NoChunk
            | Self::Reentrant
            | Self::Nested
            | Self::NoThreadSlot
            | Self::Internal => true,
            // What is older, or facts about what did happen.
            Self::Unfolded | Self::HistoryFull | Self::SpawnFacts | Self::Strings | Self::Waits => {
                false
            }
        }
    }

    /// Its name in reports.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Truncated => "truncated",
            Self::Damaged => "damaged",
            Self::UnknownKind => "unknown-kind",
            Self::Malformed => "malformed",
            Self::MissingEvents => "missing-events",
            Self::OverCap => "over-cap",
            Self::Gap => "gap",
            Self::Unfolded => "unfolded",
            Self::NoChunk => "no-chunk",
            Self::Reentrant => "reentrant",
            Self::Nested => "nested",
            Self::NoThreadSlot => "no-thread-slot",
            Self::HistoryFull => "history-full",
            Self::SpawnFacts => "spawn-facts",
            Self::Strings => "strings",
            Self::Waits => "waits",
            Self::Internal => "internal",
        }
    }
}

/// A named, counted piece of missing data.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Loss {
    /// What is missing.
    pub kind: LossKind,
    /// How much of it, in the unit that `detail` names.
    pub count: u64,
    /// One sentence, safe to print.
    pub detail: String,
    /// The time range that it concerns, where it is known.
    pub range: Option<(Ns, Ns)>,
}

/// Every event that the files hold, by kind; those before the window are counted, too.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct EventCounts {
    /// All events, of whatever kind, the intervals still going on among them.
    pub total: u64,
    /// Spawns.
    pub spawns: u64,
    /// Poll starts, those still running among them.
    pub polls: u64,
    /// Wakes.
    pub wakes: u64,
    /// Ends, those of blocking jobs among them.
    pub terminates: u64,
    /// Of the ends, those that are none: the recording stopped, and took the living tasks with it.
    pub at_shutdown: u64,
    /// Parks begun.
    pub parks: u64,
    /// Parks ended.
    pub unparks: u64,
    /// Aborts: the runtime entered a task only to drop it.
    pub cancellations: u64,
    /// Marked waits begun.
    pub wait_begins: u64,
    /// Marked waits ended.
    pub wait_ends: u64,
    /// Last wakers dropped.
    pub unwakeables: u64,
    /// Custom events.
    pub customs: u64,
    /// Enters, exits and closes of spans.
    pub span_steps: u64,
    /// Samples of what threads were executing.
    pub samples: u64,
    /// Await sites seen.
    pub await_sites: u64,
    /// Allocations sampled; their ends are only part of the total.
    pub allocations: u64,
}

impl EventCounts {
    pub(crate) fn add(&mut self, other: &Self) {
        self.total += other.total;
        self.spawns += other.spawns;
        self.polls += other.polls;
        self.wakes += other.wakes;
        self.terminates += other.terminates;
        self.at_shutdown += other.at_shutdown;
        self.parks += other.parks;
        self.unparks += other.unparks;
        self.cancellations += other.cancellations;
        self.wait_begins += other.wait_begins;
        self.wait_ends += other.wait_ends;
        self.unwakeables += other.unwakeables;
        self.customs += other.customs;
        self.span_steps += other.span_steps;
        self.samples += other.samples;
        self.await_sites += other.await_sites;
        self.allocations += other.allocations;
    }
}

/// For how much of the recording which kind of event was recorded at all: *not recorded* is not *did not happen*.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Coverage {
    /// Tasks whose polls are recorded.
    pub polls: usize,
    /// Tasks whose wakes are recorded.
    pub wakes: usize,
    /// Tasks, all of them.
    pub tasks: usize,
    /// Whether sync primitives were recorded.
    pub resources: bool,
    /// Whether any wait was marked.
    pub marks: bool,
    /// Jobs of the blocking pool, known only from their ends; they are not tasks.
    pub blocking_jobs: u64,
}

/// A thread that the recording names.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Thread {
    /// Its number in the recording.
    pub id: u32,
    /// Its name, or [`StrId::NONE`].
    pub name: StrId,
    /// The operating system's id, where it is known.
    pub tid: Option<u64>,
    /// Whether it has been a worker.
    pub worker: bool,
    /// Whether it had ended by the end of the recording.
    pub exited: bool,
}

impl Thread {
    /// What is in the name's place where one stands for all that a recorder does not tell apart.
    pub const UNKNOWN: &str = "unknown thread";
    /// The same, where all are threads of the blocking pool.
    pub const BLOCKING_POOL: &str = "blocking pool";
}

/// A runtime of the recording.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Runtime {
    /// Its number.
    pub id: u32,
    /// Its name, or [`StrId::NONE`].
    pub name: StrId,
    /// How many workers it has.
    pub workers: u32,
    /// Whether its one worker is a thread inside `block_on`.
    pub current_thread: bool,
    /// When the recorder was attached to it, where that is known.
    pub attached_at: Option<Ns>,
    /// When it was dropped, if it was.
    pub dropped_at: Option<Ns>,
}

/// A lane of the timeline.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Lane {
    /// What it shows.
    pub kind: LaneKind,
    /// Totals over the life of the recorder: the history, and what it does not contain yet.
    pub totals: LaneTotals,
}

/// What a lane shows.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum LaneKind {
    /// A worker of a runtime. After `block_in_place` two threads may be the same worker: its polls may overlap.
    Worker {
        /// The runtime.
        runtime: super::RuntimeIx,
        /// The worker's index in it.
        worker: u32,
    },
    /// A thread that polled tasks without being a worker: `block_on`, a `LocalSet`.
    Thread(ThreadIx),
}

/// What a lane did.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct LaneTotals {
    /// Polls.
    pub polls: u64,
    /// Their lengths added up.
    pub busy_ns: Ns,
    /// Parks.
    pub parks: u64,
    /// Their lengths added up.
    pub parked_ns: Ns,
}
