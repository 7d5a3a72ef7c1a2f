//! Where things are on the screen: a pure function of its size, used by drawing and by whoever scrolls.

use ratatui::layout::{Rect, Size};

use super::place::Pane;

/// The smallest window in which the explorer shows more than a request for a larger one.
pub(super) const SMALLEST: Size = Size {
    width: 40,
    height: 8,
};

/// The frame around every pane.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Frame {
    pub(super) header: Rect,
    pub(super) bar: Rect,
    pub(super) rules: [Rect; 2],
    pub(super) pane: Rect,
    pub(super) strip: Rect,
    pub(super) keys: Rect,
}

/// The frame of a window; `None` where it is too small.
pub(super) fn frame(size: Size) -> Option<Frame> {
    if size.width < SMALLEST.width || size.height < SMALLEST.height {
        return None;
    }
    let line = |y| Rect::new(0, y, size.width, 1);
    let rule = u16::from(size.height >= 16);
    let rule_line = |y| Rect {
        height: rule,
        ..line(y)
    };
    let pane = Rect::new(0, 2 + rule, size.width, size.height - 4 - 2 * rule);
    Some(Frame {
        header: line(0),
        bar: line(1),
        rules: [rule_line(2), rule_line(size.height - 3)],
        pane,
        strip: line(size.height - 2),
        keys: line(size.height - 1),
    })
}

/// A pane of its own, and beside or below it, where there is room, the life of the selected task.
pub(super) fn with_companion(pane: Rect, shown: Pane) -> (Rect, Option<Rect>) {
    match shown {
        // These show lives themselves.
        Pane::Tasks | Pane::Task => (pane, None),
        // Time needs width.
        Pane::Scheduler if pane.height >= 48 => one_above_the_other(pane, pane.height * 2 / 5),
        Pane::Scheduler => (pane, None),
        _ if pane.width >= WIDE => side_by_side(pane),
        _ => (pane, None),
    }
}

/// A pane of at least so many columns has room for a life beside it.
const WIDE: u16 = 160;

/// A pane, and a life on its right.
fn side_by_side(pane: Rect) -> (Rect, Option<Rect>) {
    let right = pane.width / 2 - 4;
    let left = pane.width - right - 2;
    let main = Rect {
        width: left,
        ..pane
    };
    let companion = Rect {
        x: pane.x + left + 2,
        width: right,
        ..pane
    };
    (main, Some(companion))
}

/// A pane, and a life of that height below it, with a line for a rule between them.
fn one_above_the_other(pane: Rect, below: u16) -> (Rect, Option<Rect>) {
    let above = pane.height - below - 1;
    let main = Rect {
        height: above,
        ..pane
    };
    let companion = Rect {
        y: pane.y + above + 1,
        height: below,
        ..pane
    };
    (main, Some(companion))
}

/// The Tasks pane.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct TasksLayout {
    /// What was found wrong.
    pub(super) banner: Rect,
    /// The names of the columns.
    pub(super) head: Rect,
    pub(super) rows: Rect,
    /// How it is sorted and how many there are.
    pub(super) foot: Rect,
    /// The selected task's life, where there is room for it.
    pub(super) details: Option<Rect>,
}

impl TasksLayout {
    /// `found` says whether there is a finding to tell about.
    pub(super) fn new(pane: Rect, found: bool) -> Self {
        let (table, details) = if pane.width >= WIDE {
            side_by_side(pane)
        } else if pane.height >= 28 {
            one_above_the_other(pane, pane.height / 2)
        } else {
            (pane, None)
        };
        let banner = match (table.height, found) {
            (..7, _) => 0,
            (7..12, _) | (_, false) => 1,
            (12..16, true) => 3,
            (_, true) => 4,
        };
        let foot = u16::from(table.height >= 6);
        let head = 1;
        let line = |y, height| Rect {
            y: table.y + y,
            height,
            ..table
        };
        let rows = table.height.saturating_sub(banner + head + foot);
        Self {
            banner: line(0, banner),
            head: line(banner, head),
            rows: line(banner + head, rows),
            foot: line(banner + head + rows, foot),
            details,
        }
    }

    /// How many tasks are surely visible at a time: the selected one may take two lines.
    pub(super) fn capacity(self) -> usize {
        usize::from(self.rows.height.saturating_sub(1)).max(1)
    }
}

/// One task's life: the Task pane, and the details beside the Tasks.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct LifeLayout {
    pub(super) title: Rect,
    /// What it was doing at the cursor.
    pub(super) state: Rect,
    /// The times at the timeline's ends, and its cursor.
    pub(super) axis: Rect,
    /// The lanes: as many of runs, wakes, waits, blind as there is room for, in this order.
    pub(super) lanes: Rect,
    /// What the glyphs of the lanes mean.
    pub(super) legend: Rect,
    /// Totals.
    pub(super) totals: Rect,
    pub(super) list: Rect,
    /// All about the selected event.
    pub(super) event: Rect,
}

/// Cells in front of a timeline, for its name.
pub(super) const LABEL: u16 = 8;

impl LifeLayout {
    pub(super) fn new(area: Rect) -> Self {
        let (state, axis, lanes, legend, totals, event) = match area.height {
            ..4 => (0, 0, 0, 0, 0, 0),
            4..8 => (0, 0, 1, 0, 0, 1),
            8..12 => (1, 0, 1, 0, 1, 1),
            12..16 => (1, 1, 4, 0, 1, 2),
            16..22 => (1, 1, 4, 1, 2, 2),
            _ => (1, 1, 4, 1, 2, 3),
        };
        let mut y = area.y;
        let mut take = |height: u16| {
            let height = height.min(area.bottom().saturating_sub(y));
            let rect = Rect { y, height, ..area };
            y += height;
            rect
        };
        let title = take(1);
        let state = take(state);
        let axis = take(axis);
        let lanes = take(lanes);
        let legend = take(legend);
        let totals = take(totals);
        let list = take((area.bottom() - totals.bottom()).saturating_sub(event));
        let event = take(event);
        Self {
            title,
            state,
            axis,
            lanes,
            legend,
            totals,
            list,
            event,
        }
    }

    /// How many cells of time a lane has.
    pub(super) fn cells(self) -> usize {
        usize::from(self.title.width.saturating_sub(LABEL + 1)).max(1)
    }

    /// How many events are visible at a time.
    pub(super) fn capacity(self) -> usize {
        usize::from(self.list.height).max(1)
    }
}

/// How many cells the strip of the whole window has.
pub(super) fn strip_cells(width: u16) -> usize {
    usize::from(width.saturating_sub(STRIP_LABEL + 2)).max(1)
}

/// Cells behind the strip, for its name and the cursor's time.
pub(super) const STRIP_LABEL: u16 = 26;

#[cfg(test)]
mod tests {
    use super::*;
    use crate::explorer::place::PANES;

    #[test]
    fn nothing_overlaps_or_leaves_the_window() {
        for width in (SMALLEST.width..240).step_by(7) {
            for height in SMALLEST.height..90 {
                let size = Size { width, height };
                let window = Rect::new(0, 0, width, height);
                let frame = frame(size).unwrap();
                let [above, below] = frame.rules;
                disjoint(
                    window,
                    &[
                        frame.header,
                        frame.bar,
                        above,
                        frame.pane,
                        below,
                        frame.strip,
                        frame.keys,
                    ],
                );
                assert_eq!(frame.keys.bottom(), height);
                for entry in PANES {
                    let (main, companion) = with_companion(frame.pane, entry.pane);
                    disjoint(frame.pane, &[main, companion.unwrap_or_default()]);
                    assert!(!main.is_empty());
                }

                let tasks = TasksLayout::new(frame.pane, width % 2 == 0);
                let details = tasks.details.unwrap_or_default();
                disjoint(
                    frame.pane,
                    &[tasks.banner, tasks.head, tasks.rows, tasks.foot],
                );
                disjoint(frame.pane, &[tasks.rows, details]);
                assert!(tasks.rows.height >= 1);

                for area in [frame.pane, details] {
                    let life = LifeLayout::new(area);
                    disjoint(
                        area,
                        &[
                            life.title,
                            life.state,
                            life.axis,
                            life.lanes,
                            life.legend,
                            life.totals,
                            life.list,
                            life.event,
                        ],
                    );
                }
                assert!(LifeLayout::new(frame.pane).list.height >= 1);
            }
        }
        assert_eq!(
            frame(Size {
                width: 20,
                height: 5
            }),
            None
        );
    }

    fn disjoint(within: Rect, rects: &[Rect]) {
        for (number, rect) in rects.iter().enumerate() {
            assert!(
                rect.is_empty() || within.intersection(*rect) == *rect,
                "{rect:?} in {within:?}"
            );
            for other in &rects[number + 1..] {
                assert!(
                    rect.intersection(*other).is_empty(),
                    "{rect:?} and {other:?}"
                );
            }
        }
    }
}
