//! Random filters over random recordings, and an evaluator that is slow and obvious.

use proptest::prelude::*;

use super::super::{
    Basis, Entity, FIELDS, Field, FieldId, Query, Scope, Type,
    expr::{Expr, Op, Predicate, Value},
};
use crate::{
    analysis::{State, label, state_at},
    recording::{
        Ns, Outcome, PollIx, Recording, SpawnFacts, StrId, TaskFacts, TaskIx, TaskKind, WaitIx,
        WaitState, WakeIx, Waker, WakerKey,
        testing::{batch, builder, runtime, spawn},
    },
};

const END: Ns = 1_000;

/// Four tasks whose fields are told apart easily; 4 is seen by its polls alone.
pub(super) fn fixed() -> Recording {
    let mut builder = builder(END);
    runtime(&mut builder, 2);
    let [accept, flush, ledger] =
        ["accept loop", "flush", "ledger"].map(|name| builder.intern(name));
    let [main, db] = ["src/main.rs:3:5", "src/db.rs:7:9"].map(|place| builder.intern(place));
    let [orders, mark] = ["orders", "src/db.rs:70:1"].map(|text| builder.intern(text));
    let mut task = |id, spawn, wakes_recorded| {
        builder.task(TaskFacts {
            id,
            spawn,
            wakes_recorded,
            ended_at: None,
        });
    };
    let facts = |at, parent, name, location| SpawnFacts {
        parent,
        name,
        location,
        ..spawn(at)
    };
    task(
        1,
        SpawnFacts {
            size: Some(4_096),
            ..facts(0, None, accept, main)
        },
        true,
    );
    task(
        2,
        SpawnFacts {
            size: Some(64),
            ..facts(50, Some(1), flush, db)
        },
        true,
    );
    task(
        3,
        SpawnFacts {
            kind: TaskKind::Local,
            ..facts(60, Some(1), ledger, db)
        },
        true,
    );
    task(
        4,
        SpawnFacts {
            at: None,
            ..spawn(0)
        },
        false,
    );
    let mut w0 = batch(0);
    let mut w1 = batch(1);
    w0.wake(1, 10, WakerKey::Runtime);
    w0.poll(1, 12, 80, Outcome::Pending);
    w0.wake(2, 70, WakerKey::Task(1));
    w0.poll(2, 100, 150, Outcome::Pending);
    w0.wake(2, 160, WakerKey::Task(1));
    w1.poll(2, 163, 200, Outcome::Pending);
    w0.wake(2, 220, WakerKey::Task(1));
    w0.poll(3, 62, 64, Outcome::Pending);
    w0.wake(3, 295, WakerKey::Runtime);
    w0.poll(3, 299, 310, Outcome::Pending);
    w0.wait_begin(3, 1, 300, orders, mark);
    w0.poll(2, 225, 300, Outcome::Pending);
    w0.poll(4, 900, 950, Outcome::Panicked);
    w0.terminate(4, 950);
    for batch in [w0, w1] {
        builder.batch(batch);
    }
    builder.finish()
}

/// The ids of the tasks that match.
pub(super) fn ids(recording: &Recording, text: &str, at: Ns) -> Vec<u64> {
    let query = Query::parse(text).unwrap();
    let filter = query.bind(recording);
    let scope = Scope::at(at);
    let matching = recording.tasks().filter(|task| {
        let bound = filter.matches(recording, *task, &scope);
        assert_eq!(bound, query.matches(recording, *task, &scope), "{text}");
        bound
    });
    matching.map(|task| recording.task(task).id).collect()
}

const TEXTS: &[&str] = &[
    "a",
    "ab",
    "B a",
    "src/a.rs:1:2",
    "src/a.rs:1",
    "*",
    "none",
    "7",
    "runtime",
];

fn value(field: &'static Field, op: Op) -> BoxedStrategy<Value> {
    let number = match field.kind {
        Type::Id | Type::Count => 0..6i128,
        Type::Bytes => 0..4_000,
        _ => 0..300,
    };
    let value = match field.kind {
        Type::Word(words) => prop::sample::select(words).prop_map(Value::Word).boxed(),
        Type::Flag => prop::sample::select(vec!["yes", "no"])
            .prop_map(Value::Word)
            .boxed(),
        Type::Text | Type::Who => {
            let text = prop::sample::select(TEXTS).prop_map(|text| Value::Text(text.to_owned()));
            let glob = prop::sample::select(vec!["a*", "*a", "*", "*rs:1"]);
            let glob = glob.prop_map(|text| Value::Glob(text.to_owned()));
            if matches!(op, Op::Eq | Op::Ne) {
                prop_oneof![text, glob].boxed()
            } else {
                text.boxed()
            }
        }
        Type::Instant => (-300..1_000i128).prop_map(Value::Number).boxed(),
        _ => number.prop_map(Value::Number).boxed(),
    };
    if matches!(op, Op::Eq | Op::Ne)
        && !matches!(field.kind, Type::Word(words) if words.contains(&"unknown"))
    {
        prop_oneof![6 => value, 1 => Just(Value::Unknown), 1 => Just(Value::Nothing)].boxed()
    } else {
        value
    }
}

fn predicate() -> impl Strategy<Value = Expr> {
    let fields = prop::sample::select(FIELDS.iter().collect::<Vec<&'static Field>>());
    fields.prop_flat_map(|field| {
        let ops: Vec<Op> = Op::ALL
            .into_iter()
            .filter(|op| op.fits(field.kind))
            .collect();
        prop::sample::select(ops).prop_flat_map(move |op| {
            value(field, op).prop_map(move |value| Expr::Is(Predicate { field, op, value }))
        })
    })
}

/// A filter as the parser could have made it.
pub(super) fn expr() -> impl Strategy<Value = Expr> {
    let find = prop::sample::select(vec!["a", "B", "r1", "2", "state", "x y", "and"]);
    let leaf =
        prop_oneof![8 => predicate(), 1 => find.prop_map(|text| Expr::Find(text.to_owned()))];
    leaf.prop_recursive(4, 24, 4, |inner| {
        let some = prop::collection::vec(inner.clone(), 2..4);
        prop_oneof![
            inner.clone().prop_map(|inner| Expr::Not(Box::new(inner))),
            some.clone().prop_map(Expr::and),
            some.prop_map(Expr::or),
            inner
                .prop_filter("one poll at a time", |inner| !has_poll(inner))
                .prop_map(|inner| Expr::Poll(Box::new(inner))),
        ]
    })
}

fn has_poll(expr: &Expr) -> bool {
    match expr {
        Expr::Poll(_) => true,
        Expr::Not(inner) => has_poll(inner),
        Expr::And(parts) | Expr::Or(parts) => parts.iter().any(has_poll),
        _ => false,
    }
}

/// What happens to one task: gaps and lengths of polls, who wakes it, what it waits on.
#[derive(Clone, Debug)]
struct Life {
    name: usize,
    location: usize,
    spawned: Option<Ns>,
    parent: Option<u64>,
    size: Option<u32>,
    local: bool,
    wakes_recorded: bool,
    /// Gap before, length, worker, who wakes it in the gap, whether it waits in the poll.
    polls: Vec<(Ns, Ns, u32, u8, bool)>,
    ends: bool,
}

fn life() -> impl Strategy<Value = Life> {
    let polls = prop::collection::vec((1..120i64, 1..120i64, 0..2u32, 0..6u8, any::<bool>()), 0..6);
    let spawned = prop::option::weighted(0.8, -200..100i64);
    (
        (0..4usize, 0..4usize, spawned, prop::option::of(1..4u64)),
        (
            prop::option::of(1..4_000u32),
            any::<bool>(),
            prop::bool::weighted(0.8),
        ),
        (polls, any::<bool>()),
    )
        .prop_map(
            |((name, location, spawned, parent), (size, local, wakes_recorded), (polls, ends))| {
                Life {
                    name,
                    location,
                    spawned,
                    parent,
                    size,
                    local,
                    wakes_recorded,
                    polls,
                    ends,
                }
            },
        )
}

fn recording(lives: &[Life]) -> Recording {
    let mut builder = builder(END);
    runtime(&mut builder, 2);
    let names = ["", "a", "ab", "B a"].map(|text| builder.intern(text));
    let places = ["", "src/a.rs:1:2", "src/a.rs:10:2", "b.rs:1"].map(|text| builder.intern(text));
    let mut workers = [batch(0), batch(1)];
    let mut wait = 0;
    for (id, life) in (1..).zip(lives) {
        let spawn = SpawnFacts {
            at: life.spawned,
            parent: life.parent.filter(|parent| *parent < id),
            location: places[life.location],
            name: names[life.name],
            runtime: life.local.then_some(0),
            kind: if life.local {
                TaskKind::Local
            } else {
                TaskKind::Async
            },
            size: life.size,
        };
        builder.task(TaskFacts {
            id,
            spawn,
            wakes_recorded: life.wakes_recorded,
            ended_at: None,
        });
        let mut at = life.spawned.unwrap_or(-100).max(0);
        for (number, &(gap, length, worker, waker, waits)) in life.polls.iter().enumerate() {
            let waker = match waker {
                0 => Some(WakerKey::Runtime),
                1 => Some(WakerKey::Task(1)),
                2 => Some(WakerKey::Task(id)),
                3 => Some(WakerKey::Outside),
                _ => None,
            };
            let batch = &mut workers[worker as usize];
            if let Some(waker) = waker.filter(|_| life.wakes_recorded) {
                batch.wake(id, at + gap / 2, waker);
            }
            let last = number + 1 == life.polls.len();
            let outcome = if last && life.ends {
                Outcome::Ready
            } else {
                Outcome::Pending
            };
            batch.poll(id, at + gap, at + gap + length, outcome);
            if waits {
                wait += 1;
                batch.wait_begin(
                    id,
                    wait,
                    at + gap,
                    names[1 + number % 3],
                    places[1 + number % 3],
                );
                if number % 2 == 0 {
                    batch.wait_end(id, wait, at + gap + length, WaitState::Done);
                }
            }
            at += gap + length;
            if last && life.ends {
                batch.terminate(id, at);
            }
        }
    }
    for batch in workers {
        builder.batch(batch);
    }
    builder.finish()
}

/// What is known of a field: nothing at all, or every value that there is.
type Values = Option<Vec<Slow>>;

#[derive(Clone, Debug)]
enum Slow {
    Number(i128),
    Text(String),
}

fn numbers(values: impl IntoIterator<Item = impl Into<i128>>) -> Vec<Slow> {
    values
        .into_iter()
        .map(|value| Slow::Number(value.into()))
        .collect()
}

fn words(values: &[&str]) -> Vec<Slow> {
    values
        .iter()
        .filter(|text| !text.is_empty())
        .map(|text| Slow::Text((*text).to_owned()))
        .collect()
}

fn not(verdict: Option<bool>) -> Option<bool> {
    verdict.map(|yes| !yes)
}

/// Yes, no, or nobody knows: straight from the definitions.
fn slow(
    expr: &Expr,
    recording: &Recording,
    task: TaskIx,
    poll: Option<PollIx>,
    scope: &Scope,
) -> Option<bool> {
    match expr {
        Expr::Find(word) => {
            let facts = recording.task(task);
            let has = |id: StrId| {
                recording
                    .str(id)
                    .to_lowercase()
                    .contains(&word.to_lowercase())
            };
            Some(has(facts.name) || has(facts.location) || label::id(facts.id) == *word)
        }
        Expr::Found(..) => unreachable!("no filter is written so"),
        Expr::Not(inner) => not(slow(inner, recording, task, poll, scope)),
        Expr::And(parts) => {
            let parts: Vec<_> = parts
                .iter()
                .map(|part| slow(part, recording, task, poll, scope))
                .collect();
            if parts.contains(&Some(false)) {
                Some(false)
            } else {
                (!parts.contains(&None)).then_some(true)
            }
        }
        Expr::Or(parts) => {
            let parts: Vec<_> = parts
                .iter()
                .map(|part| slow(part, recording, task, poll, scope))
                .collect();
            if parts.contains(&Some(true)) {
                Some(true)
            } else {
                (!parts.contains(&None)).then_some(false)
            }
        }
        Expr::Poll(inner) if poll.is_none() => {
            let polls = polls(recording, task, scope);
            some(
                polls
                    .iter()
                    .map(|poll| slow(inner, recording, task, Some(*poll), scope)),
            )
        }
        Expr::Poll(inner) => slow(inner, recording, task, poll, scope),
        Expr::Is(predicate) => {
            let positive = match predicate.op {
                Op::Ne => Op::Eq,
                Op::Lacks => Op::Has,
                op => op,
            };
            let yes = match (predicate.field.entity, poll) {
                (Entity::Poll, Some(poll)) => is(
                    predicate,
                    positive,
                    of_poll(predicate.field.id, recording, poll),
                ),
                (Entity::Poll, None) => {
                    let polls = polls(recording, task, scope);
                    some(polls.iter().map(|poll| {
                        is(
                            predicate,
                            positive,
                            of_poll(predicate.field.id, recording, *poll),
                        )
                    }))
                }
                (Entity::Task, _) => is(
                    predicate,
                    positive,
                    of_task(predicate.field.id, recording, task, scope),
                ),
            };
            if positive == predicate.op {
                yes
            } else {
                not(yes)
            }
        }
    }
}

/// True of one is true; unknown of all is unknown.
fn some(verdicts: impl Iterator<Item = Option<bool>>) -> Option<bool> {
    let verdicts: Vec<_> = verdicts.collect();
    if verdicts.contains(&Some(true)) {
        Some(true)
    } else if verdicts.contains(&Some(false)) || verdicts.is_empty() {
        Some(false)
    } else {
        None
    }
}

fn is(predicate: &Predicate, op: Op, values: Values) -> Option<bool> {
    match (&predicate.value, values) {
        (Value::Unknown, values) => Some(values.is_none()),
        (_, None) => None,
        (Value::Nothing, Some(values)) => Some(values.is_empty()),
        (value, Some(values)) => Some(values.iter().any(|one| one_is(op, one, value))),
    }
}

fn one_is(op: Op, one: &Slow, value: &Value) -> bool {
    let short = |text: &str| label::place(text).to_owned();
    match (one, value) {
        (Slow::Number(one), Value::Number(value)) => match op {
            Op::Lt => one < value,
            Op::Le => one <= value,
            Op::Gt => one > value,
            Op::Ge => one >= value,
            _ => one == value,
        },
        (Slow::Text(one), Value::Word(value)) => one == value,
        (Slow::Text(one), Value::Text(value)) if op == Op::Has => {
            one.to_lowercase().contains(&value.to_lowercase())
        }
        (Slow::Text(one), Value::Text(value)) => one == value || short(one) == *value,
        (Slow::Text(one), Value::Glob(value)) => {
            super::super::text::glob(value, one) || super::super::text::glob(value, &short(one))
        }
        _ => false,
    }
}

fn polls(recording: &Recording, task: TaskIx, scope: &Scope) -> Vec<PollIx> {
    let (from, to) = scope.range.unwrap_or((Ns::MIN, Ns::MAX));
    let all = (0..recording.poll_count()).map(PollIx::new);
    all.filter(|poll| {
        let row = recording.poll(*poll);
        row.task == task && row.start <= to && (from <= row.start || from < row.end())
    })
    .collect()
}

fn of_poll(field: FieldId, recording: &Recording, poll: PollIx) -> Values {
    let row = recording.poll(poll);
    Some(match field {
        FieldId::Delay => numbers([row.delay?]),
        FieldId::Duration => numbers([row.duration]),
        FieldId::Start => numbers([row.start]),
        FieldId::Worker => numbers(recording.worker_of(row.lane)),
        FieldId::Thread => {
            let thread = recording.thread(row.thread);
            words(&[&thread.id.to_string(), recording.str(thread.name)])
        }
        _ => words(&[&row.outcome.name().replace(' ', "-")]),
    })
}

fn of_task(field: FieldId, recording: &Recording, task: TaskIx, scope: &Scope) -> Values {
    let facts = recording.task(task);
    let at = scope.at;
    let state = state_at(recording, task, at);
    let (from, to) = scope.range.unwrap_or((Ns::MIN, Ns::MAX));
    let polls = polls(recording, task, scope);
    let wakes: Vec<_> = (0..recording.wake_count())
        .map(|wake| recording.wake(WakeIx::new(wake)))
        .filter(|wake| wake.task == task && (from..=to).contains(&wake.at))
        .collect();
    let marks = |wait: crate::recording::Wait| {
        [wait.name, wait.location].map(|text| recording.str(text).to_owned())
    };
    let mark_words = |waits: Vec<[String; 2]>| {
        words(
            &waits
                .iter()
                .flatten()
                .map(String::as_str)
                .collect::<Vec<_>>(),
        )
    };
    Some(match field {
        FieldId::Id => numbers([facts.id]),
        FieldId::Name => words(&[recording.str(facts.name)]),
        FieldId::Location => words(&[recording.location(task)?]),
        FieldId::Kind => words(&[if facts.kind == TaskKind::Local {
            "local"
        } else {
            "async"
        }]),
        FieldId::Runtime => {
            let runtime = recording.runtime(facts.runtime?);
            words(&[&runtime.id.to_string(), recording.str(runtime.name)])
        }
        FieldId::Size => numbers([facts.size?]),
        FieldId::Spawned => numbers([facts.spawned_at()?]),
        FieldId::SpawnedBy => match facts.parent {
            Some(parent) => called(recording, parent),
            None => {
                facts.spawned_at()?;
                Vec::new()
            }
        },
        FieldId::Children => {
            let children = recording.tasks().filter(|child| {
                let child = recording.task(*child);
                child.parent == Some(task) && child.spawned_at().is_some()
            });
            numbers([children.count() as u64])
        }
        FieldId::Ended => numbers(facts.ended_at()),
        FieldId::End => facts
            .end()
            .map_or_else(Vec::new, |end| words(&[&format!("{end:?}").to_lowercase()])),
        FieldId::State => {
            let mut names = vec![state.name()];
            match state {
                State::NotYetSpawned => names = vec!["not-yet-spawned"],
                State::Idle { .. } => names.push("idle"),
                _ => {}
            }
            let mut mine = recording.waits_of(task).iter();
            let rests = matches!(state, State::Idle { .. } | State::Unknown);
            if rests && mine.any(|wait| recording.wait(*wait).covers(at)) {
                names.push("waiting");
            }
            words(&names)
        }
        FieldId::Alive => words(&[if state.is_alive() { "yes" } else { "no" }]),
        FieldId::Age => {
            let age = facts.ended_at().unwrap_or(at).min(at) - facts.spawned_at()?;
            numbers((age >= 0).then_some(age))
        }
        FieldId::Idle => match state {
            State::Idle { since, .. } => numbers([at - since.or(facts.spawned_at())?]),
            State::Unknown => return None,
            _ => Vec::new(),
        },
        FieldId::Ready => match state {
            State::Runnable { since } => numbers([at - since]),
            State::Unknown => return None,
            _ => Vec::new(),
        },
        FieldId::Wait => {
            if !matches!(state, State::Idle { .. } | State::Unknown) {
                return Some(Vec::new());
            }
            let open: Vec<_> = recording
                .waits_of(task)
                .iter()
                .map(|wait| recording.wait(*wait))
                .collect();
            let open = open.into_iter().filter(|wait| wait.covers(at)).map(marks);
            let open = mark_words(open.collect());
            if open.is_empty() && !recording.coverage().marks {
                return None;
            }
            open
        }
        FieldId::WaitedOn => {
            let all = (0..recording.wait_count()).map(|wait| recording.wait(WaitIx::new(wait)));
            let mine = all.filter(|wait| {
                wait.task == task
                    && wait.begin.unwrap_or(Ns::MIN) <= to
                    && from <= wait.end.unwrap_or(Ns::MAX)
            });
            let mine: Vec<_> = mine.map(marks).collect();
            if mine.is_empty() && !recording.coverage().marks {
                return None;
            }
            mark_words(mine)
        }
        FieldId::WokenBy => {
            if wakes.is_empty() && !facts.wakes_recorded {
                return None;
            }
            let who = wakes.iter().flat_map(|wake| match wake.waker {
                Waker::Task(task) => called(recording, task),
                Waker::Runtime => words(&["runtime"]),
                Waker::Outside(thread) => {
                    words(&["outside", recording.str(recording.thread(thread).name)])
                }
                Waker::Blocking(thread) => {
                    words(&["blocking", recording.str(recording.thread(thread).name)])
                }
                Waker::Unknown => Vec::new(),
            });
            who.collect()
        }
        FieldId::DelayP50 | FieldId::DelayP99 | FieldId::DelayMax => {
            let wakes = recording.task(task).wakes_recorded;
            let mut delays: Vec<Ns> = polls
                .iter()
                .filter_map(|poll| recording.poll(*poll).delay.filter(|_| wakes))
                .collect();
            delays.sort_unstable();
            if polls.is_empty() {
                return Some(Vec::new());
            }
            let rank = match field {
                FieldId::DelayP50 => delays.len().div_ceil(2),
                FieldId::DelayP99 => (delays.len() * 99).div_ceil(100),
                _ => delays.len(),
            };
            numbers([*delays.get(rank.checked_sub(1)?)?])
        }
        FieldId::Polls => numbers([polls.len() as u64]),
        FieldId::Busy => numbers([polls
            .iter()
            .map(|poll| {
                let row = recording.poll(*poll);
                row.end().min(to) - row.start.max(from)
            })
            .sum::<Ns>()]),
        FieldId::Longest => numbers(
            polls
                .iter()
                .map(|poll| recording.poll(*poll).duration)
                .max(),
        ),
        FieldId::Wakes => numbers(facts.wakes_recorded.then_some([wakes.len() as u64])?),
        FieldId::SelfWakes => {
            let own = wakes
                .iter()
                .filter(|wake| wake.waker == Waker::Task(task))
                .count() as u64;
            numbers(facts.wakes_recorded.then_some([own])?)
        }
        _ => {
            let all = (0..recording.wait_count()).map(|wait| recording.wait(WaitIx::new(wait)));
            let begun = all.filter(|wait| {
                wait.task == task && wait.begin.is_some_and(|at| (from..=to).contains(&at))
            });
            numbers([begun.count() as u64])
        }
    })
}

fn called(recording: &Recording, task: TaskIx) -> Vec<Slow> {
    let facts = recording.task(task);
    words(&[&label::id(facts.id), recording.str(facts.name)])
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(2_000))]

    #[test]
    fn what_is_written_means_the_same(expr in expr()) {
        let text = expr.to_string();
        let parsed = Query::parse(&text);
        prop_assert_eq!(parsed.as_ref().map(|query| &query.expr), Ok(&expr), "{}", text);
    }

    #[test]
    fn the_evaluator_agrees_with_a_slow_one(
        lives in prop::collection::vec(life(), 1..5),
        exprs in prop::collection::vec(expr(), 6),
        at in -50..1_000i64,
        range in prop::option::of((0..600i64, 0..400i64)),
    ) {
        let recording = recording(&lives);
        let scope = Scope { at, range: range.map(|(from, length)| (from, from + length)) };
        for expr in exprs {
            let query = Query::new(expr.clone());
            let filter = query.bind(&recording);
            let moves = query.moves_with_cursor();
            prop_assert_eq!(moves, expr.any(&mut |field| field.basis == Basis::Cursor));
            for task in recording.tasks() {
                let wanted = slow(&expr, &recording, task, None, &scope) == Some(true);
                prop_assert_eq!(query.matches(&recording, task, &scope), wanted, "{} of {:?}", expr, recording.task(task));
                prop_assert_eq!(filter.matches(&recording, task, &scope), wanted, "{} bound", expr);
            }
            for poll in (0..recording.poll_count()).map(PollIx::new) {
                let task = recording.poll(poll).task;
                let wanted = slow(&expr, &recording, task, Some(poll), &scope) == Some(true);
                prop_assert_eq!(filter.matches_poll(&recording, poll, &scope), wanted, "{} of a poll", expr);
                prop_assert_eq!(query.matches_poll(&recording, poll, &scope), wanted);
            }
        }
    }
}
