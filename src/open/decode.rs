//! Event chunks to batches, on several threads.

use std::{
    collections::HashMap,
    sync::atomic::{AtomicUsize, Ordering::Relaxed},
    thread,
};

use dial9_format::{Event, EventChunk, PollOutcome, TaskKind as FormatKind, WaitOutcome, Waker};

use super::{OpenError, Progress, select::Part};
use crate::recording::{
    Batch, Loss, LossKind, Ns, Outcome, SeatKey, SpawnFacts, StrId, TaskKind, WaitState, WakerKey,
};

/// Events that one thread decodes into one batch.
const UNIT: u64 = 1 << 16;
/// The most rows for which room is made beforehand: a chunk may claim more than it holds.
const MOST_RESERVED: usize = 2 << 16;
/// The most threads that decode.
const MOST_THREADS: usize = 8;

/// Turns a file's times into those of the recording.
#[derive(Clone, Copy, Debug)]
pub(super) struct Clock {
    /// What to add.
    pub(super) offset: i64,
}

impl Clock {
    /// Times beyond 36 years are nonsense, and sums of what is left do not overflow.
    const LIMIT: i64 = 1 << 60;

    pub(super) fn ns(self, time: u64) -> Ns {
        let time = i64::try_from(time).unwrap_or(i64::MAX).min(Self::LIMIT);
        time.saturating_add(self.offset)
            .clamp(-Self::LIMIT, Self::LIMIT)
    }
}

/// The strings of one file, by its own ids.
#[derive(Debug, Default)]
pub(super) struct FileStrings(pub(super) HashMap<u32, StrId>);

impl FileStrings {
    /// The string of that id; none where it is 0, or where the file lost it.
    pub(super) fn get(&self, id: u32) -> StrId {
        self.0.get(&id).copied().unwrap_or(StrId::NONE)
    }
}

/// A chunk with what is needed to read it.
pub(super) struct Located<'a> {
    pub(super) chunk: EventChunk<'a>,
    pub(super) file: usize,
}

/// A file's clock and strings.
pub(super) struct Context {
    pub(super) clock: Clock,
    pub(super) strings: FileStrings,
}

/// Decodes `parts`. Batches come in the order of the parts; a chunk that breaks off is a loss.
pub(super) fn decode(
    chunks: &[Located<'_>],
    parts: &[Part],
    contexts: &[Context],
    progress: &Progress,
) -> Result<(Vec<Batch>, Vec<Loss>), OpenError> {
    let units = units(parts);
    let next = AtomicUsize::new(0);
    let threads = thread::available_parallelism()
        .map_or(1, usize::from)
        .min(MOST_THREADS)
        .min(units.len().max(1));
    let work = || {
        let mut done: Vec<(usize, Batch, Vec<Loss>)> = Vec::new();
        while progress.check().is_ok() {
            let number = next.fetch_add(1, Relaxed);
            let Some(unit) = units.get(number) else { break };
            let mut losses = Vec::new();
            let batch = decode_unit(chunks, unit, contexts, &mut losses);
            progress.decoded(batch.events());
            progress.advance(unit.iter().map(|part| part.take).sum());
            done.push((number, batch, losses));
        }
        done
    };
    let mut done = thread::scope(|scope| {
        let others: Vec<_> = (1..threads).map(|_| scope.spawn(work)).collect();
        let mut done = work();
        for other in others {
            match other.join() {
                Ok(more) => done.extend(more),
                Err(panic) => std::panic::resume_unwind(panic),
            }
        }
        done
    });
    progress.check()?;
    done.sort_by_key(|(number, ..)| *number);
    let mut batches = Vec::with_capacity(done.len());
    let mut losses = Vec::new();
    for (_, batch, lost) in done {
        batches.push(batch);
        losses.extend(lost);
    }
    Ok((batches, losses))
}

/// Consecutive parts of one stream, some [`UNIT`] events each.
fn units(parts: &[Part]) -> Vec<&[Part]> {
    let mut units = Vec::new();
    let mut first = 0;
    let mut events = 0u64;
    for (number, part) in parts.iter().enumerate() {
        if number > first && (parts[first].stream != part.stream || events >= UNIT) {
            units.push(&parts[first..number]);
            (first, events) = (number, 0);
        }
        events = events.saturating_add(part.take);
    }
    if first < parts.len() {
        units.push(&parts[first..]);
    }
    units
}

fn decode_unit(
    chunks: &[Located<'_>],
    parts: &[Part],
    contexts: &[Context],
    losses: &mut Vec<Loss>,
) -> Batch {
    let mut batch = Batch::new(parts.first().map_or(0, |part| part.stream));
    let events = usize::try_from(parts.iter().map(|part| part.take).sum::<u64>()).unwrap_or(0);
    // Room for either kind alone: what stays unused was never touched, and costs no memory.
    batch.reserve(events.min(MOST_RESERVED), events.min(MOST_RESERVED));
    for part in parts {
        let located = &chunks[part.index];
        let context = &contexts[located.file];
        let info = located.chunk.info();
        let worker = info.runtime.zip(info.worker).filter(|_| !info.shared);
        let mut broken = None;
        let mut seen = 0u64;
        batch.in_history(part.skip < part.mark);
        for event in located.chunk.events() {
            let (thread, event) = match event {
                Ok(event) => event,
                Err(error) => {
                    broken = Some(error);
                    break;
                }
            };
            seen += 1;
            if seen <= part.skip {
                continue;
            }
            if seen == part.mark + 1 {
                batch.in_history(false);
            }
            batch.seat(SeatKey {
                worker,
                thread: if info.shared { thread } else { info.stream },
            });
            push(&mut batch, &event, context);
        }
        let missing = (part.skip + part.take).saturating_sub(seen.max(part.skip));
        if let Some(error) = broken {
            losses.push(Loss {
                kind: LossKind::Malformed,
                count: missing,
                detail: format!(
                    "events of stream {} after number {}: {error}",
                    info.stream,
                    info.first_seq.saturating_add(seen)
                ),
                range: None,
            });
        }
    }
    batch.sort();
    batch
}

fn push(batch: &mut Batch, event: &Event, context: &Context) {
    let ns = |time| context.clock.ns(time);
    match *event {
        Event::Poll {
            start,
            end,
            task,
            outcome,
        } => match outcome {
            PollOutcome::Cancelled => batch.cancellation(task, ns(end)),
            PollOutcome::Ended => batch.poll(task, ns(start), ns(end), Outcome::Ended),
            PollOutcome::Pending => batch.poll(task, ns(start), ns(end), Outcome::Pending),
            PollOutcome::Ready => batch.poll(task, ns(start), ns(end), Outcome::Ready),
            PollOutcome::Panicked => batch.poll(task, ns(start), ns(end), Outcome::Panicked),
        },
        Event::Wake { at, task, waker } => {
            let waker = match waker {
                Waker::Task(waker) => WakerKey::Task(waker),
                Waker::Runtime => WakerKey::Runtime,
                Waker::Blocking => WakerKey::Blocking,
                Waker::Outside => WakerKey::Outside,
            };
            batch.wake(task, ns(at), waker);
        }
        Event::Spawn {
            at,
            task,
            parent,
            location,
            name,
            runtime,
            kind,
            size,
        } => batch.spawn(
            task,
            SpawnFacts {
                at: Some(ns(at)),
                parent,
                location: context.strings.get(location),
                name: context.strings.get(name),
                runtime: Some(runtime),
                kind: if kind == FormatKind::Local {
                    TaskKind::Local
                } else {
                    TaskKind::Async
                },
                size: (size > 0).then_some(size),
            },
        ),
        Event::Terminate { at, task } => batch.terminate(task, ns(at)),
        Event::Park { start, end } => batch.park(ns(start), ns(end), false),
        Event::WaitBegin {
            at,
            task,
            wait,
            name,
            location,
        } => {
            batch.wait_begin(
                task,
                wait,
                ns(at),
                context.strings.get(name),
                context.strings.get(location),
            );
        }
        Event::WaitEnd {
            at,
            task,
            wait,
            outcome,
        } => {
            let state = match outcome {
                WaitOutcome::Done => WaitState::Done,
                WaitOutcome::Abandoned => WaitState::Abandoned,
            };
            batch.wait_end(task, wait, ns(at), state);
        }
        Event::Unwakeable { at, task } => batch.unwakeable(task, ns(at)),
    }
}
