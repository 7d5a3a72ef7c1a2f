//! What piled up at the cursor: the tasks that were ready and not polled, and those that a blind interval made late.

use std::sync::Arc;

use crate::{
    analysis::{
        Blind,
        blind::{Late, late_after},
    },
    explorer::{text::plural, view::View, wording},
    recording::{Curve, LaneIx, Ns, PollIx, Recording, RuntimeIx, TaskIx, time::duration},
};

/// Polls after the cursor that are looked at: whoever was ready at it was polled soon, or stands in line behind many.
const LOOKED_AT: usize = 2_000;

/// What is kept for drawing.
#[derive(Debug, Default)]
pub(super) struct Cache {
    ready_at: Option<Ns>,
    /// Since when they were ready, the longest first.
    ready: Vec<(Ns, TaskIx)>,
    late_for: Option<(RuntimeIx, Ns)>,
    late: Vec<Late>,
}

/// Makes the tasks be those of the cursor, and of the blind interval that goes on there.
pub(super) fn settle(view: &mut View, lane: LaneIx) {
    let opened = Arc::clone(&view.opened);
    let recording = &opened.recording;
    let cursor = view.place.cursor;
    let cache = &mut view.scheduler.piled;
    if cache.ready_at != Some(cursor) {
        cache.ready = ready(recording, cursor);
        cache.ready_at = Some(cursor);
    }
    let runtime = (lane.index() < recording.lanes().len())
        .then(|| recording.runtime_of(lane))
        .flatten();
    let interval = opened.facts.blind_interval(runtime, cursor);
    let key = runtime.zip(interval.map(|(start, _)| start));
    if cache.late_for != key {
        cache.late = match (runtime, interval) {
            (Some(runtime), Some((start, end))) => late_after(
                recording,
                &Blind {
                    runtime,
                    start,
                    end,
                    open: end >= recording.window().end,
                    polls: Vec::new(),
                },
            ),
            _ => Vec::new(),
        };
        cache.late_for = key;
    }
}

/// The tasks that were ready at `at` and polled later.
fn ready(recording: &Recording, at: Ns) -> Vec<(Ns, TaskIx)> {
    let first = recording.polls_from(at.saturating_add(1)).index();
    let last = recording.poll_count().min(first + LOOKED_AT);
    let mut ready: Vec<(Ns, TaskIx)> = (first..last)
        .map(PollIx::new)
        .filter_map(|poll| {
            let since = recording.poll_start(poll) - recording.delay(poll)?;
            (since <= at).then(|| (since, recording.poll(poll).task))
        })
        .collect();
    ready.sort_unstable();
    ready
}

/// Tasks that are named in a sentence.
const NAMED: usize = 3;

/// `8 tasks are ready and not polled: 15 connection for 2.1 µs, 3 store for 0.9 µs, ...`.
pub(super) fn ready_sentence(view: &View) -> Option<String> {
    let recording = &view.opened.recording;
    let (cache, cursor) = (&view.scheduler.piled, view.place.cursor);
    let known = cache.ready.len() as u64;
    let count = recording.curve_at(Curve::Runnable, cursor);
    let count = count.map_or(known, |count| count.unsigned_abs().max(known));
    if count == 0 {
        return None;
    }
    let named = cache.ready.iter().take(NAMED).map(|(since, task)| {
        let ready = duration(cursor.saturating_sub(*since));
        format!("{} for {ready}", wording::task(recording, *task))
    });
    let are = if count == 1 { "is" } else { "are" };
    Some(format!(
        "{} {are} ready and not polled{}",
        plural(count, "task"),
        list(named, count)
    ))
}

/// `8 tasks were woken only after it, up to 80.1 ms late: 11 connection, 12 connection, ...`.
pub(super) fn late_sentence(view: &View) -> Option<String> {
    let recording = &view.opened.recording;
    let late = &view.scheduler.piled.late;
    let most = late.first()?.at_most;
    let count = late.len() as u64;
    let named = late
        .iter()
        .take(NAMED)
        .map(|late| wording::task(recording, late.task));
    let were = if count == 1 { "was" } else { "were" };
    Some(format!(
        "{} {were} woken only after it, up to {} late{}",
        plural(count, "task"),
        duration(most),
        list(named, count)
    ))
}

fn list(named: impl Iterator<Item = String>, count: u64) -> String {
    let named: Vec<String> = named.collect();
    if named.is_empty() {
        return String::new();
    }
    let more = if count > named.len() as u64 {
        ", ..."
    } else {
        ""
    };
    format!(": {}{more}", named.join(", "))
}
