//! The tasks folded into their spawn locations: how many there are, what they are doing at the cursor, and their sums.

use std::collections::HashMap;

use ratatui::{buffer::Buffer, layout::Rect};

use super::{
    columns::MARGIN,
    facts::Opened,
    figures::{Figure, Figures},
    listing::Key,
    table::Sort,
    text::{Pen, brief, count, keep_start, place, width},
    theme::{Role, Theme},
    view::View,
    wording,
    work::Stop,
};
use crate::{
    analysis::State,
    recording::{Ns, StrId, TaskIx},
};

/// The tasks of one spawn location.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Group {
    pub(super) location: StrId,
    /// Their name, if they share one.
    name: StrId,
    /// The one to look at first.
    pub(super) lead: TaskIx,
    tasks: u64,
    alive: u64,
    running: u64,
    runnable: u64,
    waiting: u64,
    /// Idle for a reason that no mark names, or in a state that nobody knows.
    idle: u64,
    unwakeable: u64,
    sums: Figure,
    rank: u32,
}

impl Group {
    fn new(opened: &Opened, task: TaskIx) -> Self {
        let facts = opened.recording.task(task);
        Self {
            location: facts.location,
            name: facts.name,
            lead: task,
            tasks: 0,
            alive: 0,
            running: 0,
            runnable: 0,
            waiting: 0,
            idle: 0,
            unwakeable: 0,
            sums: Figure::default(),
            rank: u32::MAX,
        }
    }

    fn add(&mut self, opened: &Opened, figure: &Figure, task: TaskIx, at: Ns) {
        let rank = opened.facts.trouble_rank(task);
        let alive = opened.alive(task, at);
        if opened.recording.task(task).name != self.name {
            self.name = StrId::NONE;
        }
        // The dead can be looked at only where nobody is alive.
        let better = (alive && self.alive == 0) || (rank < self.rank && (alive || self.alive == 0));
        if better {
            (self.lead, self.rank) = (task, rank);
        }
        self.tasks += 1;
        self.sums.polls += figure.polls;
        self.sums.busy = self.sums.busy.saturating_add(figure.busy);
        self.sums.longest = self.sums.longest.max(figure.longest);
        self.sums.p99 = self.sums.p99.max(figure.p99);
        self.sums.wakes += figure.wakes;
        if !alive {
            return;
        }
        self.alive += 1;
        let place = match opened.state(task, at) {
            State::Running(_) => &mut self.running,
            State::Runnable { .. } => &mut self.runnable,
            State::Idle {
                unwakeable: Some(_),
                ..
            } => &mut self.unwakeable,
            State::Idle { wait: Some(_), .. } => &mut self.waiting,
            _ => &mut self.idle,
        };
        *place += 1;
    }
}

/// The groups of the tasks that `found` lists, in the order that was asked for; `None` where nobody wants to know any
/// more.
pub(super) fn groups(
    opened: &Opened,
    figures: &Figures,
    key: &Key,
    found: impl Fn(TaskIx) -> bool,
    stop: &Stop,
) -> Option<Vec<Group>> {
    let recording = &opened.recording;
    let mut places: HashMap<StrId, usize> = HashMap::new();
    let mut groups: Vec<Group> = Vec::new();
    for task in recording.tasks() {
        if stop.asked() {
            return None;
        }
        if !found(task) {
            continue;
        }
        let location = recording.task(task).location;
        let place = *places.entry(location).or_insert_with(|| {
            groups.push(Group::new(opened, task));
            groups.len() - 1
        });
        groups[place].add(opened, &figures.of(opened, task), task, key.scope.at);
    }
    let wish = &key.wish;
    let pinned = key.pinned.map(|task| recording.task(task).location);
    groups.retain(|group| wish.all || group.alive > 0 || Some(group.location) == pinned);
    groups.sort_by_key(|group| group.rank);
    let text = |text: StrId| (!text.is_some(), recording.str(text));
    let most = std::cmp::Reverse::<u64>;
    let length = |ns: Ns| most(u64::try_from(ns).unwrap_or(0));
    match wish.sort {
        Sort::Trouble => {}
        Sort::Id => groups.sort_by_key(|group| most(group.tasks)),
        Sort::State => groups.sort_by_key(|group| (most(group.running), most(group.runnable))),
        Sort::Name => groups.sort_by_key(|group| text(group.name)),
        Sort::Location => groups.sort_by_key(|group| text(group.location)),
        Sort::Polls => groups.sort_by_key(|group| most(group.sums.polls)),
        Sort::Busy => groups.sort_by_key(|group| length(group.sums.busy)),
        Sort::Longest => groups.sort_by_key(|group| length(group.sums.longest)),
        Sort::Delay => groups.sort_by_key(|group| length(group.sums.p99.unwrap_or(-1))),
        Sort::Wakes => groups.sort_by_key(|group| most(group.sums.wakes)),
        Sort::Waiting => groups.sort_by_key(|group| most(group.waiting)),
    }
    if wish.reverse {
        groups.reverse();
    }
    Some(groups)
}

/// A column: its title, the order that it belongs to, its cells, and from which width of the table on it is shown.
struct Column(&'static str, Sort, usize, u16, What);

/// What a column shows.
#[derive(Clone, Copy)]
enum What {
    Tasks,
    Alive,
    Running,
    Runnable,
    Waiting,
    Idle,
    Polls,
    Busy,
    Longest,
    Delay,
    Wakes,
    Name,
    Location,
}

const COLUMNS: &[Column] = &[
    Column("tasks", Sort::Id, 6, 0, What::Tasks),
    Column("alive", Sort::Id, 6, 0, What::Alive),
    Column("running", Sort::State, 7, 0, What::Running),
    Column("runnable", Sort::State, 8, 0, What::Runnable),
    Column("waiting", Sort::Waiting, 7, 88, What::Waiting),
    Column("idle", Sort::State, 6, 0, What::Idle),
    Column("polls", Sort::Polls, 6, 108, What::Polls),
    Column("busy", Sort::Busy, 7, 96, What::Busy),
    Column("longest", Sort::Longest, 7, 0, What::Longest),
    Column("worst p99", Sort::Delay, 9, 124, What::Delay),
    Column("wakes", Sort::Wakes, 6, 140, What::Wakes),
    Column("name", Sort::Name, 16, 112, What::Name),
    Column("location", Sort::Location, 0, 0, What::Location),
];

/// The columns of a table of that width with their cells; the last one gets what is left.
fn columns(width: u16) -> Vec<(&'static Column, usize)> {
    let mut left = usize::from(width).saturating_sub(MARGIN);
    let shown = COLUMNS.iter().filter(|column| column.3 <= width);
    shown
        .map(|column| {
            let cells = if column.2 == 0 {
                left
            } else {
                column.2.min(left)
            };
            left = left.saturating_sub(cells + 1);
            (column, cells)
        })
        .collect()
}

pub(super) fn head(buffer: &mut Buffer, area: Rect, theme: Theme, view: &View) {
    let wish = &view.table.wish;
    let mut pen = Pen::new(buffer, area, 0);
    pen.skip(MARGIN);
    for (Column(title, sort, _, _, what), cells) in columns(area.width) {
        let main = !matches!(what, What::Alive | What::Runnable | What::Idle);
        let sorted = *sort == wish.sort && main;
        let style = theme.style(if sorted { Role::Strong } else { Role::Dim });
        let arrow = match (sorted, wish.reverse) {
            (false, _) => "",
            (true, false) => "▼",
            (true, true) => "▲",
        };
        let title = format!(
            "{}{arrow}",
            keep_start(title, cells.saturating_sub(width(arrow)))
        );
        if matches!(what, What::Name | What::Location) {
            pen.left(&title, cells, style).skip(1);
        } else {
            pen.right(&title, cells, style).skip(1);
        }
    }
}

/// The groups from `top` on. The selected one says what its worst task is doing.
pub(super) fn rows(buffer: &mut Buffer, area: Rect, theme: Theme, view: &View, old: bool) {
    let columns = columns(area.width);
    let selected = view.row;
    let mut line = 0;
    let shown = view.table.groups().iter().enumerate();
    for (number, group) in shown.skip(view.place.tasks_top) {
        if line >= area.height {
            break;
        }
        let here = selected == Some(number);
        let pen = &mut Pen::new(buffer, area, line);
        row(pen, theme, view, &columns, group, here, old);
        line += 1;
        if here && line < area.height && area.height > 2 {
            let lead = wording::task(&view.opened.recording, group.lead);
            let doing = wording::doing(&view.opened, group.lead, view.place.cursor);
            let more = if group.tasks > 1 {
                "first to look at"
            } else {
                "its one task"
            };
            Pen::new(buffer, area, line)
                .skip(MARGIN + 3)
                .fit(&format!("{more}: {lead}, {doing}"), theme.style(Role::Info));
            line += 1;
        }
    }
}

fn row(
    pen: &mut Pen<'_>,
    theme: Theme,
    view: &View,
    columns: &[(&Column, usize)],
    group: &Group,
    selected: bool,
    old: bool,
) {
    let recording = &view.opened.recording;
    let base = match (selected, old || group.alive == 0) {
        (true, _) => theme.style(Role::Selected),
        (false, true) => theme.style(Role::Dim),
        (false, false) => theme.style(Role::Plain),
    };
    pen.put(if selected { "▸ " } else { "  " }, base);
    // Who waits is idle, too: where there is no column for that, the sum must be right.
    let tells_waiting = columns
        .iter()
        .any(|(column, _)| matches!(column.4, What::Waiting));
    let idle = group.idle + group.unwakeable + if tells_waiting { 0 } else { group.waiting };
    for &(column, cells) in columns {
        let number = |n: u64| if n == 0 { "-".to_owned() } else { count(n) };
        let (text, role) = match column.4 {
            What::Tasks => (count(group.tasks), Role::Plain),
            What::Alive => (count(group.alive), Role::Plain),
            What::Running => (number(group.running), Role::Running),
            What::Runnable => (number(group.runnable), Role::Runnable),
            What::Waiting => (number(group.waiting), Role::Waiting),
            What::Idle if group.unwakeable > 0 => (number(idle), Role::Critical),
            What::Idle => (number(idle), Role::Plain),
            What::Polls => (count(group.sums.polls), Role::Plain),
            What::Busy => (brief(group.sums.busy), Role::Plain),
            What::Longest if group.sums.longest >= view.opened.facts.slow_poll => {
                (brief(group.sums.longest), Role::Critical)
            }
            What::Longest => (brief(group.sums.longest), Role::Plain),
            What::Delay => {
                let delay = group.sums.p99.map_or_else(|| "-".to_owned(), brief);
                (delay, Role::Plain)
            }
            What::Wakes => (count(group.sums.wakes), Role::Plain),
            What::Name => {
                let name = recording.str(group.name);
                let name = if name.is_empty() { "-" } else { name };
                pen.left(name, cells, base).put(" ", base);
                continue;
            }
            What::Location => {
                let location = match recording.str(group.location) {
                    "" => "spawn location not recorded",
                    location => place(location),
                };
                pen.left_end(location, cells, base).put(" ", base);
                continue;
            }
        };
        let plain = selected || old || text == "-" || role == Role::Plain;
        let style = if plain {
            base
        } else {
            base.patch(theme.style(role))
        };
        pen.right(&text, cells, style).put(" ", base);
    }
    if selected {
        let rest = " ".repeat(pen.room());
        pen.put(&rest, base);
    }
}
