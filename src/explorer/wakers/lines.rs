//! Lines between things on the screen: each cell knows to which of its four neighbours a line goes on.

use std::ops::Range;

use ratatui::{buffer::Buffer, layout::Rect};

use crate::explorer::{
    text::Pen,
    theme::{Role, Theme},
};

const UP: u8 = 1;
const DOWN: u8 = 2;
const LEFT: u8 = 4;
const RIGHT: u8 = 8;

/// Where the ends of a bundle come together.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Side {
    /// The many are on the left; an arrow leads from them to the one on the right.
    Outer,
    /// The one is on the left, the many on the right.
    Inner,
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
struct Cell {
    ways: u8,
    arrow: Option<char>,
    strong: bool,
}

/// A sheet of cells to draw lines on.
#[derive(Debug)]
pub(super) struct Canvas {
    area: Rect,
    cells: Vec<Cell>,
}

impl Canvas {
    /// An empty sheet over `area`, `more` rows of which lie below its end.
    pub(super) fn new(area: Rect, more: usize) -> Self {
        let rows = usize::from(area.height) + more;
        Self {
            area,
            cells: vec![Cell::default(); rows * usize::from(area.width)],
        }
    }

    fn cell(&mut self, x: usize, y: usize) -> Option<&mut Cell> {
        let width = usize::from(self.area.width);
        (x < width).then(|| self.cells.get_mut(y * width + x))?
    }

    fn add(&mut self, x: usize, y: usize, ways: u8, strong: bool) {
        if let Some(cell) = self.cell(x, y) {
            cell.ways |= ways;
            cell.strong |= strong;
        }
    }

    /// A line along row `y` over the cells `xs`, going on at both ends.
    pub(super) fn across(&mut self, xs: Range<usize>, y: usize, strong: bool) {
        for x in xs {
            self.add(x, y, LEFT | RIGHT, strong);
        }
    }

    /// A way from row `from` on the left, along the column `track`, to row `to` on the right: `xs` are its cells.
    pub(super) fn way(
        &mut self,
        xs: Range<usize>,
        track: usize,
        from: usize,
        to: usize,
        strong: bool,
    ) {
        if from == to {
            self.across(xs, from, strong);
            return;
        }
        self.across(xs.start..track, from, strong);
        self.across(track + 1..xs.end, to, strong);
        let (first, last) = if from < to { (DOWN, UP) } else { (UP, DOWN) };
        self.add(track, from, LEFT | first, strong);
        self.add(track, to, RIGHT | last, strong);
        for y in from.min(to) + 1..from.max(to) {
            self.add(track, y, UP | DOWN, strong);
        }
    }

    /// An arrow's head.
    pub(super) fn arrow(&mut self, x: usize, y: usize, head: char, strong: bool) {
        if let Some(cell) = self.cell(x, y) {
            cell.arrow = Some(head);
            cell.strong |= strong;
        }
    }

    /// Lines between one row and many, over `cells` cells from column `x` on; the one to `chosen` stands out.
    pub(super) fn bundle(
        &mut self,
        x: usize,
        cells: usize,
        one: usize,
        many: Range<usize>,
        chosen: Option<usize>,
        side: Side,
    ) {
        // The one that stands out is drawn last, so that what it shares with others does, too.
        let order = many.clone().filter(|row| Some(*row) != chosen);
        for row in order.chain(chosen.filter(|row| many.contains(row))) {
            let strong = Some(row) == chosen;
            let xs = x..x + cells - 1;
            match side {
                Side::Outer => self.way(xs, x + 1, row, one, strong),
                Side::Inner => self.way(xs, x + cells - 3, one, row, strong),
            }
        }
        if side == Side::Outer {
            self.arrow(x + cells - 2, one, '▶', false);
        }
    }

    /// Draws what is there over what was there.
    pub(super) fn draw(&self, buffer: &mut Buffer, theme: Theme) {
        let width = usize::from(self.area.width).max(1);
        for (y, row) in self.cells.chunks(width).enumerate() {
            for (x, cell) in row.iter().enumerate() {
                let glyph = match (cell.arrow, cell.ways) {
                    (Some(head), _) => head.to_string(),
                    (None, 0) => continue,
                    (None, ways) => glyph(ways).to_owned(),
                };
                let role = if cell.strong { Role::Strong } else { Role::Dim };
                let row = u16::try_from(y).unwrap_or(u16::MAX);
                Pen::new(buffer, self.area, row)
                    .skip(x)
                    .put(&glyph, theme.style(role));
            }
        }
    }
}

fn glyph(ways: u8) -> &'static str {
    const GLYPHS: [&str; 16] = [
        " ", "│", "│", "│", "─", "┘", "┐", "┤", "─", "└", "┌", "├", "─", "┴", "┬", "┼",
    ];
    GLYPHS[usize::from(ways & 15)]
}

#[cfg(test)]
mod tests {
    use ratatui::style::Style;

    use super::*;
    use crate::explorer::theme::Colors;

    fn lines(canvas: &Canvas) -> Vec<String> {
        let mut buffer = Buffer::empty(canvas.area);
        buffer.set_style(canvas.area, Style::new());
        canvas.draw(&mut buffer, Theme::new(Colors::Off));
        buffer
            .content
            .chunks(usize::from(canvas.area.width))
            .map(|row| row.iter().map(ratatui::buffer::Cell::symbol).collect())
            .collect()
    }

    #[test]
    fn many_lines_become_one() {
        let mut canvas = Canvas::new(Rect::new(0, 0, 10, 3), 0);
        canvas.bundle(0, 5, 1, 0..3, Some(0), Side::Outer);
        canvas.bundle(6, 4, 1, 0..3, None, Side::Inner);
        assert_eq!(lines(&canvas), ["─┐     ┌─ ", "─┼─▶  ─┼─ ", "─┘     └─ "]);
    }

    #[test]
    fn ways_beyond_the_sheet_are_not_drawn() {
        let mut canvas = Canvas::new(Rect::new(0, 0, 3, 2), 0);
        canvas.way(0..9, 5, 0, 7, true);
        canvas.arrow(20, 20, '▶', true);
        assert_eq!(lines(&canvas), ["───", "   "]);
    }
}
