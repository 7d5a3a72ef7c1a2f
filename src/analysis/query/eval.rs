//! Whether a task or a poll is what a filter asks for.

use super::{
    Entity, FieldId,
    expr::{Expr, Op, Predicate, Value},
    text, waiting,
};
use crate::{
    analysis::{State, delays, label, state::alive_at, state_at},
    recording::{
        End, Ns, Outcome, PollIx, Recording, StrId, Task, TaskIx, TaskKind, Totals, WakeIx, Waker,
    },
};

/// What a filter says of a task or a poll.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Verdict {
    /// It does not match.
    No,
    /// What was recorded does not tell.
    Unknown,
    /// It matches.
    Yes,
}

impl From<bool> for Verdict {
    fn from(yes: bool) -> Self {
        if yes { Self::Yes } else { Self::No }
    }
}

impl std::ops::Not for Verdict {
    type Output = Self;

    fn not(self) -> Self {
        match self {
            Self::No => Self::Yes,
            Self::Unknown => Self::Unknown,
            Self::Yes => Self::No,
        }
    }
}

/// The cursor and the range that a filter is asked at.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Scope {
    /// The cursor.
    pub at: Ns,
    /// First and last instant of the range; without one everything that is known counts, the history included.
    pub range: Option<(Ns, Ns)>,
}

impl Scope {
    /// At that cursor, and over everything that is known.
    #[must_use]
    pub fn at(at: Ns) -> Self {
        Self { at, range: None }
    }

    fn holds(&self, at: Ns) -> bool {
        self.range.is_none_or(|(from, to)| from <= at && at <= to)
    }

    /// The polls of `task` that go on in the range or begin in it.
    #[must_use]
    pub fn polls<'a>(&self, recording: &'a Recording, task: TaskIx) -> &'a [PollIx] {
        let polls = recording.polls_of(task);
        let Some((from, to)) = self.range else {
            return polls;
        };
        let mut first = polls.partition_point(|poll| recording.poll_start(*poll) < from);
        if first
            .checked_sub(1)
            .is_some_and(|before| recording.poll(polls[before]).end() > from)
        {
            first -= 1;
        }
        let end = polls.partition_point(|poll| recording.poll_start(*poll) <= to);
        polls.get(first..end).unwrap_or_default()
    }

    /// The wakes of `task` in the range.
    fn wakes<'a>(&self, recording: &'a Recording, task: TaskIx) -> &'a [WakeIx] {
        let wakes = recording.wakes_of(task);
        let Some((from, to)) = self.range else {
            return wakes;
        };
        let first = wakes.partition_point(|wake| recording.wake_at(*wake) < from);
        let end = wakes.partition_point(|wake| recording.wake_at(*wake) <= to);
        wakes.get(first..end).unwrap_or_default()
    }

    /// What `task` did in the range.
    #[must_use]
    pub fn totals(&self, recording: &Recording, task: TaskIx) -> Totals {
        let Some((from, to)) = self.range else {
            return recording.totals(task);
        };
        recording.totals_between(task, from, to)
    }
}

/// A filter bound to one recording: each of its strings was compared once. It may be shared between threads.
#[derive(Clone, Debug)]
pub struct Filter {
    plan: Expr,
}

impl Filter {
    pub(super) fn new(plan: &Expr, recording: &Recording) -> Self {
        Self {
            plan: bound(plan, recording),
        }
    }

    /// Whether `task` of the recording that it was bound to matches.
    #[must_use]
    pub fn matches(&self, recording: &Recording, task: TaskIx, scope: &Scope) -> bool {
        self.verdict(recording, task, scope) == Verdict::Yes
    }

    /// What it says of `task`.
    #[must_use]
    pub fn verdict(&self, recording: &Recording, task: TaskIx, scope: &Scope) -> Verdict {
        self::task(&self.plan, recording, task, scope)
    }

    /// Whether `poll` of the recording that it was bound to matches.
    #[must_use]
    pub fn matches_poll(&self, recording: &Recording, poll: PollIx, scope: &Scope) -> bool {
        self::poll(&self.plan, recording, poll, scope) == Verdict::Yes
    }
}

/// `plan` with names and locations compared with every string of `recording`.
fn bound(plan: &Expr, recording: &Recording) -> Expr {
    let all = |parts: &[Expr]| parts.iter().map(|part| bound(part, recording)).collect();
    match plan {
        Expr::Find(words) => {
            let fits = recording.strings().map(|text| text::contains(text, words));
            Expr::Found(fits.collect(), label::parse_id(words))
        }
        Expr::Is(Predicate { field, op, value })
            if matches!(field.id, FieldId::Name | FieldId::Location)
                && matches!(value, Value::Text(_) | Value::Glob(_)) =>
        {
            let fits = recording.strings().map(|text| fits(*op, value, text));
            Expr::Is(Predicate {
                field,
                op: if op.is_negative() { Op::Ne } else { Op::Eq },
                value: Value::Among(fits.collect()),
            })
        }
        Expr::Is(_) | Expr::Found(..) => plan.clone(),
        Expr::Not(inner) => Expr::Not(Box::new(bound(inner, recording))),
        Expr::Poll(inner) => Expr::Poll(Box::new(bound(inner, recording))),
        Expr::And(parts) => Expr::And(all(parts)),
        Expr::Or(parts) => Expr::Or(all(parts)),
    }
}

/// What a plan says of a task.
pub(super) fn task(plan: &Expr, recording: &Recording, of: TaskIx, scope: &Scope) -> Verdict {
    match plan {
        Expr::Is(predicate) if predicate.field.entity == Entity::Poll => {
            let is = |poll| poll_is(predicate, recording, poll);
            if predicate.op.is_negative() {
                // Not on worker 0 means: no poll of it was.
                !any_poll(recording, of, scope, |poll| !is(poll))
            } else {
                any_poll(recording, of, scope, is)
            }
        }
        Expr::Is(predicate) => task_is(predicate, recording, of, scope),
        Expr::Poll(inner) => any_poll(recording, of, scope, |poll| {
            self::poll(inner, recording, poll, scope)
        }),
        Expr::Not(inner) => !task(inner, recording, of, scope),
        Expr::And(parts) => all(parts, |part| task(part, recording, of, scope)),
        Expr::Or(parts) => any(parts, |part| task(part, recording, of, scope)),
        Expr::Find(_) | Expr::Found(..) => found(plan, recording, of),
    }
}

/// What a plan says of a poll and of its task.
pub(super) fn poll(plan: &Expr, recording: &Recording, of: PollIx, scope: &Scope) -> Verdict {
    match plan {
        Expr::Is(predicate) if predicate.field.entity == Entity::Poll => {
            poll_is(predicate, recording, of)
        }
        Expr::Is(_) | Expr::Find(_) | Expr::Found(..) => {
            task(plan, recording, recording.poll(of).task, scope)
        }
        Expr::Poll(inner) => poll(inner, recording, of, scope),
        Expr::Not(inner) => !poll(inner, recording, of, scope),
        Expr::And(parts) => all(parts, |part| poll(part, recording, of, scope)),
        Expr::Or(parts) => any(parts, |part| poll(part, recording, of, scope)),
    }
}

/// The least of what `of` says of `parts`; what is dear is not asked once it is decided.
fn all<T>(parts: impl IntoIterator<Item = T>, mut of: impl FnMut(T) -> Verdict) -> Verdict {
    let mut least = Verdict::Yes;
    for part in parts {
        least = least.min(of(part));
        if least == Verdict::No {
            break;
        }
    }
    least
}

/// The most of what `of` says of `parts`.
fn any<T>(parts: impl IntoIterator<Item = T>, mut of: impl FnMut(T) -> Verdict) -> Verdict {
    !all(parts, |part| !of(part))
}

/// Whether something is true of any poll that is known. Polls of which it is unknown only count where it is so of all.
fn any_poll(
    recording: &Recording,
    task: TaskIx,
    scope: &Scope,
    mut of: impl FnMut(PollIx) -> Verdict,
) -> Verdict {
    let (mut no, mut unknown) = (false, false);
    for poll in scope.polls(recording, task) {
        match of(*poll) {
            Verdict::Yes => return Verdict::Yes,
            Verdict::No => no = true,
            Verdict::Unknown => unknown = true,
        }
    }
    if unknown && !no {
        Verdict::Unknown
    } else {
        Verdict::No
    }
}

fn found(plan: &Expr, recording: &Recording, of: TaskIx) -> Verdict {
    let facts = recording.task(of);
    let yes = match plan {
        Expr::Found(fits, id) => {
            *id == Some(facts.id)
                || [facts.name, facts.location]
                    .iter()
                    .any(|text| text.is_some() && among(fits, *text))
        }
        Expr::Find(words) => {
            label::parse_id(words) == Some(facts.id)
                || [facts.name, facts.location]
                    .iter()
                    .any(|text| text.is_some() && text::contains(recording.str(*text), words))
        }
        _ => false,
    };
    yes.into()
}

fn among(fits: &[bool], text: StrId) -> bool {
    fits.get(text.index()).copied().unwrap_or(false)
}

/// What is known of something that may not be there.
pub(super) enum Known<T> {
    /// It was not recorded.
    Unknown,
    /// It is known that there is none.
    Nothing,
    Is(T),
}

impl<T> Known<T> {
    /// One that was not recorded where it is missing.
    fn seen(value: Option<T>) -> Self {
        value.map_or(Self::Unknown, Self::Is)
    }

    /// One that is not there where it is missing.
    fn there(value: Option<T>) -> Self {
        value.map_or(Self::Nothing, Self::Is)
    }

    /// What `predicate` says of it; `matches` tells whether a value that is there is the one that is asked for.
    pub(super) fn verdict(self, predicate: &Predicate, matches: impl FnOnce(T) -> bool) -> Verdict {
        let yes = match (self, &predicate.value) {
            (Self::Unknown, Value::Unknown) => Verdict::Yes,
            (_, Value::Unknown) => Verdict::No,
            (Self::Unknown, _) => Verdict::Unknown,
            (Self::Nothing, Value::Nothing) => Verdict::Yes,
            (Self::Nothing, _) | (Self::Is(_), Value::Nothing) => Verdict::No,
            (Self::Is(value), _) => matches(value).into(),
        };
        if predicate.op.is_negative() {
            !yes
        } else {
            yes
        }
    }
}

/// Whether `number` is what `predicate` asks for; its negation is the caller's.
fn compares(predicate: &Predicate, number: i128) -> bool {
    let Value::Number(value) = predicate.value else {
        return false;
    };
    match predicate.op {
        Op::Lt => number < value,
        Op::Le => number <= value,
        Op::Gt => number > value,
        Op::Ge => number >= value,
        Op::Eq | Op::Ne | Op::Has | Op::Lacks => number == value,
    }
}

/// Whether `text` is what a comparison by `op` with `value` asks for; its negation is the caller's.
fn fits(op: Op, value: &Value, text: &str) -> bool {
    match value {
        Value::Text(part) if matches!(op, Op::Has | Op::Lacks) => text::contains(text, part),
        // A place is meant with its column or without.
        Value::Text(whole) => whole == text || whole == label::place(text),
        Value::Glob(pattern) => {
            text::glob(pattern, text) || text::glob(pattern, label::place(text))
        }
        _ => false,
    }
}

fn number(predicate: &Predicate, known: Known<impl Into<i128>>) -> Verdict {
    known.verdict(predicate, |value| compares(predicate, value.into()))
}

fn word(predicate: &Predicate, known: Known<&str>) -> Verdict {
    known.verdict(predicate, |word| {
        predicate.value == Value::Word(word_of(predicate, word))
    })
}

/// The field's own word that reads as `word`.
fn word_of(predicate: &Predicate, word: &str) -> &'static str {
    match predicate.value {
        Value::Word(wanted) if wanted == word => wanted,
        _ => "",
    }
}

/// Whether any of `texts` is what is asked for.
pub(super) fn texts<'a>(predicate: &Predicate, mut texts: impl Iterator<Item = &'a str>) -> bool {
    texts.any(|text| fits(predicate.op, &predicate.value, text))
}

fn string(predicate: &Predicate, recording: &Recording, known: Known<StrId>) -> Verdict {
    known.verdict(predicate, |text| match &predicate.value {
        Value::Among(fits) => among(fits, text),
        value => fits(predicate.op, value, recording.str(text)),
    })
}

/// A comparison of a field of polls with one poll.
fn poll_is(predicate: &Predicate, recording: &Recording, poll: PollIx) -> Verdict {
    let row = || recording.poll(poll);
    match predicate.field.id {
        FieldId::Delay => number(predicate, Known::seen(recording.delay(poll))),
        FieldId::Duration => number(predicate, Known::Is(recording.poll_duration(poll))),
        FieldId::Start => number(predicate, Known::Is(recording.poll_start(poll))),
        FieldId::Worker => {
            // A thread that is no worker has no number.
            number(predicate, Known::there(recording.worker_of(row().lane)))
        }
        FieldId::Thread => {
            let facts = recording.thread(row().thread);
            let (id, name) = (facts.id.to_string(), recording.str(facts.name));
            let both = [id.as_str(), name]
                .into_iter()
                .filter(|text| !text.is_empty());
            Known::Is(()).verdict(predicate, |()| texts(predicate, both))
        }
        _ => {
            let outcome = match row().outcome {
                Outcome::StillRunning => "still-running",
                outcome => outcome.name(),
            };
            word(predicate, Known::Is(outcome))
        }
    }
}

/// A comparison of a field of tasks with one task.
fn task_is(predicate: &Predicate, recording: &Recording, task: TaskIx, scope: &Scope) -> Verdict {
    let facts = recording.task(task);
    match predicate.field.id {
        FieldId::Id => number(predicate, Known::Is(facts.id)),
        FieldId::Name => {
            let name = facts.name.is_some().then_some(facts.name);
            string(predicate, recording, Known::there(name))
        }
        FieldId::Location => {
            let location = facts.location.is_some().then_some(facts.location);
            string(predicate, recording, Known::seen(location))
        }
        FieldId::Kind => word(predicate, Known::Is(kind(facts.kind))),
        FieldId::Runtime => {
            let runtime = facts.runtime.map(|runtime| recording.runtime(runtime));
            Known::seen(runtime).verdict(predicate, |runtime| {
                let (id, name) = (runtime.id.to_string(), recording.str(runtime.name));
                texts(
                    predicate,
                    [id.as_str(), name]
                        .into_iter()
                        .filter(|text| !text.is_empty()),
                )
            })
        }
        FieldId::Size => number(predicate, Known::seen(facts.size)),
        FieldId::Spawned => number(predicate, Known::seen(facts.spawned_at())),
        FieldId::SpawnedBy => {
            parent(facts).verdict(predicate, |parent| is_called(predicate, recording, parent))
        }
        FieldId::Children => number(
            predicate,
            Known::Is(recording.children_of(task).len() as u64),
        ),
        FieldId::Ended => number(predicate, Known::there(facts.ended_at())),
        FieldId::End => word(predicate, Known::there(facts.end().map(end))),
        FieldId::Alive => {
            let alive = alive_at(recording, task, scope.at);
            word(predicate, Known::Is(if alive { "yes" } else { "no" }))
        }
        FieldId::State | FieldId::Age | FieldId::Idle | FieldId::Ready | FieldId::Wait => {
            at_cursor(predicate, recording, task, scope.at)
        }
        FieldId::WaitedOn => waiting::waited_on(predicate, recording, task, scope),
        FieldId::WokenBy => woken_by(predicate, recording, task, scope),
        FieldId::DelayP50 | FieldId::DelayP99 | FieldId::DelayMax => {
            delay(predicate, recording, task, scope)
        }
        _ => total(predicate, recording, task, scope),
    }
}

fn kind(kind: TaskKind) -> &'static str {
    match kind {
        TaskKind::Async => "async",
        TaskKind::Local => "local",
    }
}

fn end(end: End) -> &'static str {
    match end {
        End::Ended => "ended",
        End::Ready => "ready",
        End::Cancelled => "cancelled",
        End::Panicked => "panicked",
        End::Dropped => "dropped",
    }
}

/// Who spawned a task; one whose spawn was seen without a parent was spawned from outside.
fn parent(facts: &Task) -> Known<TaskIx> {
    match (facts.parent, facts.spawned_at()) {
        (Some(parent), _) => Known::Is(parent),
        (None, Some(_)) => Known::Nothing,
        (None, None) => Known::Unknown,
    }
}

/// Whether `task` has the id or the name that is asked for.
fn is_called(predicate: &Predicate, recording: &Recording, task: TaskIx) -> bool {
    let id = label::id(recording.task(task).id);
    texts(
        predicate,
        std::iter::once(id.as_str()).chain(recording.name(task)),
    )
}

fn at_cursor(predicate: &Predicate, recording: &Recording, task: TaskIx, at: Ns) -> Verdict {
    let facts = recording.task(task);
    if predicate.field.id == FieldId::Age {
        let Some(spawned) = facts.spawned_at() else {
            return number(predicate, Known::<Ns>::Unknown);
        };
        let age = facts.ended_at().unwrap_or(at).min(at) - spawned;
        return number(predicate, Known::there((age >= 0).then_some(age)));
    }
    let state = state_at(recording, task, at);
    match predicate.field.id {
        FieldId::Idle => {
            let known = match state {
                State::Idle { since, .. } => {
                    Known::seen(since.or(facts.spawned_at()).map(|since| at - since))
                }
                State::Unknown => Known::Unknown,
                _ => Known::Nothing,
            };
            number(predicate, known)
        }
        FieldId::Ready => {
            let known = match state {
                State::Runnable { since } => Known::Is(at - since),
                State::Unknown => Known::Unknown,
                _ => Known::Nothing,
            };
            number(predicate, known)
        }
        FieldId::Wait => waiting::waits_on(predicate, recording, task, at, state),
        _ => Known::Is(()).verdict(predicate, |()| match predicate.value {
            Value::Word("waiting") => waiting::waits(recording, task, at, state),
            Value::Word(word) => is_in_state(state, word),
            _ => false,
        }),
    }
}

/// Whether a state is what `word` means: a task that nobody can wake is idle, too.
fn is_in_state(state: State, word: &str) -> bool {
    match word {
        "not-yet-spawned" => state == State::NotYetSpawned,
        "idle" => matches!(state, State::Idle { .. }),
        word => state.name() == word,
    }
}

fn woken_by(predicate: &Predicate, recording: &Recording, task: TaskIx, scope: &Scope) -> Verdict {
    let rows = scope.wakes(recording, task);
    // Only the history may remember the latest.
    let folded = recording.folded(task).and_then(|folded| folded.last_wake);
    let folded = folded
        .filter(|wake| scope.holds(wake.at))
        .map(|wake| wake.waker);
    let known = if !rows.is_empty() || folded.is_some() {
        Known::Is(())
    } else if recording.task(task).wakes_recorded {
        Known::Nothing
    } else {
        Known::Unknown
    };
    let mut last = None;
    known.verdict(predicate, |()| {
        let rows = rows.iter().map(|wake| recording.wake(*wake).waker);
        rows.chain(folded).any(|waker| {
            // Whoever wakes a task does so again and again.
            last.replace(waker) != Some(waker) && is_waker(predicate, recording, waker)
        })
    })
}

fn is_waker(predicate: &Predicate, recording: &Recording, waker: Waker) -> bool {
    let one = |text: &str| texts(predicate, std::iter::once(text));
    let named = |kind: &str, thread| one(kind) || one(recording.str(recording.thread(thread).name));
    match waker {
        Waker::Task(task) => is_called(predicate, recording, task),
        Waker::Runtime => one("runtime"),
        Waker::Blocking(thread) => named("blocking", thread),
        Waker::Outside(thread) => named("outside", thread),
        Waker::Unknown => false,
    }
}

fn delay(predicate: &Predicate, recording: &Recording, task: TaskIx, scope: &Scope) -> Verdict {
    let delays = delays::delays(recording, task, scope.polls(recording, task));
    let value = match predicate.field.id {
        FieldId::DelayP50 => delays.median,
        FieldId::DelayP99 => delays.p99,
        _ => delays.longest,
    };
    let known = match value {
        None if scope.polls(recording, task).is_empty() => Known::Nothing,
        value => Known::seen(value),
    };
    number(predicate, known)
}

fn total(predicate: &Predicate, recording: &Recording, task: TaskIx, scope: &Scope) -> Verdict {
    let wakes = |count: fn(&Totals) -> u64| {
        let known = recording.task(task).wakes_recorded;
        Known::seen(known.then(|| count(&scope.totals(recording, task))))
    };
    let totals = || scope.totals(recording, task);
    match predicate.field.id {
        FieldId::Polls => number(predicate, Known::Is(totals().polls)),
        FieldId::Busy => number(predicate, Known::Is(totals().busy_ns)),
        FieldId::Longest => {
            let longest = totals().longest_ns;
            let any = longest > 0 || !scope.polls(recording, task).is_empty();
            number(predicate, Known::there(any.then_some(longest)))
        }
        FieldId::Wakes => number(predicate, wakes(|totals| totals.wakes)),
        FieldId::SelfWakes => number(predicate, wakes(|totals| totals.self_wakes)),
        _ => number(predicate, Known::Is(totals().waits)),
    }
}
