//! Frames to bytes: the difference between two frames, as one synchronised update in one write.
//!
//! `ratatui::Terminal` would do, but it asks the terminal for its cursor position when it repaints, which stalls for
//! two seconds where nobody answers; and here the bytes of each frame are known, so that they can be held to a budget.

use std::io::{self, Write};

use crossterm::{
    queue,
    terminal::{BeginSynchronizedUpdate, Clear, ClearType, EndSynchronizedUpdate},
};
use ratatui::{
    buffer::Buffer,
    layout::{Rect, Size},
};

use super::encode;

/// What the terminal shows, and what it shall show next.
#[derive(Debug)]
pub(super) struct Screen {
    shown: Buffer,
    next: Buffer,
    /// Nothing is known about what the terminal shows: erase it first.
    erase: bool,
    bytes: Vec<u8>,
}

impl Screen {
    pub(super) fn new(size: Size) -> Self {
        let area = Rect::from((ratatui::layout::Position::ORIGIN, size));
        Self {
            shown: Buffer::empty(area),
            next: Buffer::empty(area),
            erase: true,
            bytes: Vec::new(),
        }
    }

    /// Forgets what the terminal shows: the next frame is painted whole.
    pub(super) fn invalidate(&mut self) {
        self.erase = true;
    }

    /// Draws a frame of `size` and writes what is different, but for what lies in `later`, which stays as it is until
    /// a frame comes that writes it. Returns the number of bytes.
    pub(super) fn frame(
        &mut self,
        out: &mut impl Write,
        size: Size,
        later: Option<Rect>,
        draw: impl FnOnce(&mut Buffer),
    ) -> io::Result<usize> {
        let area = Rect::from((ratatui::layout::Position::ORIGIN, size));
        if self.next.area != area {
            self.next.resize(area);
            self.erase = true;
        }
        self.next.reset();
        draw(&mut self.next);
        for at in later
            .filter(|_| !self.erase)
            .unwrap_or_default()
            .positions()
        {
            if let (Some(cell), Some(shown)) = (self.next.cell_mut(at), self.shown.cell(at)) {
                cell.clone_from(shown);
            }
        }

        self.bytes.clear();
        queue!(self.bytes, BeginSynchronizedUpdate)?;
        if self.erase {
            self.shown.resize(area);
            self.shown.reset();
            queue!(self.bytes, Clear(ClearType::All))?;
        }
        let changed = encode::difference(&mut self.bytes, &self.shown, &self.next) || self.erase;
        queue!(self.bytes, EndSynchronizedUpdate)?;
        std::mem::swap(&mut self.shown, &mut self.next);
        if !changed {
            return Ok(0);
        }
        self.erase = false;
        out.write_all(&self.bytes)?;
        out.flush()?;
        Ok(self.bytes.len())
    }
}

#[cfg(test)]
mod tests {
    use ratatui::style::Style;

    use super::*;

    #[test]
    fn only_differences_are_written() {
        let size = Size::new(20, 3);
        let mut screen = Screen::new(size);
        let mut out = Vec::new();
        let paint = |text: &'static str| {
            move |buffer: &mut Buffer| buffer.set_string(0, 1, text, Style::new())
        };
        assert!(screen.frame(&mut out, size, None, paint("hello")).unwrap() > 0);
        assert_eq!(
            screen.frame(&mut out, size, None, paint("hello")).unwrap(),
            0
        );
        out.clear();
        screen.frame(&mut out, size, None, paint("hallo")).unwrap();
        let text = String::from_utf8(out.clone()).unwrap();
        assert!(
            text.contains('a') && !text.contains("lo") && !text.contains("\x1b[6n"),
            "{text:?}"
        );

        out.clear();
        let later = Some(Rect::new(0, 0, 3, 3));
        screen.frame(&mut out, size, later, paint("jello")).unwrap();
        assert!(!String::from_utf8_lossy(&out).contains('j'));
        screen.frame(&mut out, size, None, paint("jello")).unwrap();
        assert!(String::from_utf8_lossy(&out).contains('j'));

        out.clear();
        screen.invalidate();
        screen.frame(&mut out, size, later, paint("hallo")).unwrap();
        assert!(String::from_utf8(out.clone()).unwrap().contains("hallo"));
        screen
            .frame(&mut out, Size::new(4, 2), None, paint("hallo"))
            .unwrap();
        assert!(screen.shown.area == Rect::new(0, 0, 4, 2));
    }
}
