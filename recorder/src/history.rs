//! The folded past: one entry per task and totals per worker, kept by the recorder's own thread.
//!
//! One task's events lie in the chunks of several threads, which are folded in no particular order.
//! So every field is a sum, or is won by the latest event *time*.

use std::collections::{HashMap, VecDeque};

use dial9_format::{PollOutcome, Waker};

use crate::arena::NO_WORKER;
use crate::codec::RawEvent;
use crate::facts::{Facts, FactsTable, ROW_BYTES};
use crate::index::TaskIndex;

/// Ends of unknown tasks, and ends of unknown waits, that are remembered.
const TOMBSTONES: usize = 4096;
/// Distinct string numbers, for counting tasks by location.
const LOCATIONS: usize = 4097;
/// No wait.
const NIL: u32 = u32::MAX;

/// What was folded of one task. Times in ticks, 0 for never.
#[derive(Clone, Debug, Default)]
pub(crate) struct Entry {
    pub(crate) id: u64,
    pub(crate) terminated_at: u64,
    pub(crate) polls: u64,
    pub(crate) busy: u64,
    pub(crate) longest: u64,
    pub(crate) longest_start: u64,
    pub(crate) last_start: u64,
    pub(crate) last_end: u64,
    pub(crate) wakes: u64,
    pub(crate) self_wakes: u64,
    pub(crate) last_wake_at: u64,
    pub(crate) last_waker: u64,
    pub(crate) unwakeable_at: u64,
    pub(crate) waits: u64,
    first_wait: u32,
    pub(crate) last_outcome: u8,
    pub(crate) last_waker_kind: u8,
    pub(crate) covered: bool,
    in_use: bool,
}

/// A wait that has begun and, as far as is folded, not ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct OpenWait {
    pub(crate) task: u64,
    pub(crate) wait: u64,
    pub(crate) name: u32,
    pub(crate) location: u32,
    pub(crate) since: u64,
    next: u32,
}

/// Totals of one worker, in ticks.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct WorkerTotals {
    pub(crate) worker: u64,
    pub(crate) polls: u64,
    pub(crate) busy: u64,
    pub(crate) parks: u64,
    pub(crate) parked: u64,
}

/// Ids whose end came before anything else of them, oldest forgotten first.
struct Tombstones {
    at: HashMap<u64, u64>,
    order: VecDeque<(u64, u64)>,
}

impl Tombstones {
    fn new() -> Self {
        // Twice the room, so that the map never has to grow.
        Self {
            at: HashMap::with_capacity(2 * TOMBSTONES),
            order: VecDeque::with_capacity(TOMBSTONES),
        }
    }

    fn bury(&mut self, id: u64, at: u64) {
        if self.order.len() == TOMBSTONES
            && let Some((oldest, buried)) = self.order.pop_front()
            && self.at.get(&oldest) == Some(&buried)
        {
            self.at.remove(&oldest);
        }
        self.at.insert(id, at);
        self.order.push_back((id, at));
    }

    /// Takes an id's end out. Its place in the order stays, and means nothing any more.
    fn exhume(&mut self, id: u64) -> Option<u64> {
        self.at.remove(&id)
    }
}

/// The history.
pub(crate) struct History {
    entries: Box<[Entry]>,
    index: TaskIndex,
    /// Entries whose task has ended, in the order in which that was folded.
    ended: VecDeque<u32>,
    waits: Vec<OpenWait>,
    free_wait: u32,
    max_waits: usize,
    ended_tasks: Tombstones,
    ended_waits: Tombstones,
    workers: Vec<WorkerTotals>,
    by_location: Box<[u32]>,
    /// Up to which tick of lost events the open waits have been gone through.
    doubted_until: u64,
    /// Losses since they were last asked for: entries given up, spawns without a row, waits without a
    /// place or with an unknown end.
    pub(crate) given_up: u64,
    pub(crate) rowless: u64,
    pub(crate) waits_lost: u64,
}

/// A copy of all that the history knows, for a dump.
pub(crate) struct Snapshot {
    pub(crate) tasks: Vec<(Facts, Entry)>,
    pub(crate) waits: Vec<OpenWait>,
    pub(crate) workers: Vec<WorkerTotals>,
}

/// Bytes that a history of `rows` rows takes at most, its facts table included.
pub(crate) fn bytes(rows: usize) -> usize {
    rows * (ROW_BYTES + size_of::<Entry>() + size_of::<u32>())
        + TaskIndex::bytes(rows)
        + max_waits(rows) * size_of::<OpenWait>()
        + LOCATIONS * size_of::<u32>()
        // Two maps of 16-byte pairs at a load of at most 7/8, and their queues.
        + 2 * (4 * TOMBSTONES * (16 + 1) + TOMBSTONES * 16)
}

/// How many rows fit in `budget` bytes.
pub(crate) fn rows_within(budget: usize) -> usize {
    let (mut low, mut high) = (0, budget / (ROW_BYTES + size_of::<Entry>()));
    while low < high {
        let middle = (low + high).div_ceil(2);
        if bytes(middle) <= budget {
            low = middle;
        } else {
            high = middle - 1;
        }
    }
    low
}

fn max_waits(rows: usize) -> usize {
    rows.div_ceil(2)
}

impl History {
    /// A history of `rows` rows. `None` when the memory is not to be had.
    pub(crate) fn new(rows: usize) -> Option<Self> {
        let mut entries = Vec::new();
        entries.try_reserve_exact(rows).ok()?;
        entries.resize_with(rows, Entry::default);
        Some(Self {
            entries: entries.into_boxed_slice(),
            index: TaskIndex::new(rows),
            ended: VecDeque::with_capacity(rows),
            waits: Vec::with_capacity(max_waits(rows)),
            free_wait: NIL,
            max_waits: max_waits(rows),
            ended_tasks: Tombstones::new(),
            ended_waits: Tombstones::new(),
            workers: Vec::with_capacity(64),
            by_location: vec![0; LOCATIONS].into_boxed_slice(),
            doubted_until: 0,
            given_up: 0,
            rowless: 0,
            waits_lost: 0,
        })
    }

    #[inline]
    fn row(&self, task: u64) -> Option<u32> {
        self.index.get(task, |row| self.entries[row as usize].id)
    }

    /// Takes the spawn facts that were published since the last call.
    pub(crate) fn take_spawned(&mut self, facts: &FactsTable) {
        facts.take_pending(|row| {
            let spawned = facts.read(row);
            if let Some(old) = self.row(spawned.id) {
                // The spawn event was folded first, from a spawner that gave this row up for lost.
                self.entries[old as usize].covered |= spawned.covered;
                facts.give_back(row);
            } else {
                self.occupy(row, &spawned);
            }
        });
    }

    fn occupy(&mut self, row: u32, facts: &Facts) {
        let terminated_at = self.ended_tasks.exhume(facts.id).unwrap_or(0);
        self.entries[row as usize] = Entry {
            id: facts.id,
            terminated_at,
            first_wait: NIL,
            covered: facts.covered,
            in_use: true,
            ..Entry::default()
        };
        self.index.insert(facts.id, row);
        self.by_location[facts.location as usize % LOCATIONS] += 1;
        if terminated_at != 0 {
            self.ended.push_back(row);
        }
    }

    /// Finds a row for a task whose spawner found none.
    ///
    /// No other event makes an entry: one whose task has none comes after the task's end, when its
    /// entry has left already, and would raise the dead.
    fn find_row(&mut self, facts: &FactsTable, new: &Facts) {
        let Some(row) = facts.take_free() else {
            self.rowless += 1;
            return;
        };
        facts.write(row, new);
        self.occupy(row, new);
    }

    /// Folds one event of the thread `thread`, and adds to the totals of the worker that it was then.
    #[inline]
    pub(crate) fn fold(
        &mut self,
        facts: &FactsTable,
        event: &RawEvent,
        thread: u32,
        totals: &mut WorkerTotals,
    ) {
        match *event {
            RawEvent::Poll {
                outcome: PollOutcome::Cancelled,
                ..
            } => {}
            RawEvent::Poll {
                start,
                end,
                task,
                outcome,
            } => self.fold_poll(start, end, task, outcome, totals),
            RawEvent::Wake { at, task, waker } => self.fold_wake(at, task, waker, thread),
            RawEvent::Spawn {
                at,
                task,
                parent,
                location,
                name,
                runtime,
                kind,
                size,
                rowless,
            } => {
                if rowless && self.row(task).is_none() {
                    let new = Facts {
                        id: task,
                        at,
                        parent,
                        location,
                        name,
                        runtime,
                        size,
                        kind,
                        covered: false,
                    };
                    self.find_row(facts, &new);
                }
            }
            RawEvent::Terminate { at, task } => self.fold_terminate(at, task),
            RawEvent::Park { start, end } => {
                totals.parks += 1;
                totals.parked += end - start;
            }
            RawEvent::WaitBegin {
                at,
                task,
                wait,
                name,
                location,
            } => {
                self.fold_wait_begin(OpenWait {
                    task,
                    wait,
                    name,
                    location,
                    since: at,
                    next: NIL,
                });
            }
            RawEvent::WaitEnd { at, task, wait, .. } => self.fold_wait_end(at, task, wait),
            RawEvent::Unwakeable { at, task } => {
                if let Some(row) = self.row(task) {
                    let entry = &mut self.entries[row as usize];
                    entry.unwakeable_at = entry.unwakeable_at.max(at);
                }
            }
            RawEvent::Covered {
                task, name, size, ..
            } => {
                if let Some(row) = self.row(task) {
                    self.entries[row as usize].covered = true;
                    let mut known = facts.read(row);
                    if known.name == 0 {
                        known.name = name;
                    }
                    if known.size == 0 {
                        known.size = size;
                    }
                    facts.write(row, &known);
                }
            }
        }
    }

    #[inline]
    fn fold_poll(
        &mut self,
        start: u64,
        end: u64,
        task: u64,
        outcome: PollOutcome,
        totals: &mut WorkerTotals,
    ) {
        let length = end - start;
        totals.polls += 1;
        totals.busy += length;
        let Some(row) = self.row(task) else { return };
        let entry = &mut self.entries[row as usize];
        entry.polls += 1;
        entry.busy += length;
        // Of two equally long ones the later is kept, in whatever order they are folded.
        if (length, start) > (entry.longest, entry.longest_start) {
            (entry.longest, entry.longest_start) = (length, start);
        }
        // By start: an end is noted after the runtime let the task go, when its next poll may already
        // have come and gone on another worker.
        if start >= entry.last_start {
            (entry.last_start, entry.last_end, entry.last_outcome) = (start, end, outcome as u8);
        }
    }

    #[inline]
    fn fold_wake(&mut self, at: u64, task: u64, waker: Waker, thread: u32) {
        let Some(row) = self.row(task) else { return };
        let entry = &mut self.entries[row as usize];
        entry.wakes += 1;
        entry.self_wakes += u64::from(waker == Waker::Task(task));
        if at >= entry.last_wake_at {
            entry.last_wake_at = at;
            (entry.last_waker_kind, entry.last_waker) = match waker {
                Waker::Task(id) => (1, id),
                Waker::Runtime => (2, 0),
                Waker::Blocking => (3, u64::from(thread)),
                Waker::Outside => (4, u64::from(thread)),
            };
        }
    }

    fn fold_terminate(&mut self, at: u64, task: u64) {
        let Some(row) = self.row(task) else {
            self.ended_tasks.bury(task, at);
            return;
        };
        let entry = &mut self.entries[row as usize];
        if entry.terminated_at == 0 {
            entry.terminated_at = at;
            self.ended.push_back(row);
        }
        self.drop_waits(row);
    }

    fn fold_wait_begin(&mut self, mut wait: OpenWait) {
        let ended_before = self.ended_waits.exhume(wait.wait).is_some();
        let Some(row) = self.row(wait.task) else {
            return;
        };
        let entry = &mut self.entries[row as usize];
        entry.waits += 1;
        if ended_before || entry.terminated_at != 0 {
            return;
        }
        wait.next = entry.first_wait;
        let place = if self.free_wait != NIL {
            let place = self.free_wait;
            self.free_wait = self.waits[place as usize].next;
            self.waits[place as usize] = wait;
            place
        } else if self.waits.len() < self.max_waits {
            self.waits.push(wait);
            self.waits.len() as u32 - 1
        } else {
            self.waits_lost += 1;
            return;
        };
        self.entries[row as usize].first_wait = place;
    }

    fn fold_wait_end(&mut self, at: u64, task: u64, wait: u64) {
        let Some(row) = self.row(task) else { return };
        if !self.close_wait(row, wait) && self.entries[row as usize].terminated_at == 0 {
            self.ended_waits.bury(wait, at);
        }
    }

    /// Takes a wait off its task's list; false if it is not on it.
    fn close_wait(&mut self, row: u32, wait: u64) -> bool {
        let mut previous = NIL;
        let mut place = self.entries[row as usize].first_wait;
        while place != NIL {
            let next = self.waits[place as usize].next;
            if self.waits[place as usize].wait == wait {
                if previous == NIL {
                    self.entries[row as usize].first_wait = next;
                } else {
                    self.waits[previous as usize].next = next;
                }
                self.free_wait_at(place);
                return true;
            }
            (previous, place) = (place, next);
        }
        false
    }

    /// Forgets open waits whose end may be among the events that were lost up to `lost_until`: those
    /// that began before it, of tasks that have been polled since.
    pub(crate) fn forget_doubtful_waits(&mut self, lost_until: u64) {
        if lost_until == self.doubted_until {
            return;
        }
        let mut undecided = false;
        for place in 0..self.waits.len() {
            let open = self.waits[place];
            if open.task == 0 || open.since > lost_until {
                continue;
            }
            match self.row(open.task) {
                Some(row) if self.entries[row as usize].last_start > open.since => {
                    self.close_wait(row, open.wait);
                    self.waits_lost += 1;
                }
                _ => undecided = true,
            }
        }
        if !undecided {
            self.doubted_until = lost_until;
        }
    }

    fn free_wait_at(&mut self, place: u32) {
        // No task has the number 0: the place is free.
        self.waits[place as usize].task = 0;
        self.waits[place as usize].next = self.free_wait;
        self.free_wait = place;
    }

    fn drop_waits(&mut self, row: u32) {
        let mut place = std::mem::replace(&mut self.entries[row as usize].first_wait, NIL);
        while place != NIL {
            let next = self.waits[place as usize].next;
            self.free_wait_at(place);
            place = next;
        }
    }

    /// Adds what one chunk told of its worker.
    pub(crate) fn add(&mut self, totals: &WorkerTotals) {
        if totals.worker == NO_WORKER {
            return;
        }
        match self
            .workers
            .iter_mut()
            .find(|known| known.worker == totals.worker)
        {
            Some(known) => {
                known.polls += totals.polls;
                known.busy += totals.busy;
                known.parks += totals.parks;
                known.parked += totals.parked;
            }
            None => self.workers.push(*totals),
        }
    }

    /// Lets go of tasks that ended before `horizon`, the first tick that any chunk still holds; when
    /// rows run short, of more.
    pub(crate) fn retire(&mut self, facts: &FactsTable, horizon: u64, window_start: u64) {
        self.retire_ended(facts, horizon);
        let short = self.entries.len() / 8;
        if self.free_rows() >= short {
            return;
        }
        // An idle worker's old chunk holds the horizon back; what ended before the window may go.
        self.retire_ended(facts, window_start);
        while self.free_rows() < short {
            let Some(row) = self.ended.pop_front() else {
                break;
            };
            // While its spawn is in the window, a dump misses nothing of it.
            self.given_up += u64::from(facts.read(row).at < window_start);
            self.leave(facts, row);
        }
        if self.free_rows() < short {
            self.evict_most_populous(facts, short);
        }
    }

    fn free_rows(&self) -> usize {
        self.entries.len() - self.index.len()
    }

    fn retire_ended(&mut self, facts: &FactsTable, horizon: u64) {
        while let Some(&row) = self.ended.front() {
            let entry = &self.entries[row as usize];
            // The last poll ends a little after the task's end is reported.
            if entry.terminated_at.max(entry.last_end) >= horizon {
                break;
            }
            self.ended.pop_front();
            self.leave(facts, row);
        }
    }

    fn evict_most_populous(&mut self, facts: &FactsTable, wanted: usize) {
        while self.free_rows() < wanted {
            let Some(location) = (0..LOCATIONS).max_by_key(|&location| self.by_location[location])
            else {
                return;
            };
            let victims: Vec<u32> = (0..self.entries.len() as u32)
                .filter(|&row| {
                    self.entries[row as usize].in_use
                        && facts.read(row).location as usize % LOCATIONS == location
                })
                .take(wanted - self.free_rows())
                .collect();
            if victims.is_empty() {
                return;
            }
            for row in victims {
                self.given_up += 1;
                self.leave(facts, row);
            }
        }
    }

    fn leave(&mut self, facts: &FactsTable, row: u32) {
        self.drop_waits(row);
        let id = self.entries[row as usize].id;
        self.by_location[facts.read(row).location as usize % LOCATIONS] -= 1;
        self.index.remove(id, |row| self.entries[row as usize].id);
        self.entries[row as usize] = Entry {
            first_wait: NIL,
            ..Entry::default()
        };
        facts.give_back(row);
    }

    /// A copy of everything.
    pub(crate) fn snapshot(&self, facts: &FactsTable) -> Snapshot {
        let tasks: Vec<_> = self
            .entries
            .iter()
            .enumerate()
            .filter(|(_, entry)| entry.in_use)
            .map(|(row, entry)| (facts.read(row as u32), entry.clone()))
            .collect();
        let mut waits = Vec::new();
        for (_, entry) in &tasks {
            let mut place = entry.first_wait;
            while place != NIL {
                waits.push(self.waits[place as usize]);
                place = self.waits[place as usize].next;
            }
        }
        Snapshot {
            tasks,
            waits,
            workers: self.workers.clone(),
        }
    }
}

#[cfg(test)]
mod tests;
