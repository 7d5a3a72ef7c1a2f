//! What a person looks at, and what each action does to it. Nothing here knows how it is drawn.

use std::sync::Arc;

use ratatui::layout::{Rect, Size};

use super::{
    actions::ActionId,
    causes,
    facts::Opened,
    figures::Figures,
    findings,
    jumps::Jumps,
    keymap::Keymap,
    lanes::Lanes,
    layout::{self, LifeLayout, TasksLayout},
    lengths, life,
    mouse::Held,
    place::{Pane, Place, scrolled},
    resources, scheduler,
    span::Span,
    steps::Kind,
    table::{Sort, Table},
    tasks,
    travel::Player,
    wakers,
    work::{Done, Errand, Finish, Stop, Work},
};
use crate::{
    analysis::query::{Query, Scope},
    recording::{Happening, Ns, PollIx, TaskIx},
};

/// An opened recording, the place where the person is in it, and what follows from both.
#[derive(Debug)]
pub(super) struct View {
    pub(super) opened: Arc<Opened>,
    pub(super) place: Place,
    pub(super) jumps: Jumps<Place>,
    pub(super) table: Table,
    /// What the tasks did in the range, and the range that this was asked for last.
    pub(super) figures: Arc<Figures>,
    pub(super) figures_asked: Option<(Ns, Ns)>,
    /// Where the selected task is listed.
    pub(super) row: Option<usize>,
    pub(super) lanes: Lanes,
    pub(super) lengths: lengths::State,
    pub(super) findings: findings::State,
    pub(super) wakers: wakers::State,
    pub(super) scheduler: scheduler::State,
    pub(super) resources: resources::State,
    pub(super) causes: causes::State,
    /// Which keys start which action, for whoever tells a person about one.
    pub(super) keymap: Arc<Keymap>,
    /// What is done off the drawing thread.
    pub(super) work: Work,
    /// What the last action has to say; the next one takes it away.
    pub(super) note: Option<String>,
    pub(super) player: Player,
    /// What is stepped through.
    pub(super) step_kind: Kind,
    /// Nothing was done since the recording was opened, and nobody said where to open it.
    pub(super) untouched: bool,
    /// The last action was a step of a walk through what happened to anybody.
    pub(super) walking: bool,
    /// The last action went through the lines of a list.
    pub(super) walks_list: bool,
    /// What the mouse's button was pressed on, while it is held.
    pub(super) held: Option<Held>,
    /// What `zoom-all` goes back to.
    zoomed: Option<Span>,
    size: Size,
}

impl View {
    /// Opens with what was found, in the midst of the first finding, or at the window's end where there is none.
    pub(super) fn new(opened: Arc<Opened>, size: Size, work: Work) -> Self {
        let window = opened.window();
        let first = opened.facts.findings.first();
        let place = Place {
            pane: Pane::Findings,
            task: None,
            // In the thick of it, so that the states at the cursor show who could not run.
            cursor: first.map_or(opened.recording.window().end, |finding| {
                finding.start.saturating_add(finding.duration / 4 * 3)
            }),
            span: window,
            event: 0,
            tasks_top: 0,
            events_top: 0,
            finding: None,
            mark: None,
            findings: findings::Spot::default(),
            wakers: wakers::Spot::default(),
            scheduler: scheduler::Spot::default(),
            resources: resources::Spot::default(),
            causes: causes::Spot::default(),
        };
        let mut view = Self {
            opened,
            place,
            jumps: Jumps::default(),
            table: Table::default(),
            figures: Arc::default(),
            figures_asked: None,
            row: None,
            lanes: Lanes::default(),
            lengths: lengths::State::default(),
            findings: findings::State::default(),
            wakers: wakers::State::default(),
            scheduler: scheduler::State::default(),
            resources: resources::State::default(),
            causes: causes::State::default(),
            keymap: Arc::default(),
            work,
            note: None,
            player: Player::default(),
            step_kind: Kind::default(),
            untouched: true,
            walking: false,
            walks_list: false,
            held: None,
            zoomed: None,
            size,
        };
        view.set_cursor(view.place.cursor);
        view.settle();
        view
    }

    /// Asks for a piece of work: one that is `large` is done off the drawing thread, and the answer changes the view
    /// once it comes; what goes on of that kind is given up.
    pub(super) fn ask(
        &mut self,
        errand: Errand,
        large: bool,
        job: impl FnOnce(&Stop) -> Option<Finish> + Send + 'static,
    ) {
        if let Some(finish) = self.work.ask(errand, large, job) {
            finish(self);
        }
    }

    /// Work has come to its end.
    pub(super) fn done(&mut self, done: Done) {
        if let Some(finish) = self.work.accept(done) {
            finish(self);
            self.settle();
        }
    }

    /// The window has another size.
    pub(super) fn resize(&mut self, size: Size) {
        self.size = size;
        self.settle();
    }

    pub(super) fn size(&self) -> Size {
        self.size
    }

    /// Does what `action` says, if it is one that concerns the view.
    pub(super) fn act(&mut self, action: ActionId) {
        self.note = None;
        self.walking &= matches!(
            action,
            ActionId::StepNext | ActionId::StepPrevious | ActionId::AnyNext | ActionId::AnyPrevious
        );
        self.walks_list = matches!(
            action,
            ActionId::Up
                | ActionId::Down
                | ActionId::PageUp
                | ActionId::PageDown
                | ActionId::First
                | ActionId::Last
        );
        if !self.act_in_pane(action) {
            self.act_anywhere(action);
        }
        self.untouched = false;
        self.settle();
    }

    /// What the pane that is shown makes of `action`, if it has a use of its own for it.
    fn act_in_pane(&mut self, action: ActionId) -> bool {
        match self.place.pane {
            Pane::Findings => findings::act(self, action),
            Pane::Wakers => wakers::act(self, action),
            Pane::Scheduler => scheduler::act(self, action),
            Pane::Resources => resources::act(self, action),
            Pane::Causes => causes::act(self, action),
            Pane::Tasks => tasks::act(self, action),
            Pane::Task => life::act(self, action),
        }
    }

    fn act_anywhere(&mut self, action: ActionId) {
        match action {
            ActionId::Open => self.jump(|view| view.place.pane = Pane::Task),
            ActionId::FindingsPane => self.show(Pane::Findings),
            ActionId::TasksPane | ActionId::Leave => self.show(Pane::Tasks),
            ActionId::TaskPane => self.show(Pane::Task),
            ActionId::WakersPane => self.show(Pane::Wakers),
            ActionId::SchedulerPane => self.show(Pane::Scheduler),
            ActionId::ResourcesPane => self.show(Pane::Resources),
            ActionId::CausesPane => self.show(Pane::Causes),
            ActionId::NextPane => self.show(self.place.pane.neighbour(1)),
            ActionId::PreviousPane => {
                self.show(self.place.pane.neighbour(super::place::PANES.len() - 1));
            }
            ActionId::Back => self.step(Jumps::back, "Nothing to go back to."),
            ActionId::Forward => self.step(Jumps::forward, "Nothing to go forward to."),
            ActionId::Up => self.move_lines(-1),
            ActionId::Down => self.move_lines(1),
            ActionId::PageUp => self.move_lines(-self.page()),
            ActionId::PageDown => self.move_lines(self.page()),
            ActionId::First => self.move_lines(isize::MIN),
            ActionId::Last => self.move_lines(isize::MAX),
            ActionId::CursorLeft => self.move_cursor(-1),
            ActionId::CursorRight => self.move_cursor(1),
            ActionId::CursorFarLeft => self.move_cursor(-10),
            ActionId::CursorFarRight => self.move_cursor(10),
            ActionId::CursorStart => self.set_cursor(0),
            ActionId::CursorEnd => self.set_cursor(self.opened.recording.window().end),
            ActionId::ZoomIn => {
                let cells = self.timeline_cells();
                self.place.span = self.place.span.zoomed_in(self.place.cursor, cells);
            }
            ActionId::ZoomOut => {
                self.place.span = self
                    .place
                    .span
                    .zoomed_out(self.place.cursor, self.opened.window());
            }
            ActionId::ZoomAll => self.zoom_all(),
            ActionId::Mark => self.mark(),
            ActionId::StepNext => self.step_selection(true),
            ActionId::StepPrevious => self.step_selection(false),
            ActionId::AnyNext => self.step_anybody(true),
            ActionId::AnyPrevious => self.step_anybody(false),
            ActionId::Play => self.play(),
            ActionId::Faster => self.change_speed(true),
            ActionId::Slower => self.change_speed(false),
            ActionId::SortNext => self.sort(self.table.wish.sort.neighbour(1)),
            ActionId::SortPrevious => self.sort(
                self.table
                    .wish
                    .sort
                    .neighbour(super::table::SORTS.len() - 1),
            ),
            ActionId::SortReverse => self.table.wish.reverse ^= true,
            ActionId::ShowAll => self.table.wish.all ^= true,
            ActionId::ClearFind => {
                self.table.wish.find.clear();
                self.table.wish.filter = None;
            }
            ActionId::WhoWoke => self.who_woke(),
            ActionId::Follow => self.follow(),
            ActionId::Parent => self.parent(),
            ActionId::Child => self.child(),
            ActionId::NextFinding => self.finding(1),
            ActionId::PreviousFinding => self.finding(-1),
            ActionId::NextSlow => self.slow_poll(true),
            ActionId::PreviousSlow => self.slow_poll(false),
            ActionId::Longest => self.longest_poll(),
            // The rest belongs to the application around the view.
            _ => {}
        }
    }

    /// The poll that panes about one poll are about: the selected one, else the one that goes on at the cursor, else
    /// the latest before it.
    pub(super) fn selected_poll(&self) -> Option<PollIx> {
        let task = self.place.task?;
        let recording = &self.opened.recording;
        let selected = recording.history(task).get(self.place.event);
        match selected.map(|event| event.what) {
            Some(Happening::Polled(poll)) => Some(poll),
            _ => recording.last_poll_before(task, self.place.cursor),
        }
    }

    /// Leaves the present place by a jump: the way back is remembered.
    pub(super) fn jump(&mut self, go: impl FnOnce(&mut Self)) {
        let here = self.place;
        go(self);
        if self.place != here {
            self.jumps.push(here);
        }
    }

    /// Goes to one line of a task's life.
    pub(super) fn jump_to(&mut self, task: TaskIx, at: Ns, what: Happening) {
        self.jump(|view| {
            let opened = Arc::clone(&view.opened);
            let history = opened.recording.history(task);
            let elsewhere = view.place.pane != Pane::Task || view.place.task != Some(task);
            view.place.pane = Pane::Task;
            view.place.task = Some(task);
            view.place.cursor = at;
            view.place.event = history
                .find(at, what)
                .unwrap_or_else(|| history.position(at));
            if elsewhere {
                // Some of what led there belongs on the screen, too.
                view.place.events_top = view.place.event.saturating_sub(view.capacity() / 3);
            }
        });
    }

    /// Shows a pane of the bar. That is a jump, too: what was looked at may be far away.
    fn show(&mut self, pane: Pane) {
        self.jump(|view| view.place.pane = pane);
    }

    fn step(&mut self, walk: fn(&mut Jumps<Place>, Place) -> Option<Place>, nothing: &str) {
        match walk(&mut self.jumps, self.place) {
            Some(place) => self.place = place,
            None => self.note = Some(nothing.to_owned()),
        }
    }

    pub(super) fn sort(&mut self, sort: Sort) {
        self.table.wish.sort = sort;
        self.table.wish.reverse = false;
        self.note = Some(format!("Sorted by {}.", sort.title()));
    }

    fn zoom_all(&mut self) {
        let window = self.opened.window();
        if self.place.span == window {
            self.place.span = self.zoomed.unwrap_or(window);
        } else {
            self.zoomed = Some(self.place.span);
            self.place.span = window;
        }
    }

    /// How many lines a page is; one stays in sight.
    fn page(&self) -> isize {
        isize::try_from(self.capacity().saturating_sub(1).max(1)).unwrap_or(isize::MAX)
    }

    fn move_lines(&mut self, by: isize) {
        let shift =
            |line: usize, len: usize| line.saturating_add_signed(by).min(len.saturating_sub(1));
        match self.place.pane {
            Pane::Tasks => {
                let row = self.row.map_or(0, |row| shift(row, self.table.len()));
                if let Some(task) = self.table.get(row) {
                    self.place.task = Some(task);
                    self.row = Some(row);
                }
            }
            Pane::Task => {
                let Some(task) = self.place.task else { return };
                let opened = Arc::clone(&self.opened);
                let history = opened.recording.history(task);
                let line = shift(self.place.event, history.len());
                if let Some(event) = history.get(line) {
                    self.place.event = line;
                    self.place.cursor = event.at;
                }
            }
            // They move within what they list by themselves.
            _ => {}
        }
    }

    /// The cursor, and the range where one is marked: what a filter is asked at.
    pub(super) fn scope(&self) -> Scope {
        Scope {
            at: self.place.cursor,
            range: self.marked(),
        }
    }

    /// Lists only what `filter` matches.
    pub(super) fn set_filter(&mut self, filter: Option<Arc<Query>>) {
        if self.table.wish.filter != filter {
            self.table.wish.filter = filter;
            self.select_first();
        }
    }

    /// Moves the selection to the first task of the list, as a search does while it is typed.
    pub(super) fn select_first(&mut self) {
        self.table.select_first = true;
        self.settle();
    }

    /// Moves the selection there once the list is the one that was asked for.
    fn select_first_if_asked(&mut self) {
        if !self.table.select_first || self.work.waits_for(Errand::Rows) {
            return;
        }
        self.table.select_first = false;
        if let Some(task) = self.table.get(0) {
            self.place.task = Some(task);
            self.place.tasks_top = 0;
            self.refresh_table();
        }
    }

    fn move_cursor(&mut self, cells: i64) {
        let (span, count) = match self.place.pane {
            Pane::Task => (self.place.span, self.timeline_cells()),
            _ => (self.opened.window(), layout::strip_cells(self.size.width)),
        };
        let by = span.per_cell(count).saturating_mul(cells);
        self.set_cursor(self.place.cursor.saturating_add(by));
    }

    /// Puts the cursor there, and selects what had happened last by then.
    pub(super) fn set_cursor(&mut self, at: Ns) {
        let (first, last) = self.opened.bounds();
        self.place.cursor = at.clamp(first, last);
        self.select_by_cursor();
    }

    /// Selects what had happened last by the cursor.
    fn select_by_cursor(&mut self) {
        if let Some(task) = self.place.task {
            self.place.event = self.event_by_cursor(task);
        }
    }

    /// The line that shows what had happened last to `task` by the cursor. Where no list of events is walked, a poll
    /// that goes on there outranks what happened inside it.
    pub(super) fn event_by_cursor(&self, task: TaskIx) -> usize {
        let recording = &self.opened.recording;
        let history = recording.history(task);
        let cursor = self.place.cursor;
        let running = recording
            .poll_at(task, cursor)
            .filter(|_| self.place.pane != Pane::Task);
        let poll = running
            .and_then(|poll| history.find(recording.poll_start(poll), Happening::Polled(poll)));
        let last = || history.position(cursor.saturating_add(1)).saturating_sub(1);
        poll.unwrap_or_else(last)
    }

    /// Whether the selected line happens at the cursor.
    fn event_is_at_cursor(&self, task: TaskIx) -> bool {
        let recording = &self.opened.recording;
        let cursor = self.place.cursor;
        recording
            .history(task)
            .get(self.place.event)
            .is_some_and(|event| match event.what {
                Happening::Polled(poll) => {
                    event.at == cursor || recording.poll_at(task, cursor) == Some(poll)
                }
                _ => event.at == cursor,
            })
    }

    /// Where the lines of one life are shown: in the Task pane, or beside the Tasks.
    pub(super) fn life_layout(&self) -> Option<LifeLayout> {
        let pane = layout::frame(self.size)?.pane;
        match self.place.pane {
            Pane::Task => Some(LifeLayout::new(pane)),
            Pane::Tasks => TasksLayout::new(pane, self.found())
                .details
                .map(LifeLayout::new),
            other => layout::with_companion(pane, other).1.map(LifeLayout::new),
        }
    }

    /// The key for an action, as a sentence names it.
    pub(super) fn key(&self, action: ActionId) -> String {
        match self.keymap.shown(action) {
            key if key.is_empty() => format!(":{}", action.row().name),
            key => key,
        }
    }

    /// The area of a life beside a list of other things, in whichever pane.
    pub(super) fn beside(&self) -> Option<Rect> {
        match self.place.pane {
            Pane::Tasks => {
                let pane = layout::frame(self.size)?.pane;
                TasksLayout::new(pane, self.found()).details
            }
            _ => self.life_area(),
        }
    }

    /// The area of the life beside the pane, where there is one.
    pub(super) fn life_area(&self) -> Option<Rect> {
        let pane = layout::frame(self.size)?.pane;
        layout::with_companion(pane, self.place.pane).1
    }

    /// The area of the pane, without that of the life beside it, where the window is large enough for one.
    pub(super) fn area(&self) -> Option<Rect> {
        let pane = layout::frame(self.size)?.pane;
        Some(layout::with_companion(pane, self.place.pane).0)
    }

    /// Whether there is a finding to tell about.
    pub(super) fn found(&self) -> bool {
        !self.opened.facts.findings.is_empty()
    }

    fn timeline_cells(&self) -> usize {
        self.life_layout().map_or(1, LifeLayout::cells)
    }

    pub(super) fn capacity(&self) -> usize {
        let Some(frame) = layout::frame(self.size) else {
            return 1;
        };
        match self.place.pane {
            Pane::Tasks => TasksLayout::new(frame.pane, self.found()).capacity(),
            Pane::Task => LifeLayout::new(frame.pane).capacity(),
            _ => 1,
        }
    }

    /// Makes everything that follows from the place agree with it. Doing so twice changes nothing.
    pub(super) fn settle(&mut self) {
        let opened = Arc::clone(&self.opened);
        if self.place.task.is_none() {
            let trouble = opened.facts.trouble();
            let alive = |task: &&TaskIx| opened.alive(**task, self.place.cursor);
            let first = trouble.iter().find(alive).or(trouble.first());
            self.place.task = first.copied();
            self.select_by_cursor();
        }
        self.refresh_figures();
        let capacity = self.capacity();
        // A million tasks are listed anew only where they are seen.
        if self.place.pane == Pane::Tasks {
            self.refresh_table();
            self.select_first_if_asked();
            let near = self.row.unwrap_or(0);
            let position = |task| self.table.position(&opened, task, near);
            self.row = self.place.task.and_then(position);
            if let Some(row) = self.row {
                let len = self.table.len();
                self.place.tasks_top = scrolled(self.place.tasks_top, row, len, capacity);
            }
        }
        // The lanes of workers show whose polls the filter lists.
        if self.place.pane == Pane::Scheduler && self.table.wish.filter.is_some() {
            self.refresh_table();
        }
        self.settle_task(&opened, capacity);
        match self.place.pane {
            Pane::Findings => findings::settle(self),
            Pane::Wakers => wakers::settle(self),
            Pane::Scheduler => scheduler::settle(self),
            Pane::Resources => resources::settle(self),
            Pane::Causes => causes::settle(self),
            Pane::Tasks | Pane::Task => {}
        }
    }

    /// Makes the selected line, its scroll and the timeline of the selected task agree with the place.
    fn settle_task(&mut self, opened: &Arc<Opened>, capacity: usize) {
        let Some(task) = self.place.task else { return };
        let history = opened.recording.history(task);
        if !self.event_is_at_cursor(task) {
            self.select_by_cursor();
        }
        if self.place.pane == Pane::Task {
            self.place.events_top = scrolled(
                self.place.events_top,
                self.place.event,
                history.len(),
                capacity,
            );
        }
        if matches!(self.place.pane, Pane::Task | Pane::Scheduler) {
            self.place.span = self.place.span.showing(self.place.cursor, opened.window());
        }
        if life::shows_lengths(self) {
            self.refresh_lengths();
        }
        if let Some(layout) = self.life_layout() {
            self.lanes
                .refresh(opened, task, self.place.span, layout.cells());
        }
    }
}
