//! The table of all edges of a task: each waker and each wakee with its figures, sorted by any column.

use std::cmp::Reverse;

use ratatui::{buffer::Buffer, layout::Rect};

use super::{Spot, fitted, name};
use crate::{
    analysis::graph::{Edge, Ego},
    explorer::{
        actions::ActionId,
        place::scrolled,
        text::{Pen, brief, coarse, count, place},
        theme::{Role, Theme},
        view::View,
    },
    recording::{Ns, Recording, TaskIx, Waker},
};

/// What the table is sorted by.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) enum Sort {
    /// Wakers before wakees, each by the number of wakes.
    #[default]
    Side,
    /// The number of wakes.
    Wakes,
    /// Redundant wakes.
    Redundant,
    /// The median schedule delay.
    Median,
    /// Its 99th percentile.
    P99,
    /// The latest wake.
    Latest,
}

const SORTS: [Sort; 6] = [
    Sort::Side,
    Sort::Wakes,
    Sort::Redundant,
    Sort::Median,
    Sort::P99,
    Sort::Latest,
];

/// Every order by its name on the command line, the first one first.
pub(super) const NAMES: [(Sort, &str); 6] = [
    (Sort::Side, "side"),
    (Sort::Wakes, "wakes"),
    (Sort::Redundant, "redundant"),
    (Sort::Median, "median"),
    (Sort::P99, "p99"),
    (Sort::Latest, "latest"),
];

impl Sort {
    fn title(self) -> &'static str {
        match self {
            Self::Side => "edge",
            Self::Wakes => "wakes",
            Self::Redundant => "redund",
            Self::Median => "median",
            Self::P99 => "p99",
            Self::Latest => "latest",
        }
    }
}

/// The order of the rows.
#[derive(Debug, Default)]
pub(super) struct Rows {
    made_for: Option<(Sort, bool)>,
    /// Whether it is a wakee, and its number there.
    order: Vec<(bool, usize)>,
}

impl Rows {
    pub(super) fn edge<'a>(&self, ego: &'a Ego, row: usize) -> Option<(&'a Edge, bool)> {
        let (wakee, number) = *self.order.get(row)?;
        let edge = super::ego::edges(ego, wakee).get(number)?;
        Some((edge, wakee))
    }

    fn refresh(&mut self, ego: &Ego, sort: Sort, reverse: bool) {
        if self.made_for == Some((sort, reverse)) {
            return;
        }
        let wakers = (0..ego.wakers.len()).map(|number| (false, number));
        let wakees = (0..ego.wakees.len()).map(|number| (true, number));
        self.order = wakers.chain(wakees).collect();
        let edge = |row: &(bool, usize)| &super::ego::edges(ego, row.0)[row.1];
        match sort {
            Sort::Side => {}
            Sort::Wakes => self.order.sort_by_key(|row| Reverse(edge(row).count)),
            Sort::Redundant => self.order.sort_by_key(|row| Reverse(edge(row).redundant)),
            Sort::Median => self.order.sort_by_key(|row| Reverse(edge(row).median)),
            Sort::P99 => self.order.sort_by_key(|row| Reverse(edge(row).p99)),
            Sort::Latest => self.order.sort_by_key(|row| Reverse(edge(row).last)),
        }
        if reverse {
            self.order.reverse();
        }
        self.made_for = Some((sort, reverse));
    }
}

pub(super) fn settle(view: &mut View, body: Option<Rect>) {
    let Some(ego) = &view.wakers.ego else { return };
    let spot = &mut view.place.wakers;
    view.wakers.table.refresh(ego, spot.sort, spot.reverse);
    let len = view.wakers.table.order.len();
    spot.wakees = false;
    spot.row = spot.row.min(len.saturating_sub(1));
    if let Some(body) = body {
        let capacity = usize::from(body.height.saturating_sub(1)).max(1);
        spot.top = scrolled(spot.top, spot.row, len, capacity);
    }
}

pub(super) fn step(view: &mut View, by: isize) {
    let last = view.wakers.table.order.len().saturating_sub(1);
    let spot = &mut view.place.wakers;
    spot.row = spot.row.saturating_add_signed(by).min(last);
}

/// Sorts by another column, or the other way round.
pub(super) fn sort(view: &mut View, action: ActionId) {
    let spot = &mut view.place.wakers;
    if spot.mode != super::Mode::Table {
        view.note = Some(format!(
            "Only the table is sorted: {} shows it.",
            view.key(ActionId::NextView)
        ));
        return;
    }
    let here = SORTS
        .iter()
        .position(|sort| *sort == spot.sort)
        .unwrap_or(0);
    let (sort, reverse) = match action {
        ActionId::SortNext => (SORTS[(here + 1) % SORTS.len()], false),
        ActionId::SortPrevious => (SORTS[(here + SORTS.len() - 1) % SORTS.len()], false),
        _ => (spot.sort, !spot.reverse),
    };
    *spot = Spot {
        sort,
        reverse,
        row: 0,
        top: 0,
        ..*spot
    };
}

pub(super) fn hit(view: &View, body: Rect, row: u16) -> Option<usize> {
    let line = usize::from(row.checked_sub(body.y + 1)?);
    let number = view.place.wakers.top + line;
    (number < view.wakers.table.order.len()).then_some(number)
}

/// Cells of the figures, in the order of the columns.
const FIGURES: [(Sort, usize); 5] = [
    (Sort::Wakes, 6),
    (Sort::Redundant, 7),
    (Sort::Median, 8),
    (Sort::P99, 8),
    (Sort::Latest, 11),
];

pub(super) fn draw(buffer: &mut Buffer, body: Rect, theme: Theme, view: &View, task: TaskIx) {
    let spot = view.place.wakers;
    let Some(ego) = &view.wakers.ego else { return };
    if body.height == 0 {
        return;
    }
    let figures: usize = FIGURES.iter().map(|(_, cells)| cells + 1).sum();
    let room = usize::from(body.width).saturating_sub(2 + figures + 9);
    let name_cells = room.min(28).max(room.saturating_sub(40));
    let place_cells = room.saturating_sub(name_cells + 1);
    let title = |sort: Sort| {
        let arrow = match (sort == spot.sort, spot.reverse) {
            (false, _) => "",
            (true, false) => "▼",
            (true, true) => "▲",
        };
        let role = if sort == spot.sort {
            Role::Strong
        } else {
            Role::Dim
        };
        (format!("{}{arrow}", sort.title()), theme.style(role))
    };
    let mut pen = Pen::new(buffer, body, 0);
    let (text, style) = title(Sort::Side);
    pen.skip(2).left(&text, 8 + 1 + name_cells, style);
    for (sort, cells) in FIGURES {
        let (text, style) = title(sort);
        pen.skip(1).right(&text, cells, style);
    }
    if view.wakers.table.order.is_empty() {
        Pen::new(buffer, body, 1).skip(2).fit(
            "No wake of it, or by it, was recorded here.",
            theme.style(Role::Dim),
        );
        return;
    }
    let recording = &view.opened.recording;
    for row in 1..body.height {
        let number = spot.top + usize::from(row) - 1;
        let Some((edge, wakee)) = view.wakers.table.edge(ego, number) else {
            break;
        };
        let selected = number == spot.row;
        let base = theme.style(if selected {
            Role::Selected
        } else {
            Role::Plain
        });
        let direction = if wakee || edge.node == Waker::Task(task) {
            "wakes"
        } else {
            "woken by"
        };
        let time = |ns: Option<Ns>| ns.map_or_else(|| "-".to_owned(), brief);
        let figures = [
            count(edge.count as u64),
            count(edge.redundant as u64),
            time(edge.median),
            time(edge.p99),
            coarse(recording, recording.wake_at(edge.last)),
        ];
        let mut pen = Pen::new(buffer, body, row);
        pen.put(if selected { "▸ " } else { "  " }, base)
            .left(direction, 8, base)
            .put(" ", base)
            .left(&fitted(&name(view, edge), name_cells), name_cells, base);
        for (text, (_, cells)) in figures.iter().zip(FIGURES) {
            pen.put(" ", base).right(text, cells, base);
        }
        if place_cells > 8 {
            pen.put("  ", base).fit(&spawn_place(recording, edge), base);
        }
        if selected {
            let rest = " ".repeat(pen.room());
            pen.put(&rest, base);
        }
    }
}

fn spawn_place(recording: &Recording, edge: &Edge) -> String {
    match edge.node {
        Waker::Task(task) => recording
            .location(task)
            .map(place)
            .unwrap_or_default()
            .to_owned(),
        _ => String::new(),
    }
}
