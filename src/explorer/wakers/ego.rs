//! The picture of one task between those that wake it and those that it wakes.

use ratatui::{buffer::Buffer, layout::Rect};

use super::{
    Mode, Spot, fitted,
    lines::{Canvas, Side},
    name,
};
use crate::{
    analysis::graph::{Edge, Ego},
    explorer::{
        place::scrolled,
        text::{Pen, brief, count, width},
        theme::{Role, Theme},
        view::View,
        wording,
    },
    recording::TaskIx,
};

/// The edges of one side.
pub(super) fn edges(ego: &Ego, wakees: bool) -> &[Edge] {
    if wakees { &ego.wakees } else { &ego.wakers }
}

/// Where the columns of the picture are.
struct Columns {
    rows: usize,
    left: Cells,
    right: Cells,
    /// Cells of the task in the middle.
    middle: usize,
}

/// The cells of the columns of one side.
#[derive(Clone, Copy)]
struct Cells {
    name: usize,
    count: usize,
    delay: usize,
}

/// Cells of the lines on the left, with their arrow, and on the right; a blank keeps them from the task.
const LEFT_LINES: usize = 5;
const RIGHT_LINES: usize = 5;
/// Cells in front of the picture: the selection's marker.
const MARGIN: usize = 2;
/// Neighbours whose words decide how wide a column is.
const MEASURED: usize = 64;

impl Cells {
    /// What the words of one side take.
    fn wanted(view: &View, edges: &[Edge], nobody: &str) -> Self {
        if edges.is_empty() {
            let blanks = Self {
                name: 0,
                count: 0,
                delay: 0,
            };
            return Self {
                name: width(nobody).saturating_sub(blanks.figures()),
                ..blanks
            };
        }
        let longest = |text: &dyn Fn(&Edge) -> String, least: usize| {
            let texts = edges.iter().take(MEASURED).map(|edge| width(&text(edge)));
            texts.max().unwrap_or(0).max(least)
        };
        Self {
            name: longest(&|edge| name(view, edge), 8),
            count: longest(&|edge| count(edge.count as u64), 4),
            delay: longest(&delay, 6) + 1,
        }
    }

    /// Everything beside the name: blanks and the sign behind the count.
    fn figures(self) -> usize {
        1 + self.count + 2 + self.delay + 1
    }

    fn all(self) -> usize {
        self.name + self.figures()
    }
}

fn delay(edge: &Edge) -> String {
    edge.median.map_or_else(|| "-".to_owned(), brief)
}

impl Columns {
    fn of(view: &View, ego: &Ego, body: Rect) -> Self {
        let nobody = |wakees| nobody(view, ego.task, wakees);
        let mut left = Cells::wanted(view, &ego.wakers, nobody(false));
        let mut right = Cells::wanted(view, &ego.wakees, nobody(true));
        let middle = view.place.task.map_or(0, |task| {
            width(&wording::task(&view.opened.recording, task))
        });
        let fixed = MARGIN + left.figures() + right.figures() + LEFT_LINES + RIGHT_LINES;
        let room = usize::from(body.width).saturating_sub(fixed);
        // The task itself stands in the title, too.
        let mut middle = middle.max(3);
        while left.name + right.name + middle > room {
            let widest = [left.name, right.name, middle].into_iter().max();
            match widest {
                None | Some(0..=3) => break,
                widest if widest == Some(middle) => middle -= 1,
                widest if widest == Some(left.name) => left.name -= 1,
                _ => right.name -= 1,
            }
        }
        Self {
            rows: usize::from(body.height.saturating_sub(1)),
            left,
            right,
            middle,
        }
    }

    fn cells(&self, wakees: bool) -> Cells {
        if wakees { self.right } else { self.left }
    }

    /// Where the lines on the left, the task, and the wakees begin.
    fn starts(&self) -> [usize; 3] {
        let lines = MARGIN + self.left.all();
        let task = lines + LEFT_LINES;
        [lines, task, task + self.middle + RIGHT_LINES]
    }
}

pub(super) fn settle(view: &mut View, body: Option<Rect>) {
    let Some(ego) = &view.wakers.ego else { return };
    let spot = &mut view.place.wakers;
    if edges(ego, spot.wakees).is_empty() && !edges(ego, !spot.wakees).is_empty() {
        spot.wakees ^= true;
    }
    let len = edges(ego, spot.wakees).len();
    spot.row = spot.row.min(len.saturating_sub(1));
    if let Some(body) = body {
        let capacity = usize::from(body.height.saturating_sub(1)).max(1);
        spot.top = scrolled(spot.top, spot.row, len, capacity);
    }
}

pub(super) fn step(view: &mut View, by: isize) {
    let Some(ego) = &view.wakers.ego else { return };
    let spot = &mut view.place.wakers;
    let last = edges(ego, spot.wakees).len().saturating_sub(1);
    spot.row = spot.row.saturating_add_signed(by).min(last);
}

/// Goes to the other side, at about the same height.
pub(super) fn side(view: &mut View, right: bool) {
    let Some(ego) = &view.wakers.ego else { return };
    let spot = &mut view.place.wakers;
    if spot.wakees == right || edges(ego, right).is_empty() {
        return;
    }
    let line = spot.row - spot.top.min(spot.row);
    *spot = Spot {
        mode: Mode::Ego,
        wakees: right,
        row: line.min(edges(ego, right).len() - 1),
        top: 0,
        ..*spot
    };
}

/// The first row of a side that is shown.
fn top(spot: Spot, wakees: bool) -> usize {
    if spot.wakees == wakees { spot.top } else { 0 }
}

/// The edge that stands at a cell of the screen.
pub(super) fn hit(view: &View, body: Rect, column: u16, row: u16) -> Option<(bool, usize)> {
    let ego = view.wakers.ego.as_ref()?;
    let line = usize::from(row.checked_sub(body.y + 1)?);
    let wakees =
        usize::from(column.checked_sub(body.x)?) >= Columns::of(view, ego, body).starts()[1];
    let number = top(view.place.wakers, wakees) + line;
    (number < edges(ego, wakees).len()).then_some((wakees, number))
}

pub(super) fn draw(buffer: &mut Buffer, body: Rect, theme: Theme, view: &View, task: TaskIx) {
    let Some(ego) = &view.wakers.ego else { return };
    if body.height == 0 {
        return;
    }
    let columns = Columns::of(view, ego, body);
    let dim = theme.style(Role::Dim);
    let [lines, task_at, right] = columns.starts();
    for (from, title, wakees) in [(MARGIN, "wakers", false), (right, "wakees", true)] {
        let cells = columns.cells(wakees);
        let mut pen = Pen::new(buffer, body, 0);
        pen.skip(from).left(title, cells.name, dim);
        if !edges(ego, wakees).is_empty() {
            // The count and its sign are as wide as their title.
            pen.right("wakes", cells.count + 3, dim)
                .right("delay", cells.delay, dim);
        }
    }
    let rows = Rect {
        y: body.y + 1,
        height: body.height - 1,
        ..body
    };
    let spot = view.place.wakers;
    let shown = |wakees: bool| {
        let from = top(spot, wakees);
        let all = edges(ego, wakees);
        (
            from,
            all.get(from..).unwrap_or_default().len().min(columns.rows),
        )
    };
    let (lefts, rights) = (shown(false).1, shown(true).1);
    // The middle stands where both sides have their middle.
    let centre = (lefts.max(rights).max(1) - 1) / 2;
    for wakees in [false, true] {
        let (from, len) = shown(wakees);
        let x = if wakees { right } else { 0 };
        for line in 0..len {
            let edge = &edges(ego, wakees)[from + line];
            let selected = spot.wakees == wakees && spot.row == from + line;
            row(
                buffer,
                rows,
                theme,
                view,
                &columns,
                &Row {
                    x,
                    line,
                    edge,
                    wakees,
                    selected,
                },
            );
        }
        if len == 0 {
            let what = nobody(view, task, wakees);
            Pen::new(buffer, rows, centre as u16)
                .skip(if wakees { right } else { MARGIN })
                .fit(what, dim);
        }
    }
    let mut canvas = Canvas::new(rows, 0);
    let chosen = |wakees: bool| {
        (spot.wakees == wakees).then_some(spot.row - top(spot, wakees).min(spot.row))
    };
    if lefts > 0 {
        let at = lines;
        canvas.bundle(
            at,
            LEFT_LINES - 1,
            centre,
            0..lefts,
            chosen(false),
            Side::Outer,
        );
    }
    if rights > 0 {
        let at = right - RIGHT_LINES + 1;
        canvas.bundle(
            at,
            RIGHT_LINES - 1,
            centre,
            0..rights,
            chosen(true),
            Side::Inner,
        );
    }
    canvas.draw(buffer, theme);
    let middle = Rect {
        x: rows
            .x
            .saturating_add(u16::try_from(task_at).unwrap_or(u16::MAX)),
        width: columns.middle as u16,
        ..rows
    }
    .intersection(rows);
    let recording = &view.opened.recording;
    Pen::new(buffer, middle, centre as u16).left(
        &fitted(&wording::task(recording, task), columns.middle),
        columns.middle,
        theme.style(Role::Strong),
    );
}

/// Why a side is empty.
fn nobody(view: &View, task: TaskIx, wakees: bool) -> &'static str {
    if wakees {
        "it woke no task"
    } else if view.opened.recording.task(task).wakes_recorded {
        "nobody woke it"
    } else {
        "its wakes were not recorded"
    }
}

/// One neighbour, and where it stands.
struct Row<'a> {
    x: usize,
    line: usize,
    edge: &'a Edge,
    wakees: bool,
    selected: bool,
}

fn row(
    buffer: &mut Buffer,
    rows: Rect,
    theme: Theme,
    view: &View,
    columns: &Columns,
    row: &Row<'_>,
) {
    let edge = row.edge;
    let base = theme.style(if row.selected {
        Role::Selected
    } else {
        Role::Plain
    });
    let mut pen = Pen::new(buffer, rows, row.line as u16);
    pen.skip(row.x);
    if !row.wakees {
        pen.put(if row.selected { "▸ " } else { "  " }, base);
    }
    let cells = columns.cells(row.wakees);
    pen.left(&fitted(&name(view, edge), cells.name), cells.name, base)
        .put(" ", base)
        .right(&count(edge.count as u64), cells.count, base)
        .put(" × ", base)
        .right(&delay(edge), cells.delay - 1, base);
}
