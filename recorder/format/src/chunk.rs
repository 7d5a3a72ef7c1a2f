//! Event chunks: events as columns, which pack far better than rows.
//!
//! Every event has a kind byte (low three bits the kind, the rest its detail), a time delta and, but
//! for parks, a task delta. The other columns hold what only some kinds have.

use std::borrow::Cow;

use serde::{Deserialize, Serialize};

use crate::error::ChunkError;
use crate::event::{Event, PollOutcome, TaskKind, WaitOutcome, Waker};
use crate::varint::{Column, put, put_delta};

const POLL: u8 = 0;
const WAKE: u8 = 1;
const SPAWN: u8 = 2;
const TERMINATE: u8 = 3;
const PARK: u8 = 4;
const WAIT_BEGIN: u8 = 5;
const WAIT_END: u8 = 6;
const UNWAKEABLE: u8 = 7;

/// Whose events a chunk holds.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub struct ChunkInfo {
    /// The writing thread's number, or the number of a shared appender.
    pub stream: u32,
    /// Whether several threads wrote it, so that each event names its own.
    pub shared: bool,
    /// The runtime whose worker the thread was, if it was one.
    pub runtime: Option<u32>,
    /// The worker's index in that runtime.
    pub worker: Option<u32>,
    /// Sequence number of the first event in its stream.
    pub first_seq: u64,
}

/// The frozen payload of an event chunk, version 1.
#[derive(Serialize, Deserialize)]
pub(crate) struct EventsV1<'a> {
    stream: u32,
    shared: bool,
    runtime: Option<u32>,
    worker: Option<u32>,
    first_seq: u64,
    folded: u64,
    count: u64,
    first_time: u64,
    min_time: u64,
    max_time: u64,
    kinds: &'a [u8],
    times: &'a [u8],
    tasks: &'a [u8],
    lengths: &'a [u8],
    wakers: &'a [u8],
    rare: &'a [u8],
    threads: &'a [u8],
}

/// Gathers the events of one chunk.
#[derive(Debug, Default)]
pub struct ChunkBuilder {
    info: ChunkInfo,
    folded: u64,
    first_time: u64,
    min_time: u64,
    max_time: u64,
    last_time: u64,
    last_task: u64,
    last_wait: u64,
    kinds: Vec<u8>,
    times: Vec<u8>,
    tasks: Vec<u8>,
    lengths: Vec<u8>,
    wakers: Vec<u8>,
    rare: Vec<u8>,
    threads: Vec<u8>,
}

impl ChunkBuilder {
    /// An empty chunk.
    #[must_use]
    pub fn new(info: ChunkInfo) -> Self {
        Self {
            info,
            ..Self::default()
        }
    }

    /// Empties the chunk for other events, and keeps its memory.
    pub fn reset(&mut self, info: ChunkInfo) {
        self.info = info;
        self.folded = 0;
        (self.first_time, self.min_time, self.max_time) = (0, 0, 0);
        (self.last_time, self.last_task, self.last_wait) = (0, 0, 0);
        for column in self.columns() {
            column.clear();
        }
    }

    fn columns(&mut self) -> [&mut Vec<u8>; 7] {
        [
            &mut self.kinds,
            &mut self.times,
            &mut self.tasks,
            &mut self.lengths,
            &mut self.wakers,
            &mut self.rare,
            &mut self.threads,
        ]
    }

    /// Number of events so far.
    #[must_use]
    pub fn len(&self) -> usize {
        self.kinds.len()
    }

    /// Whether there is no event yet.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.kinds.is_empty()
    }

    /// Says how many events, from the first, the history already contains.
    pub fn set_folded(&mut self, events: u64) {
        self.folded = events;
    }

    /// Adds an event. Times may run backwards, at the cost of more bytes. `thread` is kept in a
    /// shared chunk only.
    pub fn push(&mut self, thread: u32, event: &Event) {
        let at = event.at();
        if self.kinds.is_empty() {
            (self.first_time, self.last_time) = (at, at);
            (self.min_time, self.max_time) = (at, at);
        }
        self.min_time = self.min_time.min(at);
        self.max_time = self.max_time.max(at);
        put_delta(&mut self.times, self.last_time, at);
        self.last_time = at;
        if self.info.shared {
            put(&mut self.threads, u64::from(thread));
        }
        let (kind, detail) = match *event {
            Event::Poll {
                start,
                end,
                task,
                outcome,
            } => {
                self.task(task);
                put(&mut self.lengths, end.saturating_sub(start));
                (POLL, outcome as u8)
            }
            Event::Wake { task, waker, .. } => {
                self.task(task);
                let detail = match waker {
                    Waker::Task(id) => {
                        put_delta(&mut self.wakers, task, id);
                        // The waker's poll is still going on: most likely its record comes next.
                        self.last_task = id;
                        0
                    }
                    Waker::Runtime => 1,
                    Waker::Blocking => 2,
                    Waker::Outside => 3,
                };
                (WAKE, detail)
            }
            Event::Spawn {
                task,
                parent,
                location,
                name,
                runtime,
                kind,
                size,
                ..
            } => {
                self.task(task);
                for field in [location, name, runtime, size] {
                    put(&mut self.rare, u64::from(field));
                }
                if let Some(parent) = parent {
                    put_delta(&mut self.rare, task, parent);
                }
                (SPAWN, u8::from(parent.is_some()) | (kind as u8) << 1)
            }
            Event::Terminate { task, .. } => {
                self.task(task);
                (TERMINATE, 0)
            }
            Event::Park { start, end } => {
                put(&mut self.lengths, end.saturating_sub(start));
                (PARK, 0)
            }
            Event::WaitBegin {
                task,
                wait,
                name,
                location,
                ..
            } => {
                self.task(task);
                self.wait(wait);
                put(&mut self.rare, u64::from(name));
                put(&mut self.rare, u64::from(location));
                (WAIT_BEGIN, 0)
            }
            Event::WaitEnd {
                task,
                wait,
                outcome,
                ..
            } => {
                self.task(task);
                self.wait(wait);
                (WAIT_END, outcome as u8)
            }
            Event::Unwakeable { task, .. } => {
                self.task(task);
                (UNWAKEABLE, 0)
            }
        };
        self.kinds.push(kind | detail << 3);
    }

    fn task(&mut self, task: u64) {
        put_delta(&mut self.tasks, self.last_task, task);
        self.last_task = task;
    }

    fn wait(&mut self, wait: u64) {
        put_delta(&mut self.rare, self.last_wait, wait);
        self.last_wait = wait;
    }

    /// The payload of this chunk.
    pub(crate) fn payload(&self) -> EventsV1<'_> {
        EventsV1 {
            stream: self.info.stream,
            shared: self.info.shared,
            runtime: self.info.runtime,
            worker: self.info.worker,
            first_seq: self.info.first_seq,
            folded: self.folded,
            count: self.kinds.len() as u64,
            first_time: self.first_time,
            min_time: self.min_time,
            max_time: self.max_time,
            kinds: &self.kinds,
            times: &self.times,
            tasks: &self.tasks,
            lengths: &self.lengths,
            wakers: &self.wakers,
            rare: &self.rare,
            threads: &self.threads,
        }
    }
}

/// A chunk that was read. It keeps its payload and decodes the events on the way.
#[derive(Clone, Debug)]
pub struct EventChunk<'a> {
    info: ChunkInfo,
    folded: u64,
    min_time: u64,
    max_time: u64,
    first_time: u64,
    payload: Cow<'a, [u8]>,
    columns: [std::ops::Range<usize>; 7],
}

impl<'a> EventChunk<'a> {
    /// Takes a payload apart. `None` when it is not one.
    pub(crate) fn parse(payload: Cow<'a, [u8]>) -> Option<Self> {
        let (events, rest) = postcard::take_from_bytes::<EventsV1<'_>>(&payload).ok()?;
        if !rest.is_empty()
            || events.count != events.kinds.len() as u64
            || events.folded > events.count
            || (!events.shared && !events.threads.is_empty())
        {
            return None;
        }
        let range = |column: &[u8]| {
            // Borrowed from the payload, so the difference of the addresses is its offset.
            let from = (column.as_ptr() as usize).wrapping_sub(payload.as_ptr() as usize);
            if column.is_empty() {
                0..0
            } else {
                from..from + column.len()
            }
        };
        let columns = [
            range(events.kinds),
            range(events.times),
            range(events.tasks),
            range(events.lengths),
            range(events.wakers),
            range(events.rare),
            range(events.threads),
        ];
        let info = ChunkInfo {
            stream: events.stream,
            shared: events.shared,
            runtime: events.runtime,
            worker: events.worker,
            first_seq: events.first_seq,
        };
        let (folded, first_time) = (events.folded, events.first_time);
        let (min_time, max_time) = (events.min_time, events.max_time);
        Some(Self {
            info,
            folded,
            min_time,
            max_time,
            first_time,
            payload,
            columns,
        })
    }

    /// Whose events these are.
    #[must_use]
    pub fn info(&self) -> ChunkInfo {
        self.info
    }

    /// How many events, from the first, the history of the file already contains.
    #[must_use]
    pub fn folded(&self) -> u64 {
        self.folded
    }

    /// Number of events.
    #[must_use]
    pub fn len(&self) -> usize {
        self.columns[0].len()
    }

    /// Whether there are none.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// The earliest [`Event::at`], ns since the time base.
    #[must_use]
    pub fn min_time(&self) -> u64 {
        self.min_time
    }

    /// The time of the last event, ns since the time base.
    #[must_use]
    pub fn max_time(&self) -> u64 {
        self.max_time
    }

    /// The events, in the order in which they were written, each with its thread. After an error
    /// there are no more.
    #[must_use]
    pub fn events(&self) -> Events<'_> {
        let column = |index: usize| Column::new(&self.payload[self.columns[index].clone()]);
        Events {
            kinds: &self.payload[self.columns[0].clone()],
            index: 0,
            shared: self.info.shared,
            stream: self.info.stream,
            last_time: self.first_time,
            last_task: 0,
            last_wait: 0,
            times: column(1),
            tasks: column(2),
            lengths: column(3),
            wakers: column(4),
            rare: column(5),
            threads: column(6),
        }
    }
}

/// Iterator over the events of a chunk, see [`EventChunk::events`].
#[derive(Clone, Debug)]
pub struct Events<'a> {
    kinds: &'a [u8],
    index: usize,
    shared: bool,
    stream: u32,
    last_time: u64,
    last_task: u64,
    last_wait: u64,
    times: Column<'a>,
    tasks: Column<'a>,
    lengths: Column<'a>,
    wakers: Column<'a>,
    rare: Column<'a>,
    threads: Column<'a>,
}

impl Iterator for Events<'_> {
    type Item = Result<(u32, Event), ChunkError>;

    #[inline]
    fn next(&mut self) -> Option<Self::Item> {
        let &byte = self.kinds.get(self.index)?;
        match self.decode(byte) {
            Some(event) => {
                self.index += 1;
                Some(Ok(event))
            }
            None => {
                let index = self.index as u64;
                self.index = self.kinds.len();
                Some(Err(ChunkError { index }))
            }
        }
    }

    fn size_hint(&self) -> (usize, Option<usize>) {
        let left = self.kinds.len() - self.index;
        (0, Some(left))
    }
}

impl Events<'_> {
    #[inline(always)]
    fn decode(&mut self, byte: u8) -> Option<(u32, Event)> {
        let at = self.times.next_delta(self.last_time)?;
        self.last_time = at;
        let thread = if self.shared {
            self.threads.next_u32()?
        } else {
            self.stream
        };
        let detail = byte >> 3;
        let event = match byte & 7 {
            POLL => {
                let task = self.task()?;
                let start = at.checked_sub(self.lengths.next()?)?;
                Event::Poll {
                    start,
                    end: at,
                    task,
                    outcome: poll_outcome(detail)?,
                }
            }
            WAKE => {
                let task = self.task()?;
                let waker = match detail {
                    0 => {
                        self.last_task = self.wakers.next_delta(task)?;
                        Waker::Task(self.last_task)
                    }
                    1 => Waker::Runtime,
                    2 => Waker::Blocking,
                    3 => Waker::Outside,
                    _ => return None,
                };
                Event::Wake { at, task, waker }
            }
            SPAWN => self.spawn(at, detail)?,
            TERMINATE => Event::Terminate {
                at,
                task: self.task()?,
            },
            PARK => Event::Park {
                start: at.checked_sub(self.lengths.next()?)?,
                end: at,
            },
            WAIT_BEGIN => Event::WaitBegin {
                at,
                task: self.task()?,
                wait: self.wait()?,
                name: self.rare.next_u32()?,
                location: self.rare.next_u32()?,
            },
            WAIT_END => Event::WaitEnd {
                at,
                task: self.task()?,
                wait: self.wait()?,
                outcome: match detail {
                    0 => WaitOutcome::Done,
                    1 => WaitOutcome::Abandoned,
                    _ => return None,
                },
            },
            _ => Event::Unwakeable {
                at,
                task: self.task()?,
            },
        };
        Some((thread, event))
    }

    #[inline(always)]
    fn task(&mut self) -> Option<u64> {
        self.last_task = self.tasks.next_delta(self.last_task)?;
        Some(self.last_task)
    }

    fn wait(&mut self) -> Option<u64> {
        self.last_wait = self.rare.next_delta(self.last_wait)?;
        Some(self.last_wait)
    }

    fn spawn(&mut self, at: u64, detail: u8) -> Option<Event> {
        let task = self.task()?;
        let (location, name) = (self.rare.next_u32()?, self.rare.next_u32()?);
        let (runtime, size) = (self.rare.next_u32()?, self.rare.next_u32()?);
        let parent = if detail & 1 == 1 {
            Some(self.rare.next_delta(task)?)
        } else {
            None
        };
        let kind = match detail >> 1 {
            0 => TaskKind::Async,
            1 => TaskKind::Local,
            2 => TaskKind::Blocking,
            _ => return None,
        };
        Some(Event::Spawn {
            at,
            task,
            parent,
            location,
            name,
            runtime,
            kind,
            size,
        })
    }
}

fn poll_outcome(detail: u8) -> Option<PollOutcome> {
    Some(match detail {
        0 => PollOutcome::Ended,
        1 => PollOutcome::Pending,
        2 => PollOutcome::Ready,
        3 => PollOutcome::Cancelled,
        4 => PollOutcome::Panicked,
        _ => return None,
    })
}
