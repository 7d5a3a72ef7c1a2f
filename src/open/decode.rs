//! Event chunks to batches, on several threads.

use std::{
    collections::HashMap,
    sync::atomic::{AtomicUsize, Ordering::Relaxed},
    thread,
};

use dial9_format::{
    ChunkInfo, Event, EventChunk, PollOutcome, TaskKind as FormatKind, Unpacker, VisitEvents,
    WaitOutcome, Waker,
};

use super::{OpenError, Progress, select::Part};
use crate::recording::{
    Batch, Loss, LossKind, Ns, Outcome, SeatKey, SpawnFacts, StrId, TaskKind, WaitState, WakerKey,
};

/// Events that one thread decodes into one batch.
const UNIT: u64 = 1 << 18;
/// The most rows for which room is made beforehand: a chunk may claim more than it holds.
const MOST_RESERVED: usize = 2 << 18;
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
        let mut unpacker = Unpacker::default();
        while progress.check().is_ok() {
            let number = next.fetch_add(1, Relaxed);
            let Some(unit) = units.get(number) else { break };
            let mut losses = Vec::new();
            let batch = decode_unit(chunks, unit, contexts, &mut unpacker, &mut losses);
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
    unpacker: &mut Unpacker,
    losses: &mut Vec<Loss>,
) -> Batch {
    let mut batch = Batch::new(parts.first().map_or(0, |part| part.stream));
    let events = usize::try_from(parts.iter().map(|part| part.take).sum::<u64>()).unwrap_or(0);
    // Room for either kind alone: what stays unused was never touched, and costs no memory.
    batch.reserve(events.min(MOST_RESERVED), events.min(MOST_RESERVED));
    for part in parts {
        let located = &chunks[part.index];
        let info = located.chunk.info();
        let mut filling = Filling::new(&mut batch, part, &contexts[located.file], info);
        let broken = located.chunk.visit(unpacker, &mut filling).err();
        let seen = filling.seen;
        if let Some(error) = broken {
            losses.push(Loss {
                kind: LossKind::Malformed,
                count: (part.skip + part.take).saturating_sub(seen.max(part.skip)),
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

/// Fills a batch with the events of one part.
struct Filling<'a> {
    batch: &'a mut Batch,
    context: &'a Context,
    skip: u64,
    mark: u64,
    seen: u64,
    /// Whether each event names the thread that wrote it.
    shared: bool,
}

impl<'a> Filling<'a> {
    fn new(batch: &'a mut Batch, part: &Part, context: &'a Context, info: ChunkInfo) -> Self {
        batch.in_history(part.skip < part.mark);
        if !info.shared {
            batch.seat(SeatKey {
                worker: info.runtime.zip(info.worker),
                thread: info.stream,
            });
        }
        Self {
            batch,
            context,
            skip: part.skip,
            mark: part.mark,
            seen: 0,
            shared: info.shared,
        }
    }

    /// Whether the next event, which `thread` wrote, is part of it.
    #[inline(always)]
    fn takes(&mut self, thread: u32) -> bool {
        self.seen += 1;
        if self.seen <= self.skip {
            return false;
        }
        if self.seen == self.mark + 1 {
            self.batch.in_history(false);
        }
        if self.shared {
            self.batch.seat(SeatKey {
                worker: None,
                thread,
            });
        }
        true
    }
}

impl VisitEvents for Filling<'_> {
    #[inline(always)]
    fn poll(&mut self, thread: u32, start: u64, end: u64, task: u64, outcome: PollOutcome) {
        if !self.takes(thread) {
            return;
        }
        let (start, end) = (self.context.clock.ns(start), self.context.clock.ns(end));
        let outcome = match outcome {
            PollOutcome::Cancelled => return self.batch.cancellation(task, end),
            PollOutcome::Ended => Outcome::Ended,
            PollOutcome::Pending => Outcome::Pending,
            PollOutcome::Ready => Outcome::Ready,
            PollOutcome::Panicked => Outcome::Panicked,
        };
        self.batch.poll(task, start, end, outcome);
    }

    #[inline(always)]
    fn wake(&mut self, thread: u32, at: u64, task: u64, waker: Waker) {
        if !self.takes(thread) {
            return;
        }
        let waker = match waker {
            Waker::Task(id) => WakerKey::Task(id),
            Waker::Runtime => WakerKey::Runtime,
            Waker::Blocking => WakerKey::Blocking,
            Waker::Outside => WakerKey::Outside,
        };
        self.batch.wake(task, self.context.clock.ns(at), waker);
    }

    fn event(&mut self, thread: u32, event: Event) {
        if self.takes(thread) {
            push(self.batch, &event, self.context);
        }
    }
}

fn push(batch: &mut Batch, event: &Event, context: &Context) {
    let ns = |time| context.clock.ns(time);
    match *event {
        // Those are visited on their own.
        Event::Poll { .. } | Event::Wake { .. } => {}
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
