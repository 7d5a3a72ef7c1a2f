//! Distributions of schedule delays.

use crate::recording::{Ns, PollIx, Recording, TaskIx};

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

/// The schedule delays of the polls of `task` that start in `range`.
#[must_use]
pub fn delays_of(
    recording: &Recording,
    task: TaskIx,
    range: std::ops::RangeInclusive<Ns>,
) -> Delays {
    let polls = recording.polls_of(task);
    let from = polls.partition_point(|poll| recording.poll_start(*poll) < *range.start());
    let to = polls.partition_point(|poll| recording.poll_start(*poll) <= *range.end());
    delays(recording, polls.get(from..to).unwrap_or_default())
}

/// The schedule delays of `polls`.
#[must_use]
pub fn delays(recording: &Recording, polls: &[PollIx]) -> Delays {
    let mut known: Vec<Ns> = polls
        .iter()
        .filter_map(|poll| recording.delay(*poll))
        .collect();
    let count = known.len();
    let mut rank = |percent: usize| {
        // The nearest rank: the smallest value that at least so many percent do not exceed.
        let place = (count * percent).div_ceil(100).checked_sub(1)?;
        Some(*known.select_nth_unstable(place).1)
    };
    Delays {
        known: count,
        median: rank(50),
        p99: rank(99),
        longest: rank(100),
    }
}
