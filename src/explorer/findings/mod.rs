//! The Findings pane, where a person lands: what was found wrong, worst first, with the events that show it; what could
//! not be looked for; who was ready for longest, and who idle, so that there is somewhere to go in a healthy recording.

mod lines;
#[cfg(test)]
mod tests;

use std::sync::Arc;

use ratatui::{buffer::Buffer, layout::Rect};

use super::{
    actions::ActionId,
    facts::Opened,
    place::{Pane, scrolled},
    show::Shown,
    span::Span,
    text::{Pen, width},
    theme::{Role, Theme},
    view::View,
};
use crate::{
    analysis::Evidence,
    recording::{Happening, Ns, Recording, TaskIx, TriggerKind},
};
use lines::Line;

/// Something in the list that leads somewhere.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) enum Item {
    /// Whatever comes first.
    #[default]
    First,
    /// The task whose panic made the recorder write.
    Panic,
    /// A finding.
    Finding(usize),
    /// A line of evidence of a finding.
    Evidence(usize, usize),
    /// The longest poll of a recording in which nothing was found.
    Longest,
    /// The poll with the longest schedule delay.
    Latest,
    /// One of those that were ready for longest.
    Ready(usize),
    /// One of those that were idle for longest.
    Idle(usize),
}

impl Item {
    /// The finding whose evidence is shown while this is selected.
    fn finding(self) -> Option<usize> {
        match self {
            Self::Finding(finding) | Self::Evidence(finding, _) => Some(finding),
            _ => None,
        }
    }
}

/// What a step back restores of this pane.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Spot {
    pub(super) item: Item,
    /// What is shown in full. It stays so until another one of its kind is selected: were it to close, all that stands
    /// below it would move up, and be written to the terminal again.
    open: Open,
    /// The first line that is shown.
    top: usize,
}

impl Shown for Spot {
    fn tell(&self, shown: bool, say: &mut dyn FnMut(&str, &str)) {
        if !shown {
            return;
        }
        let line = match self.item {
            Item::First => return,
            Item::Panic => "panic".to_owned(),
            Item::Longest => "longest".to_owned(),
            Item::Latest => "latest".to_owned(),
            Item::Finding(finding) => format!("finding.{finding}"),
            Item::Evidence(finding, line) => format!("finding.{finding}.{line}"),
            Item::Ready(number) => format!("ready.{number}"),
            Item::Idle(number) => format!("idle.{number}"),
        };
        say("line", &line);
    }

    fn hear(&mut self, key: &str, value: &str) -> bool {
        let mut parts = value.split('.');
        let what = parts.next().unwrap_or_default();
        let numbers: Vec<Option<usize>> = parts.map(|part| part.parse().ok()).collect();
        let item = match (what, numbers.as_slice()) {
            ("panic", []) => Item::Panic,
            ("longest", []) => Item::Longest,
            ("latest", []) => Item::Latest,
            ("finding", [Some(finding)]) => Item::Finding(*finding),
            ("finding", [Some(finding), Some(line)]) => Item::Evidence(*finding, *line),
            ("ready", [Some(number)]) => Item::Ready(*number),
            ("idle", [Some(number)]) => Item::Idle(*number),
            _ => return false,
        };
        self.item = item;
        key == "line"
    }
}

impl Spot {
    /// The first line that is shown.
    pub(super) fn top(self) -> usize {
        self.top
    }
}

/// The finding whose evidence is shown, and the idle task whose past is.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
struct Open {
    finding: usize,
    idle: usize,
}

impl Open {
    /// What is open once `item` is selected.
    fn with(self, item: Item) -> Self {
        match item {
            Item::Finding(finding) | Item::Evidence(finding, _) => Self { finding, ..self },
            Item::Idle(idle) => Self { idle, ..self },
            _ => self,
        }
    }
}

/// What is kept for drawing: the lines, and what they were made for.
#[derive(Debug, Default)]
pub(super) struct State {
    lines: Vec<Line>,
    made_for: Option<(usize, Item, Open)>,
}

/// The items that can be reached while that is open.
fn items(opened: &Opened, open: Open) -> Vec<Item> {
    let facts = &opened.facts;
    let mut items = Vec::new();
    items.extend(panicked(&opened.recording).map(|_| Item::Panic));
    for (number, finding) in facts.findings.iter().enumerate() {
        items.push(Item::Finding(number));
        if open.finding == number {
            let evidence = 0..finding.evidence.len();
            items.extend(evidence.map(|line| Item::Evidence(number, line)));
        }
    }
    if facts.findings.is_empty() {
        items.extend(facts.longest_poll.map(|_| Item::Longest));
    }
    items.extend(facts.latest_poll.map(|_| Item::Latest));
    items.extend((0..facts.ready.longest.len()).map(Item::Ready));
    items.extend((0..facts.idle.longest.len()).map(Item::Idle));
    items
}

/// The task whose panic made the recorder write, if it is known.
fn panicked(recording: &Recording) -> Option<TaskIx> {
    match recording.trigger()?.kind {
        TriggerKind::Panic(Some(task)) => recording.task_by_id(task),
        _ => None,
    }
}

/// Makes the selection valid and the lines agree with it.
pub(super) fn settle(view: &mut View) {
    let Some(area) = view.area() else { return };
    let opened = Arc::clone(&view.opened);
    let spot = &mut view.place.findings;
    spot.open = spot.open.with(spot.item);
    let all = items(&opened, spot.open);
    if !all.contains(&view.place.findings.item) {
        view.place.findings.item = all.first().copied().unwrap_or_default();
    }
    let spot = view.place.findings;
    let key = (usize::from(area.width), spot.item, spot.open);
    if view.findings.made_for != Some(key) {
        view.findings = State {
            lines: lines::lines(&opened, spot.item, spot.open, key.0),
            made_for: Some(key),
        };
    }
    let lines = &view.findings.lines;
    let capacity = usize::from(area.height).max(1);
    let of_it = |line: &Line| line.item == Some(spot.item);
    let first = lines.iter().position(of_it).unwrap_or(0);
    let last = lines.iter().rposition(of_it).unwrap_or(0);
    // What stands above the first item, and below the last one, belongs to them.
    let first = if all.first() == Some(&spot.item) {
        0
    } else {
        first
    };
    let last = if all.last() == Some(&spot.item) {
        lines.len().saturating_sub(1)
    } else {
        last
    };
    let top = scrolled(spot.top, last, lines.len(), capacity);
    view.place.findings.top = scrolled(top, first, lines.len(), capacity);
}

/// What this pane makes of `action`; whether it has a use of its own for it.
pub(super) fn act(view: &mut View, action: ActionId) -> bool {
    let page = view.area().map_or(1, |area| {
        isize::try_from(area.height / 2).unwrap_or(1).max(1)
    });
    match action {
        ActionId::Up => walk(view, -1),
        ActionId::Down => walk(view, 1),
        ActionId::PageUp => walk(view, -page),
        ActionId::PageDown => walk(view, page),
        ActionId::First => walk(view, isize::MIN),
        ActionId::Last => walk(view, isize::MAX),
        ActionId::Open => open(view),
        ActionId::CausesPane | ActionId::WakersPane | ActionId::TaskPane | ActionId::WhoWoke => {
            mean(view);
            return false;
        }
        _ => return false,
    }
    true
}

/// Right after opening nobody has selected anything yet: what is asked first is asked about the item on which the mark is.
fn mean(view: &mut View) {
    let item = view.place.findings.item;
    let task = target(&view.opened, item).and_then(|target| target.task);
    if view.untouched && task.is_some() && task != view.place.task {
        select(view, item);
    }
}

/// Selects another item, so many further down.
fn walk(view: &mut View, by: isize) {
    let all = items(&view.opened, view.place.findings.open);
    let here = all
        .iter()
        .position(|item| *item == view.place.findings.item);
    let there = here.unwrap_or(0).saturating_add_signed(by);
    if let Some(item) = all.get(there.min(all.len().saturating_sub(1))) {
        select(view, *item);
    }
}

/// Selects an item: the cursor goes to the moment that it is about, and the selection to its task.
fn select(view: &mut View, item: Item) {
    view.place.findings.item = item;
    if let Item::Finding(number) = item {
        view.aim_at_finding(number);
        return;
    }
    let Some(target) = target(&view.opened, item) else {
        return;
    };
    view.place.finding = item.finding();
    view.place.task = target.task.or(view.place.task);
    view.set_cursor(target.at);
}

/// Where an item leads.
struct Target {
    task: Option<TaskIx>,
    at: Ns,
    /// The line of the task's life.
    what: Option<Happening>,
    /// How much time is worth seeing around it.
    length: Ns,
}

fn target(opened: &Opened, item: Item) -> Option<Target> {
    let recording = &opened.recording;
    let facts = &opened.facts;
    Some(match item {
        Item::First => return None,
        Item::Finding(number) => {
            let finding = facts.findings.get(number)?;
            Target {
                task: finding.culprit(),
                at: finding.start,
                what: None,
                length: finding.duration,
            }
        }
        Item::Evidence(number, line) => {
            let finding = facts.findings.get(number)?;
            let evidence = finding.evidence.get(line)?;
            Target {
                task: evidence.task,
                at: evidence.at,
                what: event_of(recording, evidence),
                length: finding.duration,
            }
        }
        Item::Panic => {
            let task = panicked(recording)?;
            let at = recording.trigger()?.at;
            let poll = recording.last_poll_before(task, at);
            Target {
                task: Some(task),
                at: poll.map_or(at, |poll| recording.poll_start(poll)),
                what: poll.map(Happening::Polled),
                length: 0,
            }
        }
        Item::Longest => {
            let poll = recording.poll(facts.longest_poll?);
            Target {
                task: Some(poll.task),
                at: poll.start,
                what: facts.longest_poll.map(Happening::Polled),
                length: poll.duration,
            }
        }
        Item::Latest => {
            let latest = facts.latest_poll?;
            let poll = recording.poll(latest);
            Target {
                task: Some(poll.task),
                at: poll.start,
                what: Some(Happening::Polled(latest)),
                length: poll.delay.unwrap_or(0),
            }
        }
        Item::Ready(number) => {
            let ready = facts.ready.longest.get(number)?;
            let end = recording.window().end;
            Target {
                task: Some(ready.task),
                at: end,
                what: None,
                length: end.saturating_sub(ready.since),
            }
        }
        Item::Idle(number) => Target {
            task: Some(facts.idle.longest.get(number)?.task),
            at: recording.window().end,
            what: None,
            length: recording.window().duration(),
        },
    })
}

/// The event that a line of evidence is about.
fn event_of(recording: &Recording, evidence: &Evidence) -> Option<Happening> {
    let history = recording.history(evidence.task?);
    let mut line = history.position(evidence.at);
    while let Some(event) = history.get(line).filter(|event| event.at == evidence.at) {
        let fits = match evidence.kind {
            "poll" => matches!(event.what, Happening::Polled(_)),
            "wake" => matches!(event.what, Happening::Woken(_)),
            "unwakeable" => event.what == Happening::Unwakeable,
            _ => true,
        };
        if fits {
            return Some(event.what);
        }
        line += 1;
    }
    None
}

/// Goes where the selected item leads.
fn open(view: &mut View) {
    let item = view.place.findings.item;
    if let Item::Finding(number) = item {
        view.go_to_finding(number);
        return;
    }
    let opened = Arc::clone(&view.opened);
    let Some(target) = target(&opened, item) else {
        return;
    };
    match (target.task, target.what) {
        (Some(task), Some(what)) => view.jump_to(task, target.at, what),
        (task, _) => view.jump(|view| {
            // What concerns no task concerns the workers.
            view.place.pane = task.map_or(Pane::Scheduler, |_| Pane::Task);
            view.place.task = task.or(view.place.task);
            view.place.span = Span::about(target.at, target.length, opened.window());
            view.set_cursor(target.at);
        }),
    }
}

pub(super) fn draw(buffer: &mut Buffer, area: Rect, theme: Theme, view: &View) {
    let spot = view.place.findings;
    let lines = view.findings.lines.iter().skip(spot.top);
    for (row, line) in (0..area.height).zip(lines) {
        let selected = line.leads && line.item == Some(spot.item);
        let mut pen = Pen::new(buffer, area, row);
        let mark = if selected { "▸" } else { " " };
        pen.put(mark, theme.style(Role::Strong));
        for (text, role) in &line.pieces {
            let style = theme.style(*role);
            let style = if selected {
                style.patch(theme.style(Role::Selected))
            } else {
                style
            };
            pen.fit(text, style);
        }
    }
    let below = view
        .findings
        .lines
        .len()
        .saturating_sub(spot.top + usize::from(area.height));
    if below > 0 && area.height > 1 {
        let more = format!("… {below} more ");
        let cells = u16::try_from(width(&more))
            .unwrap_or(area.width)
            .min(area.width);
        let corner = Rect {
            x: area.right() - cells,
            y: area.bottom() - 1,
            width: cells,
            height: 1,
        };
        Pen::new(buffer, corner, 0).put(&more, theme.style(Role::Strong));
    }
}

/// What a click at `column` and `row` of the screen does: it selects, and opens what is selected already.
pub(super) fn click(view: &mut View, area: Rect, _column: u16, row: u16) {
    let line = view.place.findings.top + usize::from(row.saturating_sub(area.y));
    let Some(item) = view.findings.lines.get(line).and_then(|line| line.item) else {
        return;
    };
    if item == view.place.findings.item {
        open(view);
    } else {
        select(view, item);
    }
}
