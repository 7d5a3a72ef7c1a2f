//! One pass over polls and wakes in the order of time: schedule delays, redundant wakes, and how many tasks were ready.
//!
//! The definitions. The *cause* of a poll is the first wake, or the spawn, since the task's previous poll started; a wake
//! in the very instant of a poll's start is that poll's. The *schedule delay* runs from the cause, or from the previous
//! poll's end where that is later, to the poll's start.

use std::iter::Peekable;

use super::{
    Ns, Totals,
    columns::{Bits, Lengths, PollColumns, WakeColumns, WakerKind},
    steps::{Counter, Steps},
    stop::Stop,
    time::UNKNOWN,
};

/// What is known of a task between two of its polls.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Between {
    /// Since when the task has been woken, or [`UNKNOWN`].
    pub(crate) cause: Ns,
    /// When its previous poll ended, or [`UNKNOWN`].
    pub(crate) poll_end: Ns,
}

/// What a sweep finds out.
pub(crate) struct Swept {
    /// The schedule delay of every poll.
    pub(crate) delays: Lengths,
    /// Which wakes were redundant.
    pub(crate) redundant: Bits,
    /// How many tasks were ready.
    pub(crate) ready: Steps,
}

/// Walks over `polls` and `wakes`; `between` is what is known of each task before its first row, and `others` when the
/// number of ready tasks changes for other reasons than polls and wakes, ascending.
pub(crate) fn sweep(
    polls: &PollColumns,
    wakes: &WakeColumns,
    between: Vec<Between>,
    others: &[(Ns, i64)],
    stop: Stop<'_>,
) -> Swept {
    let mut pace = stop.pace();
    let mut delays = Lengths::with_capacity(polls.len());
    let mut walk = Walk {
        wakes,
        between,
        redundant: Bits::new(wakes.len()),
        ready: Counter::new(),
        others: others.iter().peekable(),
    };
    let mut wake = 0;
    for poll in 0..polls.len() {
        if pace.is_over() {
            break;
        }
        let start = polls.start[poll];
        while wake < wakes.len() && wakes.at[wake] <= start {
            walk.take_wake(wake);
            wake += 1;
        }
        let task = polls.task[poll].index();
        let length = polls.duration.get(poll).unwrap_or(0);
        let end = start.saturating_add(length);
        let after = Between {
            cause: UNKNOWN,
            poll_end: end,
        };
        let before = std::mem::replace(&mut walk.between[task], after);
        walk.catch_up(start);
        if before.cause == UNKNOWN {
            delays.push(None);
        } else {
            delays.push(Some((start - before.cause.max(before.poll_end)).max(0)));
            walk.ready.change(start, -1);
        }
    }
    for wake in wake..wakes.len() {
        walk.take_wake(wake);
    }
    walk.catch_up(Ns::MAX);
    Swept {
        delays,
        redundant: walk.redundant,
        ready: walk.ready.finish(),
    }
}

struct Walk<'a> {
    wakes: &'a WakeColumns,
    between: Vec<Between>,
    redundant: Bits,
    ready: Counter,
    others: Peekable<std::slice::Iter<'a, (Ns, i64)>>,
}

impl Walk<'_> {
    /// Counts what changes by `at` for other reasons.
    fn catch_up(&mut self, at: Ns) {
        while let Some((when, by)) = self.others.next_if(|(when, _)| *when <= at) {
            self.ready.change(*when, *by);
        }
    }

    fn take_wake(&mut self, wake: usize) {
        let task = self.wakes.task[wake].index();
        let at = self.wakes.at[wake];
        let between = &mut self.between[task];
        if between.cause == UNKNOWN {
            between.cause = at;
            let busy_until = between.poll_end;
            self.catch_up(at);
            if busy_until <= at {
                self.ready.change(at, 1);
            } else {
                self.ready.grow_later(busy_until);
            }
        } else {
            self.redundant.set(wake);
        }
    }
}

/// Each task's totals over its rows from `since` on; a poll counts if it ends there.
pub(crate) fn row_totals(
    polls: &PollColumns,
    wakes: &WakeColumns,
    tasks: usize,
    since: Ns,
    stop: Stop<'_>,
) -> Vec<Totals> {
    let mut totals = vec![Totals::default(); tasks];
    let mut pace = stop.pace();
    for poll in 0..polls.len() {
        if pace.is_over() {
            break;
        }
        let start = polls.start[poll];
        let length = polls.duration.get(poll).unwrap_or(0);
        if start.saturating_add(length) >= since {
            totals[polls.task[poll].index()].add_poll(start, length);
        }
    }
    for wake in wakes.at.partition_point(|at| *at < since)..wakes.len() {
        if pace.is_over() {
            break;
        }
        let task = wakes.task[wake];
        let totals = &mut totals[task.index()];
        totals.wakes += 1;
        let own = wakes.kind(wake) == WakerKind::Task && wakes.waker[wake] == task;
        totals.self_wakes += u64::from(own);
    }
    totals
}
