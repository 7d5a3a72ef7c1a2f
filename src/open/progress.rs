//! How far loading has come, readable and cancellable from another thread.

use std::sync::atomic::{AtomicBool, AtomicU8, AtomicU64, Ordering::Relaxed};

use super::OpenError;
use crate::recording::{Recording, RecordingBuilder};

/// What loading is busy with.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Stage {
    /// Reading bytes.
    Reading,
    /// Decoding events.
    Decoding,
    /// Sorting and indexing.
    Indexing,
    /// Nothing: it is done.
    Done,
}

/// Counters of a load. They only grow within one stage.
#[derive(Debug, Default)]
pub struct Progress {
    stage: AtomicU8,
    done: AtomicU64,
    total: AtomicU64,
    events: AtomicU64,
    read_first: AtomicBool,
    cancelled: AtomicBool,
}

impl Progress {
    /// The stage.
    #[must_use]
    pub fn stage(&self) -> Stage {
        match self.stage.load(Relaxed) {
            0 => Stage::Reading,
            1 => Stage::Decoding,
            2 => Stage::Indexing,
            _ => Stage::Done,
        }
    }

    /// How much of the whole load is done, 0 to 1. Reading counts for a fifth, decoding for three; where bytes are decoded
    /// as they are read, for four.
    #[must_use]
    pub fn fraction(&self) -> f64 {
        let total = self.total.load(Relaxed).max(1) as f64;
        let part = (self.done.load(Relaxed) as f64 / total).min(1.0);
        match self.stage() {
            Stage::Reading => part * 0.2,
            Stage::Decoding if self.read_first.load(Relaxed) => 0.2 + part * 0.6,
            Stage::Decoding => part * 0.8,
            Stage::Indexing => 0.8,
            Stage::Done => 1.0,
        }
    }

    /// Events decoded so far.
    #[must_use]
    pub fn events(&self) -> u64 {
        self.events.load(Relaxed)
    }

    /// How much of how much is done, in this stage.
    pub(super) fn amounts(&self) -> (u64, u64) {
        (self.done.load(Relaxed), self.total.load(Relaxed))
    }

    /// Asks the load to stop; it then returns [`OpenError::Cancelled`].
    pub fn cancel(&self) {
        self.cancelled.store(true, Relaxed);
    }

    pub(super) fn enter(&self, stage: Stage, total: u64) {
        self.done.store(0, Relaxed);
        if stage == Stage::Reading {
            self.read_first.store(true, Relaxed);
        }
        self.total.store(total, Relaxed);
        self.stage.store(
            match stage {
                Stage::Reading => 0,
                Stage::Decoding => 1,
                Stage::Indexing => 2,
                Stage::Done => 3,
            },
            Relaxed,
        );
    }

    pub(super) fn advance(&self, by: u64) {
        self.done.fetch_add(by, Relaxed);
    }

    pub(super) fn decoded(&self, events: u64) {
        self.events.fetch_add(events, Relaxed);
    }

    /// Sorts and indexes, unless the load is cancelled meanwhile.
    pub(super) fn finish(&self, builder: RecordingBuilder) -> Result<Recording, OpenError> {
        builder
            .finish_unless(&|| self.check().is_err())
            .ok_or(OpenError::Cancelled)
    }

    pub(super) fn check(&self) -> Result<(), OpenError> {
        if self.cancelled.load(Relaxed) {
            Err(OpenError::Cancelled)
        } else {
            Ok(())
        }
    }
}
