//! Everything that can happen to the explorer, through one channel: keys, the window's size, signals, the loader.

use std::{
    io,
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
        mpsc::Sender,
    },
    thread,
    time::Duration,
};

use crossterm::event::{self, Event, KeyEventKind};
use signal_hook::{
    consts::{SIGCONT, SIGHUP, SIGINT, SIGTERM, SIGTSTP},
    iterator::{Handle, Signals},
    low_level::emulate_default_handler,
};

use super::{keys::Key, loader::Loaded, terminal};

/// Something that happened.
#[derive(Debug)]
pub(super) enum Input {
    /// A key was pressed.
    Key(Key),
    /// The window has this many columns and rows.
    Resize(u16, u16),
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
}

/// Reads keys and sizes until it is dropped.
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
                        Ok(Event::Resize(width, height)) => Input::Resize(width, height),
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
        let mut signals = Signals::new([SIGTERM, SIGHUP, SIGINT, SIGTSTP, SIGCONT])?;
        let handle = signals.handle();
        thread::Builder::new()
            .name("signals".to_owned())
            .spawn(move || {
                for signal in &mut signals {
                    let input = match signal {
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
