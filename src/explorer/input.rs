//! Everything that can happen to the explorer, through one channel: keys, the window's size, signals, the loader.

use std::{
    fmt, io,
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
        mpsc::Sender,
    },
    thread,
    time::Duration,
};

use crossterm::event::{self, Event, KeyEventKind, MouseButton, MouseEventKind};
use ratatui::layout::Size;
use signal_hook::{
    consts::{SIGCONT, SIGHUP, SIGINT, SIGTERM, SIGTSTP, SIGWINCH},
    iterator::{Handle, Signals},
    low_level::emulate_default_handler,
};

use super::{keys::Key, loader::Loaded, terminal, work::Done};

/// Something that happened.
#[derive(Debug)]
pub(super) enum Input {
    /// A key was pressed.
    Key(Key),
    /// The mouse was clicked in this cell.
    Click(u16, u16),
    /// The mouse was moved to this column with its button held.
    Drag(u16),
    /// The mouse's button was let go.
    Release,
    /// The mouse wheel was turned over this cell, by one notch up or down.
    Wheel(u16, u16, Turn),
    /// The window has this size now.
    Resize(Size),
    /// Somebody wants the process to stop; SIGTSTP.
    Stop,
    /// The process was stopped and goes on; SIGCONT.
    Continue,
    /// The process shall end, because of this signal.
    End(i32),
    /// The terminal cannot be read any more.
    Closed,
    /// The loader has finished, one way or the other.
    Loaded(Box<Loaded>),
    /// Work off the drawing thread has come to its end.
    Done(Done),
}

/// Which way a wheel was turned.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Turn {
    Up,
    Down,
}

impl fmt::Display for Input {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Key(key) => write!(f, "key {key}"),
            Self::Click(column, row) => write!(f, "click {column},{row}"),
            Self::Drag(column) => write!(f, "drag {column}"),
            Self::Release => f.write_str("release"),
            Self::Wheel(column, row, turn) => write!(f, "wheel {column},{row} {turn:?}"),
            Self::Resize(size) => write!(f, "size {size}"),
            Self::Stop => f.write_str("stop"),
            Self::Continue => f.write_str("continue"),
            Self::End(signal) => write!(f, "end by signal {signal}"),
            Self::Closed => f.write_str("terminal closed"),
            Self::Loaded(_) => f.write_str("loaded"),
            Self::Done(done) => write!(f, "done {done:?}"),
        }
    }
}

/// Reads keys until it is dropped. Sizes it leaves to the [`Listener`], which hears of them from its first moment on.
pub(super) struct Keyboard {
    over: Arc<AtomicBool>,
}

impl Keyboard {
    pub(super) fn listen(inputs: Sender<Input>) -> io::Result<Self> {
        let over = Arc::new(AtomicBool::new(false));
        let keyboard = Self {
            over: Arc::clone(&over),
        };
        thread::Builder::new()
            .name("keyboard".to_owned())
            .spawn(move || {
                // The thread is never waited for: it ends within one round after the flag is set.
                while !over.load(Ordering::Relaxed) {
                    let input = match event::poll(Duration::from_millis(250)) {
                        Ok(false) => continue,
                        Ok(true) => event::read(),
                        Err(error) => Err(error),
                    };
                    let input = match input {
                        Ok(Event::Key(key)) if key.kind != KeyEventKind::Release => {
                            Input::Key(Key::from(key))
                        }
                        Ok(Event::Mouse(mouse)) => match mouse.kind {
                            MouseEventKind::Down(MouseButton::Left) => {
                                Input::Click(mouse.column, mouse.row)
                            }
                            MouseEventKind::Drag(MouseButton::Left) => Input::Drag(mouse.column),
                            MouseEventKind::Up(MouseButton::Left) => Input::Release,
                            MouseEventKind::ScrollUp => {
                                Input::Wheel(mouse.column, mouse.row, Turn::Up)
                            }
                            MouseEventKind::ScrollDown => {
                                Input::Wheel(mouse.column, mouse.row, Turn::Down)
                            }
                            _ => continue,
                        },
                        Ok(_) => continue,
                        Err(_) => Input::Closed,
                    };
                    let last = matches!(input, Input::Closed);
                    if inputs.send(input).is_err() || last {
                        return;
                    }
                }
            })?;
        Ok(keyboard)
    }
}

impl Drop for Keyboard {
    fn drop(&mut self) {
        self.over.store(true, Ordering::Relaxed);
    }
}

/// Turns signals into inputs until it is dropped.
pub(super) struct Listener {
    handle: Handle,
}

impl Listener {
    pub(super) fn listen(inputs: Sender<Input>) -> io::Result<Self> {
        let mut signals = Signals::new([SIGTERM, SIGHUP, SIGINT, SIGTSTP, SIGCONT, SIGWINCH])?;
        let handle = signals.handle();
        thread::Builder::new()
            .name("signals".to_owned())
            .spawn(move || {
                for signal in &mut signals {
                    let input = match signal {
                        SIGWINCH => Input::Resize(terminal::size()),
                        SIGTSTP => Input::Stop,
                        SIGCONT => Input::Continue,
                        signal => Input::End(signal),
                    };
                    if inputs.send(input).is_err() {
                        return;
                    }
                    if matches!(signal, SIGTERM | SIGHUP | SIGINT) {
                        // The explorer normally ends at once. Where it cannot, stuck in a write to a dead terminal,
                        // nobody should need SIGKILL.
                        thread::sleep(Duration::from_secs(2));
                        terminal::give_back();
                        let _ = emulate_default_handler(signal);
                    }
                }
            })?;
        Ok(Self { handle })
    }
}

impl Drop for Listener {
    fn drop(&mut self) {
        self.handle.close();
    }
}
