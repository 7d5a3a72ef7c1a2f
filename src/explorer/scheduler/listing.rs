//! Which tasks have a lane, and in which order: those first that spent most time in a chosen state.

use std::{
    cmp::Reverse,
    collections::{HashMap, HashSet},
    sync::Arc,
};

use crate::{
    analysis::{
        StateMap, Times,
        query::{Query, Scope},
    },
    explorer::{facts::Opened, span::Span, theme::Role, work::Stop},
    recording::{Ns, PollIx, Recording, TaskIx},
};

/// The state by whose time the lanes are sorted.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) enum Sort {
    #[default]
    Runnable,
    Running,
    Waiting,
    Idle,
}

/// Every order, as `s` walks them.
pub(super) const SORTS: &[Sort] = &[Sort::Runnable, Sort::Running, Sort::Waiting, Sort::Idle];

impl Sort {
    pub(super) fn name(self) -> &'static str {
        match self {
            Self::Runnable => "runnable",
            Self::Running => "running",
            Self::Waiting => "waiting",
            Self::Idle => "idle",
        }
    }

    pub(super) fn of(self, times: Times) -> Ns {
        match self {
            Self::Runnable => times.runnable,
            Self::Running => times.running,
            Self::Waiting => times.waiting,
            Self::Idle => times.idle,
        }
    }

    pub(super) fn role(self) -> Role {
        match self {
            Self::Runnable => Role::Runnable,
            Self::Running => Role::Running,
            Self::Waiting => Role::Waiting,
            Self::Idle => Role::Plain,
        }
    }
}

/// Tasks whose times are computed exactly; of more, those are that a sample of the polls saw most.
const EXACT: usize = 4_096;
/// Polls that a sample looks at, and tasks that are asked whether they match a filter.
const SAMPLE: usize = 65_536;

/// What a list is made of.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Wish {
    pub(super) span: Span,
    pub(super) sort: Sort,
    /// Lists only what matches, as far as the filter is asked at this place.
    pub(super) filter: Option<(Arc<Query>, Scope)>,
}

impl Wish {
    /// Whether the list is worth to be made off the drawing thread.
    pub(super) fn is_large(&self, recording: &Recording) -> bool {
        let tasks = count(recording, self.span);
        let polls = recording.polls_from(self.span.to()).index()
            - recording.polls_from(self.span.from()).index();
        tasks > 500 || polls > SAMPLE / 4
    }
}

/// The tasks that have a lane.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct List {
    pub(super) rows: Vec<(TaskIx, Times)>,
    /// How many tasks there were, where not all of them were timed.
    pub(super) of: Option<usize>,
}

/// How many tasks were alive in `span`.
fn count(recording: &Recording, span: Span) -> usize {
    let before = recording.spawned_by(span.from());
    let by_end = recording.spawned_by(span.to() - 1);
    recording.alive_count(span.from()) + by_end.saturating_sub(before)
}

/// Lists the tasks of `wish`; `None` where nobody wants them any more.
pub(super) fn list(opened: &Opened, map: &StateMap, wish: &Wish, stop: &Stop) -> Option<List> {
    let recording = &opened.recording;
    let (tasks, of) = candidates(recording, wish, stop)?;
    let mut rows = Vec::with_capacity(tasks.len());
    for task in tasks {
        if stop.asked() {
            return None;
        }
        let times = map.times(recording, task, wish.span.from()..wish.span.to());
        // Whoever is seen for no time at all was not there.
        if times.alive() > 0 {
            rows.push((task, times));
        }
    }
    rows.sort_by_key(|(task, times)| (Reverse(wish.sort.of(*times)), *task));
    Some(List { rows, of })
}

/// The tasks that may be listed; and how many there are, if that is only some of them.
fn candidates(
    recording: &Recording,
    wish: &Wish,
    stop: &Stop,
) -> Option<(Vec<TaskIx>, Option<usize>)> {
    let span = wish.span;
    let filter = wish.filter.as_ref();
    let filter = filter.map(|(query, scope)| (query.bind(recording), *scope));
    let matches = |task: &TaskIx| {
        filter
            .as_ref()
            .is_none_or(|(filter, scope)| filter.matches(recording, *task, scope))
    };
    let all = count(recording, span);
    let born = recording.tasks_by_spawn();
    let by_end = recording.spawned_by(span.to() - 1);
    if all <= EXACT {
        let mut tasks = recording.alive_at(span.from());
        let before = recording.spawned_by(span.from()).min(by_end);
        tasks.extend_from_slice(&born[before..by_end]);
        tasks.retain(matches);
        return Some((tasks, None));
    }
    let mut tasks = sampled(recording, span, wish.sort);
    tasks.retain(matches);
    tasks.truncate(EXACT);
    let known: HashSet<TaskIx> = tasks.iter().copied().collect();
    // The youngest of the others fill what room is left; only so many of them are looked at.
    for task in born[..by_end].iter().rev().take(SAMPLE) {
        if tasks.len() >= EXACT {
            break;
        }
        if stop.asked() {
            return None;
        }
        let gone = recording.gone_at(*task);
        if gone.is_none_or(|gone| gone > span.from()) && !known.contains(task) && matches(task) {
            tasks.push(*task);
        }
    }
    Some((tasks, Some(all)))
}

/// The tasks of a sample of the polls in `span`, those first that spent most of its time in the state.
fn sampled(recording: &Recording, span: Span, sort: Sort) -> Vec<TaskIx> {
    let from = recording.polls_from(span.from()).index();
    let to = recording.polls_from(span.to()).index();
    let step = (to - from).div_ceil(SAMPLE).max(1);
    let mut sums: HashMap<TaskIx, Ns> = HashMap::new();
    let mut add = |poll: PollIx| {
        let row = recording.poll(poll);
        let time = match sort {
            Sort::Runnable => row.delay.unwrap_or(0),
            Sort::Running => row.duration,
            // Who is idle is polled seldom: any of those seen will do.
            Sort::Waiting | Sort::Idle => 0,
        };
        let sum = sums.entry(row.task).or_default();
        *sum = sum.saturating_add(time);
    };
    (from..to).step_by(step).map(PollIx::new).for_each(&mut add);
    // Whoever was ready in the span may have been polled only after it.
    let after = to..recording.poll_count().min(to + SAMPLE / 16);
    after
        .map(PollIx::new)
        .filter(|poll| {
            let ready = recording.poll_start(*poll) - recording.delay(*poll).unwrap_or(0);
            ready < span.to()
        })
        .for_each(&mut add);
    let mut tasks: Vec<(TaskIx, Ns)> = sums.into_iter().collect();
    tasks.sort_unstable_by_key(|(task, sum)| (Reverse(*sum), *task));
    tasks.into_iter().map(|(task, _)| task).collect()
}
