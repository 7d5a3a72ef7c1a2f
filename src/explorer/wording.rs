//! Sentences about tasks and events, as the panes write them.

use std::collections::HashMap;

use super::{
    actions::ActionId,
    facts::Opened,
    text::{coarse, count, place},
    theme::Role,
    traced,
    view::View,
};
use crate::{
    analysis::{State, findings::dropped_in, label, state::open_waits},
    recording::{
        Cause, End, Happening, HistoryEvent, Ns, PollIx, Recording, TaskIx, WaitIx, WaitState,
        WakeIx, Waker, time,
    },
};
use time::{duration, instant};

/// `91 handle_ping`, or `91 src/service.rs:97` where the task has no name.
pub(super) fn task(recording: &Recording, task: TaskIx) -> String {
    let id = label::id(recording.task(task).id);
    match recording.name(task).or(recording.location(task).map(place)) {
        Some(name) => format!("{id} {name}"),
        None => id,
    }
}

/// What a state looks like.
pub(super) fn look_of_state(state: State) -> Role {
    match state {
        State::Running(_) => Role::Running,
        State::Runnable { .. } => Role::Runnable,
        State::Idle {
            unwakeable: Some(_),
            ..
        } => Role::Critical,
        State::Idle { wait: Some(_), .. } => Role::Waiting,
        State::Idle { .. } => Role::Plain,
        State::NotYetSpawned | State::Done | State::Unknown => Role::Dim,
    }
}

/// What a task was doing at the cursor, in one sentence: what it waits on, how long, and since when nobody could help.
pub(super) fn doing(opened: &Opened, of: TaskIx, at: Ns) -> String {
    let recording = &opened.recording;
    match opened.state(of, at) {
        State::NotYetSpawned => {
            let spawned = recording
                .task(of)
                .spawned_at()
                .map_or_else(String::new, |at| format!(" at {}", instant(at)));
            format!("not yet spawned; it will be{spawned}")
        }
        State::Running(poll) => {
            let row = recording.poll(poll);
            let so_far = duration(at.saturating_sub(row.start));
            let whole = match row.outcome {
                crate::recording::Outcome::StillRunning => "and still at the end".to_owned(),
                _ => format!("of {}", duration(row.duration)),
            };
            format!(
                "in a poll on {} for {so_far} {whole}",
                label::lane(recording, row.lane)
            )
        }
        State::Runnable { since } => format!(
            "ready to run for {}, not polled",
            duration(at.saturating_sub(since))
        ),
        State::Idle {
            since, unwakeable, ..
        } => {
            let mut text = match (waits(recording, of, at), since) {
                (Some(waits), _) => waits,
                (None, Some(since)) => {
                    let idle = duration(at.saturating_sub(since));
                    format!("idle for {idle}, {}", suspended(recording, of, at))
                }
                (None, None) => format!("idle, {}", suspended(recording, of, at)),
            };
            if let Some(since) = opened.facts.blind_at(recording.task(of).runtime, at) {
                text.push_str(&format!(
                    ", blind for {}",
                    duration(at.saturating_sub(since))
                ));
            }
            if let Some(since) = unwakeable {
                text.push_str(&format!(
                    "; no waker left for {}",
                    duration(at.saturating_sub(since))
                ));
            }
            text
        }
        State::Unknown => {
            let wait =
                waits(recording, of, at).map_or_else(String::new, |waits| format!("; {waits}"));
            format!("idle or ready: its wakes were not recorded{wait}")
        }
        State::Done => {
            let at = recording.task(of).ended_at();
            let at = at.map_or_else(String::new, |at| format!(" at {}", instant(at)));
            format!("done{at}: {}", ending(recording, of))
        }
    }
}

/// Where in the code an idle task was suspended, if that was seen since its latest poll.
fn suspended(recording: &Recording, of: TaskIx, at: Ns) -> String {
    let site = recording.await_site_at(of, at);
    match site.filter(|site| recording.site_holds(*site, at)) {
        Some(site) => {
            let stack = recording.await_site(site).stack;
            format!("suspended in {}", traced::leaf(recording, stack))
        }
        None => "on what no mark names".to_owned(),
    }
}

/// How a task came to its end.
fn ending(recording: &Recording, of: TaskIx) -> &'static str {
    match recording.task(of).end() {
        Some(End::Ready) => "its future returned",
        Some(End::Cancelled) => "it was aborted",
        Some(End::Panicked) => "its future panicked",
        Some(End::Dropped) => "it was dropped while idle",
        Some(End::Ended) | None => "how is not known",
    }
}

/// `waits for "orders" (src/a.rs:12), 12 ms`, with everything that a `select!` holds.
fn waits(recording: &Recording, of: TaskIx, at: Ns) -> Option<String> {
    let mut latest: HashMap<String, Option<Ns>> = HashMap::new();
    let marks = open_waits(recording, of, at).map(|wait| {
        let mark = mark(recording, wait);
        latest.insert(mark.clone(), recording.wait(wait).begin);
        mark
    });
    // Of several on one mark the latest counts: the ends of the others may be lost.
    let waits = label::each_once(marks).into_iter().map(|mark| {
        let begun = latest.get(&mark).copied().flatten();
        let length = begun.map_or_else(String::new, |begin| {
            format!(" for {}", duration(at.saturating_sub(begin)))
        });
        format!("{mark}{length}")
    });
    let waits: Vec<String> = waits.collect();
    (!waits.is_empty()).then(|| format!("waits for {}", waits.join(" or ")))
}

/// `"orders" src/a.rs:12`.
fn mark(recording: &Recording, wait: WaitIx) -> String {
    let wait = recording.wait(wait);
    let name = match recording.str(wait.name) {
        "" => "something unnamed".to_owned(),
        name => format!("\"{name}\""),
    };
    match place(recording.str(wait.location)) {
        "" => name,
        location => format!("{name} {location}"),
    }
}

/// The names of the marks that a task waits on, for a column.
pub(super) fn marks(recording: &Recording, of: TaskIx, at: Ns) -> String {
    let names = open_waits(recording, of, at)
        .map(|wait| recording.str(recording.wait(wait).name).to_owned());
    label::each_once(names).join(", ")
}

/// One line of a task's life: a word, what it says, and what the word looks like.
pub(super) fn event(
    opened: &Opened,
    of: TaskIx,
    event: &HistoryEvent,
) -> (&'static str, String, Role) {
    let recording = &opened.recording;
    match event.what {
        Happening::Spawned => ("spawned", String::new(), Role::Dim),
        Happening::Woken(wake) => {
            let row = recording.wake(wake);
            let mut text = format!("by {}", label::waker(recording, row.waker));
            if row.redundant {
                text.push_str(", redundant: it was runnable already");
            } else if let Some(blind) = late_by(opened, wake) {
                text.push_str(&format!(", first after {} blind", duration(blind)));
            }
            ("woken", text, Role::Runnable)
        }
        Happening::Polled(poll) => ("poll", polled(recording, poll), look_of(opened, poll)),
        Happening::SpanOpened(span) => {
            let text = traced::indented(recording, span, &traced::named(recording, span));
            ("enters", text, Role::Info)
        }
        Happening::SpanClosed(span) => {
            let text = traced::indented(recording, span, &traced::closed(recording, span));
            ("leaves", text, Role::Info)
        }
        Happening::Custom(custom) => ("event", traced::custom(recording, custom), Role::Plain),
        Happening::Suspended(site) => (
            "awaits",
            traced::leaf(recording, recording.await_site(site).stack),
            Role::Waiting,
        ),
        Happening::Woke(wake) => (
            "woke",
            task(recording, recording.wake(wake).task),
            Role::Plain,
        ),
        Happening::Spawns(child) => ("spawns", task(recording, child), Role::Plain),
        Happening::Waits(wait) => ("waits", mark(recording, wait), Role::Waiting),
        Happening::Waited(wait) => {
            let row = recording.wait(wait);
            let how = match row.state {
                WaitState::Abandoned => "abandoned",
                WaitState::Done | WaitState::Open => "done",
            };
            let length = match (row.begin, row.end) {
                (Some(begin), Some(end)) => {
                    let length = end.saturating_sub(begin);
                    let ready = ready_within(recording, of, begin, end);
                    // Only where it changes what the length means.
                    if ready > length / MOST_OF {
                        format!(
                            " after {}, ready for {} of it",
                            duration(length),
                            duration(ready)
                        )
                    } else {
                        format!(" after {}", duration(length))
                    }
                }
                _ => String::new(),
            };
            (
                "waited",
                format!("\"{}\" {how}{length}", recording.str(row.name)),
                Role::Waiting,
            )
        }
        Happening::Unwakeable => (
            "lost",
            "its last waker was dropped: nobody can wake it".to_owned(),
            Role::Critical,
        ),
        Happening::Ended => ("ended", ending(recording, of).to_owned(), Role::Dim),
    }
}

fn look_of(opened: &Opened, poll: PollIx) -> Role {
    let slow = opened.recording.poll_duration(poll) >= opened.facts.slow_poll;
    if slow { Role::Critical } else { Role::Running }
}

/// `worker 0  80.3 ms  pending  12 µs after it was ready`.
fn polled(recording: &Recording, poll: PollIx) -> String {
    let row = recording.poll(poll);
    let lane = label::lane(recording, row.lane);
    let mut text = format!(
        "{:<7} on {lane}, {}",
        duration(row.duration),
        row.outcome.name()
    );
    if let Some(delay) = row.delay {
        text.push_str(&format!(", {} after ready", duration(delay)));
    }
    if let Some(sampled) = traced::sampled(recording, poll) {
        text.push_str(&format!("; {sampled}"));
    }
    text
}

/// All about one line of a task's life, with who woke it: up to three lines.
pub(super) fn event_in_full(view: &View, of: TaskIx, event: &HistoryEvent) -> Vec<String> {
    let opened = &view.opened;
    let recording = &opened.recording;
    match event.what {
        Happening::Polled(poll) => {
            let row = recording.poll(poll);
            let end = match row.outcome {
                crate::recording::Outcome::StillRunning => "on, and still at the end".to_owned(),
                outcome => format!("to {}, {}", instant(row.end()), outcome.name()),
            };
            let lane = label::lane(recording, row.lane);
            let polled = format!(
                "polled for {} on {lane}, from {} {end}",
                duration(row.duration),
                instant(row.start)
            );
            // What is said last is kept where there is little room.
            let sampled = traced::sampled(recording, poll);
            let mut lines: Vec<String> = sampled.into_iter().collect();
            lines.extend([polled, cause(view, poll)]);
            lines
        }
        Happening::Woken(wake) => {
            let row = recording.wake(wake);
            let mut lines = vec![format!(
                "woken by {} at {}",
                label::waker(recording, row.waker),
                instant(row.at)
            )];
            if let (Some(lane), Waker::Runtime) = (recording.wake_lane(wake), row.waker) {
                lines[0].push_str(&format!(", on {}", label::lane(recording, lane)));
            }
            if let Some(blind) = late_by(opened, wake) {
                lines.push(format!(
                    "right after a blind interval of {}: it may have been due for as long",
                    duration(blind)
                ));
            }
            if let Some(poll) = recording.waker_poll(wake) {
                let poll = recording.poll(poll);
                let into = duration(row.at.saturating_sub(poll.start));
                lines.push(format!(
                    "{into} into a poll of {} there  ({} goes to it)",
                    duration(poll.duration),
                    view.key(ActionId::WhoWoke)
                ));
            }
            lines
        }
        Happening::SpanOpened(span) => traced::span_in_full(recording, span),
        Happening::SpanClosed(span) => traced::span_in_full(recording, span),
        Happening::Custom(custom) => traced::custom_in_full(recording, custom),
        Happening::Suspended(site) => traced::site_in_full(recording, site),
        Happening::Woke(wake) => {
            let woken = recording.wake(wake).task;
            vec![format!(
                "woke {} at {}  ({} goes there)",
                label::task_at(recording, woken),
                instant(event.at),
                view.key(ActionId::Follow)
            )]
        }
        Happening::Spawned => vec![spawn(recording, of)],
        Happening::Spawns(child) => {
            vec![format!(
                "spawned {} at {}  ({} goes there)",
                label::task_at(recording, child),
                instant(event.at),
                view.key(ActionId::Follow)
            )]
        }
        Happening::Waits(wait) => {
            let row = recording.wait(wait);
            let end = match (row.begin, row.end) {
                (Some(begin), Some(end)) => format!(
                    "for {}, until {}",
                    duration(end.saturating_sub(begin)),
                    instant(end)
                ),
                _ => "and still waits at the end".to_owned(),
            };
            vec![format!(
                "begins to wait for {} at {}, {end}",
                mark(recording, wait),
                instant(event.at)
            )]
        }
        Happening::Waited(wait) => vec![format!("no longer waits for {}", mark(recording, wait))],
        Happening::Unwakeable => {
            let mut told = vec![
                "its last waker was dropped while it was pending: nothing can wake it any more"
                    .to_owned(),
            ];
            if let [poll] = dropped_in(recording, of, event.at)[..] {
                let poll = recording.poll(poll);
                told.push(format!(
                    "dropped on {}, in a poll of {}  (w goes there)",
                    label::lane(recording, poll.lane),
                    task(recording, poll.task)
                ));
            }
            told
        }
        Happening::Ended => vec![format!(
            "ended at {}: {}",
            instant(event.at),
            ending(recording, of)
        )],
    }
}

/// A task that was ready for no more than this part of a wait, a quarter, waited for what the mark names.
const MOST_OF: Ns = 4;

/// For how much of a wait the task had been woken already: what it waited for was there, and it was not polled.
fn ready_within(recording: &Recording, task: TaskIx, begin: Ns, end: Ns) -> Ns {
    let poll = recording
        .poll_at(task, end)
        .map(|poll| recording.poll(poll));
    let ready = poll.and_then(|poll| Some((poll.start - poll.delay?, poll.start)));
    ready
        .map_or(0, |(since, until)| until - since.max(begin))
        .max(0)
}

/// Wakes that are looked through for an earlier one by the runtime.
const MOST_WAKES: usize = 100;

/// The length of the blind interval that a wake by the runtime, the task's first since, came right after.
fn late_by(opened: &Opened, wake: WakeIx) -> Option<Ns> {
    let recording = &opened.recording;
    let row = recording.wake(wake);
    if row.waker != Waker::Runtime {
        return None;
    }
    let runtime = recording.task(row.task).runtime;
    let (start, end) = opened.facts.blind_before(runtime, row.at)?;
    let wakes = recording.wakes_of(row.task);
    let before = wakes.partition_point(|other| *other < wake);
    let since = wakes[..before].iter().rev().take(MOST_WAKES);
    let is_first = since
        .map(|other| recording.wake(*other))
        .take_while(|other| other.at >= end)
        .all(|other| other.waker != Waker::Runtime);
    is_first.then_some(end - start)
}

/// Who made a poll happen, and how long the task then had to wait.
fn cause(view: &View, poll: PollIx) -> String {
    let recording = &view.opened.recording;
    let row = recording.poll(poll);
    let delay = row.delay.map_or_else(String::new, |delay| {
        format!(", ready for {}", duration(delay))
    });
    match recording.cause(poll) {
        Some(Cause::Wake(wake)) => {
            let wake = recording.wake(wake);
            let before = duration(row.start.saturating_sub(wake.at));
            format!(
                "woken by {} {before} before{delay}  ({} goes there)",
                label::waker(recording, wake.waker),
                view.key(ActionId::WhoWoke)
            )
        }
        Some(Cause::Spawn { .. }) => format!("its first poll{delay}"),
        Some(Cause::Folded(wake)) => {
            format!(
                "woken by {} at {}, before the window",
                label::waker(recording, wake.waker),
                coarse(recording, wake.at)
            )
        }
        None => "who woke it was not recorded".to_owned(),
    }
}

/// `spawned by 19 accept loop at 2.010 s`.
pub(super) fn spawn(recording: &Recording, of: TaskIx) -> String {
    let facts = recording.task(of);
    match (facts.parent, facts.spawned_at()) {
        (Some(parent), Some(at)) => format!(
            "spawned by {} at {}",
            task(recording, parent),
            coarse(recording, at)
        ),
        (Some(parent), None) => format!("spawned by {}", task(recording, parent)),
        (None, Some(at)) => format!("spawned from outside at {}", coarse(recording, at)),
        (None, None) => "spawned before it could be seen".to_owned(),
    }
}

/// `polls 41 (38 in the window, 3 before it)`.
pub(super) fn polls(recording: &Recording, of: TaskIx) -> String {
    let all = recording.totals(of).polls;
    let inside = recording.totals_in_window(of).polls;
    split("polls", all, inside)
}

/// `wakes 41 (38 in the window, 3 before it), 2 by itself`.
pub(super) fn wakes(recording: &Recording, of: TaskIx) -> String {
    if !recording.task(of).wakes_recorded {
        return "wakes not recorded".to_owned();
    }
    let totals = recording.totals(of);
    let inside = recording.totals_in_window(of).wakes;
    let own = if totals.self_wakes > 0 {
        format!(", {} by itself", count(totals.self_wakes))
    } else {
        String::new()
    };
    split("wakes", totals.wakes, inside) + &own
}

fn split(what: &str, all: u64, inside: u64) -> String {
    let before = all.saturating_sub(inside);
    if before == 0 {
        format!("{what} {}", count(all))
    } else {
        format!(
            "{what} {} ({} in the window, {} before it)",
            count(all),
            count(inside),
            count(before)
        )
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        analysis::Thresholds,
        recording::{
            MILLISECOND, Outcome, SpawnFacts, WakerKey,
            testing::{batch, builder, runtime, spawn},
        },
    };

    #[test]
    fn only_the_first_wake_by_the_runtime_is_late_even_where_only_polls_tell_the_runtime() {
        let mut builder = builder(100 * MILLISECOND);
        runtime(&mut builder, 1);
        let mut w0 = batch(0);
        for task in [1, 2] {
            let runtime = None;
            w0.spawn(
                task,
                SpawnFacts {
                    runtime,
                    ..spawn(0)
                },
            );
        }
        w0.poll(2, 0, MILLISECOND, Outcome::Pending);
        w0.poll(1, MILLISECOND, 30 * MILLISECOND, Outcome::Pending);
        for at in [31, 33, 35] {
            let waker = if at == 31 {
                WakerKey::Task(1)
            } else {
                WakerKey::Runtime
            };
            w0.wake(2, at * MILLISECOND, waker);
            w0.poll(
                2,
                at * MILLISECOND + 10,
                at * MILLISECOND + 20,
                Outcome::Pending,
            );
        }
        builder.batch(w0);
        let opened = Opened::new(builder.finish(), &Thresholds::default());
        let recording = &opened.recording;
        let task = recording.task_by_id(2).unwrap();
        let late: Vec<Option<Ns>> = recording
            .wakes_of(task)
            .iter()
            .map(|wake| late_by(&opened, *wake))
            .collect();
        assert_eq!(late, [None, Some(29 * MILLISECOND), None]);
    }

    /// What was waited for may be there long before the task is polled: that is not the other side's fault.
    #[test]
    fn a_wait_tells_how_much_of_it_the_task_was_ready() {
        let mut builder = builder(100 * MILLISECOND);
        runtime(&mut builder, 1);
        let name = builder.intern("price");
        let mut w0 = batch(0);
        w0.spawn(1, spawn(0));
        w0.poll(1, 0, MILLISECOND, Outcome::Pending);
        for (wait, begin, woken, polled) in [(1, 1, 2, 42), (2, 44, 84, 85)] {
            w0.wait_begin(1, wait, begin * MILLISECOND, name, name);
            w0.wake(1, woken * MILLISECOND, WakerKey::Runtime);
            let end = (polled + 1) * MILLISECOND;
            w0.poll(1, polled * MILLISECOND, end, Outcome::Pending);
            w0.wait_end(1, wait, polled * MILLISECOND + 10, WaitState::Done);
        }
        builder.batch(w0);
        let opened = Opened::new(builder.finish(), &Thresholds::default());
        let task = opened.recording.task_by_id(1).unwrap();
        let history = opened.recording.history(task);
        let told: Vec<String> = (0..)
            .map_while(|line| history.get(line))
            .filter(|happened| matches!(happened.what, Happening::Waited(_)))
            .map(|happened| event(&opened, task, &happened).1)
            .collect();
        assert_eq!(
            told,
            [
                "\"price\" done after 41.0 ms, ready for 40.0 ms of it",
                "\"price\" done after 41.0 ms",
            ]
        );
    }
}
