//! `slow-poll`: polls that kept their workers for long. Polls that overlap so that every worker of a runtime was inside
//! one are one finding; the rest are one finding per spawn location. Of many alike, the worst is told.

use std::collections::{BTreeMap, BTreeSet, HashSet};

use super::{
    Finding, Kin, Kind, MOST_CULPRITS, MOST_VICTIMS, Role, Severity, Thresholds, evidence, kin,
    lifo::parked_beside,
};
use crate::{
    analysis::{
        Blind,
        blind::{keeps_worker, late_after},
        blind_intervals,
        causes::{Delayed, onwards},
        label,
    },
    recording::{LaneIx, Outcome, PollIx, Recording, RuntimeIx, StrId, TaskIx, time},
};

const SUGGESTION: &str = "look for blocking calls or long computation in this task: tokio::time::sleep, \
                          spawn_blocking or yield_now give the worker back";

pub(super) fn find(recording: &Recording, thresholds: &Thresholds) -> Vec<Finding> {
    let slow = slow_polls(recording, thresholds);
    let blind: Vec<Blind> = blind_intervals(recording, thresholds.slow_poll_info)
        .into_iter()
        // A runtime of one worker is blind in each of its polls: that says nothing beyond the poll itself.
        .filter(|blind| blind.polls.len() > 1 && !all_blocked(recording, blind, thresholds))
        .collect();
    let mut explained: HashSet<PollIx> = HashSet::new();
    let mut groups: BTreeMap<(RuntimeIx, BTreeSet<StrId>), Vec<&Blind>> = BTreeMap::new();
    for blind in &blind {
        explained.extend(&blind.polls);
        let locations = blind
            .polls
            .iter()
            .map(|poll| location_of(recording, *poll))
            .collect();
        groups
            .entry((blind.runtime, locations))
            .or_default()
            .push(blind);
    }
    let mut found: Vec<Finding> = groups
        .values()
        .filter_map(|group| together(recording, thresholds, group))
        .collect();

    let mut alone: BTreeMap<(Kin, Option<RuntimeIx>), Vec<PollIx>> = BTreeMap::new();
    for poll in slow.into_iter().filter(|poll| !explained.contains(poll)) {
        let runtime = recording.runtime_of(recording.poll(poll).lane);
        alone
            .entry((kin(recording, recording.poll(poll).task), runtime))
            .or_default()
            .push(poll);
    }
    found.extend(
        alone
            .values()
            .filter_map(|polls| single(recording, thresholds, polls)),
    );
    found
}

fn slow_polls(recording: &Recording, thresholds: &Thresholds) -> Vec<PollIx> {
    (0..recording.poll_count())
        .map(PollIx::new)
        .filter(|poll| recording.poll_duration(*poll) >= thresholds.slow_poll_info)
        .filter(|poll| !is_blocked_worker(recording, *poll, thresholds))
        .filter(|poll| recording.poll(*poll).end() >= 0 && keeps_worker(recording, *poll))
        .collect()
}

/// Whether `blocked-worker` tells of this poll.
fn is_blocked_worker(recording: &Recording, poll: PollIx, thresholds: &Thresholds) -> bool {
    let row = recording.poll(poll);
    row.outcome == Outcome::StillRunning && row.duration >= thresholds.blocked_worker_warning
}

fn all_blocked(recording: &Recording, blind: &Blind, thresholds: &Thresholds) -> bool {
    blind
        .polls
        .iter()
        .all(|poll| is_blocked_worker(recording, *poll, thresholds))
}

fn location_of(recording: &Recording, poll: PollIx) -> StrId {
    recording.task(recording.poll(poll).task).location
}

/// One finding for blind intervals of the same culprits: the longest, and how many more there are.
fn together(recording: &Recording, thresholds: &Thresholds, group: &[&Blind]) -> Option<Finding> {
    let worst = group
        .iter()
        .max_by_key(|blind| (blind.duration(), std::cmp::Reverse(blind.start)))?;
    let mut polls: Vec<PollIx> = worst.polls.clone();
    polls.sort_by_key(|poll| std::cmp::Reverse(recording.poll_duration(*poll)));
    let longest = recording.poll_duration(*polls.first()?);
    let blind_for = worst.duration();
    let late = late_after(recording, worst);

    let told: Vec<String> = polls
        .iter()
        .take(4)
        .map(|poll| {
            let row = recording.poll(*poll);
            format!(
                "{} of {}",
                time::duration(row.duration),
                label::task_at(recording, row.task)
            )
        })
        .collect();
    let lanes: BTreeSet<LaneIx> = polls
        .iter()
        .map(|poll| recording.poll(*poll).lane)
        .collect();
    let culprits = distinct(polls.iter().map(|poll| recording.poll(*poll).task));
    let mut message = format!(
        "every worker of {} was inside a poll at once, from {} on: {}. Nobody asked the driver for {}",
        label::runtime(recording, worst.runtime),
        time::instant_short(worst.start),
        join(&told, polls.len()),
        time::duration(blind_for),
    );
    match late.first() {
        Some(only) if late.len() == 1 => message.push_str(&format!(
            ": the runtime woke {} right after, up to {} late.",
            label::task_at(recording, only.task),
            time::duration(only.at_most),
        )),
        Some(first) => message.push_str(&format!(
            ": the runtime woke {} right after, up to {} late; the latest, {}.",
            count(late.len(), "task"),
            time::duration(first.at_most),
            label::task_at(recording, first.task),
        )),
        None if worst.open => {
            message.push_str(", and still nobody did when the recording was made.");
        }
        None => message.push_str("; no task was woken by the runtime right after."),
    }
    also(&mut message, group.len() - 1, "blind interval");

    let severity =
        if blind_for >= thresholds.blind_critical || longest >= thresholds.slow_poll_critical {
            Severity::Critical
        } else {
            severity_of(longest, thresholds)
        };
    let start = polls
        .iter()
        .map(|poll| recording.poll_start(*poll))
        .min()
        .unwrap_or(worst.start);
    let mut shown: Vec<super::Evidence> = polls
        .iter()
        .take(MOST_CULPRITS)
        .map(|poll| evidence::poll(recording, *poll))
        .collect();
    shown.push(evidence::blind(recording, worst));
    shown.extend(
        late.iter()
            .take(MOST_VICTIMS)
            .map(|late| evidence::late(recording, late)),
    );
    shown.sort_by_key(|evidence| evidence.at);
    let mut tasks: Vec<(TaskIx, Role)> = culprits
        .iter()
        .take(MOST_CULPRITS)
        .map(|task| (*task, Role::Culprit))
        .collect();
    tasks.extend(
        late.iter()
            .take(MOST_VICTIMS)
            .map(|late| (late.task, Role::Victim)),
    );
    Some(Finding {
        kind: Kind::SlowPoll,
        severity,
        tasks,
        lane: lanes.first().copied(),
        start,
        duration: longest,
        message,
        suggestion: SUGGESTION.to_owned(),
        evidence: shown,
        alike: group.len() - 1,
    })
}

/// One finding for the slow polls of one spawn location: the longest, and how many more there are.
fn single(recording: &Recording, thresholds: &Thresholds, polls: &[PollIx]) -> Option<Finding> {
    let worst = *polls
        .iter()
        .max_by_key(|poll| (recording.poll_duration(**poll), std::cmp::Reverse(**poll)))?;
    let row = recording.poll(worst);
    let mut by_length = polls.to_vec();
    by_length.sort_by_key(|poll| std::cmp::Reverse(recording.poll_duration(*poll)));
    let culprits = distinct(by_length.iter().map(|poll| recording.poll(*poll).task));
    let mut message = format!(
        "a poll of {} took {} on {} at {}",
        label::task_at(recording, row.task),
        time::duration(row.duration),
        label::lane(recording, row.lane),
        time::instant_short(row.start),
    );
    if row.outcome == Outcome::StillRunning {
        message.push_str(" and was still running when the recording was made");
    }
    message.push('.');
    let delayed: Vec<Delayed> = onwards(recording, &[], worst)
        .delayed
        .into_iter()
        .filter(|delayed| delayed.by >= thresholds.slow_poll_info && delayed.task != row.task)
        .collect();
    if let Some(first) = delayed.first() {
        message.push_str(&format!(
            " {} {}, for {}{}.",
            match delayed.len() {
                1 => "1 task was ready meanwhile and waited for it:".to_owned(),
                many =>
                    format!("{many} tasks were ready meanwhile and waited for it; the longest,"),
            },
            label::task_at(recording, first.task),
            time::duration(first.by),
            if first.queued {
                ", queued on the same worker"
            } else {
                ", as every worker was inside a poll"
            },
        ));
        if let Some(idle) = parked_beside(recording, worst, first) {
            message.push_str(&format!(
                " Meanwhile {} was parked and could not take it: the poll itself had woken that task, and such a one stands \
                 in a slot of that worker from which no other takes it (LIFO slot).",
                label::lane(recording, idle)
            ));
        }
    }
    let of = if location_of(recording, worst).is_some() {
        "at this spawn location"
    } else {
        "of this task"
    };
    let more = format!(
        "poll of {} or more {of}",
        time::duration(thresholds.slow_poll_info)
    );
    also(&mut message, polls.len() - 1, &more);
    Some(Finding {
        kind: Kind::SlowPoll,
        severity: severity_of(row.duration, thresholds),
        tasks: culprits
            .iter()
            .take(MOST_CULPRITS)
            .map(|task| (*task, Role::Culprit))
            .chain(
                distinct(delayed.iter().map(|delayed| delayed.task))
                    .into_iter()
                    .filter(|task| !culprits.contains(task))
                    .take(MOST_VICTIMS)
                    .map(|task| (task, Role::Victim)),
            )
            .collect(),
        lane: Some(row.lane),
        start: row.start,
        duration: row.duration,
        message,
        suggestion: SUGGESTION.to_owned(),
        evidence: by_length
            .iter()
            .take(MOST_CULPRITS)
            .map(|poll| evidence::poll(recording, *poll))
            .chain(
                delayed
                    .iter()
                    .take(MOST_VICTIMS)
                    .map(|delayed| evidence::delayed(recording, delayed)),
            )
            .collect(),
        alike: polls.len() - 1,
    })
}

fn severity_of(length: time::Ns, thresholds: &Thresholds) -> Severity {
    if length >= thresholds.slow_poll_critical {
        Severity::Critical
    } else if length >= thresholds.slow_poll_warning {
        Severity::Warning
    } else {
        Severity::Info
    }
}

fn distinct(tasks: impl Iterator<Item = TaskIx>) -> Vec<TaskIx> {
    let mut seen = HashSet::new();
    tasks.filter(|task| seen.insert(*task)).collect()
}

/// `80.3 ms and 80.1 ms`, or `80.3 ms, 80.1 ms, 79.0 ms, 78.1 ms and 4 more`.
fn join(shown: &[String], all: usize) -> String {
    match shown {
        [one] if all == 1 => one.clone(),
        [first @ .., last] if all == shown.len() => format!("{} and {last}", first.join(", ")),
        _ => format!("{} and {} more", shown.join(", "), all - shown.len()),
    }
}

pub(super) fn count(number: usize, what: &str) -> String {
    if number == 1 {
        format!("1 {what}")
    } else {
        format!("{number} {what}s")
    }
}

fn also(message: &mut String, more: usize, what: &str) {
    match more {
        0 => {}
        1 => message.push_str(&format!(" There was 1 more {what}.")),
        // "poll of 10 ms" has its plural at the front.
        _ => match what.strip_prefix("poll") {
            Some(rest) => message.push_str(&format!(" There were {more} more polls{rest}.")),
            None => message.push_str(&format!(" There were {more} more {what}s.")),
        },
    }
}
