//! Polls, wakes, parks and waits as their readers see them; how they are stored is [`super::columns`]' business.

use super::{LaneIx, Ns, StrId, TaskIx, ThreadIx, Waker};

/// How a poll ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Outcome {
    /// It returned, and nothing tells how: at level `Hooks`.
    Ended,
    /// The future returned pending.
    Pending,
    /// The future returned ready.
    Ready,
    /// The future panicked.
    Panicked,
    /// It had not ended when the recording was made.
    StillRunning,
}

impl Outcome {
    /// One or two words for it.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Ended => "ended",
            Self::Pending => "pending",
            Self::Ready => "ready",
            Self::Panicked => "panicked",
            Self::StillRunning => "still running",
        }
    }

    pub(crate) fn from_raw(raw: u8) -> Self {
        match raw {
            1 => Self::Pending,
            2 => Self::Ready,
            3 => Self::Panicked,
            4 => Self::StillRunning,
            _ => Self::Ended,
        }
    }

    pub(crate) fn raw(self) -> u8 {
        match self {
            Self::Ended => 0,
            Self::Pending => 1,
            Self::Ready => 2,
            Self::Panicked => 3,
            Self::StillRunning => 4,
        }
    }
}

/// One interval in which a thread ran a task.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Poll {
    /// When it began.
    pub start: Ns,
    /// Its length; of one that is still running, its length so far.
    pub duration: Ns,
    /// The task that ran.
    pub task: TaskIx,
    /// The thread that ran it.
    pub thread: ThreadIx,
    /// The worker that ran it, or the thread where it is none.
    pub lane: LaneIx,
    /// How it ended.
    pub outcome: Outcome,
    /// The schedule delay: from the moment at which the task was ready to this poll's start. `None`: its cause is
    /// not known.
    pub delay: Option<Ns>,
    /// The length of its worker's own queue when it began, where that was recorded; 254 stands for 254 or more.
    pub queue: Option<u8>,
}

impl Poll {
    /// When it ended; the end of the recording for one that is still running.
    #[must_use]
    pub fn end(&self) -> Ns {
        self.start.saturating_add(self.duration)
    }

    /// Whether it was going on at `at`, its last instant among them.
    #[must_use]
    pub fn covers(&self, at: Ns) -> bool {
        self.start <= at && (at <= self.end() || self.outcome == Outcome::StillRunning)
    }
}

/// What made a poll happen.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Cause {
    /// The spawn: it was the task's first poll.
    Spawn {
        /// When the task was spawned.
        at: Ns,
    },
    /// The first wake since the task's previous poll started.
    Wake(super::WakeIx),
    /// A wake that only the recorder's history still holds: the latest since the previous poll, so the schedule delay is
    /// at least what it says.
    Folded(super::LastWake),
}

impl Cause {
    /// When it happened.
    #[must_use]
    pub fn at(self, recording: &super::Recording) -> Ns {
        match self {
            Self::Spawn { at } => at,
            Self::Wake(wake) => recording.wake_at(wake),
            Self::Folded(wake) => wake.at,
        }
    }
}

/// The instant at which a waker made a task runnable.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Wake {
    /// When.
    pub at: Ns,
    /// The task that was woken.
    pub task: TaskIx,
    /// Who woke it.
    pub waker: Waker,
    /// The thread that called the waker.
    pub thread: ThreadIx,
    /// Whether the task had been woken already since its latest poll started.
    pub redundant: bool,
}

/// An interval in which a worker was parked.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Park {
    /// When it parked.
    pub start: Ns,
    /// How long; of one that is going on, how long so far.
    pub duration: Ns,
    /// The worker.
    pub lane: LaneIx,
    /// The thread.
    pub thread: ThreadIx,
    /// Whether it had not ended when the recording was made.
    pub open: bool,
}

impl Park {
    /// When it ended; the end of the recording for one that is going on.
    #[must_use]
    pub fn end(&self) -> Ns {
        self.start.saturating_add(self.duration)
    }
}

/// How a wait ended, if it has.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum WaitState {
    /// It goes on.
    Open,
    /// The awaited future returned ready.
    Done,
    /// The awaited future was dropped first.
    Abandoned,
}

/// An interval in which a task was pending on something that the code named by a mark.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Wait {
    /// The task that waits.
    pub task: TaskIx,
    /// The mark's name; [`StrId::NONE`] where only the wait's end was recorded.
    pub name: StrId,
    /// The mark's place in the code, `file:line:column`.
    pub location: StrId,
    /// When it began; `None` where only its end was recorded.
    pub begin: Option<Ns>,
    /// When it ended; `None` while it goes on.
    pub end: Option<Ns>,
    /// How it ended, if it has.
    pub state: WaitState,
}

impl Wait {
    /// Whether it was going on at `at`.
    #[must_use]
    pub fn covers(&self, at: Ns) -> bool {
        self.begin.is_none_or(|begin| begin <= at) && self.end.is_none_or(|end| at < end)
    }
}
