//! Spawn facts: the part of the history that the spawning thread itself writes, so that a task's
//! location and parent are known however far the folding lags behind.
//!
//! A row is taken from a free stack by the spawner, filled, and pushed on a pending stack, from which
//! the folding thread takes it into its index. Both stacks are linked through the rows. The free
//! stack's head carries a tag that every pop changes, so a row that left and came back in between does
//! not deceive a slow popper; the pending stack is only ever emptied as a whole.

use dial9_format::TaskKind;

use crate::sync::{AtomicU32, AtomicU64, Ordering};

/// How often a stack operation tries again before it gives up.
const TRIES: usize = 128;
/// No row.
const NIL: u32 = u32::MAX;

/// What is known of a task from its spawn.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Facts {
    pub(crate) id: u64,
    /// Ticks; 0 where the spawn was not seen.
    pub(crate) at: u64,
    pub(crate) parent: Option<u64>,
    pub(crate) location: u32,
    pub(crate) name: u32,
    pub(crate) runtime: u32,
    pub(crate) size: u32,
    pub(crate) kind: TaskKind,
    /// Whether the task's wakes are recorded, as far as the spawn tells.
    pub(crate) covered: bool,
}

/// One row, written by its spawner before it is published.
struct Row {
    id: AtomicU64,
    at: AtomicU64,
    /// 0 for none: task numbers start at 1.
    parent: AtomicU64,
    strings: AtomicU64,
    runtime_size: AtomicU64,
    kind: AtomicU32,
    next: AtomicU32,
}

/// Bytes of the table per row.
pub(crate) const ROW_BYTES: usize = size_of::<Row>();

/// The rows and the two stacks.
pub(crate) struct FactsTable {
    rows: Box<[Row]>,
    /// `tag << 32 | row`.
    free: AtomicU64,
    pending: AtomicU32,
}

impl FactsTable {
    /// A table of `rows` rows. `None` when the memory is not to be had.
    pub(crate) fn new(rows: usize) -> Option<Self> {
        let mut table = Vec::new();
        table.try_reserve_exact(rows).ok()?;
        for index in 0..rows {
            let next = if index + 1 < rows {
                index as u32 + 1
            } else {
                NIL
            };
            table.push(Row {
                id: AtomicU64::new(0),
                at: AtomicU64::new(0),
                parent: AtomicU64::new(0),
                strings: AtomicU64::new(0),
                runtime_size: AtomicU64::new(0),
                kind: AtomicU32::new(0),
                next: AtomicU32::new(next),
            });
        }
        let free = if rows == 0 { u64::from(NIL) } else { 0 };
        Some(Self {
            rows: table.into_boxed_slice(),
            free: AtomicU64::new(free),
            pending: AtomicU32::new(NIL),
        })
    }

    /// Takes a free row; `None` when there is none, or the stack is fought over for too long.
    pub(crate) fn take_free(&self) -> Option<u32> {
        let mut head = self.free.load(Ordering::Acquire);
        for _ in 0..TRIES {
            let row = head as u32;
            if row == NIL {
                return None;
            }
            let next = self.rows[row as usize].next.load(Ordering::Relaxed);
            let tagged = (head >> 32).wrapping_add(1) << 32 | u64::from(next);
            match self
                .free
                .compare_exchange_weak(head, tagged, Ordering::AcqRel, Ordering::Acquire)
            {
                Ok(_) => return Some(row),
                Err(now) => head = now,
            }
        }
        None
    }

    /// Gives a row back. For the folding thread, which therefore may try for as long as it takes:
    /// only pops compete with it.
    pub(crate) fn give_back(&self, row: u32) {
        let mut head = self.free.load(Ordering::Relaxed);
        loop {
            self.rows[row as usize]
                .next
                .store(head as u32, Ordering::Relaxed);
            let tagged = (head >> 32).wrapping_add(1) << 32 | u64::from(row);
            match self.free.compare_exchange_weak(
                head,
                tagged,
                Ordering::Release,
                Ordering::Relaxed,
            ) {
                Ok(_) => return,
                Err(now) => head = now,
            }
        }
    }

    /// Writes `facts` into a row that the caller has taken.
    pub(crate) fn write(&self, row: u32, facts: &Facts) {
        let place = &self.rows[row as usize];
        place.id.store(facts.id, Ordering::Relaxed);
        place.at.store(facts.at, Ordering::Relaxed);
        place
            .parent
            .store(facts.parent.unwrap_or(0), Ordering::Relaxed);
        place.strings.store(
            u64::from(facts.location) | u64::from(facts.name) << 32,
            Ordering::Relaxed,
        );
        place.runtime_size.store(
            u64::from(facts.runtime) | u64::from(facts.size) << 32,
            Ordering::Relaxed,
        );
        place.kind.store(
            facts.kind as u32 | u32::from(facts.covered) << 8,
            Ordering::Relaxed,
        );
    }

    /// Reads the facts of a row that the folding thread has taken from the pending stack, or written.
    pub(crate) fn read(&self, row: u32) -> Facts {
        let place = &self.rows[row as usize];
        let strings = place.strings.load(Ordering::Relaxed);
        let runtime_size = place.runtime_size.load(Ordering::Relaxed);
        let kind = place.kind.load(Ordering::Relaxed);
        let parent = place.parent.load(Ordering::Relaxed);
        Facts {
            id: place.id.load(Ordering::Relaxed),
            at: place.at.load(Ordering::Relaxed),
            parent: (parent != 0).then_some(parent),
            location: strings as u32,
            name: (strings >> 32) as u32,
            runtime: runtime_size as u32,
            size: (runtime_size >> 32) as u32,
            kind: match kind & 0xFF {
                1 => TaskKind::Local,
                2 => TaskKind::Blocking,
                _ => TaskKind::Async,
            },
            covered: kind >> 8 & 1 == 1,
        }
    }

    /// Puts the facts of a new task where the folding thread will find them. False when there is no
    /// row for them.
    pub(crate) fn publish(&self, facts: &Facts) -> bool {
        let Some(row) = self.take_free() else {
            return false;
        };
        self.write(row, facts);
        let mut head = self.pending.load(Ordering::Relaxed);
        for _ in 0..TRIES {
            self.rows[row as usize].next.store(head, Ordering::Relaxed);
            // Release: whoever takes the pending rows sees what was written to them.
            match self.pending.compare_exchange_weak(
                head,
                row,
                Ordering::Release,
                Ordering::Relaxed,
            ) {
                Ok(_) => return true,
                Err(now) => head = now,
            }
        }
        self.give_back(row);
        false
    }

    /// Takes every published row. For the folding thread.
    pub(crate) fn take_pending(&self, mut each: impl FnMut(u32)) {
        if self.pending.load(Ordering::Relaxed) == NIL {
            return;
        }
        let mut row = self.pending.swap(NIL, Ordering::Acquire);
        while row != NIL {
            // Read before `each`, which may give the row back.
            let next = self.rows[row as usize].next.load(Ordering::Relaxed);
            each(row);
            row = next;
        }
    }
}

#[cfg(all(test, not(dial9_loom)))]
mod tests {
    use super::*;
    use std::collections::HashSet;

    fn facts(id: u64) -> Facts {
        Facts {
            id,
            at: id * 3,
            parent: id.is_multiple_of(2).then_some(id / 2),
            location: id as u32,
            name: (id * 5) as u32,
            runtime: 1,
            size: (id * 7) as u32,
            kind: TaskKind::Local,
            covered: id.is_multiple_of(3),
        }
    }

    #[test]
    fn facts_come_back_and_rows_are_reused() {
        let table = FactsTable::new(2).expect("memory");
        for round in 0..10 {
            assert!(table.publish(&facts(round * 2 + 1)));
            assert!(table.publish(&facts(round * 2 + 2)));
            assert!(!table.publish(&facts(99)), "there are two rows");
            let mut rows = Vec::new();
            table.take_pending(|row| rows.push(row));
            let ids: Vec<_> = rows.iter().map(|&row| table.read(row)).collect();
            assert_eq!(ids, [facts(round * 2 + 2), facts(round * 2 + 1)]);
            rows.into_iter().for_each(|row| table.give_back(row));
        }
    }

    #[test]
    fn spawners_and_the_folding_thread_lose_no_row() {
        let table = FactsTable::new(64).expect("memory");
        let per_thread = 20_000_u64;
        let mut seen = HashSet::new();
        std::thread::scope(|scope| {
            let spawners: Vec<_> = (0..2_u64)
                .map(|thread| {
                    let table = &table;
                    scope.spawn(move || {
                        (1..=per_thread)
                            .filter(|id| table.publish(&facts(thread * per_thread + id)))
                            .count()
                    })
                })
                .collect();
            let fold = |seen: &mut HashSet<u64>| {
                let mut rows = Vec::new();
                table.take_pending(|row| rows.push(row));
                for row in rows {
                    let found = table.read(row);
                    assert_eq!(found, facts(found.id));
                    assert!(seen.insert(found.id), "no row twice");
                    table.give_back(row);
                }
            };
            while spawners.iter().any(|spawner| !spawner.is_finished()) {
                fold(&mut seen);
            }
            fold(&mut seen);
            let published: usize = spawners
                .into_iter()
                .map(|spawner| spawner.join().expect("no panic"))
                .sum();
            assert_eq!(seen.len(), published);
        });
        let mut free = 0;
        while table.take_free().is_some() {
            free += 1;
        }
        assert_eq!(free, 64);
    }
}
