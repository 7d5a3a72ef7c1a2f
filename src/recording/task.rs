//! What is known of one task: its spawn, its end, its totals, and the past that only the history still holds.

use super::{Ns, RuntimeIx, StrId, TaskIx, ThreadIx, time::known};

/// What kind of future a task is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum TaskKind {
    /// Spawned on a runtime's scheduler.
    Async,
    /// Polled by a `LocalSet`, `block_on` or another executor.
    Local,
}

/// How a task came to its end.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum End {
    /// It is not known how.
    Ended,
    /// Its future returned ready.
    Ready,
    /// It was aborted.
    Cancelled,
    /// Its future panicked.
    Panicked,
    /// It was idle when its runtime, or its join handle's owner, dropped it.
    Dropped,
}

/// One task: identity and spawn facts.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Task {
    /// The runtime's number for it.
    pub id: u64,
    /// Its name, or [`StrId::NONE`].
    pub name: StrId,
    /// Where it was spawned, `file:line:column`, or [`StrId::NONE`] where the spawn was not seen.
    pub location: StrId,
    /// The runtime that runs it, where that is known.
    pub runtime: Option<RuntimeIx>,
    /// What kind of future it is.
    pub kind: TaskKind,
    /// Whether its wakes were recorded: if not, nobody knows when it was runnable.
    pub wakes_recorded: bool,
    /// Size of its future in bytes, where it is known.
    pub size: Option<u32>,
    /// The task whose poll spawned it.
    pub parent: Option<TaskIx>,
    pub(crate) spawned_at: Ns,
    pub(crate) ended_at: Ns,
    pub(crate) end: End,
}

impl Task {
    /// When it was spawned, where that was seen.
    #[must_use]
    pub fn spawned_at(&self) -> Option<Ns> {
        known(self.spawned_at)
    }

    /// When it ended, if it has. The runtime says so just before the last poll's own end.
    #[must_use]
    pub fn ended_at(&self) -> Option<Ns> {
        known(self.ended_at)
    }

    /// How it ended, if it has.
    #[must_use]
    pub fn end(&self) -> Option<End> {
        self.ended_at().map(|_| self.end)
    }
}

/// Sums over some span of a task's life.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Totals {
    /// Polls; an abort is none.
    pub polls: u64,
    /// Their lengths added up.
    pub busy_ns: Ns,
    /// The longest of them.
    pub longest_ns: Ns,
    /// When the longest began; 0 where there was none.
    pub longest_start: Ns,
    /// Wakes.
    pub wakes: u64,
    /// Of them, those from the task's own poll.
    pub self_wakes: u64,
    /// Marked waits begun.
    pub waits: u64,
}

impl Totals {
    pub(crate) fn add_poll(&mut self, start: Ns, length: Ns) {
        self.polls += 1;
        self.busy_ns = self.busy_ns.saturating_add(length);
        self.offer_longest(start, length);
    }

    pub(crate) fn offer_longest(&mut self, start: Ns, length: Ns) {
        if length > self.longest_ns {
            (self.longest_ns, self.longest_start) = (length, start);
        }
    }

    pub(crate) fn add(&mut self, other: &Self) {
        self.polls = self.polls.saturating_add(other.polls);
        self.busy_ns = self.busy_ns.saturating_add(other.busy_ns);
        self.offer_longest(other.longest_start, other.longest_ns);
        self.wakes = self.wakes.saturating_add(other.wakes);
        self.self_wakes = self.self_wakes.saturating_add(other.self_wakes);
        self.waits = self.waits.saturating_add(other.waits);
    }
}

/// Who made a task runnable.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Waker {
    /// A task, from inside one of its polls.
    Task(TaskIx),
    /// A runtime thread outside every poll: the I/O or time driver, a deferred yield, the root future.
    Runtime,
    /// A job of the blocking pool, on this thread.
    Blocking(ThreadIx),
    /// A thread that belongs to no recorded runtime.
    Outside(ThreadIx),
    /// It was not recorded.
    Unknown,
}

/// The latest facts of a task that the recorder had folded into its history: they may be older than any event of
/// the recording.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Folded {
    /// Sums over everything folded.
    pub totals: Totals,
    /// Start, end and outcome of the latest poll folded, if there was one.
    pub last_poll: Option<LastPoll>,
    /// The latest wake folded, if there was one.
    pub last_wake: Option<LastWake>,
    /// When the last waker was dropped, as far as it was folded. It holds only while no later wake or poll is known.
    pub unwakeable_at: Option<Ns>,
}

/// The latest poll of a task, from the history or from the events.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct LastPoll {
    /// When it began.
    pub start: Ns,
    /// When it ended; the end of the recording where it is still running.
    pub end: Ns,
    /// How it ended.
    pub outcome: super::Outcome,
}

/// The latest wake of a task, from the history or from the events.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct LastWake {
    /// When.
    pub at: Ns,
    /// Who issued it.
    pub waker: Waker,
}
