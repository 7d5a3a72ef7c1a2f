//! Random filters, and random recordings to ask them of.

use proptest::prelude::*;

use super::{
    super::{
        FIELDS, Field, Type,
        expr::{Expr, Op, Predicate, Value},
    },
    few::END,
};
use crate::recording::{
    Ns, Outcome, Recording, SpawnFacts, TaskFacts, TaskKind, WaitState, WakerKey,
    testing::{batch, builder, runtime},
};

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
pub(super) struct Life {
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

pub(super) fn life() -> impl Strategy<Value = Life> {
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

pub(super) fn recording(lives: &[Life]) -> Recording {
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
