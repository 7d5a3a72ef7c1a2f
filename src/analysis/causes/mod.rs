//! The chain behind a poll: woken by which poll of which task, that one by which, back to the outside event that began
//! it, with the time spent on each step; and forward, whom the poll woke and whom it delayed.

mod behind;
mod forward;
#[cfg(test)]
mod tests;

pub use behind::Behind;
pub use forward::{Delayed, How, Onwards, Woke, onwards};

use super::{
    State,
    blind::{AFTERMATH, Blind, late_after},
    state_at,
};
use crate::recording::{
    Cause, LastWake, Ns, PollIx, Recording, RuntimeIx, TaskIx, ThreadIx, WaitIx, WakeIx, Waker,
};

/// Steps that are told one by one.
pub const MOST_STEPS: usize = 128;
/// Polls that are followed back in all: two tasks that wake each other may do so for ever.
const MOST_POLLS: usize = 8_192;
/// Polls that are looked at to tell what a chain's tasks were queued behind.
const SCANNED: usize = 1 << 16;

/// The chain behind a poll, from the poll back in time; or behind a task that was ready and never polled.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Chain {
    /// The task.
    pub task: TaskIx,
    /// The poll; `None` for a task that is ready and was not polled any more.
    pub poll: Option<PollIx>,
    /// Up to when it is told: the poll's start, or the end of the recording.
    pub until: Ns,
    /// What the time went into, latest first. They tile the time from the chain's beginning to `until`, except for what
    /// [`Chain::more`] counts.
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
        /// The task.
        task: TaskIx,
        /// The poll that it waited for; `None` where that never came.
        poll: Option<PollIx>,
        /// What it was queued behind.
        behind: Behind,
        /// Whether only the history remembers the wake: it may have been ready for longer.
        at_least: bool,
    },
    /// A task was woken while its previous poll was still going on.
    OwnPoll {
        /// The poll that goes on; `None` where only the history remembers it.
        poll: Option<PollIx>,
        /// The task.
        task: TaskIx,
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
    /// The time from the chain's beginning to its end, without what a blind interval may add to it.
    #[must_use]
    pub fn total(&self) -> Ns {
        self.until.saturating_sub(self.began)
    }

    /// When the last thing happened that made the task itself run: its wake or its spawn. The rest of the chain is how
    /// that came about.
    #[must_use]
    pub fn last_cause(&self) -> Ns {
        let own = |step: &&Step| !matches!(step.kind, StepKind::Inside { .. });
        let own = self.steps.iter().take_while(own);
        own.last().map_or(self.until, |step| step.from)
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
    let row = recording.poll(poll);
    let goal = Goal {
        task: row.task,
        poll: Some(poll),
        until: row.start,
    };
    let Some((delay, cause)) = row.delay.zip(recording.cause(poll)) else {
        return Walk::new(recording, goal).ended(Origin::NotRecorded);
    };
    let ready = row.start.saturating_sub(delay);
    Walk::new(recording, goal).back(ready, cause, blind)
}

/// The chain behind a task that was ready, and not polled any more, at the end of the recording; `None` where it was not.
#[must_use]
pub fn never_polled(recording: &Recording, blind: &[Blind], task: TaskIx) -> Option<Chain> {
    let end = recording.window().end;
    let State::Runnable { since } = state_at(recording, task, end) else {
        return None;
    };
    let last = recording.polls_of(task).last();
    let last = last.map_or(Ns::MIN, |poll| recording.poll_start(*poll));
    let wakes = recording.wakes_of(task);
    let first = wakes.partition_point(|wake| recording.wake_at(*wake) <= last);
    let before_rows = (last == Ns::MIN)
        .then(|| recording.cause_before_rows(task))
        .flatten();
    let cause = before_rows.or(wakes.get(first).map(|wake| Cause::Wake(*wake)))?;
    let goal = Goal {
        task,
        poll: None,
        until: end,
    };
    Some(Walk::new(recording, goal).back(since, cause, blind))
}

/// Whose chain it is: a poll, or a task that waited for one in vain.
#[derive(Clone, Copy)]
struct Goal {
    task: TaskIx,
    poll: Option<PollIx>,
    until: Ns,
}

/// A walk back in time.
struct Walk<'a> {
    recording: &'a Recording,
    goal: Goal,
    steps: Vec<Step>,
    more: usize,
    /// How far back it has come.
    began: Ns,
    budget: usize,
}

impl<'a> Walk<'a> {
    fn new(recording: &'a Recording, goal: Goal) -> Self {
        Self {
            recording,
            goal,
            steps: Vec::new(),
            more: 0,
            began: goal.until,
            budget: SCANNED,
        }
    }

    fn ended(self, origin: Origin) -> Chain {
        Chain {
            task: self.goal.task,
            poll: self.goal.poll,
            until: self.goal.until,
            steps: self.steps,
            more: self.more,
            origin,
            began: self.began,
        }
    }

    /// Follows what made the goal's task ready at `ready`, from poll to poll.
    fn back(mut self, ready: Ns, cause: Cause, blind: &[Blind]) -> Chain {
        let mut goal = self.goal;
        let (mut ready, mut cause) = (ready, cause);
        for _ in 0..MOST_POLLS {
            let before = match self.told(goal, ready, cause, blind) {
                Ok(before) => before,
                Err(origin) => return self.ended(origin),
            };
            // Polls ascend by start, so the way back is one through falling numbers, and ends. What in one instant
            // leads to a later row leads nowhere.
            if goal.poll.is_some_and(|poll| before >= poll) {
                return self.ended(Origin::NotRecorded);
            }
            let at = cause.at(self.recording);
            let row = self.recording.poll(before);
            let (by, woken) = match cause {
                Cause::Wake(wake) => (Act::Wake(wake), goal.task),
                _ => (Act::Spawn(at), goal.task),
            };
            let inside = StepKind::Inside {
                poll: before,
                by,
                woken,
            };
            self.step(row.start, at, inside);
            let Some((delay, next)) = row.delay.zip(self.recording.cause(before)) else {
                return self.ended(Origin::NotRecorded);
            };
            goal = Goal {
                task: row.task,
                poll: Some(before),
                until: row.start,
            };
            (ready, cause) = (row.start.saturating_sub(delay), next);
        }
        self.ended(Origin::TooLong)
    }

    /// Tells how long the goal's task was ready, and finds the poll in which it was made so; or what began it all.
    fn told(
        &mut self,
        goal: Goal,
        ready: Ns,
        cause: Cause,
        blind: &[Blind],
    ) -> Result<PollIx, Origin> {
        let recording = self.recording;
        let at = cause.at(recording);
        let ready = ready.max(at);
        let queue = match cause {
            Cause::Wake(wake) => recording.wake_lane(wake),
            Cause::Spawn { .. } | Cause::Folded(_) => None,
        };
        let behind = if self.steps.len() < MOST_STEPS {
            let wait = behind::Wait {
                task: goal.task,
                poll: goal.poll,
                queue,
                ready,
                until: goal.until,
            };
            behind::behind(recording, &wait, &mut self.budget)
        } else {
            Behind::default()
        };
        let runnable = StepKind::Runnable {
            task: goal.task,
            poll: goal.poll,
            behind,
            at_least: matches!(cause, Cause::Folded(_)),
        };
        self.step(ready, goal.until, runnable);
        if at < ready {
            let polls = recording.polls_of(goal.task);
            let place = match goal.poll {
                Some(poll) => polls.partition_point(|other| *other < poll),
                None => polls.len(),
            };
            let own = StepKind::OwnPoll {
                poll: place.checked_sub(1).map(|index| polls[index]),
                task: goal.task,
            };
            self.step(at, ready, own);
        }
        match cause {
            Cause::Wake(wake) => recording
                .waker_poll(wake)
                .ok_or_else(|| origin_of(recording, blind, wake)),
            Cause::Spawn { at } => spawning_poll(recording, goal.task, at),
            Cause::Folded(wake) => Err(Origin::Folded(wake)),
        }
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
