//! `blocked-worker`: a worker still inside a long poll when the recording was made. One finding per runtime and spawn
//! location: eight workers in the same endless loop are one problem.

use std::collections::{BTreeMap, BTreeSet};

use super::{Finding, Kind, MOST_CULPRITS, Role, Severity, Thresholds, evidence};
use crate::{
    analysis::{
        blind::{keeps_worker, workers},
        label,
    },
    recording::{LaneIx, Outcome, PollIx, Recording, RuntimeIx, StrId, time},
};

pub(super) fn find(recording: &Recording, thresholds: &Thresholds) -> Vec<Finding> {
    let mut groups: BTreeMap<(Option<RuntimeIx>, StrId), Vec<PollIx>> = BTreeMap::new();
    let mut busy: BTreeMap<RuntimeIx, BTreeSet<LaneIx>> = BTreeMap::new();
    for poll in (0..recording.poll_count()).map(PollIx::new) {
        if recording.poll_duration(poll) < thresholds.blocked_worker_warning {
            continue;
        }
        let row = recording.poll(poll);
        if row.outcome != Outcome::StillRunning || !keeps_worker(recording, poll) {
            continue;
        }
        let runtime = recording.runtime_of(row.lane);
        if let Some(runtime) = runtime {
            busy.entry(runtime).or_default().insert(row.lane);
        }
        groups
            .entry((runtime, recording.task(row.task).location))
            .or_default()
            .push(poll);
    }
    let workers = workers(recording);
    groups
        .into_iter()
        .filter_map(|((runtime, _), polls)| {
            let all = runtime.is_some_and(|runtime| {
                busy.get(&runtime).map(BTreeSet::len) >= workers.get(&runtime).copied()
            });
            blocked(recording, thresholds, polls, all)
        })
        .collect()
}

fn blocked(
    recording: &Recording,
    thresholds: &Thresholds,
    mut polls: Vec<PollIx>,
    every_worker: bool,
) -> Option<Finding> {
    polls.sort_by_key(|poll| std::cmp::Reverse(recording.poll_duration(*poll)));
    let first = recording.poll(*polls.first()?);
    let mut message = format!(
        "{} had been inside one poll of {} for {} when the recording was made.",
        label::lane(recording, first.lane),
        label::task_at(recording, first.task),
        time::duration(first.duration),
    );
    match polls.len() - 1 {
        0 => {}
        1 => message.push_str(" So had 1 more worker, in a task of the same spawn location."),
        more => message.push_str(&format!(
            " So had {more} more workers, in tasks of the same spawn location."
        )),
    }
    if every_worker {
        message.push_str(" Every worker of its runtime was blocked: nobody asked for I/O and timers, and nothing else ran.");
    }
    let critical = first.duration >= thresholds.blocked_worker_critical
        || (every_worker && first.duration >= thresholds.slow_poll_critical);
    Some(Finding {
        kind: Kind::BlockedWorker,
        severity: if critical { Severity::Critical } else { Severity::Warning },
        tasks: polls.iter().take(MOST_CULPRITS).map(|poll| (recording.poll(*poll).task, Role::Culprit)).collect(),
        lane: Some(first.lane),
        start: first.start,
        duration: first.duration,
        message,
        suggestion: "look for a blocking call or an endless loop in this task: spawn_blocking, or block_in_place, \
                     takes it off the worker"
            .to_owned(),
        evidence: polls.iter().take(MOST_CULPRITS).map(|poll| evidence::poll(recording, *poll)).collect(),
        alike: polls.len() - 1,
    })
}
