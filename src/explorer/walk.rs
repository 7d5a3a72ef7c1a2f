//! The explorer walked by a script, without a terminal: what each step costs. For the benchmark `walk`.

use std::{
    io::sink,
    sync::{
        Arc,
        mpsc::{Receiver, channel},
    },
    time::{Duration, Instant},
};

use crossterm::event::KeyCode;
use ratatui::layout::Size;

use super::{
    LINGER,
    actions::ACTIONS,
    app::App,
    facts::Opened,
    input::Input,
    keys::Key,
    screen::Screen,
    theme::{Colors, Theme},
};
use crate::{analysis::Thresholds, recording::Recording};

/// What one step cost: its key, and the frame that followed.
#[derive(Clone, Copy, Debug)]
pub struct Cost {
    /// From the key to the last byte of the frame.
    pub time: Duration,
    /// The bytes that a terminal would have got.
    pub bytes: usize,
}

/// A recording with all that the explorer computes about it before it is shown.
#[derive(Clone, Debug)]
pub struct Prepared(Arc<Opened>);

impl Prepared {
    /// Computes what the explorer computes right after loading.
    #[must_use]
    pub fn new(recording: Recording) -> Self {
        Self(Arc::new(Opened::new(recording, &Thresholds::default())))
    }
}

/// An explorer whose keys are pressed by a script.
#[derive(Debug)]
pub struct Walker {
    app: App,
    screen: Screen,
    inputs: Receiver<Input>,
}

impl Walker {
    /// Opens the recording in a window of that size, and draws the first frame.
    #[must_use]
    pub fn new(prepared: &Prepared, width: u16, height: u16) -> (Self, Cost) {
        let size = Size::new(width, height);
        let theme = Theme::new(Colors::Palette);
        let (sender, inputs) = channel();
        let mut walker = Self {
            app: App::new(size, theme, false, "walk".to_owned()),
            screen: Screen::new(size),
            inputs,
        };
        walker.app.answer_through(sender);
        let begin = Instant::now();
        walker.app.opened(Arc::clone(&prepared.0));
        let cost = walker.frame(begin);
        (walker, cost)
    }

    /// Presses the first key of the action of that name; `None` where it does not apply.
    pub fn act(&mut self, name: &str) -> Option<Cost> {
        let here = self.app.context();
        let mut actions = ACTIONS.iter();
        let action =
            actions.find(|action| action.name == name && action.contexts.contains(&here))?;
        Some(self.press(*action.keys.first()?))
    }

    /// Presses the key that types `c`.
    pub fn key(&mut self, c: char) -> Cost {
        self.press(Key::char(c))
    }

    /// Presses enter.
    pub fn enter(&mut self) -> Cost {
        self.press(Key::code(KeyCode::Enter))
    }

    /// The name of the pane that is shown.
    #[must_use]
    pub fn pane(&self) -> &'static str {
        let view = self.app.view();
        view.map_or("", |view| view.place.pane.entry().title)
    }

    /// Where the lists of the panes are scrolled to: a step that changes it was a scroll.
    #[must_use]
    pub fn scrolled(&self) -> Option<[usize; 6]> {
        self.app.scrolled()
    }

    fn press(&mut self, key: Key) -> Cost {
        let begin = Instant::now();
        self.app.key(key);
        self.frame(begin)
    }

    /// Waits until all work off the drawing thread is done; how long that took, and what the last answer and its frame
    /// cost. `None` where nothing is waited for.
    pub fn wait(&mut self) -> Option<(Duration, Cost)> {
        let asked = Instant::now();
        let mut last = None;
        while self.app.waits() {
            let Ok(Input::Done(done)) = self.inputs.recv() else {
                break;
            };
            let begin = Instant::now();
            self.app.done(done);
            last = Some(self.draw(begin));
        }
        last.map(|cost| (asked.elapsed(), cost))
    }

    /// The frame as the terminal's loop would draw it, after a moment's patience.
    fn frame(&mut self, begin: Instant) -> Cost {
        let until = Instant::now() + LINGER;
        while self.app.waits() {
            let left = until.saturating_duration_since(Instant::now());
            let Ok(Input::Done(done)) = self.inputs.recv_timeout(left) else {
                break;
            };
            self.app.done(done);
        }
        self.draw(begin)
    }

    fn draw(&mut self, begin: Instant) -> Cost {
        let size = self.app.size();
        let app = &self.app;
        let bytes = self
            .screen
            .frame(&mut sink(), size, app.later(), |buffer| app.draw(buffer));
        Cost {
            time: begin.elapsed(),
            bytes: bytes.unwrap_or(0),
        }
    }
}
