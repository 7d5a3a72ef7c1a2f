//! The terminal, taken and given back: raw mode, the alternate screen, and every way out of them.

use std::{
    io::{self, IsTerminal, Write},
    panic,
    sync::{
        Once,
        atomic::{AtomicBool, Ordering},
    },
};

use crossterm::{
    clipboard::CopyToClipboard,
    cursor::{Hide, Show},
    queue,
    terminal::{
        EndSynchronizedUpdate, EnterAlternateScreen, LeaveAlternateScreen, disable_raw_mode,
        enable_raw_mode,
    },
};
use ratatui::layout::Size;
use signal_hook::{consts::SIGTSTP, low_level::emulate_default_handler};

use super::Error;

/// Whether the terminal is ours at the moment. One per process, as the terminal is.
static TAKEN: AtomicBool = AtomicBool::new(false);

/// Whether the mouse is ours as long as the terminal is.
static MOUSE: AtomicBool = AtomicBool::new(false);

/// Asks for presses, drags and the wheel, in a form that has no largest column. Not for every motion: over a slow line
/// that would be a flood.
const MOUSE_ON: &[u8] = b"\x1b[?1000h\x1b[?1002h\x1b[?1006h";
const MOUSE_OFF: &[u8] = b"\x1b[?1006l\x1b[?1002l\x1b[?1000l";

/// Holds the terminal; dropping it gives the terminal back.
#[derive(Debug)]
pub(super) struct Guard(());

impl Guard {
    /// Takes the terminal, if there is one that can do what the explorer needs, and its mouse where it is asked for.
    pub(super) fn take(mouse: bool) -> Result<Self, Error> {
        if !io::stdout().is_terminal() {
            return Err(Error::NoTerminal);
        }
        let term = std::env::var("TERM").unwrap_or_default();
        if term.is_empty() || term == "dumb" {
            return Err(Error::DumbTerminal { term });
        }
        restore_on_panic();
        MOUSE.store(mouse, Ordering::SeqCst);
        take().map_err(Error::Terminal)?;
        Ok(Self(()))
    }

    /// Gives the terminal back, stops the process as Ctrl-Z does, and takes the terminal again once it goes on.
    pub(super) fn suspend(&self) -> io::Result<()> {
        give_back();
        emulate_default_handler(SIGTSTP)?;
        take()
    }

    /// Sets the terminal up again: somebody else may have used it since.
    pub(super) fn retake(&self) -> io::Result<()> {
        give_back();
        take()
    }

    /// Takes the mouse, or gives it back so that the terminal selects text again. Returns whether it is ours now.
    pub(super) fn toggle_mouse(&self) -> io::Result<bool> {
        let on = !MOUSE.fetch_xor(true, Ordering::SeqCst);
        self.write(if on { MOUSE_ON } else { MOUSE_OFF })?;
        Ok(on)
    }

    /// Puts `text` into the clipboard of whoever sits before the terminal, where the terminal lets programs do so.
    pub(super) fn copy(&self, text: &str) -> io::Result<()> {
        let mut bytes = Vec::new();
        queue!(bytes, CopyToClipboard::to_clipboard_from(text))?;
        self.write(&bytes)
    }

    fn write(&self, bytes: &[u8]) -> io::Result<()> {
        let mut out = io::stdout().lock();
        out.write_all(bytes)?;
        out.flush()
    }

    /// Whether the terminal is still ours: a panic in whatever thread gives it back.
    pub(super) fn holds(&self) -> bool {
        TAKEN.load(Ordering::SeqCst)
    }
}

impl Drop for Guard {
    fn drop(&mut self) {
        give_back();
    }
}

/// The window's size in cells; 80x24 where the terminal does not know.
pub(super) fn size() -> Size {
    match crossterm::terminal::size() {
        Ok((width, height)) if width > 0 && height > 0 => Size::new(width, height),
        _ => Size::new(80, 24),
    }
}

fn take() -> io::Result<()> {
    enable_raw_mode()?;
    TAKEN.store(true, Ordering::SeqCst);
    let mut out = io::stdout().lock();
    queue!(out, EnterAlternateScreen, Hide)?;
    if MOUSE.load(Ordering::SeqCst) {
        out.write_all(MOUSE_ON)?;
    }
    out.flush()
}

/// Gives the terminal back if it is ours. Errors are of no use here: the terminal may be gone already.
pub(super) fn give_back() {
    if TAKEN.swap(false, Ordering::SeqCst) {
        let mut bytes = MOUSE_OFF.to_vec();
        let _ = queue!(bytes, EndSynchronizedUpdate, LeaveAlternateScreen, Show);
        // Not through the lock of `stdout`: a thread may hold it, stuck in a write to this very terminal.
        let mut out = io::stderr();
        if out.is_terminal() {
            let _ = out.write_all(&bytes);
        } else {
            let mut out = io::stdout();
            let _ = out.write_all(&bytes);
            let _ = out.flush();
        }
        let _ = disable_raw_mode();
    }
}

/// Makes every panic give the terminal back before its message is printed.
fn restore_on_panic() {
    static ONCE: Once = Once::new();
    ONCE.call_once(|| {
        let next = panic::take_hook();
        panic::set_hook(Box::new(move |info| {
            give_back();
            next(info);
        }));
    });
}
