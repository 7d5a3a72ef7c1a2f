//! Below the lanes: what the selected lane did at the cursor, why, and what it did before and after.

use ratatui::{buffer::Buffer, layout::Rect};

use super::{
    doing::{Doing, Event, about, doing},
    layout::Layout,
    piled, tasks,
};
use crate::{
    analysis::{label, stacks},
    explorer::{
        life,
        text::{Pen, place, plural, width, wrap},
        theme::{Role, Theme},
        traced,
        view::View,
        wording,
    },
    recording::{
        Happening, HistoryEvent, LaneIx, LaneKind, Outcome, PollIx,
        time::{duration, instant},
    },
};

pub(super) fn draw(buffer: &mut Buffer, layout: Layout, theme: Theme, view: &View) {
    let area = layout.detail;
    if area.is_empty() {
        return;
    }
    if view.place.scheduler.by_task {
        task(buffer, area, theme, view);
    } else if view.place.scheduler.lane < view.opened.recording.lanes().len() {
        let lane = LaneIx::new(view.place.scheduler.lane);
        worker(buffer, area, theme, view, lane);
    }
}

/// Writes paragraphs, one below the other, and returns what is left of the area and of [`TEXT`].
fn paragraphs(
    buffer: &mut Buffer,
    area: Rect,
    theme: Theme,
    paragraphs: &[(String, Role)],
) -> (Rect, usize) {
    let cells = usize::from(area.width).saturating_sub(2);
    let mut row = 0;
    let mut text_left = TEXT;
    for (number, (text, role)) in paragraphs.iter().enumerate() {
        let room = usize::from(area.height - row.min(area.height));
        // Each of those below gets a line, if there is one.
        let most = room
            .saturating_sub(paragraphs.len() - number - 1)
            .clamp(1, 2);
        for line in wrap(text, cells, most.min(room)) {
            Pen::new(buffer, area, row)
                .skip(1)
                .put(&line, theme.style(*role));
            text_left = text_left.saturating_sub(width(&line));
            row += 1;
        }
    }
    let row = row.min(area.height);
    let rest = Rect {
        y: area.y + row,
        height: area.height - row,
        width: area.width.min(WIDEST),
        ..area
    };
    (rest, text_left)
}

/// Cells of text that are about the selected lane: the selection of another one may write 1 KB, and all of them may
/// have to be written then.
const TEXT: usize = 500;
/// The most events that are listed.
const EVENTS: usize = 8;
/// Cells of the longest line of an event.
const WIDEST: u16 = 120;

/// How many lines may be listed: as many as there is room for, and not more text than `text_left`; `cells` tells how
/// much text so many lines are.
fn listed(area: Rect, text_left: usize, cells: impl Fn(usize) -> usize) -> usize {
    let most = usize::from(area.height).min(EVENTS);
    let fits = |lines: &usize| cells(*lines) <= text_left;
    (1..=most).rev().find(fits).unwrap_or(most.min(1))
}

fn worker(buffer: &mut Buffer, area: Rect, theme: Theme, view: &View, lane: LaneIx) {
    let recording = &view.opened.recording;
    let cursor = view.place.cursor;
    let name = label::lane(recording, lane);
    let mut lines = Vec::new();
    match doing(recording, lane, cursor) {
        Doing::Polls(poll) => {
            let row = recording.poll(poll);
            let so_far = duration(cursor.saturating_sub(row.start));
            let whole = match row.outcome {
                Outcome::StillRunning => "and still at the end".to_owned(),
                outcome => format!("of {}, {}", duration(row.duration), outcome.name()),
            };
            let text = format!(
                "{name} is in a poll of {} for {so_far} {whole}",
                label::task_at(recording, row.task)
            );
            let slow = row.duration >= view.opened.facts.slow_poll;
            let role = if slow { Role::Critical } else { Role::Running };
            lines.push((text, role));
            if let Some(cause) = cause(view, poll) {
                lines.push((cause, Role::Info));
            }
            lines.extend(sampled(view, poll).map(|text| (text, Role::Info)));
        }
        Doing::Parked(park) => {
            let park = recording.park(park);
            let so_far = duration(cursor.saturating_sub(park.start));
            let whole = if park.open {
                "and still at the end".to_owned()
            } else {
                format!("of {}", duration(park.duration))
            };
            lines.push((
                format!("{name} is parked for {so_far} {whole}"),
                Role::Plain,
            ));
        }
        Doing::Nothing => {
            let text = format!("{name} is outside every poll, and not parked");
            lines.push((text, Role::Plain));
        }
    }
    if let LaneKind::Thread(thread) = recording.lane(lane).kind
        && label::stands_for_many(recording, thread)
    {
        let text = "Which thread it was is not recorded: polls of several can overlap in this lane";
        lines.insert(1, (text.to_owned(), Role::Info));
    }
    let mut shared = Vec::new();
    if let Some(since) = view
        .opened
        .facts
        .blind_at(recording.runtime_of(lane), cursor)
    {
        let text = format!(
            "All workers of its runtime are inside polls for {}: nobody asks the driver",
            duration(cursor.saturating_sub(since))
        );
        shared.push((text, Role::Blind));
        shared.extend(piled::late_sentence(view).map(|text| (text, Role::Blind)));
    }
    shared.extend(piled::ready_sentence(view).map(|text| (text, Role::Runnable)));
    let (rest, text_left) = if area.width >= WIDEST && area.height >= 10 {
        // What is said of the lane takes as many lines whichever it is, so that what is said of all stays in its place.
        let own = 2 + u16::from(recording.sample_count() > 0);
        let (own, rest) = (
            Rect {
                height: own,
                ..area
            },
            Rect {
                y: area.y + own,
                height: area.height - own,
                ..area
            },
        );
        let (_, text_left) = paragraphs(buffer, own, theme, &lines);
        (paragraphs(buffer, rest, theme, &shared).0, text_left)
    } else {
        lines.extend(shared);
        paragraphs(buffer, area, theme, &lines)
    };
    events(buffer, rest, text_left, theme, view, lane);
}

/// Who made the poll happen, and how long the task had to wait.
fn cause(view: &View, poll: PollIx) -> Option<String> {
    let row = view.opened.recording.poll(poll);
    let event = HistoryEvent {
        at: row.start,
        what: Happening::Polled(poll),
    };
    // That is said last.
    wording::event_in_full(view, row.task, &event).pop()
}

/// Samples that are folded for one sentence.
const MOST_SAMPLES: usize = 1_000;

/// How many samples fell into the poll, and where most of them were.
fn sampled(view: &View, poll: PollIx) -> Option<String> {
    let recording = &view.opened.recording;
    let samples = recording.samples_in(poll);
    if samples.is_empty() {
        return None;
    }
    let folded = stacks::fold(recording, samples.iter().copied().take(MOST_SAMPLES), None);
    let heaviest = folded.frames.iter().find(|frame| frame.leaf > 0)?;
    Some(format!(
        "{} in it, {} of them in {}",
        plural(samples.len() as u64, "sample"),
        heaviest.leaf,
        stacks::frame(recording, heaviest.frame)
    ))
}

/// What the lane did before and after.
fn events(
    buffer: &mut Buffer,
    area: Rect,
    text_left: usize,
    theme: Theme,
    view: &View,
    lane: LaneIx,
) {
    let recording = &view.opened.recording;
    let about = |lines: usize| {
        let before = lines.div_ceil(2);
        let (mut events, earlier) = about(recording, lane, view.place.cursor, before, lines);
        events.truncate(lines);
        (events, earlier)
    };
    let cells = |lines: usize| {
        let (events, _) = about(lines);
        let told = events.iter().map(|event| Told::new(view, event));
        told.map(|told| told.cells(area)).sum()
    };
    let (events, earlier) = about(listed(area, text_left, cells));
    for (row, event) in events.iter().enumerate() {
        let is_here = row + 1 == earlier;
        let plain = theme.style(if is_here { Role::Strong } else { Role::Plain });
        let told = Told::new(view, event);
        let role = theme.style(told.role);
        Pen::new(buffer, area, row as u16)
            .put(if is_here { "▸ " } else { "  " }, plain)
            .right(&instant(event.at(recording)), 14, plain)
            .put("  ", plain)
            .put(told.word, role)
            .put(&told.length, if told.word == PARKED { plain } else { role })
            .fit(&told.text, plain);
    }
}

/// What is told of an event of a lane.
struct Told {
    /// What it is, in eight cells.
    word: &'static str,
    role: Role,
    /// In nine cells, where it has one.
    length: String,
    text: String,
}

const PARKED: &str = "parked  ";

impl Told {
    fn new(view: &View, event: &Event) -> Self {
        let recording = &view.opened.recording;
        match *event {
            Event::Poll(poll) => {
                let row = recording.poll(poll);
                let slow = row.duration >= view.opened.facts.slow_poll;
                let task = wording::task(recording, row.task);
                let mut text = format!("{task}, {}", row.outcome.name());
                if let Some(delay) = row.delay {
                    text.push_str(&format!(", {} after ready", duration(delay)));
                }
                let named = recording.name(row.task).is_some();
                if let Some(location) = recording.location(row.task).filter(|_| named) {
                    text.push_str(&format!("  {}", place(location)));
                }
                Self {
                    word: "poll    ",
                    role: if slow { Role::Critical } else { Role::Running },
                    length: format!("{:<9}", duration(row.duration)),
                    text,
                }
            }
            Event::Park(park) => Self {
                word: PARKED,
                role: Role::Dim,
                length: duration(recording.park(park).duration),
                text: String::new(),
            },
            Event::Custom(custom) => Self {
                word: "event   ",
                role: Role::Info,
                length: String::new(),
                text: traced::custom(recording, custom),
            },
            Event::Enters(entry) => {
                let entry = recording.entry(entry);
                let length = entry.end.map_or_else(
                    || "to the end".to_owned(),
                    |end| duration(end.saturating_sub(entry.begin)),
                );
                Self {
                    word: "enters  ",
                    role: Role::Info,
                    length: format!("{length:<9}"),
                    text: traced::named(recording, entry.span),
                }
            }
        }
    }

    /// How much of a line it takes.
    fn cells(&self, area: Rect) -> usize {
        (18 + 8 + 9 + width(&self.text)).min(usize::from(area.width))
    }
}

fn task(buffer: &mut Buffer, area: Rect, theme: Theme, view: &View) {
    let Some(task) = view.place.task else { return };
    let opened = &view.opened;
    let role = wording::look_of_state(opened.state(task, view.place.cursor));
    let doing = wording::doing(opened, task, view.place.cursor);
    let title = label::task_at(&opened.recording, task);
    let mut lines = vec![(format!("{title}: {doing}"), role)];
    lines.push((tasks::spent(view, task), Role::Info));
    let (rest, text_left) = paragraphs(buffer, area, theme, &lines);
    // Where its life is shown below, once is enough.
    if view.life_area().is_none() {
        let lines = listed(rest, text_left, |lines| {
            life::list_cells(view, task, lines, usize::from(rest.width))
        });
        let rest = Rect {
            height: u16::try_from(lines).unwrap_or(rest.height),
            ..rest
        };
        life::list(buffer, rest, theme, view, task);
    }
}
