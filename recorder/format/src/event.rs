//! One recorded event, as the recorder hands it to the encoder and the decoder hands it to a reader.

/// The number that stands for "no string": ids in [`crate::Strings`] start at 1.
pub const NO_STRING: u32 = 0;

/// How a poll ended, as far as the recorder could see.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[repr(u8)]
pub enum PollOutcome {
    /// The poll returned; at level `Hooks` nothing tells `Ready` from a cancellation.
    Ended = 0,
    /// The future returned pending.
    Pending = 1,
    /// The future returned ready.
    Ready = 2,
    /// The runtime entered the task only to drop it: an abort. No poll took place.
    Cancelled = 3,
    /// The future panicked.
    Panicked = 4,
}

/// Who made a task runnable.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Waker {
    /// The task of this id, from inside one of its polls.
    Task(u64),
    /// A runtime thread outside every poll: the I/O or time driver, a deferred yield, the root future.
    Runtime,
    /// A job of the blocking pool, on the thread that the event names.
    Blocking,
    /// A thread that belongs to no recorded runtime, the one that the event names.
    Outside,
}

/// What kind of future a task is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[repr(u8)]
pub enum TaskKind {
    /// Spawned on a runtime's scheduler.
    Async = 0,
    /// Polled by a `LocalSet`, `block_on` or another executor that fires no task hooks.
    Local = 1,
    /// A job of the blocking pool; known only from its end.
    Blocking = 2,
}

/// How a wait that was named by a mark came to its end.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[repr(u8)]
pub enum WaitOutcome {
    /// The awaited future returned ready.
    Done = 0,
    /// The awaited future was dropped first.
    Abandoned = 1,
}

/// One event of an event chunk. Times are nanoseconds since [`crate::Header::base_mono_ns`].
///
/// An interval is written when it ends, so a chunk is ordered by [`Event::at`], not by start.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Event {
    /// A thread ran a task from `start` to `end`.
    Poll {
        /// When the poll began.
        start: u64,
        /// When it returned.
        end: u64,
        /// The task that ran.
        task: u64,
        /// How it returned.
        outcome: PollOutcome,
    },
    /// A waker made `task` runnable.
    Wake {
        /// When, just before the runtime's own waker was called.
        at: u64,
        /// The task that was woken.
        task: u64,
        /// Who woke it.
        waker: Waker,
    },
    /// A task was spawned.
    Spawn {
        /// When.
        at: u64,
        /// The new task.
        task: u64,
        /// The task whose poll spawned it, if any.
        parent: Option<u64>,
        /// String id of the spawn location, `file:line:column`.
        location: u32,
        /// String id of the task's name, or [`NO_STRING`].
        name: u32,
        /// The number of the runtime that runs it.
        runtime: u32,
        /// What kind of future it is.
        kind: TaskKind,
        /// Size of the future in bytes; 0 where it is not known.
        size: u32,
    },
    /// A task ended: it was ready, was cancelled, panicked, or its runtime was dropped.
    Terminate {
        /// When.
        at: u64,
        /// The task. One that was never spawned is a blocking job.
        task: u64,
    },
    /// A worker was parked from `start` to `end`.
    Park {
        /// When the worker parked.
        start: u64,
        /// When it was unparked.
        end: u64,
    },
    /// A marked wait first returned pending.
    WaitBegin {
        /// When.
        at: u64,
        /// The task that waits.
        task: u64,
        /// Identity of this wait, unique in a recording.
        wait: u64,
        /// String id of the mark.
        name: u32,
        /// String id of the mark's place in the code, `file:line:column`.
        location: u32,
    },
    /// A marked wait ended.
    WaitEnd {
        /// When.
        at: u64,
        /// The task that waited.
        task: u64,
        /// Identity of the wait, as its [`Event::WaitBegin`] gave it.
        wait: u64,
        /// How it ended.
        outcome: WaitOutcome,
    },
    /// The last clone of the task's own waker was dropped while the task was idle and not woken:
    /// nothing is left that could wake it.
    Unwakeable {
        /// When.
        at: u64,
        /// The task.
        task: u64,
    },
}

impl Event {
    /// The instant at which the event was written: the end of an interval, else its only time.
    #[must_use]
    pub fn at(&self) -> u64 {
        match *self {
            Self::Poll { end, .. } | Self::Park { end, .. } => end,
            Self::Wake { at, .. }
            | Self::Spawn { at, .. }
            | Self::Terminate { at, .. }
            | Self::WaitBegin { at, .. }
            | Self::WaitEnd { at, .. }
            | Self::Unwakeable { at, .. } => at,
        }
    }
}
