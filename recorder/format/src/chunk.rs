//! Gathering the events of a chunk as columns, which pack far better than rows.
//!
//! Every event has a kind byte: the low three bits are the kind, the rest its detail. What else it has
//! goes into the columns of numbers, and which of them that is follows from the kind.

use serde::{Deserialize, Serialize, Serializer};

use crate::columns::{COLUMNS, Column, Numbers, STRINGS};
use crate::event::{Event, Waker};

pub(crate) const POLL: u8 = 0;
pub(crate) const WAKE: u8 = 1;
pub(crate) const SPAWN: u8 = 2;
pub(crate) const TERMINATE: u8 = 3;
pub(crate) const PARK: u8 = 4;
pub(crate) const WAIT_BEGIN: u8 = 5;
pub(crate) const WAIT_END: u8 = 6;
pub(crate) const UNWAKEABLE: u8 = 7;

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
    pub(crate) stream: u32,
    pub(crate) shared: bool,
    pub(crate) runtime: Option<u32>,
    pub(crate) worker: Option<u32>,
    pub(crate) first_seq: u64,
    pub(crate) folded: u64,
    pub(crate) count: u64,
    pub(crate) first_time: u64,
    pub(crate) min_time: u64,
    pub(crate) max_time: u64,
    /// Bytes of heads and of tails, column by column.
    pub(crate) lengths: [u32; STRINGS],
    /// Whether `columns` is packed.
    pub(crate) packed: bool,
    /// The kind bytes, then heads and tails, column by column.
    #[serde(serialize_with = "as_bytes")]
    pub(crate) columns: &'a [u8],
}

/// In one piece; serde would hand them over byte by byte.
fn as_bytes<S: Serializer>(bytes: &&[u8], to: S) -> Result<S::Ok, S::Error> {
    to.serialize_bytes(bytes)
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
    /// End of the last poll or park.
    last_end: u64,
    last_task: u64,
    last_wait: u64,
    kinds: Vec<u8>,
    columns: [Numbers; COLUMNS],
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
        let (mut kinds, mut columns) = (
            std::mem::take(&mut self.kinds),
            std::mem::take(&mut self.columns),
        );
        kinds.clear();
        columns.iter_mut().for_each(Numbers::clear);
        *self = Self {
            info,
            kinds,
            columns,
            ..Self::default()
        };
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

    /// Whether the events of a chunk with this `info` can be added to this one: it holds some, and those
    /// come next in its stream, of the same worker.
    #[must_use]
    pub fn is_continued_by(&self, info: &ChunkInfo) -> bool {
        let next = self.info.first_seq.checked_add(self.len() as u64);
        let info_here = next.map(|first_seq| ChunkInfo {
            first_seq,
            ..self.info
        });
        !self.is_empty() && info_here == Some(*info)
    }

    /// How many events, from the first, the history already contains.
    #[must_use]
    pub fn folded(&self) -> u64 {
        self.folded
    }

    /// Says how many events, from the first, the history already contains.
    pub fn set_folded(&mut self, events: u64) {
        self.folded = events;
    }

    /// Adds an event. Times may run backwards, at the cost of more bytes; an interval that ends before
    /// it starts is kept as one of no length. `thread` is kept in a shared chunk only.
    pub fn push(&mut self, thread: u32, event: &Event) {
        let at = event.at();
        if self.kinds.is_empty() {
            (self.first_time, self.last_time, self.last_end) = (at, at, at);
            (self.min_time, self.max_time) = (at, at);
        }
        self.min_time = self.min_time.min(at);
        self.max_time = self.max_time.max(at);
        if self.info.shared {
            self.put(Column::Thread, u64::from(thread));
        }
        let (kind, detail) = match *event {
            Event::Poll {
                start,
                end,
                task,
                outcome,
            } => {
                self.interval(Column::PollGap, Column::PollLength, start, end);
                self.task(task);
                (POLL, outcome as u8)
            }
            Event::Park { start, end } => {
                self.interval(Column::ParkGap, Column::ParkLength, start, end);
                (PARK, 0)
            }
            Event::Wake { at, task, waker } => {
                self.put_delta(Column::WakeTime, self.last_time, at);
                self.task(task);
                (WAKE, self.waker(task, waker))
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
                self.other(at, task);
                for field in [location, name, runtime, size] {
                    self.put(Column::Fact, u64::from(field));
                }
                if let Some(parent) = parent {
                    self.put_delta(Column::Fact, task, parent);
                }
                (SPAWN, u8::from(parent.is_some()) | (kind as u8) << 1)
            }
            Event::Terminate { task, .. } => {
                self.other(at, task);
                (TERMINATE, 0)
            }
            Event::WaitBegin {
                task,
                wait,
                name,
                location,
                ..
            } => {
                self.other(at, task);
                self.wait(wait);
                self.put(Column::Fact, u64::from(name));
                self.put(Column::Fact, u64::from(location));
                (WAIT_BEGIN, 0)
            }
            Event::WaitEnd {
                task,
                wait,
                outcome,
                ..
            } => {
                self.other(at, task);
                self.wait(wait);
                (WAIT_END, outcome as u8)
            }
            Event::Unwakeable { task, .. } => {
                self.other(at, task);
                (UNWAKEABLE, 0)
            }
        };
        self.last_time = at;
        self.kinds.push(kind | detail << 3);
    }

    #[inline]
    fn put(&mut self, column: Column, value: u64) {
        self.columns[column as usize].put(value);
    }

    #[inline]
    fn put_delta(&mut self, column: Column, from: u64, to: u64) {
        self.columns[column as usize].put_delta(from, to);
    }

    /// Where one interval ends, the next begins before long: the gap is a smaller number than the way
    /// from end to end, which would tell the length a second time.
    #[inline]
    fn interval(&mut self, gap: Column, length: Column, start: u64, end: u64) {
        let length_ns = end.saturating_sub(start);
        self.put_delta(gap, self.last_end, end - length_ns);
        self.put(length, length_ns);
        self.last_end = end;
    }

    #[inline]
    fn task(&mut self, task: u64) {
        self.put_delta(Column::Task, self.last_task, task);
        self.last_task = task;
    }

    #[inline]
    fn other(&mut self, at: u64, task: u64) {
        self.put_delta(Column::OtherTime, self.last_time, at);
        self.task(task);
    }

    fn wait(&mut self, wait: u64) {
        self.put_delta(Column::Wait, self.last_wait, wait);
        self.last_wait = wait;
    }

    /// The detail that says who woke `task`.
    #[inline]
    fn waker(&mut self, task: u64, waker: Waker) -> u8 {
        match waker {
            Waker::Task(id) => {
                self.put_delta(Column::Waker, task, id);
                // The waker's poll is still going on: most likely its record comes next.
                self.last_task = id;
                0
            }
            Waker::Runtime => 1,
            Waker::Blocking => 2,
            Waker::Outside => 3,
        }
    }

    /// The strings of bytes that the columns are, in the order of the file.
    fn strings(&self) -> impl Iterator<Item = &[u8]> {
        self.columns
            .iter()
            .flat_map(|column| [column.heads.as_slice(), column.tails.as_slice()])
    }

    /// Appends the columns, one behind the other, and where each string of bytes ends.
    pub(crate) fn lay_out(&self, out: &mut Vec<u8>, cuts: &mut Vec<usize>) {
        out.extend_from_slice(&self.kinds);
        cuts.push(out.len());
        for string in self.strings() {
            out.extend_from_slice(string);
            cuts.push(out.len());
        }
    }

    /// The payload of this chunk around `columns`, which are what [`Self::lay_out`] gave, maybe packed.
    pub(crate) fn payload<'a>(&self, columns: &'a [u8], packed: bool) -> EventsV1<'a> {
        let mut lengths = [0; STRINGS];
        for (length, string) in lengths.iter_mut().zip(self.strings()) {
            *length = string.len() as u32;
        }
        let count = self.kinds.len() as u64;
        EventsV1 {
            stream: self.info.stream,
            shared: self.info.shared,
            runtime: self.info.runtime,
            worker: self.info.worker,
            first_seq: self.info.first_seq,
            folded: self.folded.min(count),
            count,
            first_time: self.first_time,
            min_time: self.min_time,
            max_time: self.max_time,
            lengths,
            packed,
            columns,
        }
    }
}
