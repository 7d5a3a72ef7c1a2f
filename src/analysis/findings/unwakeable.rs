//! `unwakeable`: a task is pending and no waker is left. Proved for the task's own waker, so there is no threshold.

use std::collections::BTreeMap;

use super::{Evidence, Finding, Kin, Kind, MOST_CULPRITS, Role, Severity, evidence, kin};
use crate::{
    analysis::{State, idle::waiting_on, label, state_at},
    recording::{Ns, Recording, TaskIx, time},
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
