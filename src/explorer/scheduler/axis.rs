//! The axis above the lanes: times at both ends, round times, the cursor and its exact time, the marked range.

use ratatui::{buffer::Buffer, layout::Rect, style::Modifier};

use super::{layout::Layout, ticks::ticks};
use crate::{
    explorer::{
        text::{Pen, brief, width},
        theme::{Role, Theme},
        view::View,
    },
    recording::{
        Ns, SECOND,
        time::{duration, instant},
    },
};

pub(super) fn draw(buffer: &mut Buffer, layout: Layout, theme: Theme, view: &View) {
    head(buffer, layout, theme, view);
    round(buffer, layout, theme, view);
}

/// An instant to the nanosecond: `7.412 492 183 s`.
pub(super) fn exact(at: Ns) -> String {
    let sign = if at < 0 { "-" } else { "" };
    let (abs, second) = (at.unsigned_abs(), SECOND.unsigned_abs());
    let fraction = abs % second;
    format!(
        "{sign}{}.{:03} {:03} {:03} s",
        abs / second,
        fraction / 1_000_000,
        fraction / 1_000 % 1_000,
        fraction % 1_000
    )
}

fn head(buffer: &mut Buffer, layout: Layout, theme: Theme, view: &View) {
    let (span, dim) = (view.place.span, theme.style(Role::Dim));
    let timeline = layout.timeline(layout.head);
    Pen::new(buffer, layout.head, 0).skip(1).put("time", dim);
    let (from, to) = (instant(span.from()), instant(span.to()));
    let per_cell = format!("{} a cell", brief(span.per_cell(layout.cells)));
    let free = layout
        .cells
        .saturating_sub(width(&from) + width(&to) + width(&per_cell));
    let mut pen = Pen::new(buffer, timeline, 0);
    pen.put(&from, dim);
    if free >= 4 {
        pen.skip(free / 2).put(&per_cell, dim);
    }
    if layout.cells > width(&from) + width(&to) + 1 {
        Pen::new(buffer, timeline, 0)
            .skip(layout.cells - width(&to))
            .put(&to, dim);
    }
    Pen::new(buffer, layout.behind(layout.head), 0)
        .put("▼", theme.style(Role::Cursor))
        .put(&exact(view.place.cursor), theme.style(Role::Strong));
}

fn round(buffer: &mut Buffer, layout: Layout, theme: Theme, view: &View) {
    let (span, cells) = (view.place.span, layout.cells);
    let timeline = layout.timeline(layout.ticks);
    let cursor = span.cell(view.place.cursor, cells);
    for tick in ticks(span, cells) {
        let mut pen = Pen::new(buffer, timeline, 0);
        pen.skip(tick.cell).put("│", theme.style(Role::Dim));
        // Half a number would be a wrong one.
        let label = tick.cell..=tick.cell + width(&tick.label);
        if *label.end() < cells && cursor.is_none_or(|cell| !label.contains(&cell)) {
            pen.put(&tick.label, theme.style(Role::Dim));
        }
    }
    if let Some((from, to)) = view.marked() {
        if let Some((first, last)) = within(view, layout.cells, from, to) {
            let rule = "━".repeat(last + 1 - first);
            Pen::new(buffer, timeline, 0)
                .skip(first)
                .put(&rule, theme.style(Role::Key));
        }
        if let Some(cell) = view.place.mark.and_then(|mark| span.cell(mark, cells)) {
            Pen::new(buffer, timeline, 0)
                .skip(cell)
                .put("┃", theme.style(Role::Key));
        }
        let text = format!("{} marked", duration(to - from));
        Pen::new(buffer, layout.behind(layout.ticks), 0).fit(&text, theme.style(Role::Key));
    }
    if let Some(cell) = cursor {
        Pen::new(buffer, timeline, 0)
            .skip(cell)
            .put("▼", theme.style(Role::Cursor));
    }
}

/// The cells of an interval, the last included, as far as they are shown.
fn within(view: &View, cells: usize, from: Ns, to: Ns) -> Option<(usize, usize)> {
    let span = view.place.span;
    if to < span.from() || from >= span.to() {
        return None;
    }
    let first = span.cell(from.max(span.from()), cells)?;
    let last = span.cell(to.min(span.to() - 1), cells)?;
    Some((first, last))
}

/// Draws the cursor through a lane, and underlines the marked range.
pub(super) fn mark(buffer: &mut Buffer, timeline: Rect, view: &View) {
    let timeline = timeline.intersection(buffer.area);
    let cells = usize::from(timeline.width);
    let mut modify = |cell: usize, modifier: Modifier| {
        let x = timeline.x + u16::try_from(cell).unwrap_or(u16::MAX);
        if let Some(cell) = buffer.cell_mut((x, timeline.y)) {
            let style = cell.style();
            // The cursor stands out on a stretch that is reversed itself.
            let modifier = if modifier == Modifier::REVERSED {
                style.add_modifier ^ modifier
            } else {
                style.add_modifier | modifier
            };
            cell.modifier = modifier;
        }
    };
    if timeline.is_empty() {
        return;
    }
    if let Some((from, to)) = view.marked().filter(|(from, to)| from < to)
        && let Some((first, last)) = within(view, cells, from, to)
    {
        for cell in first..=last {
            modify(cell, Modifier::UNDERLINED);
        }
    }
    if let Some(cell) = view.place.span.cell(view.place.cursor, cells) {
        modify(cell, Modifier::REVERSED);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn instants_are_exact() {
        assert_eq!(exact(7_412_492_183), "7.412 492 183 s");
        assert_eq!(exact(-1), "-0.000 000 001 s");
    }
}
