//! The moment of a dump: everything that it will hold, copied while writers go on.

use std::collections::HashSet;

use dial9_format::{LossRow, RuntimeRow};

use crate::arena::ChunkCopy;
use crate::clock::Timeline;
use crate::history::{self, History};
use crate::shared::Shared;
use crate::thread::Known;

/// A poll or park that was going on at the moment of the snapshot, in ticks.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(crate) struct InProgress {
    pub(crate) thread: u32,
    pub(crate) worker: u64,
    /// The task, or [`crate::thread::PARKED`].
    pub(crate) task: u64,
    pub(crate) start: u64,
}

/// The copy. It stands for one instant, [`Snapshot::at`]: events after it are left out when the dump
/// is encoded, and what straddles it is shown as still going on.
pub(crate) struct Snapshot {
    /// The instant, in ticks.
    pub(crate) at: u64,
    pub(crate) in_progress: HashSet<InProgress>,
    pub(crate) history: history::Snapshot,
    /// The chunks, and where each one's bytes lie in `bytes`.
    pub(crate) chunks: Vec<(ChunkCopy, std::ops::Range<usize>)>,
    pub(crate) bytes: Vec<u8>,
    pub(crate) window_start: u64,
    pub(crate) others_start: u64,
    pub(crate) threads: Vec<Known>,
    pub(crate) strings: Vec<(u32, String)>,
    pub(crate) runtimes: Vec<RuntimeRow>,
    pub(crate) losses: Vec<LossRow>,
    pub(crate) timeline: Timeline,
}

impl Snapshot {
    /// Copies everything. On the recorder's own thread, right after a folding pass. `None` when there
    /// is no memory for the copy.
    pub(crate) fn take(shared: &Shared, history: &History, timeline: &Timeline) -> Option<Self> {
        let at = shared.clock.ticks();
        // The slots come before the chunks: a poll that ends in between is then in a chunk, with an
        // end behind `at`, and is told from its start and thread to be the same one.
        let in_progress = shared
            .slots
            .iter()
            .flat_map(|slot| {
                let (thread, worker, running) = slot.observe();
                running.into_iter().map(move |(task, start)| InProgress {
                    thread,
                    worker,
                    task,
                    start,
                })
            })
            .filter(|running| running.start <= at)
            .collect();
        let arena = &shared.arena;
        let mut bytes = Vec::new();
        bytes.try_reserve_exact(arena.bytes()).ok()?;
        let mut chunks = Vec::with_capacity(arena.chunks());
        let (hand, count) = (arena.claims(), arena.chunks() as u64);
        // Newest first: what is reclaimed meanwhile is the oldest.
        for back in 1..=count {
            let index = (hand.wrapping_add(count).wrapping_sub(back) % count) as usize;
            let from = bytes.len();
            if let Some(copy) = arena.copy(index, 0, 0, &mut bytes) {
                chunks.push((copy, from..bytes.len()));
            }
        }
        arena.settle();
        // Last, since it takes longest and nobody but this thread changes it: the chunks must not be
        // reclaimed meanwhile.
        let history = history.snapshot(&shared.facts);
        Some(Self {
            at,
            in_progress,
            history,
            chunks,
            bytes,
            window_start: arena.window_start(),
            others_start: arena.others_start(),
            threads: shared
                .slots
                .iter()
                .filter_map(crate::thread::ThreadSlot::known)
                .collect(),
            strings: shared.strings.texts(),
            runtimes: shared.runtimes(),
            losses: shared.loss_rows(),
            timeline: timeline.clone(),
        })
    }
}
