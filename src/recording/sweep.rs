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
        ready: Ready::new(others),
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
        let known = before.cause != UNKNOWN;
        let delay = start.saturating_sub(before.cause.max(before.poll_end));
        delays.push(known.then_some(delay.max(0)));
        walk.ready.change_if(known, start, -1);
    }
    for wake in wake..wakes.len() {
        walk.take_wake(wake);
    }
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
    ready: Ready<'a>,
}

impl Walk<'_> {
    #[inline(always)]
    fn take_wake(&mut self, wake: usize) {
        let task = self.wakes.task[wake].index();
        let at = self.wakes.at[wake];
        let between = &mut self.between[task];
        let first = between.cause == UNKNOWN;
        between.cause = if first { at } else { between.cause };
        let busy_until = between.poll_end;
        self.redundant.set_if(!first, wake);
        self.ready.change_if(first & (busy_until <= at), at, 1);
        self.ready
            .grow_later_if(first & (busy_until > at), busy_until);
    }
}

/// Counts the ready tasks. Whether a poll or a wake changes their number nobody can predict, so each leaves a note first,
/// without a branch on it, and the notes are counted many at once.
struct Ready<'a> {
    counter: Counter,
    others: Peekable<std::slice::Iter<'a, (Ns, i64)>>,
    notes: [(Ns, i64); NOTES],
    noted: usize,
    later: [Ns; NOTES],
    announced: usize,
}

/// How many notes wait to be counted.
const NOTES: usize = 256;

impl<'a> Ready<'a> {
    fn new(others: &'a [(Ns, i64)]) -> Self {
        Self {
            counter: Counter::new(),
            others: others.iter().peekable(),
            notes: [(0, 0); NOTES],
            noted: 0,
            later: [0; NOTES],
            announced: 0,
        }
    }

    /// The number changes at `at`, no earlier than for the last time, if `really`.
    #[inline]
    fn change_if(&mut self, really: bool, at: Ns, by: i64) {
        self.notes[self.noted] = (at, by);
        self.noted += usize::from(really);
        if self.noted == NOTES {
            self.count();
        }
    }

    /// It grows by one at `at`, which lies behind the last change, if `really`.
    #[inline]
    fn grow_later_if(&mut self, really: bool, at: Ns) {
        self.later[self.announced] = at;
        self.announced += usize::from(really);
        if self.announced == NOTES {
            self.count();
        }
    }

    /// Counts what was noted, and what changes meanwhile for other reasons.
    #[cold]
    fn count(&mut self) {
        // What was announced lies behind every change that was noted before, so it is never too early.
        for at in &self.later[..self.announced] {
            self.counter.grow_later(*at);
        }
        for (at, by) in &self.notes[..self.noted] {
            while let Some((when, by)) = self.others.next_if(|(when, _)| when <= at) {
                self.counter.change(*when, *by);
            }
            self.counter.change(*at, *by);
        }
        (self.noted, self.announced) = (0, 0);
    }

    fn finish(mut self) -> Steps {
        self.count();
        for (at, by) in self.others {
            self.counter.change(*at, *by);
        }
        self.counter.finish()
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
