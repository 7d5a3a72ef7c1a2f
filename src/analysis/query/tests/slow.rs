//! An evaluator that is slow and obvious: straight from what the fields are said to mean.

use super::super::{
    Entity, FieldId, Scope,
    expr::{Expr, Op, Predicate, Value},
};
use crate::{
    analysis::{State, label, state_at},
    recording::{Ns, PollIx, Recording, StrId, TaskIx, TaskKind, WaitIx, WakeIx, Waker},
};

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
pub(super) fn slow(
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
