//! What the Findings pane says, line by line.

use super::{Item, Open, panicked};
use crate::{
    analysis::{Finding, IdleTask, Role as Part, Severity, State, is_unread, label, looked_for},
    explorer::{
        facts::Opened,
        tasks::severity,
        text::{brief, coarse, place, plural, wrap},
        theme::Role,
        wording,
    },
    recording::{
        Recording, TaskIx, TriggerKind,
        time::{duration, instant},
    },
};

/// A line of the pane.
#[derive(Debug)]
pub(super) struct Line {
    /// What it belongs to.
    pub(super) item: Option<Item>,
    /// Whether the selection is shown on it.
    pub(super) leads: bool,
    pub(super) pieces: Vec<(String, Role)>,
}

/// Cells in front of a text that belongs to a line above it.
const INDENT: usize = 2;

/// Collects lines of a width.
struct Page {
    lines: Vec<Line>,
    width: usize,
}

impl Page {
    fn line(&mut self, item: Option<Item>, leads: bool, pieces: Vec<(String, Role)>) {
        self.lines.push(Line {
            item,
            leads,
            pieces,
        });
    }

    /// A text of at most `most` lines, the first behind `lead`, the others below its text.
    fn text(
        &mut self,
        item: Option<Item>,
        lead: (&str, Role),
        text: &str,
        role: Role,
        most: usize,
    ) {
        let indent = lead.0.chars().count();
        let room = self.room(lead.0);
        for (number, text) in wrap(text, room, most).into_iter().enumerate() {
            let lead = if number == 0 {
                (lead.0.to_owned(), lead.1)
            } else {
                (" ".repeat(indent), Role::Plain)
            };
            self.line(item, false, vec![lead, (text, role)]);
        }
    }

    /// Cells for a text behind that indentation.
    fn room(&self, indent: &str) -> usize {
        // One cell is the selection's.
        let taken = indent.chars().count() + 2;
        self.width.saturating_sub(taken).max(8)
    }

    fn blank(&mut self) {
        self.line(None, false, Vec::new());
    }
}

/// The lines for a pane of `width` cells while `selected` is selected.
pub(super) fn lines(opened: &Opened, selected: Item, open: Open, width: usize) -> Vec<Line> {
    let mut page = Page {
        lines: Vec::new(),
        width,
    };
    trigger(&mut page, opened);
    for (number, finding) in opened.facts.findings.iter().enumerate() {
        one_finding(&mut page, opened, number, finding, (selected, open));
        page.blank();
    }
    if opened.facts.findings.is_empty() {
        nothing(&mut page, opened);
    }
    latest(&mut page, opened);
    not_checked(&mut page, opened);
    ready(&mut page, opened);
    idle(&mut page, opened, open);
    page.lines
}

/// A panic is what the person came for.
fn trigger(page: &mut Page, opened: &Opened) {
    let recording = &opened.recording;
    let Some(trigger) = recording.trigger() else {
        return;
    };
    if !matches!(trigger.kind, TriggerKind::Panic(_)) {
        return;
    }
    let task = panicked(recording);
    let item = task.map(|_| Item::Panic);
    let mut head = vec![
        ("● panic".to_owned(), Role::Critical),
        (
            format!("  at {}", coarse(recording, trigger.at)),
            Role::Strong,
        ),
    ];
    if let Some(task) = task {
        let task = label::task_at(recording, task);
        head.push((format!("  {task}"), Role::Plain));
    }
    page.line(item, item.is_some(), head);
    let detail = recording.str(trigger.detail);
    page.text(item, ("  ", Role::Plain), detail, Role::Plain, 4);
    page.blank();
}

fn one_finding(
    page: &mut Page,
    opened: &Opened,
    number: usize,
    finding: &Finding,
    (selected, open): (Item, Open),
) {
    let recording = &opened.recording;
    let item = Some(Item::Finding(number));
    let role = severity(finding.severity);
    let mark = if finding.severity == Severity::Info {
        "○"
    } else {
        "●"
    };
    let mut head = vec![
        (format!("{mark} {:<14}", finding.kind.name()), role),
        (
            format!(" at {}", coarse(recording, finding.start)),
            Role::Strong,
        ),
        (format!(", {}", duration(finding.duration)), Role::Strong),
    ];
    head.push((format!("   {}", finding.severity.name()), Role::Dim));
    if finding.alike > 0 {
        head.push((format!(", and {} alike", finding.alike), Role::Dim));
    }
    page.line(item, true, head);
    let who = concerned(recording, finding);
    if !who.is_empty() {
        page.text(item, ("  ", Role::Plain), &who, Role::Info, 2);
    }
    let open = open.finding == number;
    let most = if open { 12 } else { 3 };
    page.text(
        item,
        ("  ", Role::Plain),
        &finding.message,
        Role::Plain,
        most,
    );
    if open {
        page.text(
            item,
            ("  → ", Role::Key),
            &finding.suggestion,
            Role::Plain,
            6,
        );
    }
    let kinds = finding.evidence.iter().map(|evidence| evidence.kind.len());
    let widest = kinds.max().unwrap_or(0);
    let (mut spare, mut taken) = (0, 0);
    for (line, evidence) in finding.evidence.iter().enumerate().filter(|_| open) {
        let at = format!("  {:>14}  ", instant(evidence.at));
        let kind = format!("{:<widest$}  ", evidence.kind);
        let item = Item::Evidence(number, line);
        // The selected one is told in full.
        let indent = at.chars().count() + kind.chars().count();
        let room = page.width.saturating_sub(indent + 2).max(8);
        let in_full = wrap(&evidence.text, room, 4);
        spare = spare.max(in_full.len().saturating_sub(1));
        let mut text = if item == selected {
            in_full.into_iter()
        } else {
            wrap(&evidence.text, room, 1).into_iter()
        };
        let first = text.next().unwrap_or_default();
        page.line(
            Some(item),
            true,
            vec![(at, Role::Dim), (kind, Role::Waiting), (first, Role::Plain)],
        );
        for more in text {
            let pieces = vec![(" ".repeat(indent), Role::Plain), (more, Role::Plain)];
            page.line(Some(item), false, pieces);
            taken += 1;
        }
    }
    // Whichever is told in full, what stands below does not move.
    for _ in taken..spare {
        page.blank();
    }
}

/// The most tasks that are named in a row.
const MOST_NAMED: usize = 6;

/// `tasks 87, 88 handle_report  src/service.rs:118; late: 91, 92 and 3 more`.
fn concerned(recording: &Recording, finding: &Finding) -> String {
    let of = |part: Part| -> Vec<TaskIx> {
        let tasks = finding.tasks.iter().filter(|(_, as_what)| *as_what == part);
        tasks.map(|(task, _)| *task).collect()
    };
    let mut parts = Vec::new();
    for (part, one, several) in [
        (Part::Culprit, "task", "tasks"),
        (Part::Victim, "hit: task", "hit: tasks"),
    ] {
        let tasks = of(part);
        let Some(first) = tasks.first() else { continue };
        let ids: Vec<String> = tasks
            .iter()
            .take(MOST_NAMED)
            .map(|task| label::id(recording.task(*task).id))
            .collect();
        let mut text = format!(
            "{} {}",
            if tasks.len() == 1 { one } else { several },
            ids.join(", ")
        );
        let kin = |task: &TaskIx| recording.task(*task).name == recording.task(*first).name;
        if let Some(name) = recording.name(*first).filter(|_| tasks.iter().all(kin)) {
            text.push_str(&format!(" {name}"));
        }
        if tasks.len() > MOST_NAMED {
            text.push_str(&format!(" and {} more", tasks.len() - MOST_NAMED));
        }
        if let (Part::Culprit, Some(location)) = (part, recording.location(*first)) {
            text.push_str(&format!("  {}", place(location)));
        }
        parts.push(text);
    }
    parts.join("; ")
}

/// What a person reads over a healthy recording.
fn nothing(page: &mut Page, opened: &Opened) {
    let (recording, facts) = (&opened.recording, &opened.facts);
    let looked = looked_for(&facts.not_checked);
    let looked: Vec<&str> = looked.iter().map(|kind| kind.name()).collect();
    let head = match facts.ready_too_long {
        // What starves is no finding yet, and no sign of health either.
        Some(long) => (
            format!(
                "● Nothing was found, but a task was ready and not polled for {}.",
                duration(long)
            ),
            Role::Warning,
        ),
        None if looked.is_empty() => (
            "● Nothing could be looked for in this recording.".to_owned(),
            Role::Warning,
        ),
        None => ("○ Nothing was found.".to_owned(), Role::Strong),
    };
    page.line(None, false, vec![head]);
    let what = if is_unread(recording) {
        "None of its events could be read; what is told of tasks is what the recorder remembered of them before."
            .to_owned()
    } else if looked.is_empty() {
        "What is missing for that stands below.".to_owned()
    } else {
        let lost = if recording.has_holes() {
            ", though not in what is lost (i tells what)"
        } else {
            ""
        };
        format!(
            "Looked for {} in {} of {}{lost}.",
            looked.join(", "),
            plural(recording.poll_count() as u64, "poll"),
            plural(recording.task_count() as u64, "task"),
        )
    };
    page.text(None, ("  ", Role::Plain), &what, Role::Plain, 4);
    if let Some(poll) = facts.longest_poll {
        let row = recording.poll(poll);
        let text = format!(
            "  the longest poll took {}, at {}: ",
            duration(row.duration),
            coarse(recording, row.start)
        );
        let who = wording::task(recording, row.task);
        page.line(
            Some(Item::Longest),
            true,
            vec![(text, Role::Plain), (who, Role::Info)],
        );
    }
}

/// How long a task had to wait at most until it was polled: where tasks starve, this is all that tells.
fn latest(page: &mut Page, opened: &Opened) {
    let recording = &opened.recording;
    let healthy = opened.facts.findings.is_empty();
    if let Some(poll) = opened.facts.latest_poll {
        let row = recording.poll(poll);
        let text = format!(
            "  the longest schedule delay was {}, until {}: ",
            duration(row.delay.unwrap_or(0)),
            coarse(recording, row.start)
        );
        let who = wording::task(recording, row.task);
        let mut pieces = vec![(text, Role::Plain), (who, Role::Info)];
        if recording.has_holes() {
            let unless = ", unless a poll before it is lost".to_owned();
            pieces.push((unless, Role::Dim));
        }
        page.line(Some(Item::Latest), true, pieces);
    }
    if healthy || opened.facts.latest_poll.is_some() {
        page.blank();
    }
}

/// Who was ready at the end and was not polled any more.
fn ready(page: &mut Page, opened: &Opened) {
    let (recording, ready) = (&opened.recording, &opened.facts.ready);
    let heading = match (ready.all, ready.longest.len()) {
        (0, _) => return,
        (all, shown) if shown < all => format!(
            "Ready at the window's end and not polled, the longest first, {shown} of {}:",
            plural(all as u64, "task")
        ),
        _ => "Ready at the window's end and not polled, the longest first:".to_owned(),
    };
    page.line(None, false, vec![(heading, Role::Strong)]);
    for (number, one) in ready.longest.iter().enumerate() {
        let lasted = brief(recording.window().end.saturating_sub(one.since));
        page.line(
            Some(Item::Ready(number)),
            true,
            vec![
                (format!("  {lasted:>7}  "), Role::Strong),
                (format!("{}  ", who(recording, one.task)), Role::Plain),
                (format!("since {}", instant(one.since)), Role::Dim),
            ],
        );
    }
    page.blank();
}

/// A task, and its place in the code where its name does not tell that already.
fn who(recording: &Recording, task: TaskIx) -> String {
    match (recording.name(task), recording.location(task)) {
        (Some(_), Some(location)) => {
            format!("{}  {}", wording::task(recording, task), place(location))
        }
        _ => wording::task(recording, task),
    }
}

/// What was not looked for, one reason after the other.
fn not_checked(page: &mut Page, opened: &Opened) {
    let kinds = &opened.facts.not_checked;
    let mut reasons: Vec<&str> = Vec::new();
    for kind in kinds {
        if !reasons.contains(&kind.because.as_str()) {
            reasons.push(&kind.because);
        }
    }
    for because in &reasons {
        let of_it = kinds.iter().filter(|kind| kind.because == **because);
        let names: Vec<&str> = of_it.map(|kind| kind.kind.name()).collect();
        let text = format!("not checked: {} ({because})", names.join(", "));
        page.text(None, ("○ ", Role::Dim), &text, Role::Dim, 4);
    }
    if !reasons.is_empty() {
        page.blank();
    }
}

/// Who was idle for longest at the end: a stuck task emits nothing else.
fn idle(page: &mut Page, opened: &Opened, open: Open) {
    let idle = &opened.facts.idle;
    let heading = match (idle.all, idle.longest.len()) {
        (0, _) => "Nobody was idle at the window's end.".to_owned(),
        (all, shown) if shown < all => format!(
            "Idle for longest at the window's end, {shown} of {}:",
            plural(all as u64, "task")
        ),
        _ => "Idle at the window's end, the longest first:".to_owned(),
    };
    page.line(None, false, vec![(heading, Role::Strong)]);
    let indent = " ".repeat(INDENT + 9);
    // Each takes as many lines as the longest, so that nothing below moves from one to the next.
    let room = page.room(&indent);
    let pasts = idle
        .longest
        .iter()
        .map(|idle| past(&opened.recording, idle));
    let pasts: Vec<Vec<String>> = pasts.map(|past| wrap(&past, room, 3)).collect();
    let most = pasts.iter().map(Vec::len).max().unwrap_or(0);
    for (number, task) in idle.longest.iter().enumerate() {
        one_idle(page, opened, number, task);
        if number == open.idle {
            let past = pasts[number].iter().map(String::as_str);
            for line in past.chain(std::iter::repeat("")).take(most) {
                let pieces = vec![(indent.clone(), Role::Plain), (line.to_owned(), Role::Info)];
                page.line(Some(Item::Idle(number)), false, pieces);
            }
        }
    }
}

fn one_idle(page: &mut Page, opened: &Opened, number: usize, idle: &IdleTask) {
    let recording = &opened.recording;
    let item = Some(Item::Idle(number));
    let who = who(recording, idle.task);
    let (what, role) = match (&idle.waiting_on, idle.state) {
        (
            waiting,
            State::Idle {
                unwakeable: Some(_),
                ..
            },
        ) => {
            let on = waiting
                .as_ref()
                .map_or_else(String::new, |on| format!(", waits on {on}"));
            (format!("no waker left{on}"), Role::Critical)
        }
        (Some(on), _) => (format!("waits on {on}"), Role::Waiting),
        (None, State::Unknown) => ("its wakes were not recorded".to_owned(), Role::Dim),
        (None, _) => ("on what no mark names".to_owned(), Role::Dim),
    };
    page.line(
        item,
        true,
        vec![
            (format!("  {:>7}  ", brief(idle.idle_ns)), Role::Strong),
            (format!("{who}  "), Role::Plain),
            (what, role),
        ],
    );
}

/// When it was polled and woken last, and by whom.
fn past(recording: &Recording, idle: &IdleTask) -> String {
    let before = |at| if at < 0 { ", before the window" } else { "" };
    let poll = match idle.last_poll {
        Some(poll) => format!(
            "last polled at {} for {}{}",
            instant(poll.start),
            duration(poll.end - poll.start),
            before(poll.start)
        ),
        None => "never polled".to_owned(),
    };
    let wake = idle.last_wake.map_or_else(String::new, |wake| {
        format!(
            "; last woken by {} at {}{}",
            label::waker(recording, wake.waker),
            instant(wake.at),
            before(wake.at)
        )
    });
    let polls = recording.totals(idle.task).polls;
    format!("{poll}{wake}; {} in all", plural(polls, "poll"))
}
