//! The rows of the Tasks pane: which tasks, in which order. How they look is `tasks`' business.

use std::{collections::HashMap, sync::Arc};

use super::{facts::Opened, fuzzy::Fuzzy};
use crate::{
    analysis::{
        label,
        query::{Query, Scope, Verdict},
    },
    recording::{Ns, StrId, TaskIx},
};

/// What the tasks can be sorted by, in the order of the columns; trouble is no column, but the order at first.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Sort {
    Trouble,
    Id,
    State,
    Name,
    Location,
    Polls,
    Busy,
    Longest,
    Delay,
    Wakes,
    Waiting,
}

/// Every order, as `s` walks them.
pub(super) const SORTS: &[Sort] = &[
    Sort::Trouble,
    Sort::Id,
    Sort::State,
    Sort::Name,
    Sort::Location,
    Sort::Polls,
    Sort::Busy,
    Sort::Longest,
    Sort::Delay,
    Sort::Wakes,
    Sort::Waiting,
];

impl Sort {
    pub(super) fn title(self) -> &'static str {
        match self {
            Self::Trouble => "trouble",
            Self::Id => "id",
            Self::State => "state",
            Self::Name => "name",
            Self::Location => "location",
            Self::Polls => "polls",
            Self::Busy => "busy",
            Self::Longest => "longest",
            Self::Delay => "p99 delay",
            Self::Wakes => "wakes",
            Self::Waiting => "waiting on",
        }
    }

    pub(super) fn neighbour(self, steps: usize) -> Self {
        let here = SORTS.iter().position(|sort| *sort == self).unwrap_or(0);
        SORTS[(here + steps) % SORTS.len()]
    }

    /// Whether the order depends on where the cursor is.
    fn moves(self) -> bool {
        matches!(self, Self::State | Self::Waiting)
    }
}

/// What a person asked of the table.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Wish {
    pub(super) sort: Sort,
    pub(super) reverse: bool,
    /// Whether those that are not alive at the cursor are listed, too.
    pub(super) all: bool,
    /// What is searched for; empty for nothing.
    pub(super) find: String,
    /// What is filtered by.
    pub(super) filter: Option<Arc<Query>>,
}

impl Default for Wish {
    fn default() -> Self {
        Self {
            sort: Sort::Trouble,
            reverse: false,
            all: false,
            find: String::new(),
            filter: None,
        }
    }
}

/// The rows, and what they were made from.
#[derive(Debug, Default)]
pub(super) struct Table {
    pub(super) wish: Wish,
    rows: Vec<TaskIx>,
    /// Every task in order, and what that order was made from.
    order: Vec<TaskIx>,
    ordered_by: Option<(Sort, bool, Option<Ns>)>,
    /// The score of each task against the search, and the search.
    scores: Vec<Option<i64>>,
    scored_for: String,
    passing: Option<Passing>,
    made_from: Option<(Wish, Scope, Option<TaskIx>)>,
    alive: usize,
}

impl Table {
    /// The tasks that are listed, in order.
    pub(super) fn rows(&self) -> &[TaskIx] {
        &self.rows
    }

    /// How many tasks are alive at the cursor, listed or not.
    pub(super) fn alive(&self) -> usize {
        self.alive
    }

    /// Where `task` is listed.
    pub(super) fn position(&self, task: TaskIx) -> Option<usize> {
        self.rows.iter().position(|row| *row == task)
    }

    /// Whether the search and the filter list `task`, alive or not.
    pub(super) fn found(&self, task: TaskIx) -> bool {
        let passes = |passing: &Passing| passing.verdicts.get(task.index()) == Some(&Verdict::Yes);
        self.passing.as_ref().is_none_or(passes)
            && (self.wish.find.is_empty()
                || self.scores.get(task.index()).copied().flatten().is_some())
    }

    /// What the filter says, if there is one.
    pub(super) fn passing(&self) -> Option<&Passing> {
        self.passing.as_ref()
    }

    /// Makes the rows anew if anything that they depend on has changed. A selected task that is not alive at the
    /// cursor stays listed.
    pub(super) fn refresh(&mut self, opened: &Opened, scope: Scope, selected: Option<TaskIx>) {
        let cursor = scope.at;
        self.score(opened);
        self.filter(opened, scope);
        let pinned = selected.filter(|task| !opened.alive(*task, cursor));
        let key = (self.wish.clone(), scope, pinned);
        if self.made_from.as_ref() == Some(&key) {
            return;
        }
        self.sort(opened, cursor);
        self.alive = 0;
        let mut rows = Vec::with_capacity(self.rows.len());
        for &task in &self.order {
            let alive = opened.alive(task, cursor);
            self.alive += usize::from(alive);
            if self.found(task) && (alive || self.wish.all || Some(task) == pinned) {
                rows.push(task);
            }
        }
        self.rows = rows;
        if !self.wish.find.is_empty() && self.wish.sort == Sort::Trouble {
            self.rows
                .sort_by_key(|task| std::cmp::Reverse(self.scores[task.index()]));
        }
        self.made_from = Some(key);
    }

    /// Asks the filter about every task, if its answers may be others than before.
    fn filter(&mut self, opened: &Opened, scope: Scope) {
        let Some(query) = &self.wish.filter else {
            self.passing = None;
            return;
        };
        let scope = Scope {
            at: if query.moves_with_cursor() {
                scope.at
            } else {
                0
            },
            ..scope
        };
        let fresh = |passing: &Passing| passing.scope == scope && passing.query == *query;
        if !self.passing.as_ref().is_some_and(fresh) {
            self.passing = Some(Passing::new(opened, Arc::clone(query), scope));
        }
    }

    /// Scores each pair of name and location once: a thousand tasks of one location cost one match, and their ids.
    fn score(&mut self, opened: &Opened) {
        if self.wish.find == self.scored_for {
            return;
        }
        self.scored_for.clone_from(&self.wish.find);
        let recording = &opened.recording;
        let fuzzy = Fuzzy::new(&self.wish.find);
        let mut texts: HashMap<(StrId, StrId), Option<i64>> = HashMap::new();
        self.scores = recording
            .tasks()
            .map(|task| {
                let facts = recording.task(task);
                let text = *texts
                    .entry((facts.name, facts.location))
                    .or_insert_with(|| {
                        let [name, location] = [facts.name, facts.location]
                            .map(|text| fuzzy.score(recording.str(text)));
                        name.max(location)
                    });
                // An id is meant as a whole, or as it begins: letters in order would find every long number.
                let id = label::id(facts.id);
                let id = id
                    .starts_with(&self.wish.find)
                    .then(|| if id == self.wish.find { i64::MAX } else { 1 });
                text.max(id)
            })
            .collect();
    }

    fn sort(&mut self, opened: &Opened, cursor: Ns) {
        let Wish { sort, reverse, .. } = self.wish;
        let key = (sort, reverse, sort.moves().then_some(cursor));
        if self.ordered_by == Some(key) {
            return;
        }
        let recording = &opened.recording;
        // Ties are broken by trouble, so that the order never jumps about.
        let mut order = opened.facts.trouble().to_vec();
        let most_first = |value: u64| u64::MAX - value;
        match sort {
            Sort::Trouble => {}
            Sort::Id => order.sort_by_key(|task| recording.task(*task).id),
            Sort::State => order.sort_by_cached_key(|task| opened.state_rank(*task, cursor)),
            Sort::Name => order.sort_by_key(|task| unnamed_last(recording.name(*task))),
            Sort::Location => order.sort_by_key(|task| unnamed_last(recording.location(*task))),
            Sort::Polls => order.sort_by_key(|task| most_first(recording.totals(*task).polls)),
            Sort::Busy => order.sort_by_key(|task| -recording.totals(*task).busy_ns),
            Sort::Longest => order.sort_by_key(|task| -recording.totals(*task).longest_ns),
            Sort::Delay => order.sort_by_key(|task| -opened.facts.delay_p99(*task).unwrap_or(-1)),
            Sort::Wakes => order.sort_by_key(|task| most_first(recording.totals(*task).wakes)),
            Sort::Waiting => {
                order.sort_by_cached_key(|task| unnamed_last(opened.waiting_on(*task, cursor)));
            }
        }
        if reverse {
            order.reverse();
        }
        self.order = order;
        self.ordered_by = Some(key);
    }
}

/// What a filter says of every task, and what it was asked.
#[derive(Debug)]
pub(super) struct Passing {
    query: Arc<Query>,
    scope: Scope,
    verdicts: Vec<Verdict>,
    /// How many match.
    pub(super) matching: usize,
    /// Of how many it cannot be told.
    pub(super) unknown: usize,
    /// Of how many.
    pub(super) of: usize,
}

impl Passing {
    fn new(opened: &Opened, query: Arc<Query>, scope: Scope) -> Self {
        let recording = &opened.recording;
        let filter = query.bind(recording);
        let verdict = |task| filter.verdict(recording, task, &scope);
        let verdicts: Vec<Verdict> = recording.tasks().map(verdict).collect();
        let count = |verdict| verdicts.iter().filter(|one| **one == verdict).count();
        Self {
            matching: count(Verdict::Yes),
            unknown: count(Verdict::Unknown),
            of: verdicts.len(),
            verdicts,
            query,
            scope,
        }
    }
}

/// Sorts what has no name behind what has one.
fn unnamed_last<T: Ord>(name: Option<T>) -> (bool, Option<T>) {
    (name.is_none(), name)
}
