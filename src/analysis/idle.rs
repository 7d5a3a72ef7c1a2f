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
    let end = recording.window().end;
    let mut idle: Vec<(Ns, TaskIx, State)> = recording
        .tasks()
        .filter_map(|task| {
            let state = state_at(recording, task, end);
            if !matches!(state, State::Idle { .. } | State::Unknown) {
                return None;
            }
            let since = recording.last_poll(task).map(|poll| poll.end);
            let since = since.or(recording.task(task).spawned_at())?;
            Some((end.saturating_sub(since), task, state))
        })
        .collect();
    let order =
        |a: &(Ns, TaskIx, State), b: &(Ns, TaskIx, State)| b.0.cmp(&a.0).then(a.1.cmp(&b.1));
    if idle.len() > most && most > 0 {
        idle.select_nth_unstable_by(most - 1, order);
    }
    idle.truncate(most);
    idle.sort_unstable_by(order);
    idle.into_iter()
        .map(|(idle_ns, task, state)| IdleTask {
            task,
            idle_ns,
            state,
            last_poll: recording.last_poll(task),
            last_wake: recording.last_wake(task),
            waiting_on: waiting_on(recording, task, end),
        })
        .collect()
}

/// What the marks say that `task` was waiting on at `at`.
#[must_use]
pub fn waiting_on(recording: &Recording, task: TaskIx, at: Ns) -> Option<String> {
    let waits: Vec<String> = recording
        .open_waits(task, at)
        .into_iter()
        .map(|wait| label::wait(recording, wait))
        .collect();
    (!waits.is_empty()).then(|| waits.join(" or "))
}
