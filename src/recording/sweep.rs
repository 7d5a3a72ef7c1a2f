//! One pass over polls and wakes in the order of time: schedule delays, redundant wakes and the window's totals.
//!
//! The definitions. The *cause* of a poll is the first wake, or the spawn, since the task's previous poll started; a wake
//! in the very instant of a poll's start is that poll's. The *schedule delay* runs from the cause, or from the previous
//! poll's end where that is later, to the poll's start.

use super::{
    Ns, Totals,
    columns::{Bits, Lengths, PollColumns, WakeColumns, WakerKind},
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
    /// Each task's totals inside the window.
    pub(crate) in_window: Vec<Totals>,
}

/// Walks over `polls` and `wakes`; `between` is what is known of each task before its first row.
pub(crate) fn sweep(polls: &PollColumns, wakes: &WakeColumns, between: Vec<Between>) -> Swept {
    let mut in_window = vec![Totals::default(); between.len()];
    let mut delays = Lengths::with_capacity(polls.len());
    let mut walk = Walk {
        wakes,
        between,
        redundant: Bits::new(wakes.len()),
    };
    let mut wake = 0;
    for poll in 0..polls.len() {
        let start = polls.start[poll];
        while wake < wakes.len() && wakes.at[wake] <= start {
            walk.take_wake(wake, &mut in_window);
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
        delays.push(
            (before.cause != UNKNOWN).then(|| (start - before.cause.max(before.poll_end)).max(0)),
        );
        if end >= 0 {
            in_window[task].add_poll(start, length);
        }
    }
    for wake in wake..wakes.len() {
        walk.take_wake(wake, &mut in_window);
    }
    Swept {
        delays,
        redundant: walk.redundant,
        in_window,
    }
}

struct Walk<'a> {
    wakes: &'a WakeColumns,
    between: Vec<Between>,
    redundant: Bits,
}

impl Walk<'_> {
    fn take_wake(&mut self, wake: usize, in_window: &mut [Totals]) {
        let task = self.wakes.task[wake].index();
        let at = self.wakes.at[wake];
        if self.between[task].cause == UNKNOWN {
            self.between[task].cause = at;
        } else {
            self.redundant.set(wake);
        }
        if at >= 0 {
            in_window[task].wakes += 1;
            let own =
                self.wakes.kind(wake) == WakerKind::Task && self.wakes.waker[wake].index() == task;
            in_window[task].self_wakes += u64::from(own);
        }
    }
}
