//! The mouse: a click selects or moves the cursor, a drag through time marks a range, the wheel walks or zooms.

use std::sync::Arc;

use ratatui::layout::{Position, Rect};

use super::{
    actions::ActionId,
    causes,
    columns::{Columns, MARGIN},
    findings,
    input::Turn,
    layout::{self, LABEL, LifeLayout, TasksLayout},
    life,
    place::Pane,
    resources, scheduler,
    table::Sort,
    view::View,
    wakers,
};
use crate::recording::Ns;

/// What the button was pressed on, for as long as it is held.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Held {
    over: Over,
    /// Where the cursor came to be then.
    at: Ns,
}

/// Something that shows time from left to right.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Over {
    Strip,
    /// The timeline of one life, in this area.
    Life(Rect),
    /// This line of the Scheduler.
    Lane(u16),
}

impl View {
    /// A click at `column` and `row` of the screen, above the bottom line.
    pub(super) fn click(&mut self, column: u16, row: u16) {
        let Some(frame) = layout::frame(self.size()) else {
            return;
        };
        let at = Position::new(column, row);
        self.note = None;
        self.untouched = false;
        self.walking = false;
        self.walks_list = false;
        self.held = None;
        let over = if frame.strip.contains(at) {
            self.go_to_strip_cell(column);
            Some(Over::Strip)
        } else if let Some(area) = self.area().filter(|area| area.contains(at)) {
            self.click_pane(area, at)
        } else {
            self.life_area()
                .filter(|area| area.contains(at))
                .and_then(|area| self.click_life(area, at))
        };
        self.held = over.map(|over| Held {
            over,
            at: self.place.cursor,
        });
        self.settle();
    }

    fn click_pane(&mut self, area: Rect, at: Position) -> Option<Over> {
        let (column, row) = (at.x, at.y);
        match self.place.pane {
            Pane::Findings => findings::click(self, area, column, row),
            Pane::Wakers => wakers::click(self, area, column, row),
            Pane::Scheduler => {
                scheduler::click(self, area, column, row);
                return Some(Over::Lane(row));
            }
            Pane::Resources => resources::click(self, area, column, row),
            Pane::Causes => causes::click(self, area, column, row),
            Pane::Task => return self.click_life(area, at),
            Pane::Tasks => {
                let layout = TasksLayout::new(area, self.found());
                if let Some(details) = layout.details.filter(|details| details.contains(at)) {
                    return self.click_life(details, at);
                }
                self.click_tasks(layout, at);
            }
        }
        None
    }

    /// A task is selected, and opened where it was selected already; a column's name sorts by it.
    fn click_tasks(&mut self, layout: TasksLayout, at: Position) {
        if layout.banner.contains(at) {
            self.finding(1);
        } else if layout.head.contains(at) {
            let columns = Columns::new(layout.head.width, self.opened.facts.id_digits);
            let mut right = usize::from(layout.head.x) + MARGIN;
            let clicked = columns.0.iter().find(|(_, cells)| {
                right += cells + 1;
                usize::from(at.x) < right
            });
            if let Some((column, _)) = clicked {
                self.sort_by(*column);
            }
        } else if layout.rows.contains(at) {
            let line = usize::from(at.y - layout.rows.y);
            let top = self.place.tasks_top;
            let selected = self.row.and_then(|row| row.checked_sub(top));
            // Below the selected task a line tells what it is doing.
            let told = layout.rows.height > 2;
            let line = match selected {
                Some(selected) if told && line > selected => line - 1,
                _ => line,
            };
            match self.table.rows().get(top + line).copied() {
                Some(task) if self.place.task == Some(task) => self.act(ActionId::Open),
                Some(task) => self.place.task = Some(task),
                None => {}
            }
        }
    }

    fn sort_by(&mut self, column: Sort) {
        if self.table.wish.sort == column {
            self.act(ActionId::SortReverse);
        } else {
            self.sort(column);
        }
    }

    /// The timeline takes the cursor; an event of the list is selected.
    fn click_life(&mut self, area: Rect, at: Position) -> Option<Over> {
        let layout = LifeLayout::new(area);
        if layout.axis.contains(at) || layout.lanes.contains(at) {
            self.go_to_life_cell(area, at.x);
            return Some(Over::Life(area));
        }
        let task = self.place.task.filter(|_| layout.list.contains(at))?;
        let opened = Arc::clone(&self.opened);
        let history = opened.recording.history(task);
        let top = life::first_line(self, history.len(), usize::from(layout.list.height));
        let line = top + usize::from(at.y - layout.list.y);
        if let Some(event) = history.get(line) {
            self.place.event = line;
            self.place.cursor = event.at;
        }
        None
    }

    /// The mouse was moved with the button held: what it has passed over in a timeline is the range.
    pub(super) fn drag(&mut self, column: u16) {
        let Some(held) = self.held else { return };
        match held.over {
            Over::Strip => self.go_to_strip_cell(column),
            Over::Life(area) => self.go_to_life_cell(area, column),
            Over::Lane(line) => {
                if let Some(area) = self.area() {
                    let column = column.clamp(area.x, area.right().saturating_sub(1));
                    scheduler::click(self, area, column, line);
                }
            }
        }
        if self.place.cursor != held.at {
            self.place.mark = Some(held.at);
        }
        self.settle();
    }

    /// The button was let go.
    pub(super) fn release(&mut self) {
        self.held = None;
    }

    /// Puts the cursor where that column of the strip is.
    fn go_to_strip_cell(&mut self, column: u16) {
        let cells = layout::strip_cells(self.size().width);
        let cell = usize::from(column).saturating_sub(1).min(cells - 1);
        self.set_cursor(self.opened.window().start_of(cell, cells));
    }

    /// Puts the cursor where that column of a life's timeline is.
    fn go_to_life_cell(&mut self, area: Rect, column: u16) {
        let cells = LifeLayout::new(area).cells();
        let cell = usize::from(column.saturating_sub(area.x + LABEL)).min(cells - 1);
        self.set_cursor(self.place.span.start_of(cell, cells));
    }

    /// The wheel over `column` and `row` of the screen: over a timeline it zooms and keeps what is under the pointer
    /// where it is; elsewhere it goes through the lines.
    pub(super) fn wheel(&mut self, column: u16, row: u16, turn: Turn) {
        let at = Position::new(column, row);
        let timeline = match self.place.pane {
            Pane::Scheduler => self.area().is_some_and(|area| area.contains(at)),
            Pane::Task => self.area().is_some_and(|area| {
                let layout = LifeLayout::new(area);
                layout.axis.contains(at) || layout.lanes.contains(at)
            }),
            _ => false,
        };
        if timeline {
            self.click(column, row);
            self.release();
            self.act(match turn {
                Turn::Up => ActionId::ZoomIn,
                Turn::Down => ActionId::ZoomOut,
            });
        } else {
            self.act(match turn {
                Turn::Up => ActionId::Up,
                Turn::Down => ActionId::Down,
            });
        }
    }
}
