//! From a task's number to its row: open addressing, allocated once.

/// No row.
const EMPTY: u32 = u32::MAX;

/// The index. It holds rows only; whose row one is, the caller tells.
pub(crate) struct TaskIndex {
    slots: Box<[u32]>,
    mask: usize,
    length: usize,
}

impl TaskIndex {
    /// An index for up to `rows` rows, at most half full.
    pub(crate) fn new(rows: usize) -> Self {
        let slots = Self::slots(rows);
        Self {
            slots: vec![EMPTY; slots].into_boxed_slice(),
            mask: slots - 1,
            length: 0,
        }
    }

    fn slots(rows: usize) -> usize {
        (2 * rows).next_power_of_two().max(2)
    }

    /// Bytes that an index for `rows` rows takes.
    pub(crate) fn bytes(rows: usize) -> usize {
        Self::slots(rows) * size_of::<u32>()
    }

    pub(crate) fn len(&self) -> usize {
        self.length
    }

    /// Fibonacci hashing: task numbers are nearly consecutive, and unspread they would form runs that
    /// a look-up of an unknown number had to walk.
    #[inline]
    fn home(&self, task: u64) -> usize {
        (task.wrapping_mul(0x9e37_79b9_7f4a_7c15) >> 32) as usize & self.mask
    }

    /// The row of `task`; `id_of` tells the task of a row.
    #[inline]
    pub(crate) fn get(&self, task: u64, id_of: impl Fn(u32) -> u64) -> Option<u32> {
        let mut slot = self.home(task);
        loop {
            match self.slots[slot] {
                EMPTY => return None,
                row if id_of(row) == task => return Some(row),
                _ => slot = (slot + 1) & self.mask,
            }
        }
    }

    /// Adds a row for a task that has none.
    pub(crate) fn insert(&mut self, task: u64, row: u32) {
        debug_assert!(self.length <= self.slots.len() / 2);
        let mut slot = self.home(task);
        while self.slots[slot] != EMPTY {
            slot = (slot + 1) & self.mask;
        }
        self.slots[slot] = row;
        self.length += 1;
    }

    /// Removes a task's row. Later members of its run move up, so that no hole hides them.
    pub(crate) fn remove(&mut self, task: u64, id_of: impl Fn(u32) -> u64) {
        let mut hole = self.home(task);
        loop {
            match self.slots[hole] {
                EMPTY => return,
                row if id_of(row) == task => break,
                _ => hole = (hole + 1) & self.mask,
            }
        }
        let mut slot = hole;
        loop {
            slot = (slot + 1) & self.mask;
            let row = self.slots[slot];
            if row == EMPTY {
                break;
            }
            let home = self.home(id_of(row));
            // It may move into the hole unless its home lies behind the hole, cyclically.
            if (slot.wrapping_sub(home) & self.mask) >= (slot.wrapping_sub(hole) & self.mask) {
                self.slots[hole] = row;
                hole = slot;
            }
        }
        self.slots[hole] = EMPTY;
        self.length -= 1;
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use std::collections::HashMap;

    proptest! {
        #[test]
        fn it_behaves_like_a_map(steps in proptest::collection::vec((any::<bool>(), 0_u64..40), 0..300), spread: bool) {
            let id = |number: u64| if spread { (number << 17) | (number % 3) } else { number };
            let mut rows: Vec<u64> = Vec::new();
            let mut index = TaskIndex::new(400);
            let mut model: HashMap<u64, u32> = HashMap::new();
            for (insert, number) in steps {
                let task = id(number);
                if insert && !model.contains_key(&task) {
                    rows.push(task);
                    index.insert(task, rows.len() as u32 - 1);
                    model.insert(task, rows.len() as u32 - 1);
                } else if !insert {
                    index.remove(task, |row| rows[row as usize]);
                    model.remove(&task);
                }
                prop_assert_eq!(index.len(), model.len());
                for number in 0..40 {
                    prop_assert_eq!(index.get(id(number), |row| rows[row as usize]), model.get(&id(number)).copied());
                }
            }
        }
    }
}
