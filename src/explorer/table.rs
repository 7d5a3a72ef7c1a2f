//! What a person asked of the Tasks pane, and the answer that is shown. How the answer is found is `listing`'s business,
//! how it looks that of `tasks` and `overview`.

use std::sync::Arc;

use super::{
    facts::Opened,
    listing::{Key, Listing, Passing},
    overview::Group,
    show::{Shown, choose, told},
    view::View,
    work::Errand,
};
use crate::{
    analysis::query::Query,
    recording::{StrId, TaskIx},
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
    pub(super) fn moves(self) -> bool {
        matches!(self, Self::State | Self::Waiting)
    }

    /// Whether the order depends on the range.
    pub(super) fn counts(self) -> bool {
        matches!(
            self,
            Self::Polls | Self::Busy | Self::Longest | Self::Delay | Self::Wakes
        )
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
    /// Whether the tasks are folded into their spawn locations.
    pub(super) folded: bool,
    /// The one location whose tasks are listed.
    pub(super) only: Option<StrId>,
}

impl Default for Wish {
    fn default() -> Self {
        Self {
            sort: Sort::Trouble,
            reverse: false,
            all: false,
            find: String::new(),
            filter: None,
            folded: false,
            only: None,
        }
    }
}

/// Every order by its name on the command line, the first one first.
const NAMES: [(Sort, &str); 11] = [
    (Sort::Trouble, "trouble"),
    (Sort::Id, "id"),
    (Sort::State, "state"),
    (Sort::Name, "name"),
    (Sort::Location, "location"),
    (Sort::Polls, "polls"),
    (Sort::Busy, "busy"),
    (Sort::Longest, "longest"),
    (Sort::Delay, "delay"),
    (Sort::Wakes, "wakes"),
    (Sort::Waiting, "waiting"),
];

impl Shown for Wish {
    fn tell(&self, _: bool, say: &mut dyn FnMut(&str, &str)) {
        if self.all {
            say("all", "");
        }
        if self.folded {
            say("by-location", "");
        }
        if let Some(sort) = told(&NAMES, &self.sort) {
            say("sort", sort);
        }
        if self.reverse {
            say("reversed", "");
        }
    }

    fn hear(&mut self, key: &str, value: &str) -> bool {
        match (key, value) {
            ("all", "") => self.all = true,
            ("by-location", "") => self.folded = true,
            ("reversed", "") => self.reverse = true,
            ("sort", name) => return choose(&mut self.sort, &NAMES, name),
            _ => return false,
        }
        true
    }
}

/// The wish, and the latest answer to it.
#[derive(Debug, Default)]
pub(super) struct Table {
    pub(super) wish: Wish,
    /// What was asked for last: its answer is there, or on its way.
    asked: Option<Key>,
    listing: Arc<Listing>,
    /// The first row is to be selected as soon as the answer is there.
    pub(super) select_first: bool,
}

impl Table {
    /// The tasks that are listed, in order; none while they are folded.
    pub(super) fn rows(&self) -> &[TaskIx] {
        self.listing.rows()
    }

    /// The locations that the tasks are folded into, in order; none while they are not.
    pub(super) fn groups(&self) -> &[Group] {
        self.listing.groups()
    }

    /// How many lines there are.
    pub(super) fn len(&self) -> usize {
        self.rows().len().max(self.groups().len())
    }

    /// The task of that line: of a location, the one to look at first.
    pub(super) fn get(&self, row: usize) -> Option<TaskIx> {
        let group = || self.groups().get(row).map(|group| group.lead);
        self.rows().get(row).copied().or_else(group)
    }

    /// The line of `task`, or of its location. `near` is where it was, or may be.
    pub(super) fn position(&self, opened: &Opened, task: TaskIx, near: usize) -> Option<usize> {
        if self.rows().get(near) == Some(&task) {
            return Some(near);
        }
        let location = opened.recording.task(task).location;
        let row = self.rows().iter().position(|row| *row == task);
        let group = || {
            let mut groups = self.groups().iter();
            groups.position(|group| group.location == location)
        };
        row.or_else(group)
    }

    /// The same, to be kept.
    pub(super) fn passing_shared(&self) -> Option<Arc<Passing>> {
        self.passing().and_then(|_| self.listing.passing_shared())
    }

    /// The answer that is shown.
    pub(super) fn listing(&self) -> &Listing {
        &self.listing
    }

    /// What the filter says, where its answer is there.
    pub(super) fn passing(&self) -> Option<&Passing> {
        self.listing
            .passing()
            .filter(|passing| Some(passing.query()) == self.wish.filter.as_ref())
    }
}

impl View {
    /// Has the rows made anew if anything that they depend on has changed. A selected task that is not alive at the
    /// cursor stays listed.
    pub(super) fn refresh_table(&mut self) {
        let opened = Arc::clone(&self.opened);
        let key = Key::new(
            &opened,
            self.table.wish.clone(),
            self.scope(),
            self.place.task,
            &self.figures,
        );
        if self.table.asked.as_ref() == Some(&key) {
            return;
        }
        self.table.asked = Some(key.clone());
        let before = Arc::clone(&self.table.listing);
        let large = before.takes_long(&opened, &key);
        let figures = Arc::clone(&self.figures);
        self.ask(Errand::Rows, large, move |stop| {
            let listing = Arc::new(Listing::new(&opened, &figures, key, &before, stop)?);
            Some(Box::new(move |view| view.table.listing = listing))
        });
    }
}
