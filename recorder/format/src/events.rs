//! An event chunk that was read, and the events that come out of it.

use crate::chunk::{
    ChunkInfo, EventsV1, PARK, POLL, SPAWN, TERMINATE, UNWAKEABLE, WAIT_BEGIN, WAIT_END, WAKE,
};
use crate::columns::{COLUMNS, Column, Cursor, SLACK, STRINGS};
use crate::error::ChunkError;
use crate::event::{Event, PollOutcome, TaskKind, WaitOutcome, Waker};
use crate::frame::MAX_PAYLOAD;
use crate::pack::Unpacker;

/// A chunk that was read. It borrows its payload, packed as it is, and unpacks it when its events are
/// asked for: so that this costs no memory before, and can be done by several threads at once.
#[derive(Clone, Debug)]
pub struct EventChunk<'a> {
    info: ChunkInfo,
    folded: u64,
    count: usize,
    first_time: u64,
    min_time: u64,
    max_time: u64,
    lengths: [u32; STRINGS],
    packed: bool,
    columns: &'a [u8],
    /// Length of the columns, unpacked.
    raw: usize,
}

impl<'a> EventChunk<'a> {
    /// Takes a payload apart. `None` when it is not one.
    pub(crate) fn parse(payload: &'a [u8]) -> Option<Self> {
        let (events, rest) = postcard::take_from_bytes::<EventsV1<'_>>(payload).ok()?;
        let lengths: u64 = events.lengths.iter().map(|&length| u64::from(length)).sum();
        let raw = usize::try_from(events.count.checked_add(lengths)?).ok()?;
        let threads = &events.lengths[2 * Column::Thread as usize..];
        if !rest.is_empty()
            || raw > MAX_PAYLOAD
            || (!events.packed && raw != events.columns.len())
            || events.folded > events.count
            || events.first_seq.checked_add(events.count).is_none()
            || (!events.shared && threads != [0, 0])
        {
            return None;
        }
        Some(Self {
            info: ChunkInfo {
                stream: events.stream,
                shared: events.shared,
                runtime: events.runtime,
                worker: events.worker,
                first_seq: events.first_seq,
            },
            folded: events.folded,
            count: events.count as usize,
            first_time: events.first_time,
            min_time: events.min_time,
            max_time: events.max_time,
            lengths: events.lengths,
            packed: events.packed,
            columns: events.columns,
            raw,
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
        self.count
    }

    /// Whether there are none.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.count == 0
    }

    /// The earliest [`Event::at`], ns since the time base.
    #[must_use]
    pub fn min_time(&self) -> u64 {
        self.min_time
    }

    /// The latest [`Event::at`], ns since the time base.
    #[must_use]
    pub fn max_time(&self) -> u64 {
        self.max_time
    }

    /// Bytes of its columns as they are in the file.
    #[must_use]
    pub fn stored_bytes(&self) -> usize {
        self.columns.len()
    }

    /// Bytes of its columns when they are unpacked.
    #[must_use]
    pub fn raw_bytes(&self) -> usize {
        self.raw
    }

    /// The events, in the order in which they were written, each with its thread. After an error
    /// there are no more.
    #[must_use]
    pub fn events(&self) -> Events {
        self.begin(&mut Unpacker::default())
    }

    /// Hands every event to `visitor`, in the order in which they were written: what [`Self::events`]
    /// gives, for readers of many chunks, who keep the `unpacker` from one to the next.
    ///
    /// # Errors
    ///
    /// When the chunk breaks off; the events before that were handed over.
    pub fn visit(
        &self,
        unpacker: &mut Unpacker,
        visitor: &mut impl VisitEvents,
    ) -> Result<(), ChunkError> {
        let mut events = self.begin(unpacker);
        while events.index < events.count && events.step(visitor).is_some() {
            events.index += 1;
        }
        let end = events.end();
        unpacker.keep(events.bytes);
        end.map_or(Ok(()), Err)
    }

    fn begin(&self, unpacker: &mut Unpacker) -> Events {
        let unpacked = if self.packed {
            unpacker.unpack(self.columns, self.raw, SLACK)
        } else {
            Some(unpacker.copy(self.columns, SLACK))
        };
        let mut cursors = [Cursor::default(); COLUMNS];
        let mut from = self.count;
        for (cursor, lengths) in cursors.iter_mut().zip(self.lengths.as_chunks::<2>().0) {
            *cursor = Cursor::new(from, lengths[0] as usize, lengths[1] as usize);
            from = cursor.end();
        }
        Events {
            whole: unpacked.is_some(),
            bytes: unpacked.unwrap_or_default(),
            cursors,
            count: self.count,
            index: 0,
            shared: self.info.shared,
            stream: self.info.stream,
            last_time: self.first_time,
            last_end: self.first_time,
            last_task: 0,
            last_wait: 0,
            range: (self.min_time, self.max_time),
            seen: (u64::MAX, 0),
            done: false,
        }
    }
}

/// Takes the events of a chunk one by one, see [`EventChunk::visit`]. What a dump mostly consists of
/// comes in pieces, for those who want it so: an [`Event`] made only to be taken apart again would cost
/// a good part of the decoding.
pub trait VisitEvents {
    /// An event that `thread` wrote.
    fn event(&mut self, thread: u32, event: Event);

    /// An [`Event::Poll`] of `thread`.
    #[inline(always)]
    fn poll(&mut self, thread: u32, start: u64, end: u64, task: u64, outcome: PollOutcome) {
        let event = Event::Poll {
            start,
            end,
            task,
            outcome,
        };
        self.event(thread, event);
    }

    /// An [`Event::Wake`] by `thread`.
    #[inline(always)]
    fn wake(&mut self, thread: u32, at: u64, task: u64, waker: Waker) {
        self.event(thread, Event::Wake { at, task, waker });
    }
}

/// Keeps the last event.
impl VisitEvents for Option<(u32, Event)> {
    fn event(&mut self, thread: u32, event: Event) {
        *self = Some((thread, event));
    }
}

/// Iterator over the events of a chunk, see [`EventChunk::events`].
#[derive(Clone, Debug)]
pub struct Events {
    /// Whether the columns could be unpacked.
    whole: bool,
    /// The columns, and [`SLACK`] zeros.
    bytes: Vec<u8>,
    cursors: [Cursor; COLUMNS],
    count: usize,
    index: usize,
    shared: bool,
    stream: u32,
    last_time: u64,
    last_end: u64,
    last_task: u64,
    last_wait: u64,
    /// Earliest and latest time, as the chunk claims and as they were seen.
    range: (u64, u64),
    seen: (u64, u64),
    done: bool,
}

impl Iterator for Events {
    type Item = Result<(u32, Event), ChunkError>;

    #[inline]
    fn next(&mut self) -> Option<Self::Item> {
        let mut event = None;
        if self.index < self.count && self.step(&mut event).is_some() {
            self.index += 1;
            return event.map(Ok);
        }
        self.end().map(Err)
    }

    fn size_hint(&self) -> (usize, Option<usize>) {
        (0, Some(self.count - self.index + usize::from(!self.done)))
    }
}

impl Events {
    /// What comes instead of an event: nothing behind the last one, else an error, once.
    #[cold]
    fn end(&mut self) -> Option<ChunkError> {
        let sound = self.index == self.count
            && self.whole
            && self.cursors.iter().all(Cursor::is_used_up)
            && (self.count == 0 || self.seen == self.range);
        let told = std::mem::replace(&mut self.done, true);
        let index = self.index as u64;
        self.count = self.index;
        (!sound && !told).then_some(ChunkError { index })
    }

    #[inline(always)]
    fn number(&mut self, column: Column) -> Option<u64> {
        self.cursors[column as usize].next(&self.bytes)
    }

    #[inline(always)]
    fn delta(&mut self, column: Column, from: u64) -> Option<u64> {
        self.cursors[column as usize].next_delta(&self.bytes, from)
    }

    #[inline]
    fn fact(&mut self) -> Option<u32> {
        self.cursors[Column::Fact as usize].next_u32(&self.bytes)
    }

    /// Decodes the next event and hands it to `visitor`; `None` when there is none.
    #[inline(always)]
    fn step(&mut self, visitor: &mut impl VisitEvents) -> Option<()> {
        let byte = *self.bytes.get(self.index)?;
        let detail = byte >> 3;
        let thread = if self.shared {
            self.cursors[Column::Thread as usize].next_u32(&self.bytes)?
        } else {
            self.stream
        };
        match byte & 7 {
            POLL => {
                let (start, end) = self.interval(Column::PollGap, Column::PollLength)?;
                self.passed(end);
                let task = self.task()?;
                visitor.poll(thread, start, end, task, poll_outcome(detail)?);
            }
            WAKE => {
                let at = self.delta(Column::WakeTime, self.last_time)?;
                self.passed(at);
                let task = self.task()?;
                visitor.wake(thread, at, task, self.waker(task, detail)?);
            }
            PARK if detail == 0 => {
                let (start, end) = self.interval(Column::ParkGap, Column::ParkLength)?;
                self.passed(end);
                visitor.event(thread, Event::Park { start, end });
            }
            kind => visitor.event(thread, self.other(kind, detail)?),
        }
        Some(())
    }

    #[inline(always)]
    fn passed(&mut self, at: u64) {
        self.last_time = at;
        self.seen = (self.seen.0.min(at), self.seen.1.max(at));
    }

    #[inline(always)]
    fn interval(&mut self, gap: Column, length: Column) -> Option<(u64, u64)> {
        let start = self.delta(gap, self.last_end)?;
        self.last_end = start.checked_add(self.number(length)?)?;
        Some((start, self.last_end))
    }

    #[inline(always)]
    fn task(&mut self) -> Option<u64> {
        self.last_task = self.delta(Column::Task, self.last_task)?;
        Some(self.last_task)
    }

    #[inline(always)]
    fn waker(&mut self, task: u64, detail: u8) -> Option<Waker> {
        Some(match detail {
            0 => {
                self.last_task = self.delta(Column::Waker, task)?;
                Waker::Task(self.last_task)
            }
            1 => Waker::Runtime,
            2 => Waker::Blocking,
            3 => Waker::Outside,
            _ => return None,
        })
    }

    fn wait(&mut self) -> Option<u64> {
        self.last_wait = self.delta(Column::Wait, self.last_wait)?;
        Some(self.last_wait)
    }

    /// The kinds that are neither an interval nor a wake.
    #[inline]
    fn other(&mut self, kind: u8, detail: u8) -> Option<Event> {
        let at = self.delta(Column::OtherTime, self.last_time)?;
        self.passed(at);
        let task = self.task()?;
        Some(match (kind, detail) {
            (SPAWN, _) => return self.spawn(at, task, detail),
            (TERMINATE, 0) => Event::Terminate { at, task },
            (WAIT_BEGIN, 0) => Event::WaitBegin {
                at,
                task,
                wait: self.wait()?,
                name: self.fact()?,
                location: self.fact()?,
            },
            (WAIT_END, _) => Event::WaitEnd {
                at,
                task,
                wait: self.wait()?,
                outcome: match detail {
                    0 => WaitOutcome::Done,
                    1 => WaitOutcome::Abandoned,
                    _ => return None,
                },
            },
            (UNWAKEABLE, 0) => Event::Unwakeable { at, task },
            _ => return None,
        })
    }

    fn spawn(&mut self, at: u64, task: u64, detail: u8) -> Option<Event> {
        let (location, name) = (self.fact()?, self.fact()?);
        let (runtime, size) = (self.fact()?, self.fact()?);
        let parent = if detail & 1 == 1 {
            Some(self.delta(Column::Fact, task)?)
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

#[inline(always)]
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
