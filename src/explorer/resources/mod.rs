//! The Resources pane: what tasks wait on, by the marks that name waits and the places where tasks were seen suspended:
//! who waits at the cursor and for how long, and how long waits take.

mod draw;
mod rows;
#[cfg(test)]
mod tests;

use std::sync::Arc;

use ratatui::layout::Rect;

use super::{
    actions::ActionId,
    place::{Pane, scrolled},
    show::{Shown, choose, number, told},
    view::View,
    work::Errand,
};
use crate::{
    analysis::{WaitFigures, Waits},
    recording::Ns,
};
use rows::{Listed, Row, Sort};

pub(super) use draw::draw;

/// Something in the list.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) enum Item {
    /// Whatever comes first.
    #[default]
    First,
    /// A group of waits, by its number.
    Group(usize),
    /// One of those whose waits in that group are open.
    Waiter(usize, usize),
}

impl Item {
    fn group(self) -> Option<usize> {
        match self {
            Self::First => None,
            Self::Group(group) | Self::Waiter(group, _) => Some(group),
        }
    }
}

/// What a step back restores of this pane.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Spot {
    item: Item,
    /// The first line that is shown.
    top: usize,
    sort: Sort,
    reverse: bool,
}

impl Shown for Spot {
    fn tell(&self, shown: bool, say: &mut dyn FnMut(&str, &str)) {
        if let Some(sort) = told(&rows::NAMES, &self.sort) {
            say("sort", sort);
        }
        if self.reverse {
            say("reversed", "");
        }
        match self.item {
            Item::Group(group) if shown => say("line", &group.to_string()),
            Item::Waiter(group, waiter) if shown => say("line", &format!("{group}.{waiter}")),
            _ => {}
        }
    }

    fn hear(&mut self, key: &str, value: &str) -> bool {
        match (key, value) {
            ("sort", name) => return choose(&mut self.sort, &rows::NAMES, name),
            ("reversed", "") => self.reverse = true,
            ("line", line) => {
                let (mut group, mut waiter) = (0, 0);
                let (item, known) = match line.split_once('.') {
                    Some((of, nth)) => {
                        let known = number(&mut group, of) && number(&mut waiter, nth);
                        (Item::Waiter(group, waiter), known)
                    }
                    None => {
                        let known = number(&mut group, line);
                        (Item::Group(group), known)
                    }
                };
                if known {
                    self.item = item;
                }
                return known;
            }
            _ => return false,
        }
        true
    }
}

/// The first and the last instant of the marked range, if one is marked.
type Range = Option<(Ns, Ns)>;

/// What the rows are made from.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Made {
    cursor: Ns,
    range: Range,
    sort: Sort,
    reverse: bool,
}

/// What is kept for drawing.
#[derive(Debug, Default)]
pub(super) struct State {
    /// The waits in groups, once they are grouped.
    waits: Option<Arc<Waits>>,
    /// Whether they were asked for.
    asked: bool,
    /// Figures of each group, and the range that they are about.
    figures: Option<(Range, Vec<WaitFigures>)>,
    figures_asked: Option<Range>,
    /// The groups as they are listed, and what that was made from.
    rows: Vec<Row>,
    made_from: Option<Made>,
    /// Those whose waits in the selected group are open at the cursor: who waits first.
    waiters: Vec<Listed>,
    waiters_of: Option<(usize, Ns)>,
}

/// From so many waits on, grouping them is nothing for the drawing thread.
const LARGE: usize = 20_000;
/// The most waiters of a group that are listed.
const MOST_WAITERS: usize = 100;

/// Makes the selection valid and the rows agree with the place.
pub(super) fn settle(view: &mut View) {
    let Some(area) = view.area() else { return };
    group(view);
    let Some(waits) = view.resources.waits.clone() else {
        return;
    };
    figures(view, &waits);
    let opened = Arc::clone(&view.opened);
    let recording = &opened.recording;
    let (cursor, range) = (view.place.cursor, view.marked());
    let spot = view.place.resources;
    let state = &mut view.resources;
    let key = Made {
        cursor,
        range,
        sort: spot.sort,
        reverse: spot.reverse,
    };
    // Figures that are still being made are those of another range; they do not change the order meanwhile.
    let known = state
        .figures
        .as_ref()
        .map(|(_, figures)| figures.as_slice());
    if state.made_from != Some(key) {
        state.rows = rows::rows(
            recording,
            &waits,
            known.unwrap_or_default(),
            cursor,
            spot.sort,
            spot.reverse,
        );
        state.made_from = Some(key);
    }
    let listed = |group: usize| state.rows.iter().any(|row| row.group == group);
    let mut item = spot.item;
    if !item.group().is_some_and(listed) {
        item = state
            .rows
            .first()
            .map_or(Item::First, |row| Item::Group(row.group));
    }
    if let Some(group) = item.group()
        && state.waiters_of != Some((group, cursor))
    {
        let waits = &waits.groups()[group];
        state.waiters = rows::listed(recording, waits, cursor, MOST_WAITERS);
        state.waiters_of = Some((group, cursor));
    }
    if let Item::Waiter(group, waiter) = item {
        item = match state.waiters.len().checked_sub(1) {
            Some(last) => Item::Waiter(group, waiter.min(last)),
            None => Item::Group(group),
        };
    }
    view.place.resources.item = item;
    let (line, len) = (line_of(view, item), line_count(view));
    let capacity = draw::capacity(area);
    let mut top = scrolled(spot.top, line, len, capacity);
    if matches!(item, Item::Group(_)) {
        // Whoever waits is what the group was selected for: the first of them are shown with it.
        let last = (line + capacity.min(4)).min(len).saturating_sub(1);
        top = scrolled(scrolled(top, last, len, capacity), line, len, capacity);
    }
    view.place.resources.top = top;
}

/// Asks for the groups, unless they are there or on their way.
fn group(view: &mut View) {
    let state = &view.resources;
    let comes = state.asked && view.work.waits_for(Errand::Pane);
    if state.waits.is_some() || comes {
        return;
    }
    view.resources.asked = true;
    let opened = Arc::clone(&view.opened);
    let recording = &opened.recording;
    let large = recording.wait_count() + recording.await_site_count() > LARGE;
    view.ask(Errand::Pane, large, move |_| {
        let waits = Arc::new(Waits::new(&opened.recording));
        Some(Box::new(move |view: &mut View| {
            view.resources.waits = Some(waits);
        }))
    });
}

/// Asks for the figures over the range, unless they are there or on their way.
fn figures(view: &mut View, waits: &Arc<Waits>) {
    let range = view.marked();
    let state = &view.resources;
    let there = state.figures.as_ref().is_some_and(|(of, _)| *of == range);
    let comes = state.figures_asked == Some(range) && view.work.waits_for(Errand::Pane);
    if there || comes {
        return;
    }
    view.resources.figures_asked = Some(range);
    let waits = Arc::clone(waits);
    let large = waits
        .groups()
        .iter()
        .map(crate::analysis::WaitGroup::len)
        .sum::<usize>()
        > LARGE;
    view.ask(Errand::Pane, large, move |stop| {
        let mut figures = Vec::with_capacity(waits.groups().len());
        for group in waits.groups() {
            if stop.asked() {
                return None;
            }
            figures.push(group.figures(range));
        }
        Some(Box::new(move |view: &mut View| {
            view.resources.figures = Some((range, figures));
            view.resources.made_from = None;
        }))
    });
}

/// Lines below the selected group that are about it: those who wait, or that nobody does, and how many more.
fn extra(view: &View) -> usize {
    let state = &view.resources;
    if state.rows.is_empty() {
        return 0;
    }
    state.waiters.len().max(1) + usize::from(more(view) > 0)
}

/// How many wait in the selected group that are not listed.
fn more(view: &View) -> usize {
    let state = &view.resources;
    let group = view.place.resources.item.group();
    let row = state.rows.iter().find(|row| Some(row.group) == group);
    row.map_or(0, |row| {
        (row.now + row.woken).saturating_sub(state.waiters.len())
    })
}

/// Where the selected group stands among the groups.
fn position(view: &View) -> usize {
    let group = view.place.resources.item.group();
    let mut rows = view.resources.rows.iter();
    rows.position(|row| Some(row.group) == group).unwrap_or(0)
}

fn line_count(view: &View) -> usize {
    view.resources.rows.len() + extra(view)
}

fn line_of(view: &View, item: Item) -> usize {
    let open = position(view);
    match item {
        Item::First => open,
        Item::Waiter(_, waiter) => open + 1 + waiter,
        Item::Group(group) => {
            let mut rows = view.resources.rows.iter();
            let row = rows.position(|row| row.group == group).unwrap_or(0);
            // What is about the selected group stands between it and the next.
            if row > open { row + extra(view) } else { row }
        }
    }
}

/// What stands in a line of the list; `None` where that leads nowhere.
fn item_at(view: &View, line: usize) -> Option<Item> {
    let rows = &view.resources.rows;
    let open = position(view);
    let extra = extra(view);
    if line > open && line <= open + extra {
        let waiter = line - open - 1;
        return (waiter < view.resources.waiters.len())
            .then(|| Item::Waiter(rows[open].group, waiter));
    }
    let row = if line > open { line - extra } else { line };
    rows.get(row).map(|row| Item::Group(row.group))
}

/// What this pane makes of `action`; whether it has a use of its own for it.
pub(super) fn act(view: &mut View, action: ActionId) -> bool {
    let page = view
        .area()
        .map_or(1, draw::capacity)
        .saturating_sub(1)
        .max(1);
    let page = isize::try_from(page).unwrap_or(1);
    match action {
        ActionId::Up => walk(view, -1),
        ActionId::Down => walk(view, 1),
        ActionId::PageUp => walk(view, -page),
        ActionId::PageDown => walk(view, page),
        ActionId::First => walk(view, isize::MIN),
        ActionId::Last => walk(view, isize::MAX),
        ActionId::SortNext => sort(view, 1),
        ActionId::SortPrevious => sort(view, rows::SORTS.len() - 1),
        ActionId::SortReverse => view.place.resources.reverse ^= true,
        ActionId::Open => open(view),
        _ => return false,
    }
    true
}

fn sort(view: &mut View, steps: usize) {
    let spot = &mut view.place.resources;
    spot.sort = spot.sort.neighbour(steps);
    spot.reverse = false;
    view.note = Some(format!("Sorted by {}.", spot.sort.title()));
}

/// Selects what stands so many lines further down, or beyond what leads nowhere.
fn walk(view: &mut View, by: isize) {
    let last = line_count(view).saturating_sub(1);
    let mut line = line_of(view, view.place.resources.item)
        .saturating_add_signed(by)
        .min(last);
    while item_at(view, line).is_none() {
        let next = if by < 0 {
            line.checked_sub(1)
        } else {
            Some(line + 1)
        };
        match next {
            Some(next) if next <= last => line = next,
            _ => return,
        }
    }
    if let Some(item) = item_at(view, line) {
        select(view, item);
    }
}

fn select(view: &mut View, item: Item) {
    view.place.resources.item = item;
    if let Item::Waiter(_, waiter) = item
        && let Some(waiter) = view.resources.waiters.get(waiter)
    {
        view.place.task = Some(waiter.waiter.task);
        view.set_cursor(view.place.cursor);
    }
}

/// Goes to the selected waiter, or to the one who waits for longest in the selected group.
fn open(view: &mut View) {
    let number = match view.place.resources.item {
        Item::Waiter(_, waiter) => waiter,
        Item::First | Item::Group(_) => 0,
    };
    let Some(waiter) = view.resources.waiters.get(number).copied() else {
        view.note = Some("Nobody waits on it at the cursor.".to_owned());
        return;
    };
    view.jump(|view| {
        view.place.pane = Pane::Task;
        view.place.task = Some(waiter.waiter.task);
        view.set_cursor(view.place.cursor);
    });
}

/// What a click at `column` and `row` of the screen does: it selects, and opens what is selected already.
pub(super) fn click(view: &mut View, area: Rect, _column: u16, row: u16) {
    let Some(line) = row.checked_sub(draw::list(area).y) else {
        return;
    };
    if line >= draw::list(area).height {
        return;
    }
    let line = view.place.resources.top + usize::from(line);
    let Some(item) = item_at(view, line) else {
        return;
    };
    if item == view.place.resources.item {
        open(view);
    } else {
        select(view, item);
    }
}
