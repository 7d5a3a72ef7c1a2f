//! The two ends of one batch of the trace: what goes on at its end, and what at its beginning depends on what went on
//! before.

use crate::recording::{Batch, Ns, Outcome, SeatKey};

/// A poll that began.
#[derive(Clone, Copy, Debug)]
pub(in crate::open::upstream) struct Open {
    pub(in crate::open::upstream) worker: u64,
    pub(in crate::open::upstream) task: u64,
    pub(in crate::open::upstream) start: Ns,
    pub(in crate::open::upstream) seat: SeatKey,
    /// The task ended inside it.
    pub(in crate::open::upstream) last: bool,
    /// How many tasks were in the worker's own queue when it began, if it is known.
    pub(in crate::open::upstream) queue: Option<u8>,
}

/// Something at the beginning of a batch that depends on what went on before.
#[derive(Clone, Copy, Debug)]
pub(in crate::open::upstream) enum Loose {
    PollEnd {
        worker: u64,
        at: Ns,
    },
    Unpark {
        worker: u64,
        at: Ns,
    },
    /// Its waker may be the poll that goes on.
    Wake {
        worker: u64,
        at: Ns,
        woken: u64,
        waker: u64,
        seat: SeatKey,
    },
    /// Its parent is the poll that goes on. The row of that number among the unit's spawns.
    Spawn {
        worker: u64,
        at: Ns,
        row: usize,
    },
    /// The poll that goes on may be this task's last.
    Terminate {
        worker: u64,
        at: Ns,
        task: u64,
    },
}

/// The two ends of one batch of the trace.
#[derive(Debug, Default)]
pub(in crate::open::upstream) struct Edges {
    /// When the thread wrote its first event.
    pub(in crate::open::upstream) first: Ns,
    /// The worker that it was, and its thread's number.
    pub(in crate::open::upstream) worker: Option<u64>,
    pub(in crate::open::upstream) thread: u32,
    /// Whether it did anything that nothing from before can be going on behind.
    pub(in crate::open::upstream) begun: bool,
    pub(in crate::open::upstream) loose: Vec<Loose>,
    pub(in crate::open::upstream) polls: Vec<Open>,
    pub(in crate::open::upstream) park: Option<(u64, Ns, SeatKey)>,
}

/// A poll that ended at `end`. The runtime says that a task ends before it says so of its last poll.
#[inline]
pub(in crate::open::upstream) fn push_poll(batch: &mut Batch, open: &Open, end: Ns) {
    let outcome = if open.last {
        Outcome::Ended
    } else {
        Outcome::Pending
    };
    batch.poll(open.task, open.start, end, outcome);
    if let Some(queue) = open.queue {
        batch.local_queue(queue);
    }
}
