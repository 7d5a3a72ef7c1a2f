//! The chain behind a poll: woken by which poll of which task, that one by which, back to the outside event that began
//! it, with the time spent on each step; and forward, whom the poll woke and whom it delayed.

mod behind;
mod forward;
#[cfg(test)]
mod tests;

pub use behind::Behind;
pub use forward::{Delayed, How, Onwards, Woke, onwards};

use super::blind::{AFTERMATH, Blind, late_after};
use crate::recording::{
    Cause, LastWake, Ns, PollIx, Recording, RuntimeIx, TaskIx, ThreadIx, WaitIx, WakeIx, Waker,
};

/// Steps that are told one by one.
pub const MOST_STEPS: usize = 128;
/// Polls that are followed back in all: two tasks that wake each other may do so for ever.
const MOST_POLLS: usize = 8_192;
/// Polls that are looked at to tell what a chain's tasks were queued behind.
const SCANNED: usize = 1 << 16;

/// The chain behind a poll, from the poll back in time.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Chain {
    /// The poll.
    pub poll: PollIx,
    /// What the time went into, latest first. They tile the time from the chain's beginning to the poll's start,
    /// except for what [`Chain::more`] counts.
    pub steps: Vec<Step>,
    /// Steps that are not told, between the last of `steps` and the origin.
    pub more: usize,
    /// What began it.
    pub origin: Origin,
    /// When it began: the origin's instant, or as far back as it could be followed.
    pub began: Ns,
}

/// One stretch of time on the way.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Step {
    /// When it began.
    pub from: Ns,
    /// When it ended.
    pub to: Ns,
    /// What happened in it.
    pub kind: StepKind,
}

/// What the time of a step went into.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum StepKind {
    /// A task was ready and waited for its poll: the schedule delay.
    Runnable {
        /// The poll that it waited for.
        poll: PollIx,
        /// What it was queued behind.
        behind: Behind,
        /// Whether only the history remembers the wake: it may have been ready for longer.
        at_least: bool,
    },
    /// A task was woken while its previous poll was still going on.
    OwnPoll {
        /// The poll that goes on; `None` where only the history remembers it.
        poll: Option<PollIx>,
        /// The poll that this leads to.
        next: PollIx,
    },
    /// A task was being polled and had not yet woken, or spawned, the next one.
    Inside {
        /// The poll from inside which the next task was woken or spawned.
        poll: PollIx,
        /// What it did in the end.
        by: Act,
        /// The task that it woke or spawned.
        woken: TaskIx,
    },
}

/// How one task made another one runnable.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Act {
    /// By this wake.
    Wake(WakeIx),
    /// By spawning it at this time.
    Spawn(Ns),
}

impl Step {
    /// Its length.
    #[must_use]
    pub fn length(&self) -> Ns {
        self.to.saturating_sub(self.from)
    }
}

/// What began a chain.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Origin {
    /// The runtime: a socket, a timer, a deferred yield, its root future.
    Runtime {
        /// Its wake.
        wake: WakeIx,
        /// What the woken task waited for then, as far as marks say.
        waits: Vec<WaitIx>,
        /// The blind interval right before it, where there was one.
        blind: Option<Before>,
    },
    /// A thread that belongs to no runtime.
    Outside {
        /// Its wake.
        wake: WakeIx,
        /// The thread.
        thread: ThreadIx,
    },
    /// A job of the blocking pool.
    Blocking {
        /// Its wake.
        wake: WakeIx,
        /// The thread that it ran on.
        thread: ThreadIx,
    },
    /// A task, but the poll in which it did so was not recorded.
    Task {
        /// Its wake.
        wake: WakeIx,
        /// The task.
        waker: TaskIx,
    },
    /// Somebody whom the recording does not name.
    Unknown {
        /// The wake.
        wake: WakeIx,
    },
    /// The spawn of a task by no task, or inside a poll that was not recorded.
    Spawn {
        /// The task that was spawned.
        task: TaskIx,
        /// When.
        at: Ns,
        /// The task that did it, where there is one.
        parent: Option<TaskIx>,
    },
    /// A wake that only the recorder's history still holds.
    Folded(LastWake),
    /// What made the task runnable was not recorded.
    NotRecorded,
    /// The chain is longer than anybody follows.
    TooLong,
}

/// A blind interval right before a wake by the runtime: the wake may have come late.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Before {
    /// The interval, and who was polling in it.
    pub blind: Blind,
    /// By how much the wake came late at most. It is no schedule delay, and part of no sum.
    pub at_most: Ns,
}

impl Chain {
    /// The time from the chain's beginning to the poll's start, without what a blind interval may add to it.
    #[must_use]
    pub fn total(&self, recording: &Recording) -> Ns {
        recording.poll_start(self.poll).saturating_sub(self.began)
    }

    /// The blind interval right before the wake that began it.
    #[must_use]
    pub fn blind(&self) -> Option<&Before> {
        match &self.origin {
            Origin::Runtime { blind, .. } => blind.as_ref(),
            _ => None,
        }
    }

    /// Whether all of its time is told: nothing is left out, and its beginning is known.
    #[must_use]
    pub fn is_whole(&self) -> bool {
        self.more == 0 && self.origin != Origin::TooLong
    }
}

/// The chain behind `poll`. `blind` are the blind intervals of the recording, ascending by start, as
/// [`super::blind_intervals`] gives them.
#[must_use]
pub fn chain(recording: &Recording, blind: &[Blind], poll: PollIx) -> Chain {
    let mut walk = Walk {
        recording,
        steps: Vec::new(),
        more: 0,
        began: recording.poll_start(poll),
        budget: SCANNED,
    };
    let mut current = poll;
    for _ in 0..MOST_POLLS {
        match walk.back_from(current, blind) {
            // Polls ascend by start, so the way back is one through falling numbers, and ends. What in one instant
            // leads to a later row leads nowhere.
            Ok(before) if before < current => current = before,
            Ok(_) => return walk.ended(poll, Origin::NotRecorded),
            Err(origin) => return walk.ended(poll, origin),
        }
    }
    walk.ended(poll, Origin::TooLong)
}

/// A walk back in time.
struct Walk<'a> {
    recording: &'a Recording,
    steps: Vec<Step>,
    more: usize,
    /// How far back it has come.
    began: Ns,
    budget: usize,
}

impl Walk<'_> {
    fn ended(self, poll: PollIx, origin: Origin) -> Chain {
        Chain {
            poll,
            steps: self.steps,
            more: self.more,
            origin,
            began: self.began,
        }
    }

    /// Tells what led to `poll`, and the poll in which that was done; or what began it all.
    fn back_from(&mut self, poll: PollIx, blind: &[Blind]) -> Result<PollIx, Origin> {
        let recording = self.recording;
        let row = recording.poll(poll);
        let (Some(delay), Some(cause)) = (row.delay, recording.cause(poll)) else {
            return Err(Origin::NotRecorded);
        };
        let at = cause.at(recording);
        let ready = row.start.saturating_sub(delay).max(at);
        let queue = match cause {
            Cause::Wake(wake) => recording.wake_lane(wake),
            Cause::Spawn { .. } | Cause::Folded(_) => None,
        };
        let behind = if self.steps.len() < MOST_STEPS {
            behind::behind(recording, poll, queue, ready, &mut self.budget)
        } else {
            Behind::default()
        };
        let at_least = matches!(cause, Cause::Folded(_));
        self.step(
            ready,
            row.start,
            StepKind::Runnable {
                poll,
                behind,
                at_least,
            },
        );
        if at < ready {
            let previous = recording.polls_of(row.task);
            let place = previous.partition_point(|other| *other < poll);
            let own = StepKind::OwnPoll {
                poll: place.checked_sub(1).map(|index| previous[index]),
                next: poll,
            };
            self.step(at, ready, own);
        }
        let (before, by) = match cause {
            Cause::Wake(wake) => (
                recording
                    .waker_poll(wake)
                    .ok_or_else(|| origin_of(recording, blind, wake))?,
                Act::Wake(wake),
            ),
            Cause::Spawn { at } => (spawning_poll(recording, row.task, at)?, Act::Spawn(at)),
            Cause::Folded(wake) => return Err(Origin::Folded(wake)),
        };
        if before < poll {
            let inside = StepKind::Inside {
                poll: before,
                by,
                woken: row.task,
            };
            self.step(recording.poll_start(before), at, inside);
        }
        Ok(before)
    }

    fn step(&mut self, from: Ns, to: Ns, kind: StepKind) {
        self.began = from;
        if self.steps.len() < MOST_STEPS {
            self.steps.push(Step { from, to, kind });
        } else {
            self.more += 1;
        }
    }
}

/// The poll from inside which `task` was spawned, or what there is to say where there is none.
fn spawning_poll(recording: &Recording, task: TaskIx, at: Ns) -> Result<PollIx, Origin> {
    let parent = recording.task(task).parent;
    let poll = parent
        .and_then(|parent| recording.last_poll_before(parent, at))
        .filter(|poll| at <= recording.poll(*poll).end());
    poll.ok_or(Origin::Spawn { task, at, parent })
}

fn origin_of(recording: &Recording, blind: &[Blind], wake: WakeIx) -> Origin {
    let row = recording.wake(wake);
    match row.waker {
        Waker::Task(waker) => Origin::Task { wake, waker },
        Waker::Runtime => Origin::Runtime {
            wake,
            // What it waited for has not been told of its end yet.
            waits: recording.open_waits(row.task, row.at),
            blind: blind_before(recording, blind, wake),
        },
        Waker::Blocking(thread) => Origin::Blocking { wake, thread },
        Waker::Outside(thread) => Origin::Outside { wake, thread },
        Waker::Unknown => Origin::Unknown { wake },
    }
}

/// The blind interval that a wake by the runtime came right after; `None` where it came in its time.
#[must_use]
pub fn blind_before(recording: &Recording, blind: &[Blind], wake: WakeIx) -> Option<Before> {
    let runtime: RuntimeIx = recording
        .wake_lane(wake)
        .and_then(|lane| recording.runtime_of(lane))?;
    let at = recording.wake_at(wake);
    let until = blind.partition_point(|blind| blind.start <= at);
    // Those of one runtime do not overlap: the last to begin is the last to end.
    let latest = blind[..until]
        .iter()
        .rev()
        .find(|blind| blind.runtime == runtime)
        .filter(|blind| (blind.end..=blind.end.saturating_add(AFTERMATH)).contains(&at))?;
    let late = late_after(recording, latest)
        .into_iter()
        .find(|late| late.wake == wake)?;
    Some(Before {
        blind: latest.clone(),
        at_most: late.at_most,
    })
}
