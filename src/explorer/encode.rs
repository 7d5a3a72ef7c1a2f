//! The difference between two frames as the shortest bytes that make a terminal show the second one.
//!
//! Over ssh every byte counts, and a general backend spends most of them on moving the cursor and on repeating colours.
//! Here a style is changed with the shorter of two codes, and not at all for a blank, which shows no colour of text;
//! the cursor moves by the shortest of the ways that every terminal has had since the VT100; small gaps are written
//! over, and blanks up to the end of a line are erased at once.

use std::io::Write as _;

use ratatui::{
    buffer::{Buffer, Cell},
    style::{Color, Modifier},
};

use super::text::width;

/// Appends to `bytes` what turns a terminal that shows `shown` into one that shows `next`; both are of one size. The
/// terminal's style must be the default, and is so again afterwards; its cursor may be anywhere. Returns whether
/// anything is different.
pub(super) fn difference(bytes: &mut Vec<u8>, shown: &Buffer, next: &Buffer) -> bool {
    let before = bytes.len();
    let mut encoder = Encoder {
        bytes,
        next,
        at: None,
        look: Look::DEFAULT,
    };
    let cells = usize::from(next.area.width).max(1);
    let rows = shown.content.chunks(cells).zip(next.content.chunks(cells));
    for (y, (shown, next)) in (0..).zip(rows) {
        if shown != next {
            encoder.row(y, shown, next);
        }
    }
    encoder.look(Look::DEFAULT);
    bytes.len() > before
}

/// So few blanks at the end of a line are written, not erased.
const SHORT_END: usize = 3;

struct Encoder<'a> {
    bytes: &'a mut Vec<u8>,
    next: &'a Buffer,
    /// Where the cursor surely is.
    at: Option<(u16, u16)>,
    look: Look,
}

impl Encoder<'_> {
    fn row(&mut self, y: u16, shown: &[Cell], next: &[Cell]) {
        let is_wide = |cell: &Cell| !cell.symbol().is_ascii() && width(cell.symbol()) > 1;
        // What becomes of the other half of a character that is written over is each terminal's own affair.
        let whole = shown.iter().chain(next).any(is_wide);
        let same = |before: &Cell, cell: &Cell| {
            before == cell || ground(before).is_some_and(|bg| ground(cell) == Some(bg))
        };
        let end = next
            .iter()
            .rposition(|cell| ground(cell) != Some(Color::Reset))
            .map_or(0, |last| last + 1);
        let mut covered = 0;
        for (x, (before, cell)) in shown.iter().zip(next).enumerate() {
            if x < covered || (!whole && same(before, cell)) {
                continue;
            }
            if x >= end && x + SHORT_END < next.len() {
                // What is blank already may be erased, too, where that saves a step.
                if !matches!(self.at, Some((at, row)) if row == y && usize::from(at) >= end) {
                    self.go_to(x as u16, y);
                }
                self.blank_on(Color::Reset);
                self.bytes.extend_from_slice(b"\x1b[K");
                return;
            }
            self.go_to(x as u16, y);
            self.put(cell);
            covered = x + width(cell.symbol());
        }
    }

    fn put(&mut self, cell: &Cell) {
        match ground(cell) {
            Some(bg) => self.blank_on(bg),
            None => self.look(Look::of(cell)),
        }
        let symbol = cell.symbol();
        self.bytes.extend_from_slice(symbol.as_bytes());
        let right = self.next.area.right();
        self.at = self
            .at
            .filter(|_| is_sure(symbol))
            .map(|(x, y)| (x + width(symbol) as u16, y))
            // In the last column a terminal waits for the next character before it moves on.
            .filter(|(x, _)| *x < right);
    }

    /// Moves the cursor in the fewest bytes.
    fn go_to(&mut self, x: u16, y: u16) {
        if self.at == Some((x, y)) {
            return;
        }
        let right_by = |cells: u16| match cells {
            0 => String::new(),
            1 => "\x1b[C".to_owned(),
            cells => format!("\x1b[{cells}C"),
        };
        let mut jump = match x {
            0 => format!("\x1b[{}H", y + 1),
            x => format!("\x1b[{};{}H", y + 1, x + 1),
        };
        let other = match self.at {
            Some((from, row)) if row == y && from < x => Some(right_by(x - from)),
            Some((_, row)) if row + 1 == y => Some(format!("\r\n{}", right_by(x))),
            _ => None,
        };
        if let Some(other) = other.filter(|other| other.len() < jump.len()) {
            jump = other;
        }
        let over = match self.at {
            Some((from, row)) if row == y && from < x => self.written_over(from, x, y, jump.len()),
            _ => None,
        };
        self.bytes
            .extend_from_slice(over.as_ref().unwrap_or(&jump).as_bytes());
        self.at = Some((x, y));
    }

    /// The unchanged cells between `from` and `to`, to be written again instead of a jump, where that takes no more
    /// than `most` bytes.
    fn written_over(&self, from: u16, to: u16, y: u16, most: usize) -> Option<String> {
        if usize::from(to - from) > most {
            return None;
        }
        let mut text = String::new();
        for x in from..to {
            let cell = self.next.cell((x, y))?;
            let symbol = cell.symbol();
            let fits = match ground(cell) {
                Some(bg) => self.look.leaves_blank(bg),
                None => Look::of(cell) == self.look,
            };
            if !fits || !is_sure(symbol) || width(symbol) != 1 {
                return None;
            }
            text.push_str(symbol);
        }
        (text.len() <= most).then_some(text)
    }

    /// Makes the style one in which a blank is nothing but that background.
    fn blank_on(&mut self, bg: Color) {
        if !self.look.leaves_blank(bg) {
            self.look(Look {
                bg,
                ..Look::DEFAULT
            });
        }
    }

    /// Changes the terminal's style.
    fn look(&mut self, look: Look) {
        if look == self.look {
            return;
        }
        let anew = look.codes(None);
        let change = look.codes(Some(self.look));
        let codes = match change {
            Some(change) if change.len() < anew.as_ref().map_or(usize::MAX, String::len) => change,
            _ => anew.unwrap_or_default(),
        };
        _ = write!(self.bytes, "\x1b[{codes}m");
        self.look = look;
    }
}

/// The background of a cell of which nothing else is seen: its colour, bold and the like show on no blank.
fn ground(cell: &Cell) -> Option<Color> {
    (cell.symbol() == " " && !cell.modifier.intersects(SEEN_ON_BLANKS)).then_some(cell.bg)
}

/// Whether every terminal moves its cursor by the same number of cells after `symbol`.
fn is_sure(symbol: &str) -> bool {
    let mut chars = symbol.chars();
    match (chars.next(), chars.next()) {
        (Some(only), None) => {
            only.is_ascii()
                || matches!(only, '\u{2500}'..='\u{25ff}' | '\u{2190}'..='\u{2193}' | 'µ' | '·' | '…' | '≤' | '×' | '–')
        }
        _ => false,
    }
}

/// How a cell looks.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Look {
    fg: Color,
    bg: Color,
    modifier: Modifier,
}

/// Modifiers that a blank shows.
const SEEN_ON_BLANKS: Modifier = Modifier::UNDERLINED
    .union(Modifier::REVERSED)
    .union(Modifier::CROSSED_OUT);

/// Modifiers, the code that sets each, and the one that takes it away.
const MODIFIERS: [(Modifier, u8, u8); 7] = [
    (Modifier::BOLD, 1, 22),
    (Modifier::DIM, 2, 22),
    (Modifier::ITALIC, 3, 23),
    (Modifier::UNDERLINED, 4, 24),
    (Modifier::SLOW_BLINK, 5, 25),
    (Modifier::REVERSED, 7, 27),
    (Modifier::CROSSED_OUT, 9, 29),
];

impl Look {
    const DEFAULT: Self = Self {
        fg: Color::Reset,
        bg: Color::Reset,
        modifier: Modifier::empty(),
    };

    fn of(cell: &Cell) -> Self {
        Self {
            fg: cell.fg,
            bg: cell.bg,
            modifier: cell.modifier,
        }
    }

    /// Whether a blank in this style is nothing but that background.
    fn leaves_blank(self, bg: Color) -> bool {
        self.bg == bg && !self.modifier.intersects(SEEN_ON_BLANKS)
    }

    /// The codes that make the style this one: whatever it was, or from `before` on. `None` where bold and dim, which
    /// share the code that takes them away, would get lost.
    fn codes(self, before: Option<Self>) -> Option<String> {
        let mut codes: Vec<String> = Vec::new();
        let from = before.unwrap_or_else(|| {
            codes.push(String::new());
            Self::DEFAULT
        });
        let gone = from.modifier.difference(self.modifier);
        let intensity = Modifier::BOLD.union(Modifier::DIM);
        if gone.intersects(intensity) && self.modifier.intersects(intensity) {
            return None;
        }
        let mut last = 0;
        for (modifier, set, take) in MODIFIERS {
            if gone.contains(modifier) && last != take {
                codes.push(take.to_string());
                last = take;
            }
            if self.modifier.contains(modifier) && !from.modifier.contains(modifier) {
                codes.push(set.to_string());
            }
        }
        if self.fg != from.fg {
            codes.push(color(self.fg, 30));
        }
        if self.bg != from.bg {
            codes.push(color(self.bg, 40));
        }
        Some(codes.join(";"))
    }
}

/// The code of a colour; `base` is 30 for the foreground and 40 for the background.
fn color(color: Color, base: u8) -> String {
    let eight = |number: u8| (base + number).to_string();
    let bright = |number: u8| (base + 60 + number).to_string();
    match color {
        Color::Reset => eight(9),
        Color::Black => eight(0),
        Color::Red => eight(1),
        Color::Green => eight(2),
        Color::Yellow => eight(3),
        Color::Blue => eight(4),
        Color::Magenta => eight(5),
        Color::Cyan => eight(6),
        Color::Gray => eight(7),
        Color::DarkGray => bright(0),
        Color::LightRed => bright(1),
        Color::LightGreen => bright(2),
        Color::LightYellow => bright(3),
        Color::LightBlue => bright(4),
        Color::LightMagenta => bright(5),
        Color::LightCyan => bright(6),
        Color::White => bright(7),
        Color::Indexed(number) => format!("{};5;{number}", base + 8),
        Color::Rgb(r, g, b) => format!("{};2;{r};{g};{b}", base + 8),
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use ratatui::{layout::Rect, style::Style};

    use super::*;

    const COLORS: [Color; 6] = [
        Color::Reset,
        Color::Red,
        Color::LightBlue,
        Color::White,
        Color::Indexed(133),
        Color::Rgb(1, 2, 3),
    ];

    /// Pieces of text with styles, at places.
    fn pieces() -> impl Strategy<Value = Vec<(u16, u16, String, Style)>> {
        let text = prop::sample::select(vec![
            "a",
            "bc",
            "   ",
            "▁▂█",
            "漢字",
            "é",
            "x y z",
            "          ",
        ]);
        let modifiers = prop::sample::select(vec![
            Modifier::empty(),
            Modifier::BOLD,
            Modifier::DIM,
            Modifier::REVERSED,
            Modifier::BOLD.union(Modifier::REVERSED),
            Modifier::UNDERLINED,
        ]);
        let style = (0..COLORS.len(), 0..COLORS.len(), modifiers).prop_map(|(fg, bg, modifier)| {
            Style::new()
                .fg(COLORS[fg])
                .bg(COLORS[bg])
                .add_modifier(modifier)
        });
        let piece = (0u16..20, 0u16..4, text, style);
        prop::collection::vec(
            piece.prop_map(|(x, y, text, style)| (x, y, text.to_owned(), style)),
            0..12,
        )
    }

    fn frame(pieces: &[(u16, u16, String, Style)]) -> Buffer {
        let mut buffer = Buffer::empty(Rect::new(0, 0, 20, 4));
        for (x, y, text, style) in pieces {
            buffer.set_stringn(*x, *y, text, usize::from(20 - x), *style);
        }
        for cell in &mut buffer.content {
            // The terminal of these tests knows one of the two at a time only.
            if cell.modifier.contains(Modifier::BOLD) {
                cell.modifier.remove(Modifier::DIM);
            }
        }
        buffer
    }

    fn indexed(color: Color) -> vt100::Color {
        match color {
            Color::Red => vt100::Color::Idx(1),
            Color::LightBlue => vt100::Color::Idx(12),
            Color::White => vt100::Color::Idx(15),
            Color::Indexed(number) => vt100::Color::Idx(number),
            Color::Rgb(r, g, b) => vt100::Color::Rgb(r, g, b),
            _ => vt100::Color::Default,
        }
    }

    proptest! {
        #[test]
        fn a_terminal_shows_what_was_meant(first in pieces(), then in prop::collection::vec(pieces(), 1..4)) {
            let mut terminal = vt100::Parser::new(4, 20, 0);
            let mut shown = Buffer::empty(Rect::new(0, 0, 20, 4));
            for pieces in std::iter::once(first).chain(then) {
                let next = frame(&pieces);
                let mut bytes = Vec::new();
                let changed = difference(&mut bytes, &shown, &next);
                prop_assert!(!changed || shown != next);
                prop_assert_eq!(changed, !bytes.is_empty());
                terminal.process(&bytes);
                for y in 0..4 {
                    let mut skip = 0;
                    for x in 0..20 {
                        if skip > 0 {
                            skip -= 1;
                            continue;
                        }
                        let cell = &next[(x, y)];
                        skip = width(cell.symbol()).saturating_sub(1);
                        let real = terminal.screen().cell(y, x).unwrap();
                        let symbol = if real.contents().is_empty() { " " } else { real.contents() };
                        prop_assert_eq!(symbol, cell.symbol(), "{} {}", x, y);
                        if let Some(bg) = ground(cell) {
                            let seen = (real.bgcolor(), real.underline(), real.inverse());
                            prop_assert_eq!(seen, (indexed(bg), false, false), "{} {}", x, y);
                            continue;
                        }
                        let look = (real.fgcolor(), real.bgcolor(), real.bold(), real.dim(), real.underline(), real.inverse());
                        let has = |modifier| cell.modifier.contains(modifier);
                        let meant = (indexed(cell.fg), indexed(cell.bg), has(Modifier::BOLD), has(Modifier::DIM), has(Modifier::UNDERLINED), has(Modifier::REVERSED));
                        prop_assert_eq!(look, meant, "{} {}", x, y);
                    }
                }
                shown = next;
            }
        }
    }

    #[test]
    fn few_bytes_are_spent() {
        let encode = |shown: &Buffer, next: &Buffer| {
            let mut bytes = Vec::new();
            difference(&mut bytes, shown, next);
            String::from_utf8(bytes).unwrap()
        };
        let blank = frame(&[]);
        let red = Style::new().fg(Color::Red);
        let one = frame(&[(0, 1, "abc  abc".to_owned(), red)]);
        assert_eq!(encode(&blank, &one), "\x1b[2H\x1b[31mabc  abc\x1b[m");
        assert_eq!(encode(&one, &blank), "\x1b[2H\x1b[K");
        let other = frame(&[
            (0, 1, "xbcy".to_owned(), red),
            (0, 2, "z".to_owned(), red.add_modifier(Modifier::BOLD)),
        ]);
        assert_eq!(
            encode(&one, &other),
            "\x1b[2H\x1b[31mxbcy\x1b[K\r\n\x1b[1mz\x1b[m"
        );
        assert_eq!(encode(&one, &one), "");
        let far = frame(&[
            (0, 1, "abd".to_owned(), red),
            (6, 1, "x".to_owned(), red),
            (18, 1, "y".to_owned(), red),
            (2, 2, "z".to_owned(), red),
        ]);
        assert_eq!(
            encode(&one, &far),
            "\x1b[2;3H\x1b[31md   x \x1b[10Cy\x1b[3;3Hz\x1b[m"
        );
    }
}
