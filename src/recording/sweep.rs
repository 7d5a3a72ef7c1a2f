//! One pass over polls and wakes in the order of time: schedule delays, redundant wakes and the window's totals.
//!
//! The definitions. The *cause* of a poll is the first wake, or the spawn, since the task's previous poll started; a wake
//! in the very instant of a poll's start is that poll's. The *schedule delay* runs from the cause, or from the previous
//! poll's end where that is later, to the poll's start.

use super::{
    Ns, Totals,
    columns::{PollColumns, WakeColumns, WakerKind},
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

/// Fills the delays and the redundant flags, and returns each task's totals inside the window.
///
/// `between` is what is known of each task before its first row.
pub(crate) fn sweep(
    polls: &mut PollColumns,
    wakes: &mut WakeColumns,
    mut between: Vec<Between>,
) -> Vec<Totals> {
    let mut totals = vec![Totals::default(); between.len()];
    let mut wake = 0;
    polls.delay = super::columns::Lengths::with_capacity(polls.len());
    for poll in 0..polls.len() {
        let start = polls.start[poll];
        while wake < wakes.len() && wakes.at[wake] <= start {
            take_wake(wakes, wake, &mut between, &mut totals);
            wake += 1;
        }
        let task = polls.task[poll].index();
        let length = polls.duration.get(poll).unwrap_or(0);
        let end = start.saturating_add(length);
        let before = std::mem::replace(
            &mut between[task],
            Between {
                cause: UNKNOWN,
                poll_end: end,
            },
        );
        let delay =
            (before.cause != UNKNOWN).then(|| (start - before.cause.max(before.poll_end)).max(0));
        polls.delay.push(delay);
        if end >= 0 {
            totals[task].add_poll(start, length);
        }
    }
    while wake < wakes.len() {
        take_wake(wakes, wake, &mut between, &mut totals);
        wake += 1;
    }
    totals
}

fn take_wake(wakes: &mut WakeColumns, wake: usize, between: &mut [Between], totals: &mut [Totals]) {
    let task = wakes.task[wake].index();
    let at = wakes.at[wake];
    if between[task].cause == UNKNOWN {
        between[task].cause = at;
    } else {
        wakes.set_redundant(wake);
    }
    if at >= 0 {
        totals[task].wakes += 1;
        let own = wakes.kind(wake) == WakerKind::Task && wakes.waker[wake].index() == task;
        totals[task].self_wakes += u64::from(own);
    }
}
