//! Who has been idle for longest: a stuck task is what a person comes for, and it emits nothing.

use super::{State, label, state_at};
use crate::recording::{LastPoll, LastWake, Ns, Recording, TaskIx};

/// A task that was idle when the recording was made.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct IdleTask {
    /// The task.
    pub task: TaskIx,
    /// How long it had been idle: since its latest poll ended, or since its spawn.
    pub idle_ns: Ns,
    /// Its state at the end; [`State::Unknown`] where its wakes were not recorded.
    pub state: State,
    /// Its latest poll.
    pub last_poll: Option<LastPoll>,
    /// Its latest wake.
    pub last_wake: Option<LastWake>,
    /// What it waits on, as far as marks name it; several where a `select!` holds several.
    pub waiting_on: Option<String>,
}

/// The tasks that were alive, neither running nor runnable, at the end of the window: the longest idle first.
#[must_use]
pub fn longest_idle(recording: &Recording, most: usize) -> Vec<IdleTask> {
    idle_at(recording, recording.window().end, most, |_| true).longest
}

/// Who was idle at an instant.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Idle {
    /// Those who had been idle for longest, the longest first.
    pub longest: Vec<IdleTask>,
    /// How many were idle in all.
    pub all: usize,
}

/// The tasks among those that `keep` names that were alive, neither running nor runnable, at `at`: the `most` that had
/// been idle for longest, and how many there were.
#[must_use]
pub fn idle_at(recording: &Recording, at: Ns, most: usize, keep: impl Fn(TaskIx) -> bool) -> Idle {
    let mut idle: Vec<(Ns, TaskIx, State)> = recording
        .tasks()
        .filter(|task| keep(*task))
        .filter_map(|task| {
            let state = state_at(recording, task, at);
            if !matches!(state, State::Idle { .. } | State::Unknown) {
                return None;
            }
            let since = last_poll(recording, task, at).map(|poll| poll.end);
            let since = since.or(recording.task(task).spawned_at())?;
            Some((at.saturating_sub(since), task, state))
        })
        .collect();
    let all = idle.len();
    let order =
        |a: &(Ns, TaskIx, State), b: &(Ns, TaskIx, State)| b.0.cmp(&a.0).then(a.1.cmp(&b.1));
    if idle.len() > most && most > 0 {
        idle.select_nth_unstable_by(most - 1, order);
    }
    idle.truncate(most);
    idle.sort_unstable_by(order);
    let longest = idle
        .into_iter()
        .map(|(idle_ns, task, state)| IdleTask {
            task,
            idle_ns,
            state,
            last_poll: last_poll(recording, task, at),
            last_wake: last_wake(recording, task, at),
            waiting_on: waiting_on(recording, task, at),
        })
        .collect();
    Idle { longest, all }
}

/// The latest poll that had begun by `at`, older than every event of the recording or not.
#[must_use]
pub fn last_poll(recording: &Recording, task: TaskIx, at: Ns) -> Option<LastPoll> {
    let row = recording.last_poll_before(task, at).map(|poll| {
        let poll = recording.poll(poll);
        LastPoll {
            start: poll.start,
            end: poll.end(),
            outcome: poll.outcome,
        }
    });
    let folded = recording.folded(task).and_then(|folded| folded.last_poll);
    [row, folded.filter(|poll| poll.start <= at)]
        .into_iter()
        .flatten()
        .max_by_key(|poll| (poll.start, poll.end))
}

/// The latest wake by `at`, older than every event of the recording or not.
#[must_use]
pub fn last_wake(recording: &Recording, task: TaskIx, at: Ns) -> Option<LastWake> {
    let wakes = recording.wakes_of(task);
    let until = wakes.partition_point(|wake| recording.wake_at(*wake) <= at);
    let row = until.checked_sub(1).map(|last| {
        let wake = recording.wake(wakes[last]);
        LastWake {
            at: wake.at,
            waker: wake.waker,
        }
    });
    let folded = recording.folded(task).and_then(|folded| folded.last_wake);
    // On a tie the row says more than the history.
    [folded.filter(|wake| wake.at <= at), row]
        .into_iter()
        .flatten()
        .max_by_key(|wake| wake.at)
}

/// What `task` was waiting on at `at`: what the marks say, else the place in the code where it was suspended.
#[must_use]
pub fn waiting_on(recording: &Recording, task: TaskIx, at: Ns) -> Option<String> {
    let waits = recording.open_waits(task, at).into_iter();
    let waits = label::each_once(waits.map(|wait| label::wait(recording, wait)));
    if waits.is_empty() {
        let site = recording
            .await_site_at(task, at)
            .filter(|site| recording.site_holds(*site, at))?;
        return label::site(recording, site);
    }
    Some(waits.join(" or "))
}
