//! The rows of the Resources pane: each group of waits at the cursor, in order.

use std::cmp::Reverse;

use crate::{
    analysis::{State, WaitFigures, WaitGroup, Waiter, Waits, state_at},
    recording::{Ns, Recording},
};

/// What the groups can be sorted by.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) enum Sort {
    /// Who waits for longest at the cursor.
    #[default]
    Since,
    /// How many wait at the cursor.
    Now,
    /// What is waited on.
    On,
    /// How many waits there were.
    Waits,
    /// Their median.
    Median,
    /// The longest of them.
    Longest,
}

/// Every order, as `s` walks them.
pub(super) const SORTS: &[Sort] = &[
    Sort::Now,
    Sort::Since,
    Sort::On,
    Sort::Waits,
    Sort::Median,
    Sort::Longest,
];

/// Every order by its name on the command line, the first one first.
pub(super) const NAMES: [(Sort, &str); 6] = [
    (Sort::Since, "since"),
    (Sort::Now, "now"),
    (Sort::On, "on"),
    (Sort::Waits, "waits"),
    (Sort::Median, "median"),
    (Sort::Longest, "longest"),
];

impl Sort {
    pub(super) fn title(self) -> &'static str {
        match self {
            Self::Now => "how many wait now",
            Self::Since => "who waits for longest now",
            Self::On => "what is waited on",
            Self::Waits => "how many waits",
            Self::Median => "median",
            Self::Longest => "longest",
        }
    }

    pub(super) fn neighbour(self, steps: usize) -> Self {
        let here = SORTS.iter().position(|sort| *sort == self).unwrap_or(0);
        SORTS[(here + steps) % SORTS.len()]
    }
}

/// A group at the cursor.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Row {
    pub(super) group: usize,
    /// How many wait.
    pub(super) now: usize,
    /// How many more are ready or in a poll, with their waits not yet ended.
    pub(super) woken: usize,
    /// Since when the longest of them does.
    pub(super) since: Option<Ns>,
}

/// Somebody whose wait is open at the cursor, and what they were doing there.
#[derive(Clone, Copy, Debug)]
pub(super) struct Listed {
    pub(super) waiter: Waiter,
    pub(super) state: State,
}

impl Listed {
    /// Whether it waited: it was neither ready nor in a poll.
    pub(super) fn waits(&self) -> bool {
        matches!(self.state, State::Idle { .. } | State::Unknown)
    }
}

/// Those whose waits are open in `group`, at most so many: who waits comes first, the longest first.
pub(super) fn listed(
    recording: &Recording,
    group: &WaitGroup,
    cursor: Ns,
    most: usize,
) -> Vec<Listed> {
    let waiters = group.waiters_at(cursor, most).into_iter();
    let mut listed: Vec<Listed> = waiters
        .map(|waiter| Listed {
            waiter,
            state: state_at(recording, waiter.task, cursor),
        })
        .collect();
    listed.sort_by_key(|one| !one.waits());
    listed
}

/// Since when somebody in `group` waits at the cursor. The first few are asked: one of them hardly ever does not.
fn since(recording: &Recording, group: &WaitGroup, cursor: Ns) -> Option<Ns> {
    const ASKED: usize = 32;
    let listed = listed(recording, group, cursor, ASKED);
    let first = listed.first().filter(|one| one.waits())?;
    Some(first.waiter.since)
}

/// The groups in order: some searches in each, and few of their waits looked at.
pub(super) fn rows(
    recording: &Recording,
    waits: &Waits,
    figures: &[WaitFigures],
    cursor: Ns,
    sort: Sort,
    reverse: bool,
) -> Vec<Row> {
    let groups = waits.groups().iter().enumerate();
    let mut rows: Vec<Row> = groups
        .map(|(number, group)| {
            let now = group.waiting_at(cursor);
            Row {
                group: number,
                now,
                woken: group.open_at(cursor).saturating_sub(now),
                since: (now > 0).then(|| since(recording, group, cursor)).flatten(),
            }
        })
        .collect();
    let figures = |row: &Row| figures.get(row.group).copied().unwrap_or_default();
    // Groups are in the order of what is waited on already, and that breaks all ties.
    match sort {
        Sort::On => {}
        Sort::Now => rows.sort_by_key(|row| Reverse(row.now)),
        Sort::Since => rows.sort_by_key(|row| {
            let since = row.since.unwrap_or(Ns::MAX);
            (since, Reverse(figures(row).count))
        }),
        Sort::Waits => rows.sort_by_key(|row| Reverse(figures(row).count)),
        Sort::Median => rows.sort_by_key(|row| Reverse(figures(row).median)),
        Sort::Longest => rows.sort_by_key(|row| Reverse(figures(row).longest)),
    }
    if reverse {
        rows.reverse();
    }
    rows
}
