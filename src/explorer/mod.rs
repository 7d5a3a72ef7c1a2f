//! The terminal program: opens a recording in the background and shows it until the person leaves.
//!
//! Inputs (keys, sizes, signals, the loader) come through one channel; `App` turns keys into actions of the one table,
//! changes its state, and draws it. Only this module and those below it know what a terminal is.

mod action_table;
mod actions;
mod app;
mod ascii;
mod causes;
mod columns;
mod config;
mod copy;
mod encode;
mod facts;
mod figures;
mod filter;
mod findings;
mod frame;
mod fuzzy;
mod go;
mod groups;
mod input;
mod jumps;
mod keymap;
mod keys;
mod lanes;
mod layout;
mod lengths;
mod life;
mod link;
mod listing;
mod loader;
mod mouse;
mod overlay;
mod overview;
mod place;
mod resources;
mod scheduler;
mod screen;
mod sheet;
mod show;
mod span;
mod steps;
mod table;
mod tasks;
mod terminal;
#[cfg(test)]
mod tests;
mod text;
mod theme;
mod traced;
mod travel;
mod view;
mod wakers;
#[doc(hidden)]
pub mod walk;
mod when;
mod wording;
mod work;

pub use config::Config;
pub use link::Start;
pub use place::Pane;
pub use show::Show;
pub use theme::{Background, Colors};
pub use when::{Stretch, When, length};

use std::{
    fmt, io,
    sync::mpsc::{Receiver, RecvTimeoutError, channel},
    time::{Duration, Instant},
};

use crate::{
    analysis::Thresholds,
    open::{OpenError, Request},
    recording::sanitise,
};
use app::{App, Effect};
use input::{Input, Keyboard, Listener};
use loader::{Loaded, Loader};
use screen::Screen;
use terminal::Guard;
use theme::Theme;

/// How the explorer shall behave.
#[derive(Clone, Debug, Default)]
pub struct Options {
    /// What the config file says; what follows outranks it.
    pub config: Config,
    /// How many colours to use; `None`: as many as the environment promises, none under `NO_COLOR`.
    pub colors: Option<Colors>,
    /// What the terminal's background is like; `None`: what the environment says.
    pub background: Option<Background>,
    /// Whether to draw with ASCII only; `None`: if the locale names a character set other than UTF-8.
    pub ascii: Option<bool>,
    /// From which length on something is worth a finding.
    pub thresholds: Thresholds,
    /// Whether to take the mouse; `None`: yes.
    pub mouse: Option<bool>,
    /// Where to open.
    pub start: Start,
    /// The words behind the program's name that open the same recording: flags about reading, and paths.
    pub invocation: Vec<String>,
}

/// Why the explorer could not start, or had to stop. Its `Display` is one sentence.
#[derive(Debug)]
#[non_exhaustive]
pub enum Error {
    /// Standard output is no terminal.
    NoTerminal,
    /// The terminal cannot move its cursor, or nobody said what it is.
    DumbTerminal {
        /// What `TERM` says.
        term: String,
    },
    /// The terminal refused something.
    Terminal(io::Error),
    /// The recording could not be opened.
    Open(OpenError),
    /// What was asked to be shown is not in the recording.
    Start(String),
    /// A thread panicked; its message was printed.
    Panicked,
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::NoTerminal => f.write_str("standard output is no terminal; use `dial9-tui report` for text"),
            Self::DumbTerminal { term } if term.is_empty() => {
                f.write_str("TERM is not set; set it to your terminal's type, or use `dial9-tui report` for text")
            }
            Self::DumbTerminal { term } => write!(
                f,
                "TERM={} cannot show the explorer; set it to your terminal's type, or use `dial9-tui report` for text",
                sanitise(term)
            ),
            Self::Terminal(error) => write!(f, "the terminal failed: {}", sanitise(&error.to_string())),
            Self::Open(error) => error.fmt(f),
            Self::Start(sentence) => f.write_str(&sanitise(sentence)),
            Self::Panicked => f.write_str("the explorer has a defect, see the message above; please report it"),
        }
    }
}

impl std::error::Error for Error {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        match self {
            Self::Terminal(error) => Some(error),
            Self::Open(error) => Some(error),
            _ => None,
        }
    }
}

/// The table of keys as the README shows it, in Markdown.
#[must_use]
pub fn keys_markdown() -> String {
    actions::markdown()
}

/// What can be done, by what it is for: keys, and one sentence about each action.
#[must_use]
pub fn keys_by_group() -> Vec<(&'static str, Vec<(String, &'static str)>)> {
    let row = |action: &'static actions::Action| {
        let keys: Vec<String> = action.keys.iter().map(ToString::to_string).collect();
        (keys.join(" "), action.help)
    };
    groups::GROUPS
        .iter()
        .map(|(group, title)| (*title, groups::actions(*group, &[]).map(row).collect()))
        .collect()
}

/// How long a load may take before the screen comes up without it: a small file needs no gauge, and an error no screen.
const PATIENCE: Duration = Duration::from_millis(40);

/// Time between two looks at how far the loading is.
const TICK: Duration = Duration::from_millis(80);

/// Time between two frames while the recording is played: smooth enough, and not too much for a slow line.
const FRAME: Duration = Duration::from_millis(50);

/// How long the keys have to rest before the life beside a list follows its selection.
const REST: Duration = Duration::from_millis(60);

/// How long a frame waits for work that is done off the drawing thread: what comes so soon needs no dimmed rows first.
const LINGER: Duration = Duration::from_millis(8);

/// Shows what `request` names until the person leaves.
///
/// # Errors
/// Where there is no usable terminal, or nothing to show; see [`Error`].
pub fn run(request: &Request, options: &Options) -> Result<(), Error> {
    let (sender, inputs) = channel();
    let loader = Loader::start(request.clone(), options.thresholds, sender.clone())
        .map_err(Error::Terminal)?;
    let early = match inputs.recv_timeout(PATIENCE) {
        Ok(Input::Loaded(loaded)) => Some(open(*loaded)?),
        _ => None,
    };

    let guard = Guard::take(options.mouse.or(options.config.mouse).unwrap_or(true))?;
    // Whoever asks for the size must hear of its changes already.
    let _signals = Listener::listen(sender.clone()).map_err(Error::Terminal)?;
    let _keyboard = Keyboard::listen(sender.clone()).map_err(Error::Terminal)?;
    let mut app = App::new(
        terminal::size(),
        theme(options),
        ascii(options),
        title(request),
    );
    app.answer_through(sender);
    app.use_keys(options.config.keymap.clone());
    app.invoked_as(options.invocation.clone());
    let loader = early.is_none().then_some(loader);
    let mut session = Session {
        app,
        guard,
        screen: None,
        loader,
        resumed: false,
        start: options.start.clone(),
    };
    if let Some(opened) = early {
        session.opened(opened)?;
    }
    match session.run(&inputs)? {
        Ending::Left => Ok(()),
        Ending::Signal(signal) => {
            // The terminal first: whoever waits for this process shall see which signal ended it.
            drop(session);
            signal_hook::low_level::emulate_default_handler(signal).map_err(Error::Terminal)
        }
    }
}

fn open(loaded: Loaded) -> Result<std::sync::Arc<facts::Opened>, Error> {
    match loaded {
        Loaded::Opened(opened) => Ok(opened),
        Loaded::Failed(error) => Err(Error::Open(error)),
        Loaded::Panicked => Err(Error::Panicked),
    }
}

/// Flags outrank the config file, and that outranks the environment.
fn theme(options: &Options) -> Theme {
    let var = |name: &str| std::env::var(name).ok();
    let config = &options.config;
    let colors = options.colors.or(config.colors);
    let background = options.background.or(config.background);
    let mut theme = Theme::on(
        background.unwrap_or_else(|| Background::detect(var)),
        colors.unwrap_or_else(|| Colors::detect(var)),
    );
    for (role, look) in &config.theme {
        theme.set(*role, *look);
    }
    theme
}

/// Whether the locale names a character set that is not UTF-8. `C` and none at all name no character set: most
/// terminals behind them show UTF-8 nevertheless.
fn ascii(options: &Options) -> bool {
    options.ascii.or(options.config.ascii).unwrap_or_else(|| {
        let locale = ["LC_ALL", "LC_CTYPE", "LANG"]
            .iter()
            .find_map(|name| std::env::var(name).ok().filter(|value| !value.is_empty()));
        let charset = locale
            .as_deref()
            .and_then(|locale| locale.split('.').nth(1))
            .map(str::to_ascii_lowercase);
        charset.is_some_and(|charset| !charset.starts_with("utf-8") && !charset.starts_with("utf8"))
    })
}

fn title(request: &Request) -> String {
    match request.paths.as_slice() {
        [] => "SAMPLE".to_owned(),
        [path] => sanitise(
            &path
                .file_name()
                .unwrap_or(path.as_os_str())
                .to_string_lossy(),
        ),
        paths => format!("{} files", paths.len()),
    }
}

/// How a session ended.
enum Ending {
    Left,
    Signal(i32),
}

/// The application between its inputs and its terminal.
struct Session {
    app: App,
    guard: Guard,
    screen: Option<Screen>,
    loader: Option<Loader>,
    /// The terminal was taken again already when the signal that says so comes.
    resumed: bool,
    /// Where to open.
    start: Start,
}

impl Session {
    fn run(&mut self, inputs: &Receiver<Input>) -> Result<Ending, Error> {
        let mut changed = true;
        let mut last = Instant::now();
        loop {
            if changed {
                if let Some(ending) = self.linger(inputs)? {
                    return Ok(ending);
                }
                if !self.guard.holds() {
                    // A panic has given the terminal back; its message must stay readable.
                    return Err(Error::Panicked);
                }
                self.draw().map_err(Error::Terminal)?;
            }
            // Nothing ticks but what has to.
            let patience = match &self.loader {
                Some(_) => Some(TICK),
                None if self.app.later().is_some() => Some(REST),
                None => self.app.is_playing().then_some(FRAME),
            };
            let first = match patience {
                Some(patience) => match inputs.recv_timeout(patience) {
                    Ok(input) => Some(input),
                    Err(RecvTimeoutError::Timeout) => None,
                    Err(RecvTimeoutError::Disconnected) => return Ok(Ending::Left),
                },
                None => match inputs.recv() {
                    Ok(input) => Some(input),
                    Err(_) => return Ok(Ending::Left),
                },
            };
            changed = first.is_some() || self.app.rest();
            let passed = last.elapsed();
            last += passed;
            changed |= self.app.tick(passed);
            // Keys that repeat faster than a slow line can show them are taken together.
            for input in first
                .into_iter()
                .chain(std::iter::from_fn(|| inputs.try_recv().ok()))
            {
                if let Some(ending) = self.take(input)? {
                    return Ok(ending);
                }
            }
            if let Some(loader) = &self.loader {
                changed |= self.app.progress(loader.state());
            }
        }
    }

    /// Waits a moment for the answers that the last input asked for.
    fn linger(&mut self, inputs: &Receiver<Input>) -> Result<Option<Ending>, Error> {
        let until = Instant::now() + LINGER;
        while self.app.waits() {
            let left = until.saturating_duration_since(Instant::now());
            let Ok(input) = inputs.recv_timeout(left) else {
                break;
            };
            if let Some(ending) = self.take(input)? {
                return Ok(Some(ending));
            }
        }
        Ok(None)
    }

    fn take(&mut self, input: Input) -> Result<Option<Ending>, Error> {
        tracing::debug!(%input);
        match input {
            Input::Key(key) => {
                let effect = self.app.key(key);
                return self.obey(effect);
            }
            Input::Click(column, row) => self.app.click(column, row),
            Input::Drag(column) => self.app.drag(column),
            Input::Release => self.app.release(),
            Input::Wheel(column, row, turn) => self.app.wheel(column, row, turn),
            Input::Resize(size) => self.app.resize(size),
            Input::Stop => self.suspend()?,
            Input::Continue => {
                if !std::mem::take(&mut self.resumed) {
                    self.guard.retake().map_err(Error::Terminal)?;
                    self.app.resize(terminal::size());
                }
                self.repaint();
            }
            Input::End(signal) => return Ok(Some(Ending::Signal(signal))),
            Input::Closed => return Ok(Some(Ending::Left)),
            Input::Done(done) if done.panicked() => return Err(Error::Panicked),
            Input::Done(done) => self.app.done(done),
            Input::Loaded(loaded) => {
                self.loader = None;
                self.opened(open(*loaded)?)?;
            }
        }
        Ok(None)
    }

    fn opened(&mut self, opened: std::sync::Arc<facts::Opened>) -> Result<(), Error> {
        self.app.opened(opened);
        self.app.start_at(&self.start).map_err(Error::Start)
    }

    /// What the terminal has to do after a key.
    fn obey(&mut self, effect: Effect) -> Result<Option<Ending>, Error> {
        match effect {
            Effect::None => {}
            Effect::Quit => return Ok(Some(Ending::Left)),
            Effect::Suspend => self.suspend()?,
            Effect::Repaint => self.repaint(),
            Effect::Copy(text) => self.guard.copy(&text).map_err(Error::Terminal)?,
            Effect::Mouse => {
                let on = self.guard.toggle_mouse().map_err(Error::Terminal)?;
                self.app.mouse_is(on);
            }
        }
        Ok(None)
    }

    fn suspend(&mut self) -> Result<(), Error> {
        self.guard.suspend().map_err(Error::Terminal)?;
        self.resumed = true;
        self.app.resize(terminal::size());
        self.repaint();
        Ok(())
    }

    fn repaint(&mut self) {
        if let Some(screen) = &mut self.screen {
            screen.invalidate();
        }
    }

    fn draw(&mut self) -> io::Result<()> {
        let size = self.app.size();
        // For the test of what a panic leaves behind.
        #[cfg(debug_assertions)]
        if std::env::var_os("DIAL9_TUI_PANIC").is_some() {
            panic!("DIAL9_TUI_PANIC is set");
        }
        let screen = self.screen.get_or_insert_with(|| Screen::new(size));
        let bytes = screen.frame(&mut io::stdout().lock(), size, self.app.later(), |buffer| {
            self.app.draw(buffer);
        })?;
        tracing::debug!(%size, bytes, "frame");
        Ok(())
    }
}
