//! The rows of the Resources pane: each group of waits at the cursor, in order.

use std::cmp::Reverse;

use crate::{
    analysis::{WaitFigures, Waits},
    recording::Ns,
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
    /// Since when the longest of them does.
    pub(super) since: Option<Ns>,
}

/// The groups in order: two searches in each, and none of their waits looked at.
pub(super) fn rows(
    waits: &Waits,
    figures: &[WaitFigures],
    cursor: Ns,
    sort: Sort,
    reverse: bool,
) -> Vec<Row> {
    let groups = waits.groups().iter().enumerate();
    let mut rows: Vec<Row> = groups
        .map(|(number, group)| Row {
            group: number,
            now: group.waiting_at(cursor),
            since: group
                .waiters_at(cursor, 1)
                .first()
                .map(|waiter| waiter.since),
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
