//! The Wakers pane: who wakes the selected task and whom it wakes, as a picture of it and its neighbours, of its wider
//! neighbourhood, or as a table.

mod ego;
mod lines;
mod picture;
mod table;
#[cfg(test)]
mod tests;

use std::{ops::RangeInclusive, sync::Arc};

use ratatui::{buffer::Buffer, layout::Rect};

use super::{
    actions::ActionId,
    causes::called,
    show::{Shown, choose, number, told},
    text::{Pen, coarse, count, keep_end, keep_start, place, width},
    theme::{Role, Theme},
    view::View,
    wording,
    work::Errand,
};
use crate::{
    analysis::{
        graph::{self, Counted, Edge, Ego, Fold, Neighbourhood},
        label,
    },
    recording::{Happening, Ns, Recording, StrId, TaskIx, WakeIx, Waker, time::duration},
};

/// How the wakers are shown.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) enum Mode {
    /// The task between those that wake it and those that it wakes.
    #[default]
    Ego,
    /// Its neighbourhood in layers.
    Neighbourhood,
    /// Every edge of the task.
    Table,
}

/// What a step back restores of this pane.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Spot {
    mode: Mode,
    /// Whether tasks of one location are shown one by one.
    unfolded: bool,
    sort: table::Sort,
    reverse: bool,
    /// The task that the selection belongs to.
    of: Option<TaskIx>,
    /// Whether the selection is on the right, among those that the task wakes.
    wakees: bool,
    /// The selected row of that side, of the table, or the selected node.
    row: usize,
    top: usize,
}

/// What the pane shows, by its name on the command line, the first one first.
const MODES: [(Mode, &str); 3] = [
    (Mode::Ego, "neighbours"),
    (Mode::Neighbourhood, "picture"),
    (Mode::Table, "table"),
];
const SIDES: [(bool, &str); 2] = [(false, "wakers"), (true, "wakees")];

impl Shown for Spot {
    fn tell(&self, shown: bool, say: &mut dyn FnMut(&str, &str)) {
        for (key, value) in [
            ("view", told(&MODES, &self.mode)),
            ("sort", told(&table::NAMES, &self.sort)),
            ("side", told(&SIDES, &self.wakees).filter(|_| shown)),
            ("unfolded", self.unfolded.then_some("")),
            ("reversed", self.reverse.then_some("")),
        ] {
            if let Some(value) = value {
                say(key, value);
            }
        }
        if shown && self.row > 0 {
            say("line", &self.row.to_string());
        }
    }

    fn hear(&mut self, key: &str, value: &str) -> bool {
        match (key, value) {
            ("view", name) => return choose(&mut self.mode, &MODES, name),
            ("sort", name) => return choose(&mut self.sort, &table::NAMES, name),
            ("side", name) => return choose(&mut self.wakees, &SIDES, name),
            ("line", line) => return number(&mut self.row, line),
            ("unfolded", "") => self.unfolded = true,
            ("reversed", "") => self.reverse = true,
            _ => return false,
        }
        true
    }
}

/// What is kept for drawing.
#[derive(Debug, Default)]
pub(super) struct State {
    /// What was asked for last, and what there is.
    asked: Option<Wish>,
    made_for: Option<Wish>,
    ego: Option<Ego>,
    neighbourhood: Option<Neighbourhood>,
    table: table::Rows,
    picture: picture::Picture,
}

/// What is to be counted.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Wish {
    task: TaskIx,
    range: RangeInclusive<Ns>,
    mode: Mode,
    unfolded: bool,
}

impl Wish {
    /// Whether it may take longer than a frame.
    fn is_large(&self, recording: &Recording) -> bool {
        const FEW: usize = 4_096;
        let own = recording.wakes_of(self.task).len() + recording.wakes_by(self.task).len();
        match self.mode {
            Mode::Ego | Mode::Table => own > FEW,
            Mode::Neighbourhood => recording.wake_count() > FEW,
        }
    }
}

/// The line above, what is shown, and the line about what is selected.
struct Layout {
    head: Rect,
    body: Rect,
    foot: Rect,
}

impl Layout {
    fn new(area: Rect) -> Self {
        let head = u16::from(area.height >= 4);
        let foot = match area.height {
            0..=4 => 0,
            5..=9 => 1,
            _ => 3,
        };
        Self {
            head: Rect {
                height: head,
                ..area
            },
            body: Rect {
                y: area.y + head,
                height: area.height - head - foot,
                ..area
            },
            foot: Rect {
                y: area.bottom() - foot,
                height: foot,
                ..area
            },
        }
    }
}

/// The stretch whose wakes are counted: between mark and cursor, else the whole window.
fn range(view: &View) -> RangeInclusive<Ns> {
    let (from, to) = view.range();
    from..=to
}

/// Makes the selection valid and the cache agree with the place.
pub(super) fn settle(view: &mut View) {
    let Some(task) = view.place.task else {
        view.wakers = State::default();
        return;
    };
    if view.place.wakers.of != Some(task) {
        let spot = &mut view.place.wakers;
        *spot = Spot {
            of: Some(task),
            wakees: false,
            row: 0,
            top: 0,
            ..*spot
        };
    }
    let spot = view.place.wakers;
    count_wakes(
        view,
        Wish {
            task,
            range: range(view),
            mode: spot.mode,
            unfolded: spot.unfolded,
        },
    );
    let body = view.area().map(|area| Layout::new(area).body);
    match spot.mode {
        Mode::Ego => ego::settle(view, body),
        Mode::Neighbourhood => picture::settle(view, body),
        Mode::Table => table::settle(view, body),
    }
}

/// Has the wakes counted as wished, unless they are, or are about to be.
fn count_wakes(view: &mut View, wish: Wish) {
    let state = &mut view.wakers;
    let about_to_be = state.asked.as_ref() == Some(&wish) && view.work.waits_for(Errand::Pane);
    if state.made_for.as_ref() == Some(&wish) || about_to_be {
        return;
    }
    let of_another = |made: &Wish| made.task != wish.task || made.mode != wish.mode;
    if state.made_for.as_ref().is_some_and(of_another) {
        *state = State::default();
    }
    state.asked = Some(wish.clone());
    let opened = Arc::clone(&view.opened);
    let large = wish.is_large(&opened.recording);
    view.ask(Errand::Pane, large, move |_| {
        let state = State::new(&opened.recording, wish);
        Some(Box::new(move |view| {
            if view.wakers.asked == state.made_for {
                view.wakers = state;
            }
        }))
    });
}

impl State {
    fn new(recording: &Recording, wish: Wish) -> Self {
        let mut state = Self::default();
        match wish.mode {
            Mode::Neighbourhood => {
                let all = graph::neighbourhood(recording, wish.task, &wish.range);
                state.neighbourhood = Some(all);
            }
            Mode::Ego | Mode::Table => {
                let fold = if wish.unfolded || wish.mode == Mode::Table {
                    Fold::No
                } else {
                    Fold::ByLocation
                };
                let ego = graph::ego(recording, wish.task, &wish.range, fold);
                state.ego = Some(ego);
            }
        }
        state.asked = Some(wish.clone());
        state.made_for = Some(wish);
        state
    }
}

/// What this pane makes of `action`; whether it has a use of its own for it.
pub(super) fn act(view: &mut View, action: ActionId) -> bool {
    let page = view.area().map_or(1, |area| Layout::new(area).body.height);
    let page = isize::try_from(page.saturating_sub(2).max(1)).unwrap_or(1);
    let by = match action {
        ActionId::Up => -1,
        ActionId::Down => 1,
        ActionId::PageUp => -page,
        ActionId::PageDown => page,
        ActionId::First => isize::MIN,
        ActionId::Last => isize::MAX,
        ActionId::WakersSide | ActionId::WakeesSide => {
            let right = action == ActionId::WakeesSide;
            match view.place.wakers.mode {
                Mode::Ego => ego::side(view, right),
                Mode::Neighbourhood => picture::side(view, right),
                Mode::Table => {}
            }
            return true;
        }
        ActionId::NextView => {
            show(
                view,
                match view.place.wakers.mode {
                    Mode::Ego => Mode::Neighbourhood,
                    Mode::Neighbourhood => Mode::Table,
                    Mode::Table => Mode::Ego,
                },
            );
            return true;
        }
        ActionId::Fold => {
            fold(view);
            return true;
        }
        ActionId::SortNext | ActionId::SortPrevious | ActionId::SortReverse => {
            table::sort(view, action);
            return true;
        }
        ActionId::Open => {
            open(view);
            return true;
        }
        _ => return false,
    };
    match view.place.wakers.mode {
        Mode::Ego => ego::step(view, by),
        Mode::Neighbourhood => picture::step(view, by),
        Mode::Table => table::step(view, by),
    }
    true
}

fn show(view: &mut View, mode: Mode) {
    let spot = &mut view.place.wakers;
    *spot = Spot {
        mode,
        wakees: false,
        row: 0,
        top: 0,
        ..*spot
    };
}

fn fold(view: &mut View) {
    let spot = &mut view.place.wakers;
    if spot.mode != Mode::Ego {
        view.note = Some(format!(
            "Only neighbours are folded: {} shows them.",
            view.key(ActionId::NextView)
        ));
        return;
    }
    spot.unfolded ^= true;
    (spot.row, spot.top) = (0, 0);
    view.note = Some(
        if spot.unfolded {
            "Each task stands for itself."
        } else {
            "Tasks of one name and location are one row."
        }
        .to_owned(),
    );
}

/// What is selected.
enum Selected<'a> {
    /// An edge of the task, and whether the other end is a wakee.
    Edge(&'a Edge, bool),
    /// A node of the neighbourhood, by its number.
    Node(usize),
    Nothing,
}

fn selected(view: &View) -> Selected<'_> {
    let spot = view.place.wakers;
    let state = &view.wakers;
    match spot.mode {
        Mode::Ego => {
            let side = state.ego.as_ref().map(|ego| ego::edges(ego, spot.wakees));
            side.and_then(|edges| edges.get(spot.row))
                .map_or(Selected::Nothing, |edge| Selected::Edge(edge, spot.wakees))
        }
        Mode::Table => state
            .ego
            .as_ref()
            .and_then(|ego| state.table.edge(ego, spot.row))
            .map_or(Selected::Nothing, |(edge, wakee)| {
                Selected::Edge(edge, wakee)
            }),
        Mode::Neighbourhood => match &state.neighbourhood {
            Some(all) if spot.row < all.nodes.len() => Selected::Node(spot.row),
            _ => Selected::Nothing,
        },
    }
}

/// Makes the selected neighbour the middle; where it is no task, goes to its latest wake.
fn open(view: &mut View) {
    let (node, last): (Waker, Option<WakeIx>) = match selected(view) {
        Selected::Edge(edge, _) if edge.tasks > 1 => {
            let spot = &mut view.place.wakers;
            spot.unfolded = true;
            (spot.row, spot.top) = (0, 0);
            view.note = Some(format!(
                "Each task stands for itself; {} folds them again.",
                view.key(ActionId::Fold)
            ));
            return;
        }
        Selected::Edge(edge, _) => (edge.node, Some(edge.last)),
        Selected::Node(number) => match picture::task_of(view, number) {
            Some(task) => (Waker::Task(task), None),
            None => {
                view.note = Some("This is no task.".to_owned());
                return;
            }
        },
        Selected::Nothing => return,
    };
    match (node, last) {
        (Waker::Task(task), _) if Some(task) == view.place.task => {
            view.note = Some("It is in the middle already.".to_owned());
        }
        (Waker::Task(task), _) => view.jump(|view| view.place.task = Some(task)),
        (_, Some(wake)) => {
            let row = view.opened.recording.wake(wake);
            view.jump_to(row.task, row.at, Happening::Woken(wake));
        }
        (_, None) => {}
    }
}

/// Selects what was clicked; what is selected already is made the middle.
pub(super) fn click(view: &mut View, area: Rect, column: u16, row: u16) {
    let body = Layout::new(area).body;
    let hit = match view.place.wakers.mode {
        Mode::Ego => ego::hit(view, body, column, row),
        Mode::Neighbourhood => picture::hit(view, body, column, row).map(|node| (false, node)),
        Mode::Table => table::hit(view, body, row).map(|row| (false, row)),
    };
    let Some((wakees, row)) = hit else { return };
    let spot = &mut view.place.wakers;
    if (spot.wakees, spot.row) == (wakees, row) {
        open(view);
    } else {
        (spot.wakees, spot.row) = (wakees, row);
    }
}

pub(super) fn draw(buffer: &mut Buffer, area: Rect, theme: Theme, view: &View) {
    let Some(task) = view.place.task else {
        Pen::new(buffer, area, 0)
            .skip(1)
            .fit("The recording holds no tasks.", theme.style(Role::Dim));
        return;
    };
    let layout = Layout::new(area);
    head(buffer, layout.head, theme, view, task);
    match view.place.wakers.mode {
        Mode::Ego => ego::draw(buffer, layout.body, theme, view, task),
        Mode::Neighbourhood => picture::draw(buffer, layout.body, theme, view),
        Mode::Table => table::draw(buffer, layout.body, theme, view, task),
    }
    foot(buffer, layout.foot, theme, view);
}

/// Who it is, what is shown of it, and how much of it was counted.
fn head(buffer: &mut Buffer, area: Rect, theme: Theme, view: &View, task: TaskIx) {
    let recording = &view.opened.recording;
    let shown = match view.place.wakers.mode {
        Mode::Ego => "wakers of",
        Mode::Neighbourhood => "neighbourhood of",
        Mode::Table => "edges of",
    };
    let mut pen = Pen::new(buffer, area, 0);
    pen.skip(1)
        .put(shown, theme.style(Role::Dim))
        .skip(1)
        .put(&called(recording, task), theme.style(Role::Strong));
    let mut facts = Vec::new();
    if view.wakers.made_for != view.wakers.asked {
        facts.push("counting…".to_owned());
    }
    if let Some(ego) = &view.wakers.ego {
        facts.push(format!("woken {}", counted(ego.woken)));
        facts.push(format!("woke {}", counted(ego.woke)));
        let shown = ego.wakers.len() + ego.wakees.len();
        let ends = ego.woken.ends + ego.woke.ends;
        if shown < ends {
            let (shown, ends) = (count(shown as u64), count(ends as u64));
            facts.push(format!("showing {shown} of {ends}"));
        }
    }
    if let Some(all) = &view.wakers.neighbourhood {
        facts.push(format!("{} nodes", all.nodes.len()));
        let hidden = all.more_nodes + view.wakers.picture.hidden();
        if hidden > 0 {
            facts.push(format!("+{} more", count(hidden as u64)));
        }
        if all.sampled {
            facts.push("latest wakes only".to_owned());
        }
    }
    facts.push(match view.place.mark {
        Some(_) => {
            let range = range(view);
            format!(
                "from {} to {}",
                coarse(&view.opened.recording, *range.start()),
                coarse(&view.opened.recording, *range.end())
            )
        }
        None => "whole window".to_owned(),
    });
    pen.skip(2).fit(&facts.join("  "), theme.style(Role::Dim));
}

/// `41 times`, or `65536 of 12.0M times counted`.
fn counted(number: Counted) -> String {
    if number.counted < number.of {
        format!(
            "{} times (the latest {} counted)",
            count(number.of as u64),
            count(number.counted as u64)
        )
    } else if number.of == 1 {
        "once".to_owned()
    } else {
        format!("{} times", count(number.of as u64))
    }
}

/// Everything about what is selected.
fn foot(buffer: &mut Buffer, area: Rect, theme: Theme, view: &View) {
    let sentences = match selected(view) {
        Selected::Edge(edge, wakee) => about(view, edge, wakee),
        Selected::Node(number) => picture::about(view, number),
        Selected::Nothing => Vec::new(),
    };
    let first = u16::from(area.height > 2);
    for (row, sentence) in (first..area.height).zip(sentences) {
        Pen::new(buffer, area, row)
            .skip(1)
            .fit(&sentence, theme.style(Role::Info));
    }
}

fn about(view: &View, edge: &Edge, wakee: bool) -> Vec<String> {
    let recording = &view.opened.recording;
    let Some(task) = view.place.task else {
        return Vec::new();
    };
    let (this, other) = (wording::task(recording, task), whole_name(recording, edge));
    let (from, to) = if wakee { (this, other) } else { (other, this) };
    let times = match edge.count {
        1 => "once".to_owned(),
        many => format!("{} times", count(many as u64)),
    };
    let redundant = match edge.redundant {
        0 => String::new(),
        many => format!(", {} redundant", count(many as u64)),
    };
    let delays = match (edge.median, edge.p99) {
        (Some(median), Some(p99)) => format!(
            "delay after it: median {}, p99 {}",
            duration(median),
            duration(p99)
        ),
        _ => "no delay is known after it".to_owned(),
    };
    let last = coarse(recording, recording.wake_at(edge.last));
    let spawned = match edge.node {
        Waker::Task(task) => recording.location(task).map(place),
        _ => None,
    };
    let spawned = spawned.map_or_else(String::new, |place| format!("; {place}"));
    let open = view.key(ActionId::Open);
    let enter = match (edge.tasks, edge.node) {
        (2.., _) => format!("{open} unfolds them"),
        (_, Waker::Task(other)) if other == task => "it wakes itself".to_owned(),
        (_, Waker::Task(_)) => format!("{open} makes it the middle"),
        _ => format!("{open} goes to the latest"),
    };
    vec![
        format!("{from} woke {to} {times}{redundant}; last at {last}"),
        format!("{delays}{spawned}  ({enter})"),
    ]
}

/// The other end of an edge, in a few cells: `12 × connection`, `91 handle_ping`, `runtime "request"`.
fn name(view: &View, edge: &Edge) -> String {
    let recording = &view.opened.recording;
    match edge.node {
        Waker::Task(task) if edge.tasks > 1 => kin(recording, task, edge.tasks),
        Waker::Task(task) if Some(task) == view.place.task => "itself".to_owned(),
        Waker::Task(task) => wording::task(recording, task),
        Waker::Runtime if edge.mark != StrId::NONE => {
            format!("runtime, \"{}\"", recording.str(edge.mark))
        }
        Waker::Runtime => "runtime".to_owned(),
        other => label::waker(recording, other),
    }
}

/// A name in so many cells: of a path the end is kept, of everything else the beginning.
fn fitted(name: &str, cells: usize) -> String {
    let split = name
        .find('/')
        .map(|slash| name[..slash].rfind(' ').map_or(0, |blank| blank + 1));
    match split {
        Some(split) if width(name) > cells && width(&name[..split]) < cells => {
            let (head, path) = name.split_at(split);
            format!("{head}{}", keep_end(path, cells - width(head)))
        }
        _ => keep_start(name, cells),
    }
}

/// `12 × connection`.
fn kin(recording: &Recording, of: TaskIx, tasks: usize) -> String {
    let name = recording.name(of).or(recording.location(of).map(place));
    format!("{} × {}", count(tasks as u64), name.unwrap_or("task"))
}

/// The other end of an edge with all that is known of it.
fn whole_name(recording: &Recording, edge: &Edge) -> String {
    match edge.node {
        Waker::Task(task) if edge.tasks > 1 => kin(recording, task, edge.tasks),
        Waker::Runtime if edge.mark != StrId::NONE => {
            format!("the runtime, for \"{}\",", recording.str(edge.mark))
        }
        other => label::waker(recording, other),
    }
}
