//! `unwakeable`: a task is pending and no waker is left. Proved for the task's own waker, so there is no threshold.

use std::collections::BTreeMap;

use super::{Evidence, Finding, Kin, Kind, MOST_CULPRITS, Role, Severity, evidence, kin};
use crate::{
    analysis::{State, idle::waiting_on, label, state_at},
    recording::{LaneIx, Ns, PollIx, Recording, TaskIx, time},
};

pub(super) fn find(recording: &Recording) -> Vec<Finding> {
    let end = recording.window().end;
    let mut groups: BTreeMap<Kin, Vec<(Ns, TaskIx)>> = BTreeMap::new();
    for task in recording.tasks() {
        if let State::Idle {
            unwakeable: Some(since),
            ..
        } = state_at(recording, task, end)
        {
            groups
                .entry(kin(recording, task))
                .or_default()
                .push((since, task));
        }
    }
    groups
        .into_values()
        .filter_map(|group| lost(recording, group, end))
        .collect()
}

fn lost(recording: &Recording, mut group: Vec<(Ns, TaskIx)>, end: Ns) -> Option<Finding> {
    group.sort_unstable();
    let &(since, task) = group.first()?;
    let mut message = format!(
        "{} is pending, and no waker is left that could wake it: it was dropped {} before the end",
        label::task_at(recording, task),
        time::duration(end - since),
    );
    if let Some(wait) = waiting_on(recording, task, end) {
        message.push_str(&format!(", while the task waited on {wait}"));
    }
    message.push('.');
    let polls = polls_at(recording, since);
    if !polls.is_empty() {
        let told: Vec<String> = polls
            .iter()
            .map(|poll| meanwhile(recording, *poll))
            .collect();
        message.push_str(&format!(" At that instant {}.", told.join(", and ")));
    }
    match group.len() - 1 {
        0 => {}
        1 => message.push_str(" So is 1 more task of the same spawn location."),
        more => message.push_str(&format!(
            " So are {more} more tasks of the same spawn location."
        )),
    }
    let last_poll = recording.polls_of(task).last().copied();
    let mut shown: Vec<Evidence> = last_poll
        .map(|poll| evidence::poll(recording, poll))
        .into_iter()
        .collect();
    // Whoever was being polled when the waker was dropped is who dropped it, unless a thread outside did.
    let dropped_in = polls.iter().filter(|poll| Some(**poll) != last_poll);
    shown.extend(dropped_in.map(|poll| evidence::poll(recording, *poll)));
    shown.extend(
        group
            .iter()
            .take(MOST_CULPRITS)
            .map(|(since, task)| Evidence {
                at: *since,
                kind: "unwakeable",
                task: Some(*task),
                lane: None,
                text: format!(
                    "the last waker of {} was dropped",
                    label::task(recording, *task)
                ),
            }),
    );
    Some(Finding {
        kind: Kind::Unwakeable,
        severity: Severity::Critical,
        tasks: group.iter().take(MOST_CULPRITS).map(|(_, task)| (*task, Role::Culprit)).collect(),
        lane: None,
        start: since,
        duration: end - since,
        message,
        suggestion: "find the future that returned pending without keeping the waker, or whose keeper dropped it: \
                     store cx.waker() and call it, or end the wait when the other side goes away"
            .to_owned(),
        evidence: shown,
        alike: group.len() - 1,
    })
}

/// The polls in one of which the last waker of `task` was dropped at `at`, unless a thread outside did it: those of other
/// tasks that went on at that instant, or else its own.
#[must_use]
pub fn dropped_in(recording: &Recording, task: TaskIx, at: Ns) -> Vec<PollIx> {
    let all = polls_at(recording, at);
    let others: Vec<PollIx> = all
        .iter()
        .copied()
        .filter(|poll| recording.task_of(*poll) != task)
        .collect();
    if others.is_empty() { all } else { others }
}

/// Polls that went on at an instant: more than a few of them tell nothing.
fn polls_at(recording: &Recording, at: Ns) -> Vec<PollIx> {
    const FEW: usize = 2;
    let lanes = (0..recording.lanes().len()).map(LaneIx::new);
    let polls: Vec<PollIx> = lanes
        .filter_map(|lane| recording.poll_on(lane, at))
        .collect();
    if polls.len() > FEW { Vec::new() } else { polls }
}

/// `worker 1 was in a poll of task 4 reader`.
fn meanwhile(recording: &Recording, poll: PollIx) -> String {
    let poll = recording.poll(poll);
    format!(
        "{} was in a poll of {}",
        label::lane(recording, poll.lane),
        label::task(recording, poll.task)
    )
}
