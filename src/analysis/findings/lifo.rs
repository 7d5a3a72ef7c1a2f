//! Why a worker that had nothing to do did not take a task that stood behind a long poll: tokio keeps the task that a
//! poll woke last in a slot of its own worker, and no other worker takes it from there.

use crate::{
    analysis::causes::Delayed,
    recording::{Cause, LaneIx, PollIx, Recording},
};

/// A worker of the same runtime that was parked while `delayed` stood in the slot behind `poll`, which had woken it;
/// `None` where it stood elsewhere, or all others had something to do.
pub(super) fn parked_beside(
    recording: &Recording,
    poll: PollIx,
    delayed: &Delayed,
) -> Option<LaneIx> {
    let lane = recording.poll(poll).lane;
    let next = delayed.poll.filter(|_| delayed.queued)?;
    let Some(Cause::Wake(wake)) = recording.cause(next) else {
        return None;
    };
    if recording.waker_poll(wake) != Some(poll) || recording.poll(next).lane != lane {
        return None;
    }
    let until = delayed.ready.saturating_add(delayed.by);
    let runtime = recording.runtime_of(lane)?;
    let mut others = (0..recording.lanes().len())
        .map(LaneIx::new)
        .filter(|other| *other != lane && recording.runtime_of(*other) == Some(runtime));
    others.find(|other| {
        let park = recording.park_on(*other, delayed.ready + delayed.by / 2);
        park.is_some_and(|park| {
            let park = recording.park(park);
            let beside = park.end().min(until) - park.start.max(delayed.ready);
            // It may have parked a moment later, and been called for something else at the end.
            beside >= delayed.by / 10 * 9
        })
    })
}
