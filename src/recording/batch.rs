//! What a reader fills: the rows of one stretch of one event stream. Batches know nothing of each other, so several
//! threads can fill them at the same time; [`super::RecordingBuilder`] brings them together.

use std::{
    collections::{HashMap, hash_map::RandomState},
    hash::{BuildHasher, Hasher},
};

use super::{
    EventCounts, LaneTotals, Ns, Outcome, StrId, TaskKind, Totals, WaitState, columns::WakerKind,
    extras::Extras,
};

/// Who a thread was while it wrote: its number, and the worker if it was one.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct SeatKey {
    /// The worker: number of its runtime, and its index in it.
    pub worker: Option<(u32, u32)>,
    /// The thread's number.
    pub thread: u32,
}

/// Who woke a task, with the numbers of the file.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum WakerKey {
    /// The task of this id.
    Task(u64),
    /// A runtime thread outside every poll.
    Runtime,
    /// A blocking job on the thread that issued the wake.
    Blocking,
    /// The thread that issued the wake, which belongs to no runtime.
    Outside,
    /// It was not recorded.
    Unknown,
}

/// The facts that a spawn carries.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct SpawnFacts {
    /// When.
    pub at: Option<Ns>,
    /// The task whose poll spawned it.
    pub parent: Option<u64>,
    /// Its spawn location.
    pub location: StrId,
    /// Its name.
    pub name: StrId,
    /// The number of its runtime.
    pub runtime: Option<u32>,
    /// What kind of future it is.
    pub kind: TaskKind,
    /// The future's size in bytes.
    pub size: Option<u32>,
}

#[derive(Clone, Copy, Debug)]
pub(crate) struct PollRow {
    pub(crate) start: Ns,
    pub(crate) end: Ns,
    pub(crate) task: u32,
    pub(crate) seat: u16,
    pub(crate) outcome: u8,
    /// The length of the worker's own queue, or [`NO_QUEUE`].
    pub(crate) queue: u8,
}

/// Stands for the length of a queue that nobody recorded.
pub(crate) const NO_QUEUE: u8 = u8::MAX;

#[derive(Clone, Copy, Debug)]
pub(crate) struct WakeRow {
    pub(crate) at: Ns,
    pub(crate) task: u32,
    pub(crate) waker: u32,
    pub(crate) seat: u16,
    pub(crate) kind: WakerKind,
}

#[derive(Clone, Copy, Debug)]
pub(crate) struct ParkRow {
    pub(crate) start: Ns,
    pub(crate) end: Ns,
    pub(crate) seat: u16,
    pub(crate) open: bool,
}

#[derive(Clone, Copy, Debug)]
pub(crate) struct WaitBeginRow {
    pub(crate) wait: u64,
    pub(crate) task: u32,
    pub(crate) at: Ns,
    pub(crate) name: StrId,
    pub(crate) location: StrId,
}

#[derive(Clone, Copy, Debug)]
pub(crate) struct WaitEndRow {
    pub(crate) wait: u64,
    pub(crate) task: u32,
    pub(crate) at: Ns,
    pub(crate) state: WaitState,
}

/// The rows of one stretch of one stream, in the order of the stream.
#[derive(Debug)]
pub struct Batch {
    pub(crate) stream: u32,
    pub(crate) tasks: LocalIds,
    pub(crate) seats: Vec<SeatKey>,
    seat_numbers: HashMap<SeatKey, u16, IdHashing>,
    pub(crate) seat: u16,
    in_history: bool,
    /// Whether anything was said of a history: only then what lies behind it has to be added up by itself.
    pub(crate) has_history: bool,
    sorted: bool,
    pub(crate) polls: Vec<PollRow>,
    pub(crate) wakes: Vec<WakeRow>,
    pub(crate) parks: Vec<ParkRow>,
    pub(crate) spawns: Vec<(u32, SpawnFacts)>,
    /// Ends by the file's task id: one of a task that nothing else names is a blocking job's.
    pub(crate) ends: Vec<(u64, Ns)>,
    pub(crate) cancellations: Vec<(u32, Ns)>,
    pub(crate) unwakeables: Vec<(u32, Ns)>,
    pub(crate) wait_begins: Vec<WaitBeginRow>,
    pub(crate) wait_ends: Vec<WaitEndRow>,
    /// What the history does not contain yet, by local task and by local seat.
    pub(crate) beyond_tasks: Vec<Totals>,
    pub(crate) beyond_seats: Vec<LaneTotals>,
    /// Local tasks that were woken, or lost their wakers: theirs are recorded.
    pub(crate) woken: Vec<bool>,
    /// Local seats that polled or parked, and so need a lane.
    pub(crate) busy: Vec<bool>,
    pub(crate) counts: EventCounts,
    pub(crate) seats_over_cap: u64,
    pub(crate) extras: Extras,
}

impl Batch {
    /// An empty batch of the stream `stream`. Batches of one stream are handed to the builder in its order.
    #[must_use]
    pub fn new(stream: u32) -> Self {
        Self {
            stream,
            tasks: LocalIds::default(),
            seats: Vec::new(),
            seat_numbers: HashMap::default(),
            seat: u16::MAX,
            in_history: false,
            has_history: false,
            sorted: false,
            polls: Vec::new(),
            wakes: Vec::new(),
            parks: Vec::new(),
            spawns: Vec::new(),
            ends: Vec::new(),
            cancellations: Vec::new(),
            unwakeables: Vec::new(),
            wait_begins: Vec::new(),
            wait_ends: Vec::new(),
            beyond_tasks: Vec::new(),
            beyond_seats: Vec::new(),
            woken: Vec::new(),
            busy: Vec::new(),
            counts: EventCounts::default(),
            seats_over_cap: 0,
            extras: Extras::default(),
        }
    }

    /// How many events it holds.
    #[must_use]
    pub fn events(&self) -> u64 {
        self.counts.total
    }

    /// Makes room for this many more polls and wakes.
    pub fn reserve(&mut self, polls: usize, wakes: usize) {
        self.polls.reserve(polls);
        self.wakes.reserve(wakes);
    }

    /// Says whether the rows that follow are already part of the history's totals. A batch of a recorder that keeps a
    /// history says so before its first row.
    pub fn in_history(&mut self, yes: bool) {
        self.in_history = yes;
        self.has_history = true;
        self.beyond_tasks
            .resize(self.tasks.ids.len(), Totals::default());
    }

    /// Says who wrote the rows that follow.
    pub fn seat(&mut self, key: SeatKey) {
        if self.seats.get(usize::from(self.seat)) == Some(&key) {
            return;
        }
        let next = u16::try_from(self.seats.len()).unwrap_or(u16::MAX);
        self.seat = *self.seat_numbers.entry(key).or_insert(next);
        if self.seat == u16::MAX {
            self.seats_over_cap += 1;
        } else if self.seat == next {
            self.seats.push(key);
            self.beyond_seats.push(LaneTotals::default());
            self.busy.push(false);
        }
    }

    /// A poll of `task` from `start` to `end`.
    pub fn poll(&mut self, task: u64, start: Ns, end: Ns, outcome: Outcome) {
        let end = end.max(start);
        let task = self.local(task);
        self.counts.total += 1;
        self.counts.polls += 1;
        if !self.in_history {
            if let Some(totals) = self.beyond_tasks.get_mut(task as usize) {
                totals.add_poll(start, end - start);
            }
            if let Some(seat) = self.beyond_seats.get_mut(usize::from(self.seat)) {
                seat.polls += 1;
                seat.busy_ns = seat.busy_ns.saturating_add(end - start);
            }
        }
        self.set_busy();
        self.polls.push(PollRow {
            start,
            end,
            task,
            seat: self.seat,
            outcome: outcome.raw(),
            queue: NO_QUEUE,
        });
    }

    /// An abort of `task`: no poll took place.
    pub fn cancellation(&mut self, task: u64, at: Ns) {
        let task = self.local(task);
        self.counts.total += 1;
        self.counts.cancellations += 1;
        self.cancellations.push((task, at));
    }

    /// A wake of `task`.
    pub fn wake(&mut self, task: u64, at: Ns, waker: WakerKey) {
        let task = self.local(task);
        let (kind, waker) = match waker {
            WakerKey::Task(waker) => (WakerKind::Task, self.local(waker)),
            WakerKey::Runtime => (WakerKind::Runtime, 0),
            WakerKey::Blocking => (WakerKind::Blocking, 0),
            WakerKey::Outside => (WakerKind::Outside, 0),
            WakerKey::Unknown => (WakerKind::Unknown, 0),
        };
        self.counts.total += 1;
        self.counts.wakes += 1;
        if !self.in_history
            && let Some(totals) = self.beyond_tasks.get_mut(task as usize)
        {
            totals.wakes += 1;
            totals.self_wakes += u64::from(kind == WakerKind::Task && waker == task);
        }
        self.woken[task as usize] = true;
        self.wakes.push(WakeRow {
            at,
            task,
            waker,
            seat: self.seat,
            kind,
        });
    }

    /// A park of the worker that writes; an `open` one goes on.
    pub fn park(&mut self, start: Ns, end: Ns, open: bool) {
        let end = end.max(start);
        self.counts.total += 1;
        self.counts.parks += 1;
        self.counts.unparks += u64::from(!open);
        if !self.in_history
            && let Some(seat) = self.beyond_seats.get_mut(usize::from(self.seat))
        {
            seat.parks += 1;
            seat.parked_ns = seat.parked_ns.saturating_add(end - start);
        }
        self.set_busy();
        self.parks.push(ParkRow {
            start,
            end,
            seat: self.seat,
            open,
        });
    }

    /// A spawn of `task`.
    pub fn spawn(&mut self, task: u64, facts: SpawnFacts) {
        let task = self.local(task);
        self.counts.total += 1;
        self.counts.spawns += 1;
        self.spawns.push((task, facts));
    }

    /// The end of a task, or of a blocking job.
    pub fn terminate(&mut self, task: u64, at: Ns) {
        self.counts.total += 1;
        self.counts.terminates += 1;
        self.ends.push((task, at));
    }

    /// The last waker of `task` was dropped.
    pub fn unwakeable(&mut self, task: u64, at: Ns) {
        let task = self.local(task);
        self.counts.total += 1;
        self.counts.unwakeables += 1;
        self.woken[task as usize] = true;
        self.unwakeables.push((task, at));
    }

    /// A marked wait of `task` began.
    pub fn wait_begin(&mut self, task: u64, wait: u64, at: Ns, name: StrId, location: StrId) {
        let task = self.local(task);
        self.counts.total += 1;
        self.counts.wait_begins += 1;
        if !self.in_history
            && let Some(totals) = self.beyond_tasks.get_mut(task as usize)
        {
            totals.waits += 1;
        }
        self.wait_begins.push(WaitBeginRow {
            wait,
            task,
            at,
            name,
            location,
        });
    }

    /// A marked wait of `task` ended.
    pub fn wait_end(&mut self, task: u64, wait: u64, at: Ns, state: WaitState) {
        let task = self.local(task);
        self.counts.total += 1;
        self.counts.wait_ends += 1;
        self.wait_ends.push(WaitEndRow {
            wait,
            task,
            at,
            state,
        });
    }

    fn set_busy(&mut self) {
        if let Some(busy) = self.busy.get_mut(usize::from(self.seat)) {
            *busy = true;
        }
    }

    /// Brings the rows into the order that merging needs: nested polls and shared streams are out of it. To be called
    /// when the batch is full, on the thread that filled it; the builder sorts only what is not sorted yet.
    pub fn sort(&mut self) {
        if self.sorted {
            return;
        }
        self.sorted = true;
        if !self.polls.is_sorted_by_key(|row| row.start) {
            self.polls.sort_by_key(|row| row.start);
        }
        if !self.wakes.is_sorted_by_key(|row| row.at) {
            self.wakes.sort_by_key(|row| row.at);
        }
    }

    pub(crate) fn local(&mut self, task: u64) -> u32 {
        let local = self.tasks.get(task);
        if local as usize == self.woken.len() {
            self.woken.push(false);
            if self.has_history {
                self.beyond_tasks.push(Totals::default());
            }
        }
        local
    }
}

/// Task ids numbered in the order in which they are met.
#[derive(Debug)]
pub(crate) struct LocalIds {
    numbers: HashMap<u64, u32, IdHashing>,
    pub(crate) ids: Vec<u64>,
    /// The number met last for each value of an id's low bits. Runtimes count their tasks, so those of one time differ
    /// there; what an entry says is held against `ids`.
    recent: Vec<u32>,
}

/// How many numbers are at hand without asking the map: they stay in the cache nearest to the processor.
const RECENT: usize = 1 << 12;

impl Default for LocalIds {
    fn default() -> Self {
        Self {
            numbers: HashMap::default(),
            ids: Vec::new(),
            recent: vec![0; RECENT],
        }
    }
}

impl LocalIds {
    #[inline]
    pub(crate) fn get(&mut self, id: u64) -> u32 {
        let number = self.recent[id as usize % RECENT];
        if self.ids.get(number as usize) == Some(&id) {
            return number;
        }
        self.look_up(id)
    }

    fn look_up(&mut self, id: u64) -> u32 {
        let next = self.ids.len() as u32;
        let number = *self.numbers.entry(id).or_insert(next);
        if number == next {
            self.ids.push(id);
        }
        self.recent[id as usize % RECENT] = number;
        number
    }
}

/// Hashing for ids: one multiplication, seeded, so that a crafted file cannot make every id collide.
#[derive(Clone, Copy, Debug)]
pub(crate) struct IdHashing(u64);

impl Default for IdHashing {
    fn default() -> Self {
        Self(RandomState::new().hash_one(0u8))
    }
}

impl BuildHasher for IdHashing {
    type Hasher = IdHasher;

    fn build_hasher(&self) -> IdHasher {
        IdHasher(self.0)
    }
}

/// See [`IdHashing`].
#[derive(Clone, Copy, Debug)]
pub(crate) struct IdHasher(u64);

impl Hasher for IdHasher {
    fn write(&mut self, bytes: &[u8]) {
        let words = bytes.chunks(8).map(|word| {
            let mut whole = [0; 8];
            whole[..word.len()].copy_from_slice(word);
            u64::from_le_bytes(whole)
        });
        words.for_each(|word| self.write_u64(word));
    }

    fn write_u32(&mut self, value: u32) {
        self.write_u64(u64::from(value));
    }

    fn write_u64(&mut self, value: u64) {
        let wide = u128::from(self.0 ^ value) * u128::from(0x9e37_79b9_7f4a_7c15_u64);
        self.0 = (wide as u64) ^ ((wide >> 64) as u64);
    }

    fn finish(&self) -> u64 {
        self.0
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ids_keep_their_numbers_when_their_low_bits_are_the_same() {
        let far = RECENT as u64;
        let ids = [0, far, 7, 0, 2 * far, far, 7 + far, 7, u64::MAX, far - 1];
        let mut numbers = LocalIds::default();
        let got: Vec<u32> = ids.iter().map(|id| numbers.get(*id)).collect();
        assert_eq!(got, [0, 1, 2, 0, 3, 1, 4, 2, 5, 6]);
        assert_eq!(
            numbers.ids,
            [0, far, 7, 2 * far, 7 + far, u64::MAX, far - 1]
        );
    }
}
