//! The last pass over a frame for terminals that show nothing but ASCII.

use ratatui::buffer::Buffer;

/// Replaces everything that is not ASCII: what the explorer draws by a likeness, the rest by `?`.
pub(super) fn apply(buffer: &mut Buffer) {
    for cell in &mut buffer.content {
        let symbol = cell.symbol();
        if symbol.is_ascii() {
            continue;
        }
        let likeness = symbol.chars().next().map_or('?', likeness);
        cell.set_char(likeness);
    }
}

fn likeness(glyph: char) -> char {
    match glyph {
        'µ' => 'u',
        '▁' => '_',
        '·' => '.',
        '▂' | '▃' => ':',
        '▄' | '▅' => '=',
        '▆' | '▇' => '+',
        '█' => '#',
        '▌' => ':',
        '▏' | '│' | '▐' | '┃' => '|',
        '░' => '%',
        '▒' => '&',
        '─' | '–' | '━' => '-',
        '→' | '▸' | '▶' => '>',
        '←' | '◂' => '<',
        '↑' | '▲' => '^',
        '↓' | '▼' => 'v',
        '●' | '◆' => '*',
        '○' => 'o',
        '┌' | '┐' | '└' | '┘' | '├' | '┤' | '┬' | '┴' | '┼' => '+',
        '…' => '~',
        '×' => 'x',
        '≤' => '<',
        _ => '?',
    }
}

#[cfg(test)]
mod tests {
    use ratatui::{layout::Rect, style::Style};

    use super::*;

    #[test]
    fn nothing_but_ascii_is_left() {
        let mut buffer = Buffer::empty(Rect::new(0, 0, 40, 1));
        buffer.set_string(0, 0, "▸ 80.3 µs ▁▂█ ●→… größe 漢字 e\u{301}", Style::new());
        apply(&mut buffer);
        let text: String = buffer
            .content
            .iter()
            .map(ratatui::buffer::Cell::symbol)
            .collect();
        assert!(text.is_ascii(), "{text}");
        assert!(text.starts_with("> 80.3 us _:# *>~ gr??e ? "), "{text}");
    }
}
