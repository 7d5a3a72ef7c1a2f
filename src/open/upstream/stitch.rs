//! What begins in one batch of a trace and ends in the next one of the same thread.

use std::collections::BTreeMap;

use super::{
    bind::NO_WORKER,
    unit::{Decoded, Edges, Loose, Open, UNKNOWN_THREAD, push_poll},
};
use crate::recording::{Batch, Ns, Outcome, SeatKey, WakerKey};

/// What is tied, and what is left over.
pub(super) struct Stitched {
    /// Rows whose events the units have counted.
    pub(super) batch: Batch,
    /// Polls that no event ends, and that were not followed by anything on their threads.
    pub(super) polls: Vec<Open>,
    /// Parks of the same kind.
    pub(super) parks: Vec<(Ns, SeatKey)>,
    /// Poll ends without a start, and polls without an end.
    pub(super) unpaired: u64,
}

#[derive(Default)]
struct Carried {
    polls: Vec<Open>,
    parks: Vec<(Ns, SeatKey)>,
    /// Whether a batch of this worker was seen: what its first one ends began before the trace.
    seen: bool,
}

/// Ties the loose ends of all units.
pub(super) fn stitch(units: &mut [Decoded]) -> Stitched {
    let mut edges: Vec<(usize, Edges)> = Vec::new();
    for (unit, decoded) in units.iter_mut().enumerate() {
        edges.extend(decoded.edges.drain(..).map(|edges| (unit, edges)));
    }
    edges.sort_by_key(|(_, edges)| edges.first);
    let mut out = Stitched {
        batch: Batch::new(0),
        polls: Vec::new(),
        parks: Vec::new(),
        unpaired: 0,
    };
    let mut carried: BTreeMap<u64, Carried> = BTreeMap::new();
    for (unit, edges) in edges {
        for loose in &edges.loose {
            tie(&mut out, &mut carried, &mut units[unit], &edges, *loose);
        }
        if let Some(worker) = edges.worker {
            let own = carried.entry(worker).or_default();
            own.seen = true;
            let same = |seat: SeatKey| {
                seat.thread == edges.thread
                    || seat.thread == UNKNOWN_THREAD
                    || edges.thread == UNKNOWN_THREAD
            };
            if edges.begun {
                own.polls.retain(|open| {
                    let lost = same(open.seat);
                    if lost {
                        lose(&mut out, open);
                    }
                    !lost
                });
                own.parks.retain(|(_, seat)| {
                    let lost = same(*seat);
                    if lost {
                        out.batch.rowless_parks(1, 0);
                    }
                    !lost
                });
            }
        }
        for open in edges.polls {
            carried.entry(open.worker).or_default().polls.push(open);
        }
        if let Some((worker, at, seat)) = edges.park {
            carried.entry(worker).or_default().parks.push((at, seat));
        }
    }
    for carried in carried.into_values() {
        out.polls.extend(carried.polls);
        out.parks.extend(carried.parks);
    }
    out
}

/// A poll whose end nobody wrote: when it began is all that is known.
pub(super) fn lose(out: &mut Stitched, open: &Open) {
    out.unpaired += 1;
    out.batch.seat(open.seat);
    out.batch
        .poll(open.task, open.start, open.start, Outcome::Ended);
}

fn tie(
    out: &mut Stitched,
    carried: &mut BTreeMap<u64, Carried>,
    unit: &mut Decoded,
    edges: &Edges,
    loose: Loose,
) {
    // Some events do not say on which worker they happened; the rest of their batch does.
    let whose = |worker: u64| match worker {
        NO_WORKER => edges.worker.unwrap_or(NO_WORKER),
        worker => worker,
    };
    match loose {
        Loose::PollEnd { worker, at } => {
            let own = carried.entry(whose(worker)).or_default();
            match place(&own.polls, edges, at) {
                Some(place) => {
                    let open = own.polls.remove(place);
                    out.batch.seat(open.seat);
                    push_poll(&mut out.batch, &open, at);
                }
                None => out.unpaired += u64::from(own.seen),
            }
        }
        Loose::Unpark { worker, at } => {
            let own = carried.entry(whose(worker)).or_default();
            let same = own
                .parks
                .iter()
                .rposition(|(start, seat)| *start <= at && seat.thread == edges.thread);
            let place = same.or_else(|| own.parks.iter().rposition(|(start, _)| *start <= at));
            match place {
                Some(place) => {
                    let (start, seat) = own.parks.remove(place);
                    out.batch.seat(seat);
                    out.batch.park(start, at, false);
                }
                None => out.batch.rowless_parks(0, 1),
            }
        }
        Loose::Wake {
            worker,
            at,
            woken,
            waker,
            seat,
        } => {
            let own = carried.entry(whose(worker)).or_default();
            let current = place(&own.polls, edges, at).map(|place| own.polls[place].task);
            out.batch.seat(seat);
            let who = if current == Some(waker) {
                WakerKey::Task(waker)
            } else {
                WakerKey::Runtime
            };
            out.batch.wake(woken, at, who);
        }
        Loose::Spawn { worker, at, row } => {
            let own = carried.entry(whose(worker)).or_default();
            if let Some(place) = place(&own.polls, edges, at) {
                unit.batch.set_parent(row, own.polls[place].task);
            }
        }
        Loose::Terminate { worker, at, task } => {
            let own = carried.entry(whose(worker)).or_default();
            match place(&own.polls, edges, at) {
                Some(place) => {
                    own.polls[place].last |= own.polls[place].task == task;
                    out.batch.terminate(task, at);
                }
                None => match edges.worker {
                    Some(worker) => unit.idle_ends.push((at, worker, task)),
                    None => out.batch.terminate(task, at),
                },
            }
        }
    }
}

/// Which of the polls that were carried over goes on at `at`: one of the same thread, or else the innermost.
fn place(polls: &[Open], edges: &Edges, at: Ns) -> Option<usize> {
    let goes_on = |open: &Open| open.start <= at;
    polls
        .iter()
        .rposition(|open| goes_on(open) && open.seat.thread == edges.thread)
        .or_else(|| polls.iter().rposition(goes_on))
}
