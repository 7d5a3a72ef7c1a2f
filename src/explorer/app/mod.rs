//! The application: from keys to actions to state; what is typed in `typing`, and the frame in `paint`. It does no input
//! or output of its own.

mod paint;
mod typing;

use std::{
    sync::{Arc, mpsc::Sender},
    time::Duration,
};

use ratatui::layout::{Position, Rect, Size};

use super::{
    actions::{ActionId, Context},
    facts::Opened,
    filter::{FilterLine, Step},
    frame,
    input::{Input, Turn},
    keymap::Keymap,
    keys::Key,
    layout,
    link::Start,
    overlay::{Overlay, Palette},
    sheet::Sheet,
    steps::KINDS,
    text::{width, wrap},
    theme::Theme,
    view::View,
    work::{Done, Work},
};

/// The most lines of something that was copied that are shown.
const MOST_LINES: usize = 12;

/// What the terminal around the application has to do.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Effect {
    /// Nothing but to draw.
    None,
    /// To end.
    Quit,
    /// To stop the process as Ctrl-Z does.
    Suspend,
    /// To forget what the terminal shows.
    Repaint,
    /// To put this into the clipboard.
    Copy(String),
    /// To take the mouse, or to give it back.
    Mouse,
}

/// How far the loading is.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Loading {
    /// Thousandths of the bytes, where their number is known.
    pub(super) done: Option<u64>,
    pub(super) events: u64,
    /// The rows are read, and are being sorted and indexed.
    pub(super) indexing: bool,
}

/// Everything that a frame is drawn from.
#[derive(Debug)]
pub(super) struct App {
    size: Size,
    theme: Theme,
    ascii: bool,
    keymap: Arc<Keymap>,
    /// What is being read, safe to print.
    title: String,
    loading: Loading,
    /// Where work off the drawing thread sends its answers; without it there is none.
    answers: Option<Sender<Input>>,
    /// The words behind the program's name that open the same recording.
    invocation: Vec<String>,
    view: Option<View>,
    overlay: Option<Overlay>,
}

impl App {
    pub(super) fn new(size: Size, theme: Theme, ascii: bool, title: String) -> Self {
        Self {
            size,
            theme,
            ascii,
            keymap: Arc::default(),
            title,
            loading: Loading::default(),
            answers: None,
            invocation: Vec::new(),
            view: None,
            overlay: None,
        }
    }

    pub(super) fn view(&self) -> Option<&View> {
        self.view.as_ref()
    }

    /// Begins in that pane.
    #[cfg(test)]
    pub(super) fn begin_in(&mut self, pane: super::place::Pane) {
        if let Some(view) = &mut self.view {
            view.place.pane = pane;
            view.settle();
        }
    }

    pub(super) fn size(&self) -> Size {
        self.size
    }

    pub(super) fn resize(&mut self, size: Size) {
        self.size = size;
        if let Some(view) = &mut self.view {
            view.resize(size);
        }
    }

    /// The loading has come this far. Returns whether that shows.
    pub(super) fn progress(&mut self, loading: Loading) -> bool {
        std::mem::replace(&mut self.loading, loading) != loading
    }

    /// The recording is there.
    pub(super) fn opened(&mut self, opened: Arc<Opened>) {
        let work = self
            .answers
            .clone()
            .map_or_else(Work::default, Work::through);
        let mut view = View::new(opened, self.size, work);
        view.keymap = Arc::clone(&self.keymap);
        self.view = Some(view);
    }

    /// Large pieces of work are done off the drawing thread from now on, and their answers sent there.
    pub(super) fn answer_through(&mut self, answers: Sender<Input>) {
        self.answers = Some(answers);
    }

    /// These keys start the actions from now on.
    pub(super) fn use_keys(&mut self, keymap: Keymap) {
        self.keymap = Arc::new(keymap);
    }

    /// The words behind the program's name that open the same recording.
    pub(super) fn invoked_as(&mut self, words: Vec<String>) {
        self.invocation = words;
    }

    pub(super) fn invocation(&self) -> &[String] {
        &self.invocation
    }

    /// Goes where the command line asks for.
    ///
    /// # Errors
    /// One sentence about what is not in the recording.
    pub(super) fn start_at(&mut self, start: &Start) -> Result<(), String> {
        match &mut self.view {
            Some(view) if !start.is_default() => view.start_at(start),
            _ => Ok(()),
        }
    }

    /// The mouse was taken, or given back.
    pub(super) fn mouse_is(&mut self, ours: bool) {
        self.note(if ours {
            "The mouse selects, drags a range and zooms here; with shift held the terminal selects text."
        } else {
            "The mouse is the terminal's: it selects text."
        });
    }

    fn note(&mut self, note: &str) {
        if let Some(view) = &mut self.view {
            view.note = Some(note.to_owned());
        }
    }

    /// Copies what is selected or a way back here, and shows it: where the terminal has no clipboard it can be
    /// selected there.
    fn copy(&mut self, what: fn(&Self, &View) -> String) -> Effect {
        let Some(view) = &self.view else {
            return Effect::None;
        };
        let text = what(self, view);
        if text.is_empty() {
            self.note("Nothing is selected.");
            return Effect::None;
        }
        let room = usize::from(self.size.width).saturating_sub(4).max(20);
        let lines: Vec<String> = text
            .lines()
            .flat_map(|line| wrap(line, room, MOST_LINES))
            .collect();
        // A command line on several lines is still one where it is pasted.
        let end = if text.contains('\n') { "\n" } else { " \\\n" };
        self.note(&if lines.len() == 1 && width(&text) + 10 <= room {
            format!("copied: {text}")
        } else {
            format!("copied:\n{}", lines.join(end))
        });
        Effect::Copy(text)
    }

    /// An answer of such work is there.
    pub(super) fn done(&mut self, done: Done) {
        if let Some(view) = &mut self.view {
            view.done(done);
        }
    }

    /// Whether an answer is still to come.
    pub(super) fn waits(&self) -> bool {
        self.view.as_ref().is_some_and(|view| view.work.waits())
    }

    /// Who gets the next key.
    pub(super) fn context(&self) -> Context {
        match (&self.overlay, &self.view) {
            (_, None) => Context::Loading,
            (Some(overlay), _) => overlay.context(),
            (None, Some(view)) => view.place.pane.entry().context,
        }
    }

    /// Whether time has to pass for what is shown.
    pub(super) fn is_playing(&self) -> bool {
        self.view
            .as_ref()
            .is_some_and(|view| view.player.is_playing())
    }

    /// So much real time has passed. Returns whether that shows.
    pub(super) fn tick(&mut self, passed: Duration) -> bool {
        self.view.as_mut().is_some_and(|view| view.tick(passed))
    }

    /// A key was pressed.
    pub(super) fn key(&mut self, key: Key) -> Effect {
        let action = self.keymap.resolve(self.context(), key);
        if self.pauses(action) {
            return Effect::None;
        }
        match action {
            Some(action) => self.act(action),
            None => {
                if let Some(typed) = key.typed() {
                    self.typed(typed);
                }
                Effect::None
            }
        }
    }

    /// Any key but those for the speed stops the film; those that mean little else do nothing but that.
    fn pauses(&mut self, action: Option<ActionId>) -> bool {
        let Some(view) = self.view.as_mut().filter(|view| view.player.is_playing()) else {
            return false;
        };
        if matches!(action, Some(ActionId::Faster | ActionId::Slower)) {
            return false;
        }
        view.pause();
        matches!(
            action,
            None | Some(
                ActionId::Play | ActionId::Leave | ActionId::ClearFind | ActionId::PageDown
            )
        )
    }

    /// The mouse was clicked there: a pane's name shows it, the strip takes the cursor, the rest is the pane's.
    pub(super) fn click(&mut self, column: u16, row: u16) {
        let Some(frame) = layout::frame(self.size) else {
            return;
        };
        let at = Position::new(column, row);
        let Some(view) = self.view.as_mut().filter(|_| self.overlay.is_none()) else {
            return;
        };
        if frame.bar.contains(at) {
            if let Some(entry) = frame::pane_at(column, &self.keymap) {
                view.act(entry.action);
            }
        } else {
            view.click(column, row);
        }
    }

    /// The mouse was moved there with its button held.
    pub(super) fn drag(&mut self, column: u16) {
        if let Some(view) = self.view.as_mut().filter(|_| self.overlay.is_none()) {
            view.drag(column);
        }
    }

    /// The mouse's button was let go.
    pub(super) fn release(&mut self) {
        if let Some(view) = &mut self.view {
            view.release();
        }
    }

    /// The wheel was turned there: over a timeline it zooms about the pointer, over a list it goes through the lines.
    pub(super) fn wheel(&mut self, column: u16, row: u16, turn: Turn) {
        let Some(view) = self.view.as_mut().filter(|_| self.overlay.is_none()) else {
            let action = match turn {
                Turn::Up => ActionId::Up,
                Turn::Down => ActionId::Down,
            };
            self.act(action);
            return;
        };
        view.wheel(column, row, turn);
    }

    /// Does what an action says.
    pub(super) fn act(&mut self, action: ActionId) -> Effect {
        match action {
            ActionId::Quit | ActionId::QuitNow | ActionId::StopLoading => return Effect::Quit,
            ActionId::Suspend => return Effect::Suspend,
            ActionId::Redraw => return Effect::Repaint,
            ActionId::Mouse => return Effect::Mouse,
            ActionId::CopyLink => return self.copy(Self::command_line),
            ActionId::CopySelection => return self.copy(Self::selection),
            ActionId::Help => {
                let sheet = Sheet::Help(self.context());
                self.overlay = Some(Overlay::Sheet { sheet, top: 0 });
            }
            ActionId::About => {
                let sheet = Sheet::About;
                self.overlay = Some(Overlay::Sheet { sheet, top: 0 });
            }
            ActionId::CloseSheet => self.overlay = None,
            ActionId::Palette => {
                self.overlay = Some(Overlay::Palette(Palette::new(self.context())));
            }
            ActionId::Find => self.find(),
            ActionId::Filter => self.filter(),
            ActionId::Complete => self.edit_filter(FilterLine::take),
            ActionId::EntryLeft => self.edit_filter(|line, words| line.step(Step::Left, words)),
            ActionId::EntryRight => self.edit_filter(|line, words| line.step(Step::Right, words)),
            ActionId::EntryStart => self.edit_filter(|line, words| line.step(Step::Start, words)),
            ActionId::EntryEnd => self.edit_filter(|line, words| line.step(Step::End, words)),
            ActionId::EntryErase if self.is_filtering() => self.edit_filter(FilterLine::erase),
            ActionId::EntryClear if self.is_filtering() => self.edit_filter(FilterLine::clear),
            ActionId::GoToTime => {
                self.overlay = Some(Overlay::Time {
                    typed: String::new(),
                    problem: None,
                });
            }
            ActionId::StepKind => {
                let kind = self.view.as_ref().map(|view| view.step_kind);
                let selected = KINDS.iter().position(|(of, ..)| Some(*of) == kind);
                self.overlay = Some(Overlay::Kinds(selected.unwrap_or(0)));
            }
            ActionId::EntryAccept => return self.accept(),
            ActionId::EntryCancel => self.cancel(),
            ActionId::EntryErase => self.entry(|text| _ = text.pop()),
            ActionId::EntryClear => self.entry(String::clear),
            ActionId::EntryUp => self.entry_select(-1, ActionId::Up),
            ActionId::EntryDown => self.entry_select(1, ActionId::Down),
            action => match (&mut self.overlay, &mut self.view) {
                (Some(Overlay::Sheet { .. }), _) => self.scroll_sheet(action),
                (_, Some(view)) => view.act(action),
                (_, None) => {}
            },
        }
        Effect::None
    }

    fn scroll_sheet(&mut self, action: ActionId) {
        let (Some(frame), Some(view)) = (layout::frame(self.size), &self.view) else {
            return;
        };
        let Some(Overlay::Sheet { sheet, top }) = &mut self.overlay else {
            return;
        };
        let (len, capacity) = sheet.extent(&view.opened, &self.keymap, frame.pane);
        let wanted = match action {
            ActionId::Up => top.saturating_sub(1),
            ActionId::Down => *top + 1,
            ActionId::PageUp => top.saturating_sub(capacity),
            ActionId::PageDown => *top + capacity,
            ActionId::First => 0,
            ActionId::Last => len,
            _ => *top,
        };
        *top = wanted.min(len.saturating_sub(capacity));
    }

    /// Where the lists of the panes are scrolled to.
    pub(super) fn scrolled(&self) -> Option<[usize; 6]> {
        let place = self.view.as_ref()?.place;
        let [lanes, tasks] = place.scheduler.tops();
        let (findings, causes) = (place.findings.top(), place.causes.top());
        Some([
            place.tasks_top,
            place.events_top,
            lanes,
            tasks,
            findings,
            causes,
        ])
    }

    /// What may be shown a moment later than the rest: while keys walk a list, the life beside it follows once they
    /// rest, so that a slow line carries little more than the selection.
    pub(super) fn later(&self) -> Option<Rect> {
        let view = self.view.as_ref().filter(|_| self.overlay.is_none())?;
        view.beside().filter(|_| view.walks_list)
    }

    /// The keys rest. Returns whether something was still to be shown.
    pub(super) fn rest(&mut self) -> bool {
        let later = self.later().is_some();
        if let Some(view) = &mut self.view {
            view.walks_list = false;
        }
        later
    }
}
