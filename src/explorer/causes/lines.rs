//! What the Causes pane says: a chain and what came of it as sentences and lines, each with the event that it tells of.

use crate::{
    analysis::{
        causes::{Act, Before, Behind, Chain, Delayed, How, Onwards, Origin, Step, StepKind, Woke},
        label,
    },
    explorer::{
        facts::Opened,
        text::{count, place, plural},
        theme::Role,
        wording,
    },
    recording::{
        Happening, Ns, PollIx, Recording, TaskIx, WaitIx, WakeIx,
        time::{duration, instant},
    },
};

/// One line.
#[derive(Debug)]
pub(super) struct Line {
    pub(super) shape: Shape,
    /// How long what it tells of took, where it took time.
    pub(super) length: Option<Ns>,
    /// Whether that is only a bound.
    pub(super) at_most: bool,
    pub(super) word: &'static str,
    pub(super) role: Role,
    pub(super) text: String,
    /// A place in the code, shown as far as there is room.
    pub(super) place: String,
    /// The event that it tells of.
    pub(super) target: Option<(TaskIx, Ns, Happening)>,
}

/// What kind of line it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Shape {
    /// A part of the way, with a bar.
    Step,
    /// What a step consists of.
    Part,
    /// An event without a length of its own.
    Event,
    /// What the lines below are; it cannot be selected.
    Heading,
}

impl Line {
    fn new(shape: Shape, word: &'static str, role: Role, text: String) -> Self {
        Self {
            shape,
            length: None,
            at_most: false,
            word,
            role,
            text,
            place: String::new(),
            target: None,
        }
    }

    fn lasting(self, length: Ns) -> Self {
        Self {
            length: Some(length),
            ..self
        }
    }

    fn at_most(self) -> Self {
        Self {
            at_most: true,
            ..self
        }
    }

    /// Leads to a poll; the place is where its task was spawned.
    fn at_poll(self, recording: &Recording, poll: PollIx) -> Self {
        let row = recording.poll(poll);
        Self {
            place: spawn_place(recording, row.task),
            target: Some((row.task, row.start, Happening::Polled(poll))),
            ..self
        }
    }

    /// Leads to a wake, in the life of the task that was woken.
    fn at_wake(self, recording: &Recording, wake: WakeIx) -> Self {
        let row = recording.wake(wake);
        Self {
            target: Some((row.task, row.at, Happening::Woken(wake))),
            ..self
        }
    }
}

/// Where a task was spawned, unless what it is called already says so.
fn spawn_place(recording: &Recording, task: TaskIx) -> String {
    let place = recording.location(task).map(place).unwrap_or_default();
    if called(recording, task).ends_with(place) {
        String::new()
    } else {
        place.to_owned()
    }
}

/// `91 handle_ping`, or `91 src/service.rs:97` with no more than the end of a long path: the rest stands elsewhere.
pub(in crate::explorer) fn called(recording: &Recording, task: TaskIx) -> String {
    let whole = wording::task(recording, task);
    let Some(location) = recording.location(task).map(place) else {
        return whole;
    };
    if recording.name(task).is_some() {
        return whole;
    }
    let mut ends = location.rmatch_indices('/').skip(1);
    let end = ends
        .next()
        .map_or(location, |(slash, _)| &location[slash + 1..]);
    format!("{} {end}", label::id(recording.task(task).id))
}

/// The one line where there is nothing to tell.
pub(super) fn unknown() -> Line {
    let text = "What made it ready was not recorded.".to_owned();
    Line::new(Shape::Heading, "", Role::Plain, text)
}

/// All of the time that the bars stand for: that of the steps that are told.
pub(super) fn whole(chain: &Chain) -> Ns {
    let before = chain.blind().map_or(0, |before| before.at_most);
    told(chain).saturating_add(before)
}

/// The time of the steps that are told.
pub(super) fn told(chain: &Chain) -> Ns {
    let first = chain.steps.last().map_or(chain.until, |step| step.from);
    chain.until.saturating_sub(first)
}

pub(super) fn did(act: Act) -> &'static str {
    match act {
        Act::Wake(_) => "woke",
        Act::Spawn(_) => "spawned",
    }
}

/// ` behind 3 polls of worker 0`, and which worker took it over.
pub(super) fn behind_whom(recording: &Recording, poll: Option<PollIx>, behind: &Behind) -> String {
    let Some(lane) = behind.lane else {
        return match behind.polls {
            0 => String::new(),
            polls => format!(
                " while all workers were in {}",
                plural(polls as u64, "poll")
            ),
        };
    };
    let queue = label::lane(recording, lane);
    let ran = poll.map_or_else(String::new, |poll| {
        label::lane(recording, recording.poll(poll).lane)
    });
    match (behind.polls, behind.moved) {
        (0, true) => format!(", woken on {queue}, run by {ran}"),
        (0, false) if behind.parked > 0 => {
            format!(", {queue} was parked for {}", duration(behind.parked))
        }
        (0, false) => format!(" for {queue}"),
        (polls, moved) => {
            let over = if moved {
                format!(", then run by {ran}")
            } else {
                String::new()
            };
            format!(" behind {} of {queue}{over}", plural(polls as u64, "poll"))
        }
    }
}

/// The lines, the latest first, and what came of the poll below them.
pub(super) fn lines(opened: &Opened, chain: &Chain, onwards: Option<&Onwards>) -> Vec<Line> {
    let recording = &opened.recording;
    let mut lines = Vec::new();
    let mut rest = &chain.steps[..];
    while let Some((first, others)) = rest.split_first() {
        let instant = instant_steps(chain, rest);
        if instant < MANY_INSTANT {
            step(recording, first, &mut lines);
            rest = others;
        } else {
            let (folded, others) = rest.split_at(instant);
            lines.push(fold(recording, folded));
            rest = others;
        }
    }
    if chain.more > 0 {
        let text = format!("{} more back in time", plural(chain.more as u64, "step"));
        lines.push(Line::new(Shape::Event, "+", Role::Dim, text));
    }
    origin(recording, chain, &mut lines);
    if let Some(before) = chain.blind() {
        blind(recording, before, &mut lines);
    }
    if let Some(onwards) = onwards {
        after(recording, onwards, &mut lines);
    }
    lines
}

/// So many instant steps in a row are told in one line.
const MANY_INSTANT: usize = 5;

/// How many of the first of `steps` took next to nothing of the time: tasks that wake each other to and fro. The goal's
/// own wait, and whatever woke it, is always told.
fn instant_steps(chain: &Chain, steps: &[Step]) -> usize {
    let told = told(chain);
    let place = chain.steps.len() - steps.len();
    if place < 3 {
        return 0;
    }
    let instant = |step: &&Step| step.length().saturating_mul(200) < told;
    steps.iter().take_while(instant).count()
}

/// Steps in one line, which leads to the latest of them.
fn fold(recording: &Recording, steps: &[Step]) -> Line {
    let mut tasks: Vec<TaskIx> = Vec::new();
    let mut latest = None;
    for step in steps {
        let (task, poll) = match &step.kind {
            StepKind::Runnable { task, poll, .. } | StepKind::OwnPoll { task, poll } => {
                (*task, *poll)
            }
            StepKind::Inside { poll, .. } => (recording.poll(*poll).task, Some(*poll)),
        };
        latest = latest.or(poll);
        if !tasks.contains(&task) {
            tasks.push(task);
        }
    }
    let length = steps.iter().map(Step::length).sum();
    let mut text = format!("{} of ", plural(steps.len() as u64, "quick step"));
    match &tasks[..] {
        [one] => text.push_str(&called(recording, *one)),
        [one, other] => {
            let both = [*one, *other].map(|task| called(recording, task));
            text.push_str(&both.join(" and "));
        }
        [one, others @ ..] => {
            let others = plural(others.len() as u64, "other task");
            text.push_str(&format!("{} and {others}", called(recording, *one)));
        }
        [] => {}
    }
    let line = Line::new(Shape::Step, "·", Role::Dim, text).lasting(length);
    match latest {
        Some(poll) => Line {
            place: String::new(),
            ..line.at_poll(recording, poll)
        },
        None => line,
    }
}

fn step(recording: &Recording, step: &Step, lines: &mut Vec<Line>) {
    let task = |poll: PollIx| called(recording, recording.poll(poll).task);
    let line = |word, role, text| Line::new(Shape::Step, word, role, text).lasting(step.length());
    match &step.kind {
        StepKind::Runnable {
            task: who,
            poll,
            behind,
            at_least,
        } => {
            let least = if *at_least { ", at least" } else { "" };
            let text = format!(
                "{}{}{least}",
                called(recording, *who),
                behind_whom(recording, *poll, behind)
            );
            let told = line("runnable", Role::Runnable, text);
            lines.push(match poll {
                Some(poll) => told.at_poll(recording, *poll),
                None => Line {
                    place: spawn_place(recording, *who),
                    ..told
                },
            });
            // What took next to nothing of the time explains nothing.
            let told = behind
                .most
                .iter()
                .filter(|(_, overlap)| *overlap > 0 && overlap.saturating_mul(20) >= step.length());
            for (other, overlap) in told {
                let part = Line::new(Shape::Part, "behind", Role::Running, task(*other));
                lines.push(part.lasting(*overlap).at_poll(recording, *other));
            }
        }
        StepKind::OwnPoll { poll, task } => {
            let text = format!(
                "{}, woken while it was still being polled",
                called(recording, *task)
            );
            let told = line("own poll", Role::Running, text);
            lines.push(match poll {
                Some(poll) => told.at_poll(recording, *poll),
                None => told,
            });
        }
        StepKind::Inside { poll, by, woken } => {
            let text = format!(
                "{} until it {} {}",
                task(*poll),
                did(*by),
                called(recording, *woken)
            );
            lines.push(line("inside", Role::Running, text).at_poll(recording, *poll));
        }
    }
}

fn origin(recording: &Recording, chain: &Chain, lines: &mut Vec<Line>) {
    let event = |word, text: String| Line::new(Shape::Event, word, Role::Strong, text);
    let woken = |wake: WakeIx, rest: &str| {
        let row = recording.wake(wake);
        let text = format!(
            "by {} at {}{rest}",
            label::waker(recording, row.waker),
            instant(row.at)
        );
        event("woken", text).at_wake(recording, wake)
    };
    lines.push(match &chain.origin {
        Origin::Runtime { wake, waits, .. } => {
            let mut line = woken(*wake, &for_what(recording, waits));
            if let Some(wait) = waits.last() {
                line.place = place(recording.str(recording.wait(*wait).location)).to_owned();
            }
            line
        }
        Origin::Outside { wake, .. } | Origin::Blocking { wake, .. } | Origin::Unknown { wake } => {
            woken(*wake, "")
        }
        Origin::Task { wake, .. } => woken(*wake, ", in a poll that was not recorded"),
        Origin::Spawn { task, at, parent } => {
            let by = parent.map_or_else(
                || "from outside".to_owned(),
                |parent| format!("by {}", called(recording, parent)),
            );
            Line {
                target: Some((*task, *at, Happening::Spawned)),
                place: spawn_place(recording, *task),
                ..event("spawned", format!("{by} at {}", instant(*at)))
            }
        }
        Origin::Folded(wake) => {
            let by = label::waker(recording, wake.waker);
            let at = instant(wake.at);
            event(
                "woken",
                format!("by {by} at {at} or before: only the history remembers"),
            )
        }
        Origin::NotRecorded => event("woken", "by whom was not recorded".to_owned()),
        Origin::TooLong => event("+", "more polls than anybody follows back".to_owned()),
    });
}

/// `, for "orders"`, or what the runtime wakes for.
fn for_what(recording: &Recording, waits: &[WaitIx]) -> String {
    let names: Vec<String> = waits
        .iter()
        .map(|wait| format!("\"{}\"", recording.str(recording.wait(*wait).name)))
        .collect();
    if names.is_empty() {
        ": I/O, timer, yield".to_owned()
    } else {
        format!(", for {}", names.join(" or "))
    }
}

fn blind(recording: &Recording, before: &Before, lines: &mut Vec<Line>) {
    let of_runtime = if recording.runtimes().len() > 1 {
        format!(" of {}", label::runtime(recording, before.blind.runtime))
    } else {
        String::new()
    };
    let text = format!(
        "nobody asked the driver for {}{}",
        duration(before.blind.duration()),
        of_runtime
    );
    let line = Line::new(Shape::Step, "blind", Role::Blind, text);
    let longest = before
        .blind
        .polls
        .iter()
        .max_by_key(|poll| recording.poll_duration(**poll));
    let line = line.lasting(before.at_most).at_most();
    lines.push(match longest {
        Some(longest) => Line {
            place: String::new(),
            ..line.at_poll(recording, *longest)
        },
        None => line,
    });
    for &poll in &before.blind.polls {
        let row = recording.poll(poll);
        let text = format!(
            "{} in {}",
            label::lane(recording, row.lane),
            called(recording, row.task)
        );
        let part = Line::new(Shape::Part, "", Role::Blind, text);
        lines.push(part.lasting(row.duration).at_poll(recording, poll));
    }
}

/// What came of it.
fn after(recording: &Recording, onwards: &Onwards, lines: &mut Vec<Line>) {
    let heading = |text: String| Line::new(Shape::Heading, "", Role::Strong, text);
    let partial = if onwards.partial { " or more" } else { "" };
    let mut told = Vec::new();
    if onwards.woke_in_all > 0 {
        told.push(format!("woke {}", count(onwards.woke_in_all as u64)));
    }
    if let Some(latest) = onwards.late.first() {
        told.push(format!(
            "{} came up to {} late",
            count(onwards.late_in_all as u64),
            duration(latest.at_most)
        ));
    }
    if onwards.delayed_in_all > 0 {
        told.push(format!(
            "delayed {}{partial}, by {} in all",
            count(onwards.delayed_in_all as u64),
            duration(onwards.delayed_for)
        ));
    }
    if told.is_empty() {
        told.push("woke nobody and delayed nobody".to_owned());
    }
    lines.push(heading(format!("onwards: {}", told.join("; "))));
    lines.extend(onwards.woke.iter().map(|woke| woke_line(recording, woke)));
    more(onwards.woke_in_all - onwards.woke.len(), "woken", lines);
    lines.extend(onwards.late.iter().map(|late| {
        let text = format!("{}, woken right after", called(recording, late.task));
        let line = Line::new(Shape::Event, "late", Role::Blind, text);
        let line = line.lasting(late.at_most).at_most();
        Line {
            place: spawn_place(recording, late.task),
            ..line.at_wake(recording, late.wake)
        }
    }));
    more(onwards.late_in_all - onwards.late.len(), "late", lines);
    lines.extend(
        onwards
            .delayed
            .iter()
            .map(|delayed| delayed_line(recording, delayed)),
    );
    more(
        onwards.delayed_in_all - onwards.delayed.len(),
        "delayed",
        lines,
    );
}

fn more(number: usize, what: &str, lines: &mut Vec<Line>) {
    if number > 0 {
        let text = format!("{} more {what}", count(number as u64));
        lines.push(Line::new(Shape::Event, "+", Role::Dim, text));
    }
}

fn woke_line(recording: &Recording, woke: &Woke) -> Line {
    let name = called(recording, woke.task);
    let word = match woke.how {
        How::Spawn => "spawned",
        How::Wake(_) | How::Redundant(_) => "woke",
    };
    let again = match woke.how {
        How::Redundant(_) => ", runnable already",
        _ => "",
    };
    let then = match woke.after {
        Some(after) => format!(", ran {} later", duration(after)),
        None => ", did not run any more".to_owned(),
    };
    let what = match woke.how {
        How::Wake(wake) | How::Redundant(wake) => Happening::Woken(wake),
        How::Spawn => Happening::Spawned,
    };
    // The poll is what is looked for; where it never came, the wake.
    let target = match woke.poll {
        Some(poll) => (
            woke.task,
            recording.poll_start(poll),
            Happening::Polled(poll),
        ),
        None => (woke.task, woke.at, what),
    };
    Line {
        place: spawn_place(recording, woke.task),
        target: Some(target),
        ..Line::new(
            Shape::Event,
            word,
            Role::Plain,
            format!("{name}{then}{again}"),
        )
    }
}

fn delayed_line(recording: &Recording, delayed: &Delayed) -> Line {
    let why = if delayed.queued {
        "queued behind it"
    } else {
        "all workers in polls"
    };
    let never = if delayed.poll.is_none() {
        ", never polled"
    } else {
        ""
    };
    let text = format!("{}, {why}{never}", called(recording, delayed.task));
    let line = Line::new(Shape::Event, "delayed", Role::Runnable, text).lasting(delayed.by);
    match delayed.poll {
        Some(poll) => line.at_poll(recording, poll),
        None => Line {
            place: spawn_place(recording, delayed.task),
            target: recording.wakes_of(delayed.task).last().map(|wake| {
                (
                    delayed.task,
                    recording.wake_at(*wake),
                    Happening::Woken(*wake),
                )
            }),
            ..line
        },
    }
}
