//! Who was ready and not polled, and which poll came latest: the two answers to "why did this task not run" that no
//! threshold is needed for.

use std::cmp::Reverse;

use super::{State, Thresholds, state_at};
use crate::recording::{Ns, PollIx, Recording, TaskIx};

/// A task that was ready at an instant.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ReadyTask {
    /// The task.
    pub task: TaskIx,
    /// Since when it was ready.
    pub since: Ns,
}

/// Who was ready at an instant.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Ready {
    /// Those who had been ready for longest, the longest first.
    pub longest: Vec<ReadyTask>,
    /// How many were ready in all.
    pub all: usize,
}

/// The tasks among those that `keep` names that were ready and not polled at `at`: the `most` that had been so for
/// longest, and how many there were.
#[must_use]
pub fn ready_at(
    recording: &Recording,
    at: Ns,
    most: usize,
    keep: impl Fn(TaskIx) -> bool,
) -> Ready {
    let mut ready: Vec<ReadyTask> = recording
        .alive_at(at)
        .into_iter()
        .filter(|task| keep(*task))
        .filter_map(|task| match state_at(recording, task, at) {
            State::Runnable { since } => Some(ReadyTask { task, since }),
            _ => None,
        })
        .collect();
    let all = ready.len();
    let order = |ready: &ReadyTask| (ready.since, ready.task);
    if all > most && most > 0 {
        ready.select_nth_unstable_by_key(most - 1, order);
    }
    ready.truncate(most);
    ready.sort_unstable_by_key(order);
    Ready {
        longest: ready,
        all,
    }
}

/// The polls that stand out.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Extremes {
    /// The longest, the first of several.
    pub longest: Option<PollIx>,
    /// The one whose task had been ready for longest, the first of several; `None` where no delay is known.
    pub latest: Option<PollIx>,
}

/// What stands out among the polls of the tasks that `keep` names.
#[must_use]
pub fn extremes(recording: &Recording, keep: impl Fn(TaskIx) -> bool) -> Extremes {
    let (mut longest, mut latest) = (None, None);
    for poll in recording.polls() {
        let length = Some((recording.poll_duration(poll), Reverse(poll)));
        let delay = recording.delay(poll).map(|delay| (delay, Reverse(poll)));
        // Few are better than all before: only those are asked whose they are.
        if (length > longest || delay > latest) && keep(recording.task_of(poll)) {
            longest = longest.max(length);
            latest = latest.max(delay);
        }
    }
    Extremes {
        longest: longest.map(|(_, poll)| poll.0),
        latest: latest.map(|(_, poll)| poll.0),
    }
}

/// The longest that a task was ready, at the end or before its poll, where a poll of that length would be critical: no
/// finding looks for it yet, and it is no sign of health. `None` where events are missing: the poll may be among them.
#[must_use]
pub fn too_long(
    recording: &Recording,
    ready: &Ready,
    extremes: &Extremes,
    thresholds: &Thresholds,
) -> Option<Ns> {
    if recording.has_holes() {
        return None;
    }
    let end = recording.window().end;
    let still = ready
        .longest
        .first()
        .map(|one| end.saturating_sub(one.since));
    let late = extremes.latest.and_then(|poll| recording.delay(poll));
    still
        .max(late)
        .filter(|long| *long >= thresholds.slow_poll_critical)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::recording::{
        Outcome, TaskFacts, WakerKey,
        testing::{batch, builder, spawn},
    };

    #[test]
    fn whoever_is_ready_for_longest_comes_first() {
        let mut builder = builder(100);
        let mut w0 = batch(0);
        for (id, woken) in [(1, Some(40)), (2, Some(30)), (3, None)] {
            builder.task(TaskFacts {
                id,
                spawn: spawn(0),
                wakes_recorded: true,
                ended_at: None,
            });
            let start = i64::try_from(id).unwrap() * 5;
            w0.poll(id, start, start + 2, Outcome::Pending);
            if let Some(woken) = woken {
                w0.wake(id, woken, WakerKey::Outside);
            }
        }
        builder.batch(w0);
        let recording = builder.finish();
        let [first, second] = [1, 2].map(|id| recording.task_by_id(id).unwrap());
        let all = ready_at(&recording, 100, 9, |_| true);
        let [a, b] = all.longest[..] else {
            panic!("{all:?}")
        };
        assert_eq!((a.task, a.since, b.task, b.since), (second, 30, first, 40));
        let one = ready_at(&recording, 100, 1, |_| true);
        assert_eq!((one.all, one.longest), (2, vec![a]));
        // From its spawn to its first poll.
        let all = extremes(&recording, |_| true);
        let latest = recording.poll(all.latest.unwrap());
        assert_eq!((latest.start, latest.delay), (15, Some(15)));
        assert_eq!(recording.poll(all.longest.unwrap()).start, 5);
        let kept = extremes(&recording, |task| task == second);
        assert_eq!(recording.poll(kept.latest.unwrap()).start, 10);
        assert_eq!(extremes(&recording, |_| false), Extremes::default());
    }
}
