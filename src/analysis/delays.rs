//! Distributions of schedule delays.
//!
//! A poll's delay counts from whatever caused it, the spawn as well as a wake. Of a task whose wakes were not recorded
//! only that of its first poll can be known: one of many, by which nobody should judge the others.

use crate::recording::{Cause, Ns, PollIx, Recording, Tally, TaskIx};

/// The schedule delays of some polls.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Delays {
    /// Polls whose delay is known.
    pub known: usize,
    /// Their median.
    pub median: Option<Ns>,
    /// Their 99th percentile: at least 99 of 100 are no longer.
    pub p99: Option<Ns>,
    /// The longest.
    pub longest: Option<Ns>,
}

/// The schedule delays of `polls`, all of them of `task`; none where its wakes were not recorded.
#[must_use]
pub fn delays(recording: &Recording, task: TaskIx, polls: &[PollIx]) -> Delays {
    if !recording.task(task).wakes_recorded {
        return Delays::default();
    }
    let polls = polls.iter();
    let mut known: Vec<Ns> = polls.filter_map(|poll| recording.delay(*poll)).collect();
    Delays {
        known: known.len(),
        median: rank(&mut known, 50),
        p99: rank(&mut known, 99),
        longest: rank(&mut known, 100),
    }
}

/// The 99th percentile of the delays of `task` over the range of `tally`, as [`delays`] tells it. `scratch` is room for
/// them, whatever it holds.
#[must_use]
pub fn p99_in(
    tally: &Tally,
    recording: &Recording,
    task: TaskIx,
    scratch: &mut Vec<Ns>,
) -> Option<Ns> {
    scratch.clear();
    if recording.task(task).wakes_recorded {
        tally.delays(task, scratch);
    }
    rank(scratch, 99)
}

/// How long after its spawn the first poll of `task` began, where both were recorded.
#[must_use]
pub fn spawn_delay(recording: &Recording, task: TaskIx) -> Option<Ns> {
    let first = *recording.polls_of(task).first()?;
    matches!(recording.cause(first), Some(Cause::Spawn { .. }))
        .then(|| recording.delay(first))
        .flatten()
}

/// The nearest rank: the smallest value that at least so many percent do not exceed.
fn rank(known: &mut [Ns], percent: usize) -> Option<Ns> {
    let place = (known.len() * percent).div_ceil(100).checked_sub(1)?;
    Some(*known.select_nth_unstable(place).1)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::recording::{
        Outcome, WakerKey,
        testing::{batch, builder, spawn},
    };

    #[test]
    fn one_delay_after_the_spawn_says_nothing_of_polls_whose_wakes_were_not_recorded() {
        for woken in [false, true] {
            let mut builder = builder(1_000);
            let mut batch = batch(0);
            batch.spawn(1, spawn(10));
            batch.poll(1, 100, 110, Outcome::Pending);
            if woken {
                batch.wake(1, 195, WakerKey::Runtime);
            }
            batch.poll(1, 200, 210, Outcome::Pending);
            builder.batch(batch);
            let recording = builder.finish();
            let task = TaskIx::new(0);
            let tally = recording.tally(0, 1_000, &|| false).unwrap();
            let p99 = woken.then_some(90);
            assert_eq!(p99_in(&tally, &recording, task, &mut vec![7]), p99);
            let delays = delays(&recording, task, recording.polls_of(task));
            assert_eq!((delays.known, delays.p99), (2 * usize::from(woken), p99));
            assert_eq!(delays.median, woken.then_some(5));
            assert_eq!(spawn_delay(&recording, task), Some(90));
        }
    }
}
