//! Comparisons with what a task waits on: marks, and the code in which a task dump saw it suspended.

use super::{
    Scope, Verdict,
    eval::{Known, texts},
    expr::Predicate,
};
use crate::{
    analysis::{State, sites, stacks},
    recording::{Ns, Recording, TaskIx, WaitIx},
};

/// What it waits on at the cursor, where it was in `state`.
pub(super) fn waits_on(
    predicate: &Predicate,
    recording: &Recording,
    task: TaskIx,
    at: Ns,
    state: State,
) -> Verdict {
    if !matches!(state, State::Idle { .. } | State::Unknown) {
        return Known::<()>::Nothing.verdict(predicate, |()| false);
    }
    let open = recording.open_waits(task, at);
    let site = if open.is_empty() {
        suspended_in(recording, task, at)
    } else {
        Vec::new()
    };
    let known = match (
        open.is_empty() && site.is_empty(),
        recording.coverage().marks,
    ) {
        (false, _) => Known::Is(()),
        (true, true) => Known::Nothing,
        (true, false) => Known::Unknown,
    };
    known.verdict(predicate, |()| {
        texts(predicate, site.iter().map(String::as_str))
            || open.iter().any(|wait| is_mark(predicate, recording, *wait))
    })
}

/// Whether it is known what it waits on: a mark says so, or a task dump saw where it was suspended.
pub(super) fn waits(recording: &Recording, task: TaskIx, at: Ns, state: State) -> bool {
    let holds = |site| recording.site_holds(site, at);
    matches!(state, State::Idle { .. } | State::Unknown)
        && (!recording.open_waits(task, at).is_empty()
            || recording.await_site_at(task, at).is_some_and(holds))
}

/// The functions and places of the stack in which a task was suspended, where a task dump saw it.
fn suspended_in(recording: &Recording, task: TaskIx, at: Ns) -> Vec<String> {
    let site = recording.await_site_at(task, at);
    let Some(site) = site.filter(|site| recording.site_holds(*site, at)) else {
        return Vec::new();
    };
    let stack = recording.await_site(site).stack;
    let frames = recording.stack(stack).iter();
    let words = |frame| {
        [
            stacks::function(recording, frame),
            stacks::place(recording, frame),
        ]
    };
    let mut texts: Vec<String> = frames
        .flat_map(|frame| words(*frame))
        .filter(|text| !text.is_empty())
        .collect();
    texts.extend(sites::site(recording, stack).map(|site| site.what));
    texts
}

/// Any of the marks that it waited on in the range.
pub(super) fn waited_on(
    predicate: &Predicate,
    recording: &Recording,
    task: TaskIx,
    scope: &Scope,
) -> Verdict {
    let mut waits = recording.waits_of(task).iter().copied().filter(|wait| {
        let wait = recording.wait(*wait);
        let Some((from, to)) = scope.range else {
            return true;
        };
        wait.begin.is_none_or(|begin| begin <= to) && wait.end.is_none_or(|end| from <= end)
    });
    let first = waits.next();
    let known = match first {
        Some(first) => Known::Is(std::iter::once(first).chain(waits)),
        None if recording.coverage().marks => Known::Nothing,
        None => Known::Unknown,
    };
    known.verdict(predicate, |mut waits| {
        waits.any(|wait| is_mark(predicate, recording, wait))
    })
}

fn is_mark(predicate: &Predicate, recording: &Recording, wait: WaitIx) -> bool {
    let wait = recording.wait(wait);
    let both = [wait.name, wait.location].map(|text| recording.str(text));
    texts(predicate, both.into_iter().filter(|text| !text.is_empty()))
}
