//! The application: from keys to actions to state to a frame. It does no input or output of its own.

use std::{
    sync::{Arc, mpsc::Sender},
    time::Duration,
};

use ratatui::{
    buffer::Buffer,
    layout::{Position, Rect, Size},
};

use super::{
    actions::{ActionId, Context},
    ascii, causes,
    facts::Opened,
    filter::{FilterLine, Step},
    findings, frame,
    input::{Input, Turn},
    keymap::Keymap,
    keys::Key,
    layout, life,
    link::Start,
    overlay::{self, Overlay, Palette},
    place::Pane,
    resources, scheduler,
    sheet::Sheet,
    steps::KINDS,
    tasks,
    text::{Pen, keep_start, width, wrap},
    theme::{Role, Theme},
    view::View,
    wakers,
    work::{Done, Work},
};
use crate::analysis::query::Vocabulary;

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
    pub(super) fn begin_in(&mut self, pane: Pane) {
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

    /// A character was typed that is no key of the layer above the pane.
    fn typed(&mut self, typed: char) {
        if let Some(Overlay::Kinds(selected)) = &mut self.overlay {
            if let Some(kind) = KINDS.iter().position(|(_, letter, _)| *letter == typed) {
                *selected = kind;
                self.accept();
            }
        } else if self.is_filtering() {
            self.edit_filter(|line, words| line.put(typed, words));
        } else {
            self.entry(|text| text.push(typed));
        }
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

    fn find(&mut self) {
        let Some(view) = &mut self.view else { return };
        self.overlay = Some(Overlay::Find {
            place: view.place,
            before: std::mem::take(&mut view.table.wish.find),
        });
        view.note = None;
        view.place.pane = Pane::Tasks;
        view.settle();
    }

    /// Opens the line in which a filter is typed, above the tasks.
    fn filter(&mut self) {
        let Some(view) = &mut self.view else { return };
        let before = view.table.wish.filter.clone();
        let line = FilterLine::new(view.place, before, &view.opened.facts.words);
        self.overlay = Some(Overlay::Filter(line));
        view.note = None;
        view.place.pane = Pane::Tasks;
        view.settle();
    }

    fn is_filtering(&self) -> bool {
        matches!(self.overlay, Some(Overlay::Filter(_)))
    }

    /// Changes the filter that is typed; the table follows as soon as it can be understood.
    fn edit_filter(&mut self, edit: impl FnOnce(&mut FilterLine, &Vocabulary)) {
        if let (Some(Overlay::Filter(line)), Some(view)) = (&mut self.overlay, &mut self.view) {
            edit(line, &view.opened.facts.words);
            if let Some(query) = line.preview() {
                view.set_filter(query);
            }
        }
    }

    /// Keeps the filter, unless a suggestion was chosen, which is put in first, or it cannot be understood.
    fn accept_filter(&mut self, mut line: FilterLine) {
        let Some(view) = &mut self.view else { return };
        let words = &view.opened.facts.words;
        if line.take_selected(words) {
            self.overlay = Some(Overlay::Filter(line));
            self.edit_filter(|_, _| ());
            return;
        }
        match line.query() {
            None => self.overlay = Some(Overlay::Filter(line)),
            Some(query) => {
                view.set_filter(query);
                if view.place != line.place {
                    view.jumps.push(line.place);
                }
            }
        }
    }

    fn accept(&mut self) -> Effect {
        match self.overlay.take() {
            Some(Overlay::Filter(line)) => {
                self.accept_filter(line);
                Effect::None
            }
            Some(Overlay::Palette(palette)) => palette
                .chosen()
                .map_or(Effect::None, |action| self.act(action)),
            Some(Overlay::Time { typed, .. }) => {
                self.go_to_typed(typed);
                Effect::None
            }
            Some(Overlay::Kinds(selected)) => {
                if let (Some(view), Some((kind, _, name))) = (&mut self.view, KINDS.get(selected)) {
                    view.step_kind = *kind;
                    let [next, previous, any, before] = [
                        ActionId::StepNext,
                        ActionId::StepPrevious,
                        ActionId::AnyNext,
                        ActionId::AnyPrevious,
                    ]
                    .map(|action| view.key(action));
                    view.note = Some(format!(
                        "Stepping through {name}: {next} and {previous} of the selected task, {any} and {before} of any."
                    ));
                }
                Effect::None
            }
            Some(Overlay::Find { place, .. }) => {
                if let Some(view) = self.view.as_mut().filter(|view| view.place != place) {
                    view.jumps.push(place);
                }
                Effect::None
            }
            _ => Effect::None,
        }
    }

    /// Goes to the instant that was typed, or says what is wrong with it and lets it be mended.
    fn go_to_typed(&mut self, typed: String) {
        let Some(view) = &mut self.view else { return };
        if typed.is_empty() {
            return;
        }
        if let Err(problem) = typed.parse().and_then(|when| view.go_to_instant(when)) {
            self.overlay = Some(Overlay::Time {
                typed,
                problem: Some(problem),
            });
        }
    }

    fn cancel(&mut self) {
        let (Some(overlay), Some(view)) = (self.overlay.take(), &mut self.view) else {
            return;
        };
        view.table.select_first = false;
        match overlay {
            Overlay::Find { place, before } => {
                view.table.wish.find = before;
                view.place = place;
            }
            Overlay::Filter(line) => {
                view.table.wish.filter = line.before;
                view.place = line.place;
            }
            _ => {}
        }
        view.settle();
    }

    /// Changes what is typed, if something is being typed.
    fn entry(&mut self, change: impl FnOnce(&mut String)) {
        match (&mut self.overlay, &mut self.view) {
            (Some(Overlay::Find { .. }), Some(view)) => {
                change(&mut view.table.wish.find);
                view.select_first();
            }
            (Some(Overlay::Time { typed, problem }), _) => {
                change(typed);
                *problem = None;
            }
            (Some(Overlay::Palette(palette)), _) => {
                change(&mut palette.typed);
                palette.typed_changed();
            }
            _ => {}
        }
    }

    fn entry_select(&mut self, by: isize, action: ActionId) {
        match (&mut self.overlay, &mut self.view) {
            (Some(Overlay::Find { .. }), Some(view)) => view.act(action),
            (Some(Overlay::Filter(line)), _) => line.select(by),
            (Some(Overlay::Palette(palette)), _) => palette.select(by),
            (Some(Overlay::Kinds(selected)), _) => {
                *selected = selected.saturating_add_signed(by).min(KINDS.len() - 1);
            }
            _ => {}
        }
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

    /// Draws the whole frame. It changes nothing but the buffer.
    pub(super) fn draw(&self, buffer: &mut Buffer) {
        match layout::frame(self.size) {
            Some(frame) => self.draw_frame(buffer, &frame),
            None => self.draw_too_small(buffer),
        }
        if self.ascii {
            ascii::apply(buffer);
        }
    }

    fn draw_frame(&self, buffer: &mut Buffer, frame: &layout::Frame) {
        let theme = self.theme;
        for rule in frame.rules {
            frame::rule(buffer, rule, theme);
        }
        let Some(view) = &self.view else {
            Pen::new(buffer, frame.header, 0)
                .skip(1)
                .fit(&self.title, theme.style(Role::Strong));
            frame::bar(buffer, frame.bar, theme, &self.keymap, None);
            let text = if self.loading.indexing {
                "sorting and indexing"
            } else {
                "reading"
            };
            Pen::new(buffer, frame.pane, 0)
                .skip(1)
                .put(text, theme.style(Role::Dim));
            frame::gauge(
                buffer,
                frame.strip,
                theme,
                &self.keymap,
                self.loading.done,
                self.loading.events,
            );
            frame::keys(buffer, frame.keys, theme, &self.keymap, Context::Loading);
            return;
        };
        frame::header(buffer, frame.header, theme, &view.opened);
        frame::bar(
            buffer,
            frame.bar,
            theme,
            &self.keymap,
            Some(view.place.pane),
        );
        let (main, companion) = layout::with_companion(frame.pane, view.place.pane);
        self.draw_pane(buffer, main, view);
        if let Some(companion) = companion {
            if companion.y > main.y {
                let above = Rect {
                    y: companion.y - 1,
                    height: 1,
                    ..companion
                };
                frame::rule(buffer, above, theme);
            }
            life::draw(buffer, companion, theme, view);
        }
        frame::strip(buffer, frame, theme, view);
        match &self.overlay {
            Some(Overlay::Find { .. }) => {
                overlay::draw_find(
                    buffer,
                    frame.keys,
                    theme,
                    &self.keymap,
                    &view.table.wish.find,
                );
            }
            Some(Overlay::Filter(line)) => line.draw(buffer, frame, theme, view),
            Some(Overlay::Time { typed, problem }) => {
                let problem = problem.as_deref();
                overlay::draw_time(buffer, frame.keys, theme, &self.keymap, typed, problem);
            }
            Some(Overlay::Kinds(selected)) => {
                overlay::draw_kinds(buffer, frame.pane, theme, *selected);
                frame::keys(buffer, frame.keys, theme, &self.keymap, Context::Kinds);
            }
            Some(Overlay::Palette(palette)) => {
                palette.draw(buffer, frame.pane, theme, &self.keymap);
                frame::keys(buffer, frame.keys, theme, &self.keymap, Context::Palette);
            }
            Some(Overlay::Sheet { sheet, top }) => {
                sheet.draw(
                    buffer,
                    frame.pane,
                    theme,
                    (&view.opened, &self.keymap),
                    *top,
                );
                frame::keys(buffer, frame.keys, theme, &self.keymap, Context::Sheet);
            }
            None => {
                frame::keys(buffer, frame.keys, theme, &self.keymap, self.context());
                if let Some(note) = view.playing().as_ref().or(view.note.as_ref()) {
                    frame::note(buffer, frame, theme, note);
                }
            }
        }
    }

    /// Draws what the pane shows.
    pub(super) fn draw_pane(&self, buffer: &mut Buffer, area: Rect, view: &View) {
        let theme = self.theme;
        match view.place.pane {
            Pane::Findings => findings::draw(buffer, area, theme, view),
            Pane::Tasks => tasks::draw(buffer, area, theme, view),
            Pane::Task => life::draw(buffer, area, theme, view),
            Pane::Wakers => wakers::draw(buffer, area, theme, view),
            Pane::Scheduler => scheduler::draw(buffer, area, theme, view),
            Pane::Resources => resources::draw(buffer, area, theme, view),
            Pane::Causes => causes::draw(buffer, area, theme, view),
        }
    }

    fn draw_too_small(&self, buffer: &mut Buffer) {
        let smallest = layout::SMALLEST;
        let lines = [
            "window too small".to_owned(),
            format!("need {}x{}", smallest.width, smallest.height),
            format!("have {}x{}", self.size.width, self.size.height),
        ];
        let area = *buffer.area();
        for (row, line) in lines.iter().enumerate().take(usize::from(area.height)) {
            let line = keep_start(line, usize::from(area.width));
            let left = usize::from(area.width).saturating_sub(width(&line)) / 2;
            Pen::new(buffer, area, row as u16)
                .skip(left)
                .put(&line, self.theme.style(Role::Strong));
        }
    }
}
