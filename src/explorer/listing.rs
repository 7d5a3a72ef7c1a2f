//! Which tasks the Tasks pane lists, in which order: a pure function of what was asked, that takes from the answer
//! before it what is still true.

use std::{cmp::Reverse, collections::HashMap, sync::Arc};

use super::{
    facts::Opened,
    figures::Figures,
    fuzzy::Fuzzy,
    overview::{self, Group},
    table::{Sort, Wish},
    work::Stop,
};
use crate::{
    analysis::{
        label,
        query::{Query, Scope, Verdict},
    },
    recording::{Recording, StrId, TaskIx},
};

/// Everything that the rows depend on.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Key {
    pub(super) wish: Wish,
    pub(super) scope: Scope,
    /// A task that is listed although it is not alive at the cursor, because it is selected.
    pub(super) pinned: Option<TaskIx>,
    /// The range of the figures that the tasks are sorted or summed up by.
    counted_over: Option<(i64, i64)>,
}

impl Key {
    pub(super) fn new(
        opened: &Opened,
        wish: Wish,
        scope: Scope,
        selected: Option<TaskIx>,
        figures: &Figures,
    ) -> Self {
        let pinned = selected.filter(|task| !wish.all && !opened.alive(*task, scope.at));
        let counts = wish.sort.counts() || wish.folded;
        Self {
            pinned,
            counted_over: counts.then(|| figures.range()).flatten(),
            // Without a filter nothing is asked about the range itself.
            scope: Scope {
                range: scope.range.filter(|_| wish.filter.is_some()),
                ..scope
            },
            wish,
        }
    }

    /// Whether the rows are those of `other`, wherever the cursor is.
    fn lists_what(&self, other: &Self) -> bool {
        let moves = |filter: &Arc<Query>| filter.moves_with_cursor();
        let stays = self.wish.all
            && !self.wish.folded
            && !self.wish.sort.moves()
            && !self.wish.filter.as_ref().is_some_and(moves);
        stays
            && Self {
                scope: Scope {
                    at: other.scope.at,
                    ..self.scope
                },
                ..self.clone()
            } == *other
    }
}

/// The answer, and what the next one may take from it.
#[derive(Debug, Default)]
pub(super) struct Listing {
    key: Option<Key>,
    rows: Arc<Vec<TaskIx>>,
    groups: Vec<Group>,
    ranks: Option<Arc<Ranks>>,
    scores: Option<Arc<Scores>>,
    passing: Option<Arc<Passing>>,
    found_only_by_search: usize,
}

/// More tasks than this are not looked at one by one on the drawing thread.
const FEW: usize = 20_000;
/// Of so many the state at the cursor is found in no time: that takes some searches for each.
const VERY_FEW: usize = 400;
/// A filter may look at every poll of a task.
const FEW_POLLS: usize = 200_000;

impl Listing {
    pub(super) fn rows(&self) -> &[TaskIx] {
        &self.rows
    }

    pub(super) fn groups(&self) -> &[Group] {
        &self.groups
    }

    pub(super) fn passing(&self) -> Option<&Passing> {
        self.passing.as_deref()
    }

    /// The answer of the filter, to be kept.
    pub(super) fn passing_shared(&self) -> Option<Arc<Passing>> {
        self.passing.clone()
    }

    /// Whether the search and the filter list `task`, alive or not.
    pub(super) fn found(&self, recording: &Recording, task: TaskIx) -> bool {
        let Some(key) = &self.key else { return true };
        let only = key.wish.only;
        only.is_none_or(|only| recording.task(task).location == only)
            && self.passing.as_ref().is_none_or(|one| one.lists(task))
            && self
                .scores
                .as_ref()
                .is_none_or(|one| one.of(task).is_some())
    }

    /// Where nothing is listed, how many tasks the search found that the filter hides.
    pub(super) fn found_only_by_search(&self) -> usize {
        self.found_only_by_search
    }

    /// Whether the answer to `key` takes longer to find than a frame may take.
    pub(super) fn takes_long(&self, opened: &Opened, key: &Key) -> bool {
        let recording = &opened.recording;
        if self.key.as_ref().is_some_and(|old| key.lists_what(old)) {
            return false;
        }
        let wish = &key.wish;
        let tasks = recording.task_count();
        let looked_at = if wish.all || wish.folded {
            tasks
        } else {
            recording.alive_count(key.scope.at)
        };
        let fresh = Passing::of(key).is_some_and(|wanted| !wanted.is(self.passing.as_deref()));
        let asks = fresh && (tasks > FEW / 10 || recording.poll_count() > FEW_POLLS);
        let scores = !wish.find.is_empty() && !self.scored(&wish.find);
        let ranks = !wish.sort.moves() && wish.sort != Sort::Trouble && !self.ranked(key);
        let states = wish.sort.moves() || wish.folded;
        asks || looked_at > FEW
            || (tasks > FEW && (scores || ranks))
            || (looked_at > VERY_FEW && states)
    }

    fn scored(&self, find: &str) -> bool {
        self.scores
            .as_ref()
            .is_some_and(|scores| scores.find == find)
    }

    fn ranked(&self, key: &Key) -> bool {
        self.ranks
            .as_ref()
            .is_some_and(|ranks| ranks.sort == key.wish.sort && ranks.over == key.counted_over)
    }

    /// The answer to `key`; `None` where nobody wants to know any more.
    pub(super) fn new(
        opened: &Opened,
        figures: &Figures,
        key: Key,
        before: &Self,
        stop: &Stop,
    ) -> Option<Self> {
        let mut listing = Self {
            ranks: before.ranks.clone().filter(|_| before.ranked(&key)),
            scores: before
                .scores
                .clone()
                .filter(|_| before.scored(&key.wish.find)),
            ..Self::default()
        };
        if !key.wish.find.is_empty() && listing.scores.is_none() {
            listing.scores = Some(Arc::new(Scores::new(
                &opened.recording,
                &key.wish.find,
                stop,
            )?));
        }
        if let Some(wanted) = Passing::of(&key) {
            let same = before.passing.clone().filter(|old| wanted.is(Some(old)));
            listing.passing = Some(match same {
                Some(same) => same,
                None => Arc::new(Passing::new(opened, wanted, stop)?),
            });
        }
        let same_rows = before.key.as_ref().is_some_and(|old| key.lists_what(old));
        let sort = key.wish.sort;
        let ranked = sort != Sort::Trouble && !sort.moves() && !key.wish.folded;
        if ranked && !same_rows && listing.ranks.is_none() {
            let over = key.counted_over;
            listing.ranks = Some(Arc::new(Ranks::new(opened, figures, sort, over, stop)?));
        }
        listing.key = Some(key);
        if same_rows {
            listing.rows = Arc::clone(&before.rows);
            return Some(listing);
        }
        let key = listing.key.as_ref()?;
        if key.wish.folded {
            let found = |task| listing.found(&opened.recording, task);
            listing.groups = overview::groups(opened, figures, key, found, stop)?;
        } else {
            listing.rows = Arc::new(listing.list(opened, key, stop)?);
        }
        if listing.rows.is_empty() && listing.groups.is_empty() && listing.passing.is_some() {
            let scores = listing.scores.iter().flat_map(|scores| &scores.scores);
            listing.found_only_by_search = scores.filter(|score| **score != NO_MATCH).count();
        }
        Some(listing)
    }

    fn list(&self, opened: &Opened, key: &Key, stop: &Stop) -> Option<Vec<TaskIx>> {
        let recording = &opened.recording;
        let wish = &key.wish;
        let found = |task: &TaskIx| self.found(recording, *task);
        let mut rows: Vec<TaskIx> = match &self.ranks {
            // All of them lie there in order already.
            Some(ranks) if wish.all => ranks.order.iter().copied().filter(found).collect(),
            _ if wish.all => opened
                .facts
                .trouble()
                .iter()
                .copied()
                .filter(found)
                .collect(),
            ranks => {
                let mut rows = recording.alive_at(key.scope.at);
                rows.extend(key.pinned);
                rows.retain(found);
                match ranks {
                    Some(ranks) => rows.sort_unstable_by_key(|task| ranks.of(*task)),
                    None => rows.sort_unstable_by_key(|task| opened.facts.trouble_rank(*task)),
                }
                rows
            }
        };
        if wish.sort.moves() {
            rows = by_state(opened, key, rows, stop)?;
        }
        if wish.reverse {
            rows.reverse();
        }
        if let Some(scores) = self.scores.as_ref().filter(|_| wish.sort == Sort::Trouble) {
            rows.sort_by_key(|task| Reverse(scores.of(*task)));
        }
        (!stop.asked()).then_some(rows)
    }
}

/// Sorts `rows` by what the tasks are doing at the cursor. Ties stay as they are.
fn by_state(opened: &Opened, key: &Key, rows: Vec<TaskIx>, stop: &Stop) -> Option<Vec<TaskIx>> {
    let at = key.scope.at;
    fn sorted<K: Ord>(
        rows: Vec<TaskIx>,
        stop: &Stop,
        key: impl Fn(TaskIx) -> K,
    ) -> Option<Vec<TaskIx>> {
        let keyed = rows
            .into_iter()
            .map(|task| (!stop.asked()).then(|| (key(task), task)));
        let mut keyed = keyed.collect::<Option<Vec<_>>>()?;
        keyed.sort_by(|(a, _), (b, _)| a.cmp(b));
        Some(keyed.into_iter().map(|(_, task)| task).collect())
    }
    match key.wish.sort {
        Sort::Waiting => sorted(rows, stop, |task| unnamed_last(opened.waiting_on(task, at))),
        _ => sorted(rows, stop, |task| opened.state_rank(task, at)),
    }
}

/// Every task in an order that does not depend on the cursor.
#[derive(Debug)]
struct Ranks {
    sort: Sort,
    over: Option<(i64, i64)>,
    order: Vec<TaskIx>,
    rank: Vec<u32>,
}

impl Ranks {
    fn new(
        opened: &Opened,
        figures: &Figures,
        sort: Sort,
        over: Option<(i64, i64)>,
        stop: &Stop,
    ) -> Option<Self> {
        let recording = &opened.recording;
        let trouble = opened.facts.trouble();
        let most_first = |value: u64| u64::MAX - value;
        let length = |ns: i64| u64::MAX - u64::try_from(ns).unwrap_or(0);
        let names = sort == Sort::Name || sort == Sort::Location;
        let alphabet = if names {
            alphabet(recording)
        } else {
            HashMap::new()
        };
        let letter = |text: StrId| {
            alphabet
                .get(&text)
                .map_or(u64::MAX, |rank| u64::from(*rank))
        };
        let figure = |task| figures.of(opened, task);
        let key = |task: TaskIx| match sort {
            Sort::Id => recording.task(task).id,
            Sort::Name => letter(recording.task(task).name),
            Sort::Location => letter(recording.task(task).location),
            Sort::Polls => most_first(figure(task).polls),
            Sort::Busy => length(figure(task).busy),
            Sort::Longest => length(figure(task).longest),
            Sort::Delay => figure(task).p99.map_or(u64::MAX, |p99| length(p99) - 1),
            Sort::Wakes => most_first(figure(task).wakes),
            Sort::Trouble | Sort::State | Sort::Waiting => 0,
        };
        // Ties are broken by trouble, so that the order never jumps about.
        let keyed = trouble.iter().zip(0u32..);
        let keyed = keyed.map(|(task, place)| (!stop.asked()).then(|| (key(*task), place)));
        let mut keyed = keyed.collect::<Option<Vec<_>>>()?;
        keyed.sort_unstable();
        if stop.asked() {
            return None;
        }
        let order: Vec<TaskIx> = keyed
            .iter()
            .map(|(_, place)| trouble[*place as usize])
            .collect();
        let mut rank = vec![0; order.len()];
        for (task, place) in order.iter().zip(0u32..) {
            rank[task.index()] = place;
        }
        Some(Self {
            sort,
            over,
            order,
            rank,
        })
    }

    fn of(&self, task: TaskIx) -> u32 {
        self.rank.get(task.index()).copied().unwrap_or(u32::MAX)
    }
}

/// The names and locations of tasks in alphabetical order: they are few, however many tasks there are.
fn alphabet(recording: &Recording) -> HashMap<StrId, u32> {
    let mut texts: Vec<StrId> = recording
        .tasks()
        .flat_map(|task| [recording.task(task).name, recording.task(task).location])
        .filter(|text| text.is_some())
        .collect();
    texts.sort_unstable_by_key(|text| text.index());
    texts.dedup();
    texts.sort_by_key(|text| recording.str(*text));
    texts.into_iter().zip(0..).collect()
}

/// How well each task matches a search.
#[derive(Debug)]
struct Scores {
    find: String,
    scores: Vec<i64>,
}

/// What does not match at all.
const NO_MATCH: i64 = i64::MIN;

impl Scores {
    /// Scores each pair of name and location once: a thousand tasks of one location cost one match, and their ids.
    fn new(recording: &Recording, find: &str, stop: &Stop) -> Option<Self> {
        let fuzzy = Fuzzy::new(find);
        let mut texts: HashMap<(StrId, StrId), i64> = HashMap::new();
        // An id is meant as a whole, or as it begins: letters in order would find every long number.
        let may_be_id = find.bytes().any(|byte| byte.is_ascii_digit());
        let score = |task: TaskIx| {
            let facts = recording.task(task);
            let text = *texts
                .entry((facts.name, facts.location))
                .or_insert_with(|| {
                    let both = [facts.name, facts.location];
                    let both = both.map(|text| fuzzy.score(recording.str(text)));
                    both[0].max(both[1]).unwrap_or(NO_MATCH)
                });
            if stop.asked() {
                return None;
            }
            let id = if may_be_id {
                let id = label::id(facts.id);
                match id.strip_prefix(find) {
                    Some("") => i64::MAX,
                    Some(_) => 1,
                    None => NO_MATCH,
                }
            } else {
                NO_MATCH
            };
            Some(text.max(id))
        };
        Some(Self {
            find: find.to_owned(),
            scores: recording.tasks().map(score).collect::<Option<_>>()?,
        })
    }

    fn of(&self, task: TaskIx) -> Option<i64> {
        let score = self.scores.get(task.index()).copied();
        score.filter(|score| *score != NO_MATCH)
    }
}

/// A filter, and the cursor and range that it is asked at.
struct Asked {
    query: Arc<Query>,
    scope: Scope,
}

impl Asked {
    fn is(&self, old: Option<&Passing>) -> bool {
        old.is_some_and(|old| old.scope == self.scope && old.query == self.query)
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
    /// What a filter has to be asked; where it does not look at the cursor, any will do.
    fn of(key: &Key) -> Option<Asked> {
        let query = Arc::clone(key.wish.filter.as_ref()?);
        let at = if query.moves_with_cursor() {
            key.scope.at
        } else {
            0
        };
        let scope = Scope { at, ..key.scope };
        Some(Asked { query, scope })
    }

    fn new(opened: &Opened, asked: Asked, stop: &Stop) -> Option<Self> {
        let Asked { query, scope } = asked;
        let recording = &opened.recording;
        let filter = query.bind(recording);
        let verdict = |task| (!stop.asked()).then(|| filter.verdict(recording, task, &scope));
        let verdicts = super::figures::in_parallel(recording, verdict);
        let verdicts = verdicts.into_iter().collect::<Option<Vec<Verdict>>>()?;
        let count = |verdict| verdicts.iter().filter(|one| **one == verdict).count();
        Some(Self {
            matching: count(Verdict::Yes),
            unknown: count(Verdict::Unknown),
            of: verdicts.len(),
            verdicts,
            query,
            scope,
        })
    }

    pub(super) fn query(&self) -> &Arc<Query> {
        &self.query
    }

    pub(super) fn lists(&self, task: TaskIx) -> bool {
        self.verdicts.get(task.index()) == Some(&Verdict::Yes)
    }
}

/// Sorts what has no name behind what has one.
fn unnamed_last<T: Ord>(name: Option<T>) -> (bool, Option<T>) {
    (name.is_none(), name)
}
