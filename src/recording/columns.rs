//! How rows are stored: one column per field, ascending in time, as narrow as the values allow.

use std::collections::HashMap;

use super::{
    LaneIx, Ns, StrId, TaskIx, ThreadIx, batch::NO_QUEUE, batch::PollRow, batch::WakeRow,
    rows::WaitState,
};

/// A thread in one role: the worker that it was, or none.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Seat {
    pub(crate) thread: ThreadIx,
    /// The lane, or [`NO_LANE`] for a thread that neither polled nor parked.
    pub(crate) lane: LaneIx,
}

/// A seat without a lane.
pub(crate) const NO_LANE: LaneIx = LaneIx::new(u32::MAX as usize);

impl Seat {
    pub(crate) fn lane(self) -> Option<LaneIx> {
        (self.lane != NO_LANE).then_some(self.lane)
    }
}

/// Lengths of time in 4 bytes; the few of more than 4.29 s lie beside the column.
#[derive(Debug, Default)]
pub(crate) struct Lengths {
    short: Vec<u32>,
    long: HashMap<u32, Ns>,
}

/// In place of a length that does not fit.
pub(crate) const LONG: u32 = u32::MAX;
/// In place of a length that is not known.
pub(crate) const NO_LENGTH: u32 = u32::MAX - 1;

/// A length as the column keeps it.
fn narrow(length: Ns) -> u32 {
    match u32::try_from(length) {
        Ok(short) if short < NO_LENGTH => short,
        _ => LONG,
    }
}

impl Lengths {
    pub(crate) fn with_capacity(rows: usize) -> Self {
        Self {
            short: Vec::with_capacity(rows),
            long: HashMap::new(),
        }
    }

    pub(crate) fn push(&mut self, length: Option<Ns>) {
        let row = self.short.len() as u32;
        let short = length.map_or(NO_LENGTH, narrow);
        if let (LONG, Some(length)) = (short, length) {
            self.long.insert(row, length);
        }
        self.short.push(short);
    }

    /// Appends what [`Self::push`] would one by one.
    pub(crate) fn extend(&mut self, lengths: impl Iterator<Item = Ns> + Clone) {
        let first = self.short.len() as u32;
        self.short.extend(lengths.clone().map(narrow));
        for (row, length) in (first..).zip(lengths) {
            if narrow(length) == LONG {
                self.long.insert(row, length);
            }
        }
    }

    pub(crate) fn get(&self, row: usize) -> Option<Ns> {
        // Delays are not there before they were computed.
        match *self.short.get(row)? {
            NO_LENGTH => None,
            LONG => self.long.get(&(row as u32)).copied(),
            short => Some(Ns::from(short)),
        }
    }

    /// The length as it lies in the column, [`LONG`] and [`NO_LENGTH`] among them.
    pub(crate) fn raw(&self, row: usize) -> u32 {
        self.short.get(row).copied().unwrap_or(NO_LENGTH)
    }
}

/// Polls, ascending by start.
#[derive(Debug, Default)]
pub(crate) struct PollColumns {
    pub(crate) start: Vec<Ns>,
    pub(crate) duration: Lengths,
    pub(crate) delay: Lengths,
    pub(crate) task: Vec<TaskIx>,
    pub(crate) seat: Vec<u16>,
    pub(crate) outcome: Vec<u8>,
    /// The length of the worker's own queue; empty where nobody recorded any.
    queue: Vec<u8>,
}

impl PollColumns {
    pub(crate) fn with_capacity(rows: usize) -> Self {
        Self {
            start: Vec::with_capacity(rows),
            duration: Lengths::with_capacity(rows),
            delay: Lengths::default(),
            task: Vec::with_capacity(rows),
            seat: Vec::with_capacity(rows),
            outcome: Vec::with_capacity(rows),
            queue: Vec::new(),
        }
    }

    /// Appends rows whose tasks and seats are those of the recording.
    pub(crate) fn extend(&mut self, rows: &[PollRow]) {
        if self.queue.is_empty() && rows.iter().any(|row| row.queue != NO_QUEUE) {
            self.queue.reserve_exact(self.start.capacity());
            self.queue.resize(self.start.len(), NO_QUEUE);
        }
        if self.queue.capacity() > 0 {
            self.queue.extend(rows.iter().map(|row| row.queue));
        }
        self.start.extend(rows.iter().map(|row| row.start));
        let lengths = rows.iter().map(|row| row.end.saturating_sub(row.start));
        self.duration.extend(lengths);
        let tasks = rows.iter().map(|row| TaskIx::new(row.task as usize));
        self.task.extend(tasks);
        self.seat.extend(rows.iter().map(|row| row.seat));
        self.outcome.extend(rows.iter().map(|row| row.outcome));
    }

    /// The length of the worker's own queue when the poll began; 254 stands for 254 or more.
    pub(crate) fn queue(&self, row: usize) -> Option<u8> {
        self.queue
            .get(row)
            .copied()
            .filter(|queue| *queue != NO_QUEUE)
    }

    /// Whether any poll knows how long its worker's own queue was.
    pub(crate) fn has_queues(&self) -> bool {
        !self.queue.is_empty()
    }

    pub(crate) fn len(&self) -> usize {
        self.start.len()
    }
}

/// Who issued a wake, without the task or thread number.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(u8)]
pub(crate) enum WakerKind {
    Unknown = 0,
    Task = 1,
    Runtime = 2,
    Blocking = 3,
    Outside = 4,
}

impl WakerKind {
    pub(crate) fn from_raw(raw: u8) -> Self {
        match raw {
            1 => Self::Task,
            2 => Self::Runtime,
            3 => Self::Blocking,
            4 => Self::Outside,
            _ => Self::Unknown,
        }
    }
}

/// Wakes, ascending by time.
#[derive(Debug, Default)]
pub(crate) struct WakeColumns {
    pub(crate) at: Vec<Ns>,
    pub(crate) task: Vec<TaskIx>,
    /// The waking task where the kind is a task.
    pub(crate) waker: Vec<TaskIx>,
    pub(crate) seat: Vec<u16>,
    kind: Vec<u8>,
    pub(crate) redundant: Bits,
}

impl WakeColumns {
    pub(crate) fn with_capacity(rows: usize) -> Self {
        Self {
            at: Vec::with_capacity(rows),
            task: Vec::with_capacity(rows),
            waker: Vec::with_capacity(rows),
            seat: Vec::with_capacity(rows),
            kind: Vec::with_capacity(rows),
            redundant: Bits::default(),
        }
    }

    /// Appends rows whose tasks and seats are those of the recording.
    pub(crate) fn extend(&mut self, rows: &[WakeRow]) {
        let tasks = rows.iter().map(|row| TaskIx::new(row.task as usize));
        let wakers = rows.iter().map(|row| TaskIx::new(row.waker as usize));
        self.at.extend(rows.iter().map(|row| row.at));
        self.task.extend(tasks);
        self.waker.extend(wakers);
        self.seat.extend(rows.iter().map(|row| row.seat));
        self.kind.extend(rows.iter().map(|row| row.kind as u8));
    }

    pub(crate) fn kind(&self, row: usize) -> WakerKind {
        WakerKind::from_raw(self.kind[row])
    }

    pub(crate) fn len(&self) -> usize {
        self.at.len()
    }
}

/// One bit per row.
#[derive(Debug, Default)]
pub(crate) struct Bits(Vec<u64>);

impl Bits {
    pub(crate) fn new(rows: usize) -> Self {
        Self(vec![0; rows.div_ceil(64)])
    }

    pub(crate) fn set(&mut self, row: usize) {
        self.set_if(true, row);
    }

    pub(crate) fn set_if(&mut self, really: bool, row: usize) {
        self.0[row / 64] |= u64::from(really) << (row % 64);
    }

    pub(crate) fn get(&self, row: usize) -> bool {
        self.0
            .get(row / 64)
            .is_some_and(|word| word & (1 << (row % 64)) != 0)
    }
}

/// Parks, ascending by start.
#[derive(Debug, Default)]
pub(crate) struct ParkColumns {
    pub(crate) start: Vec<Ns>,
    pub(crate) duration: Lengths,
    pub(crate) seat: Vec<u16>,
    pub(crate) open: Vec<bool>,
}

/// Marked waits, ascending by begin; unknown begins come first.
#[derive(Debug, Default)]
pub(crate) struct WaitColumns {
    pub(crate) begin: Vec<Ns>,
    pub(crate) end: Vec<Ns>,
    pub(crate) task: Vec<TaskIx>,
    pub(crate) name: Vec<StrId>,
    pub(crate) location: Vec<StrId>,
    pub(crate) state: Vec<WaitState>,
    /// The latest end of all waits of the same task up to this one: how far back a search for open ones must go.
    pub(crate) reach: Vec<Ns>,
}

/// Instants at which a task's last waker was dropped, ascending.
#[derive(Debug, Default)]
pub(crate) struct UnwakeableColumns {
    pub(crate) at: Vec<Ns>,
    pub(crate) task: Vec<TaskIx>,
}
