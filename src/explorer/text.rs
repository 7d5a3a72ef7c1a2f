//! Text in cells: widths, shortening, compact numbers, and a pen that writes styled pieces along a line.

use ratatui::{buffer::Buffer, layout::Rect, style::Style};
use unicode_width::{UnicodeWidthChar, UnicodeWidthStr};

pub(super) use crate::analysis::label::place;
use crate::recording::{
    Ns, Recording, SECOND,
    time::{duration, instant, instant_short},
};

/// How many cells `text` takes.
pub(super) fn width(text: &str) -> usize {
    text.width()
}

/// `text` in at most `cells`, its end replaced by an ellipsis where it does not fit.
pub(super) fn keep_start(text: &str, cells: usize) -> String {
    if width(text) <= cells {
        return text.to_owned();
    }
    let mut kept = String::new();
    let mut used = 1;
    for c in text.chars() {
        used += c.width().unwrap_or(0);
        if used > cells {
            break;
        }
        kept.push(c);
    }
    if cells > 0 {
        kept.push('…');
    }
    kept
}

/// `text` in at most `cells`, its start replaced by an ellipsis where it does not fit: the end of a path tells most.
pub(super) fn keep_end(text: &str, cells: usize) -> String {
    if width(text) <= cells {
        return text.to_owned();
    }
    let mut from = text.len();
    let mut used = 1;
    for (index, c) in text.char_indices().rev() {
        used += c.width().unwrap_or(0);
        if used > cells {
            break;
        }
        from = index;
    }
    if cells == 0 {
        String::new()
    } else {
        format!("…{}", &text[from..])
    }
}

/// `text` in at most `most` lines of `cells`; what does not fit ends in an ellipsis.
pub(super) fn wrap(text: &str, cells: usize, most: usize) -> Vec<String> {
    let mut lines: Vec<String> = Vec::new();
    let mut rest = text;
    while !rest.is_empty() && lines.len() < most {
        if lines.len() + 1 == most || width(rest) <= cells {
            lines.push(keep_start(rest, cells));
            break;
        }
        let mut cut = None;
        for (index, _) in rest.match_indices(' ') {
            if width(&rest[..index]) > cells {
                break;
            }
            cut = Some(index);
        }
        match cut {
            Some(cut) => {
                lines.push(rest[..cut].to_owned());
                rest = rest[cut..].trim_start();
            }
            None => {
                lines.push(keep_start(rest, cells));
                break;
            }
        }
    }
    lines
}

/// A length of time in at most 7 cells, without blanks: `80.3ms`, `1m05`.
pub(super) fn brief(ns: Ns) -> String {
    duration(ns).replace(' ', "")
}

/// An instant as exactly as tells it from others of the recording: `7.412 s`, in a short one `0.000 503 s`.
pub(super) fn coarse(recording: &Recording, at: Ns) -> String {
    if recording.window().duration() < SECOND {
        instant(at)
    } else {
        instant_short(at)
    }
}

/// A count in at most 6 cells: `41`, `99999`, `123k`, `45.6M`.
pub(super) fn count(n: u64) -> String {
    match n {
        0..=99_999 => n.to_string(),
        100_000..=999_999 => format!("{}k", n / 1_000),
        1_000_000..=99_999_999 => format!("{}.{}M", n / 1_000_000, n / 100_000 % 10),
        100_000_000..=9_999_999_999 => format!("{}M", n / 1_000_000),
        _ => format!("{}G", n / 1_000_000_000),
    }
}

/// `1 task`, `2 tasks`.
pub(super) fn plural(n: u64, one: &str) -> String {
    if n == 1 {
        format!("1 {one}")
    } else {
        format!("{} {one}s", count(n))
    }
}

/// Writes styled pieces along one line and never beyond its end.
pub(super) struct Pen<'a> {
    buffer: &'a mut Buffer,
    x: u16,
    y: u16,
    end: u16,
}

impl<'a> Pen<'a> {
    /// A pen at the start of line `row` of `area`; it writes nothing where there is no such line.
    pub(super) fn new(buffer: &'a mut Buffer, area: Rect, row: u16) -> Self {
        let area = area.intersection(buffer.area);
        let y = area.y.saturating_add(row);
        let end = if row < area.height {
            area.right()
        } else {
            area.x
        };
        Self {
            buffer,
            x: area.x,
            y,
            end,
        }
    }

    /// Writes `text` as far as there is room.
    pub(super) fn put(&mut self, text: &str, style: Style) -> &mut Self {
        if self.x < self.end {
            let room = usize::from(self.end - self.x);
            (self.x, _) = self.buffer.set_stringn(self.x, self.y, text, room, style);
        }
        self
    }

    /// Writes `text`, shortened at its end where it does not fit.
    pub(super) fn fit(&mut self, text: &str, style: Style) -> &mut Self {
        let text = keep_start(text, self.room());
        self.put(&text, style)
    }

    /// Writes `text` flush left in a column of `cells`. The blanks look like the text: a selected row has no holes.
    pub(super) fn left(&mut self, text: &str, cells: usize, style: Style) -> &mut Self {
        let text = keep_start(text, cells);
        let blanks = " ".repeat(cells - width(&text));
        self.put(&text, style).put(&blanks, style)
    }

    /// Writes `text` flush left in a column of `cells`; its start goes where it does not fit.
    pub(super) fn left_end(&mut self, text: &str, cells: usize, style: Style) -> &mut Self {
        self.left(&keep_end(text, cells), cells, style)
    }

    /// Writes `text` flush right in a column of `cells`.
    pub(super) fn right(&mut self, text: &str, cells: usize, style: Style) -> &mut Self {
        let text = keep_start(text, cells);
        let blanks = " ".repeat(cells - width(&text));
        self.put(&blanks, style).put(&text, style)
    }

    /// Leaves `cells` blank.
    pub(super) fn skip(&mut self, cells: usize) -> &mut Self {
        let cells = u16::try_from(cells).unwrap_or(u16::MAX);
        self.x = self.x.saturating_add(cells).min(self.end);
        self
    }

    /// How many cells are left.
    pub(super) fn room(&self) -> usize {
        usize::from(self.end.saturating_sub(self.x))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn shortening_respects_wide_characters() {
        assert_eq!(keep_start("handle_report", 6), "handl…");
        assert_eq!(keep_end("src/service.rs:118", 10), "…ce.rs:118");
        assert_eq!(keep_start("漢字漢字", 5), "漢字…");
        assert_eq!(keep_end("漢字漢字", 4), "…字");
        assert_eq!(keep_start("abc", 0), "");
        assert_eq!(keep_end("abc", 0), "");
        for cells in 0..12 {
            assert!(width(&keep_start("a漢b字c漢d", cells)) <= cells);
            assert!(width(&keep_end("a漢b字c漢d", cells)) <= cells);
        }
    }

    #[test]
    fn text_wraps_between_words() {
        assert_eq!(wrap("one two three four", 9, 2), ["one two", "three fo…"]);
        assert_eq!(wrap("one two", 20, 3), ["one two"]);
        assert_eq!(wrap("", 20, 3), [""; 0]);
        assert_eq!(wrap("unbreakable", 5, 3), ["unbr…"]);
    }

    #[test]
    fn numbers_are_compact() {
        assert_eq!(
            [41, 99_999, 123_456, 45_678_901, 123_456_789, u64::MAX].map(count),
            ["41", "99999", "123k", "45.6M", "123M", "18446744073G"]
        );
        assert_eq!(brief(80_312_000), "80.3ms");
        assert_eq!(plural(1, "task"), "1 task");
        assert_eq!(plural(0, "task"), "0 tasks");
    }

    #[test]
    fn places_lose_their_column_only() {
        assert_eq!(place("src/a.rs:12:5"), "src/a.rs:12");
        assert_eq!(place("src/a.rs:12"), "src/a.rs:12");
        assert_eq!(place("C:5"), "C:5");
        assert_eq!(place(""), "");
    }

    #[test]
    fn a_pen_stays_on_its_line() {
        let mut buffer = Buffer::empty(Rect::new(0, 0, 5, 2));
        let area = Rect::new(1, 0, 3, 1);
        Pen::new(&mut buffer, area, 0)
            .put("ab", Style::new())
            .put("cdef", Style::new())
            .put("g", Style::new());
        Pen::new(&mut buffer, area, 1).put("x", Style::new());
        Pen::new(&mut buffer, Rect::new(9, 9, 4, 4), 0).put("x", Style::new());
        let text: String = buffer
            .content
            .iter()
            .map(ratatui::buffer::Cell::symbol)
            .collect();
        assert_eq!(text, " abc      ");
    }
}
