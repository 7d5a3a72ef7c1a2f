//! One pass of the folding thread over the arena: new events into the history.

use crate::arena::Arena;
use crate::codec::{Base, Decoder};
use crate::history::{History, WorkerTotals};
use crate::shared::Shared;
use crate::sync::Ordering;

/// How far a chunk has been folded.
#[derive(Clone, Copy, Debug, Default)]
struct Progress {
    generation: u64,
    offset: usize,
    base: Base,
}

/// Folds chunks, and remembers where it stopped in each.
pub(crate) struct Folder {
    progress: Box<[Progress]>,
    bytes: Vec<u8>,
}

impl Folder {
    pub(crate) fn new(arena: &Arena) -> Self {
        Self {
            progress: vec![Progress::default(); arena.chunks()].into_boxed_slice(),
            bytes: Vec::with_capacity(
                Self::scratch(arena.chunks()) - arena.chunks() * size_of::<Progress>(),
            ),
        }
    }

    /// Bytes that a folder for `chunks` chunks takes.
    pub(crate) fn scratch(chunks: usize) -> usize {
        chunks * size_of::<Progress>() + 17 * 1024
    }

    /// Folds all that was written since the last pass. Tells how many events that were.
    pub(crate) fn pass(&mut self, shared: &Shared, history: &mut History) -> u64 {
        let mut folded = 0;
        let mut horizon = u64::MAX;
        let window_start = shared.arena.window_start();
        for index in 0..shared.arena.chunks() {
            let Some(glance) = shared.arena.glance(index) else {
                continue;
            };
            let progress = self.progress[index];
            let known = if progress.generation == glance.generation {
                progress.offset
            } else {
                0
            };
            if glance.length > known {
                folded += self.chunk(shared, history, index);
            }
            // What ended before the oldest event of any chunk can be in none. A chunk that lies
            // before the window as a whole does not count.
            if self.progress[index].base.time >= window_start || glance.length == 0 {
                horizon = horizon.min(glance.first_time);
            }
        }
        history.take_spawned(&shared.facts);
        history.forget_doubtful_waits(shared.arena.unfolded.to.load(Ordering::Relaxed));
        if horizon != u64::MAX {
            history.retire(&shared.facts, horizon, window_start);
        }
        let losses = &shared.losses;
        losses
            .history_full
            .fetch_add(std::mem::take(&mut history.given_up), Ordering::Relaxed);
        losses
            .spawn_facts
            .fetch_add(std::mem::take(&mut history.rowless), Ordering::Relaxed);
        losses
            .waits
            .fetch_add(std::mem::take(&mut history.waits_lost), Ordering::Relaxed);
        folded
    }

    fn chunk(&mut self, shared: &Shared, history: &mut History, index: usize) -> u64 {
        let progress = self.progress[index];
        self.bytes.clear();
        let Some(copy) =
            shared
                .arena
                .copy(index, progress.generation, progress.offset, &mut self.bytes)
        else {
            return 0;
        };
        let base = if copy.from == 0 {
            Base {
                time: copy.first_time,
                task: 0,
            }
        } else {
            progress.base
        };
        // The spawn of every task in these events was published before they were written.
        history.take_spawned(&shared.facts);
        let mut decoder = Decoder::new(&self.bytes, 0, base, copy.shared());
        let mut totals = WorkerTotals {
            worker: copy.worker,
            ..WorkerTotals::default()
        };
        let mut events = 0;
        while let Some((event, thread)) = decoder.next_event() {
            let thread = if copy.shared() { thread } else { copy.stream };
            history.fold(&shared.facts, &event, thread, &mut totals);
            events += 1;
        }
        history.add(&totals);
        let (read, base) = decoder.position();
        if read != self.bytes.len() {
            // Only a defect of the recorder can do this; the rest of the chunk is given up, visibly.
            shared.losses.internal.fetch_add(1, Ordering::Relaxed);
        }
        self.progress[index] = Progress {
            generation: copy.generation,
            offset: copy.to,
            base,
        };
        shared.arena.set_folded(index, copy.generation, copy.to);
        events
    }
}
