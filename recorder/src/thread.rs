//! What the recorder knows of a thread: its slot, the stack of polls in progress, its writer.

use std::cell::{Cell, RefCell};
use std::sync::{Arc, Mutex, PoisonError, Weak};

use crate::arena::{NO_WORKER, Owner, Writer};
use crate::shared::Shared;
use crate::sync::{AtomicBool, AtomicU32, AtomicU64, Ordering};

/// Threads that may poll at one time.
pub(crate) const SLOTS: usize = 512;
/// Polls of one thread that may nest.
pub(crate) const MAX_DEPTH: usize = 8;
/// Recorders that one thread may write to.
const MAX_BINDINGS: usize = 4;

/// The task number that stands for a park in a frame.
pub(crate) const PARKED: u64 = u64::MAX;

/// The poll's future is polled through the recorder's wrapper.
pub(crate) const WRAPPED: u32 = 1;
/// The wrapper saw pending, ready or a panic.
pub(crate) const PENDING: u32 = 1 << 1;
pub(crate) const READY: u32 = 1 << 2;
pub(crate) const PANICKED: u32 = 1 << 3;
/// The wrapper was dropped without being polled.
pub(crate) const DROPPED: u32 = 1 << 4;
/// The task's end was reported inside this frame.
pub(crate) const TERMINATED: u32 = 1 << 5;

/// A poll or a park in progress: two words that another thread may read at any time.
///
/// Written as end (0), then task, then start, the last two released. A reader that loads start, task
/// and start again, and finds the same start twice, has read the task that belongs to it: had it seen
/// a later task, then the end stored before that one would be visible, too, and no two polls of a
/// thread begin at one tick.
pub(crate) struct Frame {
    start: AtomicU64,
    task: AtomicU64,
    /// Owner only.
    flags: AtomicU32,
}

impl Frame {
    fn new() -> Self {
        Self {
            start: AtomicU64::new(0),
            task: AtomicU64::new(0),
            flags: AtomicU32::new(0),
        }
    }

    #[inline(always)]
    fn begin(&self, task: u64, start: u64) {
        self.flags.store(0, Ordering::Relaxed);
        self.task.store(task, Ordering::Release);
        self.start.store(start, Ordering::Release);
    }

    #[inline(always)]
    fn end(&self) {
        self.start.store(0, Ordering::Release);
    }

    /// What goes on here, read from any thread: task (or [`PARKED`]) and start tick.
    pub(crate) fn observe(&self) -> Option<(u64, u64)> {
        for _ in 0..64 {
            let start = self.start.load(Ordering::Acquire);
            if start == 0 {
                return None;
            }
            let task = self.task.load(Ordering::Acquire);
            if self.start.load(Ordering::Acquire) == start {
                return Some((task, start));
            }
        }
        None
    }
}

/// A finished frame, as its owner pops it.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Finished {
    pub(crate) task: u64,
    pub(crate) start: u64,
    pub(crate) flags: u32,
}

const FREE: u32 = 0;
const IN_USE: u32 = 1;
const EXITED: u32 = 2;

/// A thread's name and number, as a dump shows them.
#[derive(Clone, Debug, Default)]
pub(crate) struct Identity {
    pub(crate) number: u32,
    pub(crate) name: String,
    pub(crate) tid: u64,
}

/// A thread as it was when somebody looked.
#[derive(Clone, Debug)]
pub(crate) struct Known {
    pub(crate) identity: Identity,
    /// Whether it has been a worker.
    pub(crate) worker: bool,
    pub(crate) exited: bool,
}

/// One thread that polls. Slots are reused, numbers are not.
#[repr(align(128))]
pub(crate) struct ThreadSlot {
    state: AtomicU32,
    number: AtomicU32,
    pub(crate) writer: Writer,
    depth: AtomicU32,
    frames: [Frame; MAX_DEPTH],
    /// `runtime << 32 | worker` of the chunk that the writer fills.
    worker: AtomicU64,
    /// Whether this thread has been a worker.
    was_worker: AtomicBool,
    /// Set while the owner writes an event, so that a re-entrant one is noticed.
    busy: AtomicBool,
    next_wait: AtomicU32,
    identity: Mutex<Identity>,
}

impl ThreadSlot {
    pub(crate) fn new() -> Self {
        Self {
            state: AtomicU32::new(FREE),
            number: AtomicU32::new(0),
            writer: Writer::new(),
            depth: AtomicU32::new(0),
            frames: std::array::from_fn(|_| Frame::new()),
            worker: AtomicU64::new(NO_WORKER),
            was_worker: AtomicBool::new(false),
            busy: AtomicBool::new(false),
            next_wait: AtomicU32::new(0),
            identity: Mutex::new(Identity::default()),
        }
    }

    /// Takes the slot for the calling thread if it is free, or its last thread has ended.
    fn acquire(&self, reuse: bool, number: impl FnOnce() -> u32) -> bool {
        let state = self.state.load(Ordering::Relaxed);
        if state == IN_USE || (state == EXITED && !reuse) {
            return false;
        }
        if self
            .state
            .compare_exchange(state, IN_USE, Ordering::AcqRel, Ordering::Relaxed)
            .is_err()
        {
            return false;
        }
        let number = number();
        self.number.store(number, Ordering::Relaxed);
        self.depth.store(0, Ordering::Relaxed);
        self.frames.iter().for_each(Frame::end);
        self.worker.store(NO_WORKER, Ordering::Relaxed);
        self.was_worker.store(false, Ordering::Relaxed);
        let thread = std::thread::current();
        *self.identity.lock().unwrap_or_else(PoisonError::into_inner) = Identity {
            number,
            name: thread.name().unwrap_or("").to_owned(),
            tid: os_thread_id(),
        };
        true
    }

    fn release(&self, shared: &Shared) {
        self.writer.close(&shared.arena);
        self.state.store(EXITED, Ordering::Release);
    }

    /// Who uses the slot, or did last; `None` if nobody ever has.
    pub(crate) fn known(&self) -> Option<Known> {
        let state = self.state.load(Ordering::Acquire);
        (state != FREE).then(|| Known {
            identity: self
                .identity
                .lock()
                .unwrap_or_else(PoisonError::into_inner)
                .clone(),
            worker: self.was_worker.load(Ordering::Relaxed),
            exited: state == EXITED,
        })
    }

    /// Everything in progress on this thread, outermost first, and the worker that the thread is.
    pub(crate) fn observe(&self) -> (u32, u64, Vec<(u64, u64)>) {
        let running = if self.state.load(Ordering::Acquire) == IN_USE {
            self.frames.iter().filter_map(Frame::observe).collect()
        } else {
            Vec::new()
        };
        (
            self.number.load(Ordering::Relaxed),
            self.worker.load(Ordering::Relaxed),
            running,
        )
    }

    #[inline(always)]
    pub(crate) fn number(&self) -> u32 {
        self.number.load(Ordering::Relaxed)
    }

    /// Who owns what this thread writes.
    #[inline(always)]
    pub(crate) fn owner(&self) -> Owner {
        Owner {
            stream: self.number(),
            worker: self.worker.load(Ordering::Relaxed),
            shared: false,
        }
    }

    /// Whether the thread is a worker, as far as its latest poll or park told.
    #[inline(always)]
    pub(crate) fn is_worker(&self) -> bool {
        self.worker.load(Ordering::Relaxed) != NO_WORKER
    }

    /// Says which worker this thread is now; a change closes the chunk, whose events are one worker's.
    #[inline(always)]
    pub(crate) fn set_worker(&self, shared: &Shared, worker: u64) {
        if self.worker.load(Ordering::Relaxed) != worker {
            self.change_worker(shared, worker);
        }
    }

    #[cold]
    fn change_worker(&self, shared: &Shared, worker: u64) {
        self.writer.close(&shared.arena);
        self.worker.store(worker, Ordering::Relaxed);
        if worker != NO_WORKER {
            self.was_worker.store(true, Ordering::Relaxed);
        }
    }

    /// Gives the open chunk back: the thread is about to do something else for long.
    pub(crate) fn retire(&self, shared: &Shared) {
        self.change_worker(shared, NO_WORKER);
    }

    /// Begins a poll or park; tells whether there was room for it.
    #[inline(always)]
    pub(crate) fn push(&self, task: u64, start: u64) -> bool {
        let depth = self.depth.load(Ordering::Relaxed);
        self.depth.store(depth + 1, Ordering::Relaxed);
        match self.frames.get(depth as usize) {
            Some(frame) => {
                frame.begin(task, start.max(1));
                true
            }
            None => false,
        }
    }

    /// Ends the innermost poll or park, if it is one of `task`.
    #[inline(always)]
    pub(crate) fn pop(&self, task: u64) -> Option<Finished> {
        let depth = self.depth.load(Ordering::Relaxed).checked_sub(1)?;
        let Some(frame) = self.frames.get(depth as usize) else {
            self.depth.store(depth, Ordering::Relaxed);
            return None;
        };
        let finished = Finished {
            task: frame.task.load(Ordering::Relaxed),
            start: frame.start.load(Ordering::Relaxed),
            flags: frame.flags.load(Ordering::Relaxed),
        };
        if finished.task != task {
            return None;
        }
        frame.end();
        self.depth.store(depth, Ordering::Relaxed);
        Some(finished)
    }

    /// The task being polled right now, if any; a park is none.
    #[inline(always)]
    pub(crate) fn current(&self) -> Option<u64> {
        let task = self.top()?.task.load(Ordering::Relaxed);
        (task != PARKED).then_some(task)
    }

    #[inline(always)]
    fn top(&self) -> Option<&Frame> {
        let depth = self.depth.load(Ordering::Relaxed).checked_sub(1)?;
        self.frames.get(depth as usize)
    }

    #[inline(always)]
    pub(crate) fn depth(&self) -> u32 {
        self.depth.load(Ordering::Relaxed)
    }

    /// The flags of the innermost frame.
    #[inline(always)]
    pub(crate) fn flags(&self) -> u32 {
        self.top()
            .map_or(0, |frame| frame.flags.load(Ordering::Relaxed))
    }

    /// Adds `flags` to the innermost frame if it polls `task`.
    #[inline(always)]
    pub(crate) fn mark(&self, task: u64, flags: u32) {
        if let Some(frame) = self.top()
            && frame.task.load(Ordering::Relaxed) == task
        {
            frame.flags.store(
                frame.flags.load(Ordering::Relaxed) | flags,
                Ordering::Relaxed,
            );
        }
    }

    /// Runs `write` unless the thread is already inside such a call.
    #[inline(always)]
    pub(crate) fn exclusively<R>(&self, write: impl FnOnce() -> R) -> Option<R> {
        if self.busy.load(Ordering::Relaxed) {
            return None;
        }
        self.busy.store(true, Ordering::Relaxed);
        let result = write();
        self.busy.store(false, Ordering::Relaxed);
        Some(result)
    }

    /// A wait identity that no other thread gives out.
    pub(crate) fn next_wait(&self) -> u64 {
        let next = self.next_wait.load(Ordering::Relaxed).wrapping_add(1);
        self.next_wait.store(next, Ordering::Relaxed);
        u64::from(self.number() & 0xFF_FFFF) << 32 | u64::from(next)
    }
}

fn os_thread_id() -> u64 {
    #[cfg(target_os = "linux")]
    {
        u64::try_from(nix::unistd::gettid().as_raw()).unwrap_or(0)
    }
    #[cfg(not(target_os = "linux"))]
    {
        0
    }
}

/// What the hot path reads: constant initialisation and no destructor, so no check on access.
struct Hot {
    /// The recorder whose slot is at hand; 0 for none.
    recorder: Cell<u64>,
    slot: Cell<u32>,
    /// The recorder of whose runtime's blocking pool this thread is one; 0 for none.
    pool_of: Cell<u64>,
    /// An outside thread's number for one recorder.
    outside: Cell<(u64, u32)>,
    /// What the spawn in progress on this thread knows of the new task.
    spawning: Cell<Option<Spawning>>,
}

/// Facts of a task that tokio's spawn hook cannot know.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Spawning {
    pub(crate) recorder: u64,
    pub(crate) name: u32,
    pub(crate) size: u32,
    /// Whether the future is wrapped, so that its wakes are recorded.
    pub(crate) covered: bool,
}

thread_local! {
    static HOT: Hot = const {
        Hot {
            recorder: Cell::new(0),
            slot: Cell::new(0),
            pool_of: Cell::new(0),
            outside: Cell::new((0, 0)),
            spawning: Cell::new(None),
        }
    };
    static BINDINGS: Bindings = const { Bindings { entries: RefCell::new(Vec::new()) } };
}

struct Binding {
    recorder: u64,
    shared: Weak<Shared>,
    slot: u32,
}

/// Every recorder that this thread has a slot in; its drop is the thread's exit guard.
struct Bindings {
    entries: RefCell<Vec<Binding>>,
}

impl Drop for Bindings {
    fn drop(&mut self) {
        HOT.with(|hot| hot.recorder.set(0));
        for binding in self.entries.get_mut().drain(..) {
            if let Some(shared) = binding.shared.upgrade() {
                shared.slots[binding.slot as usize].release(&shared);
            }
        }
    }
}

/// The calling thread's slot in `shared`, taken on first use. `None` (counted) when there is none to
/// be had, or the thread is at its end.
#[inline(always)]
pub(crate) fn slot(shared: &Arc<Shared>) -> Option<&ThreadSlot> {
    HOT.with(|hot| {
        if hot.recorder.get() == shared.id {
            return shared.slots.get(hot.slot.get() as usize);
        }
        bind(hot, shared)
    })
}

/// The calling thread's slot in `shared`, if it has one.
#[inline(always)]
pub(crate) fn existing_slot(shared: &Shared) -> Option<&ThreadSlot> {
    HOT.with(|hot| {
        if hot.recorder.get() == shared.id {
            return shared.slots.get(hot.slot.get() as usize);
        }
        let index = find(shared.id)?;
        shared.slots.get(index as usize)
    })
}

fn find(recorder: u64) -> Option<u32> {
    BINDINGS
        .try_with(|bindings| {
            let entries = bindings.entries.try_borrow().ok()?;
            entries
                .iter()
                .find(|binding| binding.recorder == recorder)
                .map(|binding| binding.slot)
        })
        .ok()?
}

#[cold]
fn bind<'a>(hot: &Hot, shared: &'a Arc<Shared>) -> Option<&'a ThreadSlot> {
    let index = find(shared.id).or_else(|| acquire(shared));
    let Some(index) = index else {
        shared.losses.no_slot.fetch_add(1, Ordering::Relaxed);
        return None;
    };
    hot.recorder.set(shared.id);
    hot.slot.set(index);
    shared.slots.get(index as usize)
}

fn acquire(shared: &Arc<Shared>) -> Option<u32> {
    BINDINGS
        .try_with(|bindings| {
            let mut entries = bindings.entries.try_borrow_mut().ok()?;
            if entries.len() >= MAX_BINDINGS {
                entries.retain(|binding| binding.shared.strong_count() > 0);
            }
            if entries.len() >= MAX_BINDINGS {
                return None;
            }
            let number = || shared.next_thread.fetch_add(1, Ordering::Relaxed);
            let take = |reuse| {
                shared
                    .slots
                    .iter()
                    .position(|slot| slot.acquire(reuse, number))
            };
            // A slot that nobody had yet first: the names of threads that ended stay known for longer.
            let index = take(false).or_else(|| take(true))? as u32;
            entries.push(Binding {
                recorder: shared.id,
                shared: Arc::downgrade(shared),
                slot: index,
            });
            Some(index)
        })
        .ok()?
}

/// Runs `act` with the recorder and slot of the poll that this thread is in, if it is in one that is
/// recorded.
pub(crate) fn with_current<R>(act: impl FnOnce(&Arc<Shared>, &ThreadSlot, u64) -> R) -> Option<R> {
    let recorder = HOT.with(|hot| hot.recorder.get());
    if recorder == 0 {
        return None;
    }
    with_bound(recorder, |shared, slot| {
        let task = slot.current()?;
        Some(act(shared, slot, task))
    })?
}

/// Runs `act` with the given recorder, if it lives and this thread has a slot in it.
pub(crate) fn with_bound<R>(
    recorder: u64,
    act: impl FnOnce(&Arc<Shared>, &ThreadSlot) -> R,
) -> Option<R> {
    let (shared, index) = BINDINGS
        .try_with(|bindings| {
            let entries = bindings.entries.try_borrow().ok()?;
            let binding = entries
                .iter()
                .find(|binding| binding.recorder == recorder)?;
            Some((binding.shared.upgrade()?, binding.slot))
        })
        .ok()??;
    let slot = shared.slots.get(index as usize)?;
    Some(act(&shared, slot))
}

/// The task that the calling thread is polling, as far as `shared` records it. Takes no lock and
/// touches nothing with a destructor: the panic hook asks.
pub(crate) fn polled_task(shared: &Shared) -> Option<u64> {
    HOT.with(|hot| {
        if hot.recorder.get() != shared.id {
            return None;
        }
        shared.slots.get(hot.slot.get() as usize)?.current()
    })
}

/// Notes that the calling thread belongs to a runtime's pool, or no longer does.
pub(crate) fn set_pool(recorder: u64) {
    HOT.with(|hot| hot.pool_of.set(recorder));
}

/// Whether the calling thread belongs to a pool of the recorder's runtimes.
#[inline]
pub(crate) fn in_pool(shared: &Shared) -> bool {
    HOT.with(|hot| hot.pool_of.get() == shared.id)
}

/// What [`begin_spawning`] said holds until this is dropped.
pub(crate) struct SpawningGuard(());

impl Drop for SpawningGuard {
    fn drop(&mut self) {
        HOT.with(|hot| hot.spawning.set(None));
    }
}

/// Tells the spawn hook what it cannot know of the task that this thread is about to spawn. A guard
/// and not a closure, since tokio has to see the caller's place in the code.
pub(crate) fn begin_spawning(facts: Spawning) -> SpawningGuard {
    HOT.with(|hot| hot.spawning.set(Some(facts)));
    SpawningGuard(())
}

/// Takes what [`begin_spawning`] left, so that it serves one spawn only.
#[inline]
pub(crate) fn take_spawning(recorder: u64) -> Option<Spawning> {
    HOT.with(|hot| match hot.spawning.get() {
        Some(facts) if facts.recorder == recorder => hot.spawning.take(),
        _ => None,
    })
}

/// The number under which a thread without a slot appears: threads of one name share one.
pub(crate) fn outside_number(shared: &Shared) -> u32 {
    HOT.with(|hot| {
        let (recorder, number) = hot.outside.get();
        if recorder == shared.id {
            return number;
        }
        let thread = std::thread::current();
        let number = OUTSIDE_THREAD
            | shared
                .strings
                .thread(thread.name().unwrap_or("(unnamed thread)"));
        hot.outside.set((shared.id, number));
        number
    })
}

/// Threads without a slot are numbered from here, by the number of their name.
pub(crate) const OUTSIDE_THREAD: u32 = 0x4000_0000;

#[cfg(test)]
mod tests {
    use super::*;
    use std::sync::atomic::AtomicBool as StdBool;

    #[test]
    fn a_frame_read_by_another_thread_is_never_a_mixture() {
        let frame = Arc::new(Frame::new());
        let stop = Arc::new(StdBool::new(false));
        let owner = {
            let (frame, stop) = (Arc::clone(&frame), Arc::clone(&stop));
            std::thread::spawn(move || {
                let mut start = 0;
                while !stop.load(Ordering::Relaxed) {
                    start += 1;
                    frame.begin(start * 7, start);
                    frame.end();
                }
            })
        };
        let mut seen = 0;
        while seen < 20_000 {
            if let Some((task, start)) = frame.observe() {
                assert_eq!(task, start * 7);
                seen += 1;
            } else {
                std::hint::spin_loop();
            }
        }
        stop.store(true, Ordering::Relaxed);
        owner.join().expect("no panic");
    }
}
