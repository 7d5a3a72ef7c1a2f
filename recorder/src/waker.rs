//! The waker that the wrapper hands to a future: it tells who woke whom, and counts its own clones.
//!
//! It is allocated once per task and forwards to the runtime's waker. One atomic word holds the
//! references and what is going on, so that it is decided in one step whether the last clone goes
//! while the task is neither being polled nor done: an [`RawEvent::Unwakeable`]. A waker that wakes as
//! it goes raises none, unless the poll that it caused has been and gone. Another clone may still be
//! dropped while the task is runnable; so whoever reads the event asks, too, for a wake since the
//! last poll began.

use std::mem::ManuallyDrop;
use std::ptr::NonNull;
use std::sync::Arc;
use std::task::{RawWaker, RawWakerVTable, Waker};

use crate::codec::RawEvent;
use crate::shared::Shared;
use crate::sync::{AtomicU64, Ordering};
use crate::thread;

/// One reference; they are counted in the low half.
const REFERENCE: u64 = 1;
const REFERENCES: u64 = 0xFFFF_FFFF;
/// The future is gone.
const DONE: u64 = 1 << 32;
/// Other wakers of the same task are about, so the number of clones proves nothing.
const DISTRUSTED: u64 = 1 << 33;
/// Begins and ends of polls are counted in the topmost bits, where the count may wrap: odd while the
/// task is being polled.
const POLL_STEP: u64 = 1 << 40;

/// The word: the wrapper's own reference and one per clone, the flags, and the count of polls.
struct State(AtomicU64);

impl State {
    fn new() -> Self {
        Self(AtomicU64::new(REFERENCE))
    }

    #[inline(always)]
    fn clone_reference(&self) {
        // Relaxed: whoever clones holds a reference already.
        self.0.fetch_add(REFERENCE, Ordering::Relaxed);
    }

    /// The count of polls at this moment, for a later [`Self::release`] by a waker that has woken.
    #[inline(always)]
    fn epoch(&self) -> u64 {
        self.0.load(Ordering::Relaxed) / POLL_STEP
    }

    /// Gives a reference up, of a waker that woke in `woken_in` if it did. Tells whether it was the
    /// last one of all. `before_last_clone` runs *before* that, each time it looks as if nobody but
    /// the wrapper would be left, the task were idle, and this waker's own wake were history; its last
    /// result is returned if that was so. Afterwards `self` may be gone.
    #[inline(always)]
    fn release<R>(
        &self,
        woken_in: Option<u64>,
        mut before_last_clone: impl FnMut() -> R,
    ) -> (bool, Option<R>) {
        let mut word = self.0.load(Ordering::Relaxed);
        loop {
            let lost = (is_last_clone(word) && woken_in != Some(word / POLL_STEP))
                .then(&mut before_last_clone);
            // Release: this reference's uses happen before the memory is freed; acquire: for the one
            // who frees it.
            match self.0.compare_exchange_weak(
                word,
                word - REFERENCE,
                Ordering::AcqRel,
                Ordering::Relaxed,
            ) {
                Ok(_) => return (word & REFERENCES == REFERENCE, lost),
                Err(now) => word = now,
            }
        }
    }

    /// Whether the task's wakes still matter to anybody.
    #[inline(always)]
    fn is_live(&self) -> bool {
        self.0.load(Ordering::Relaxed) & DONE == 0
    }

    #[inline(always)]
    fn begin_poll(&self) {
        self.count_step();
    }

    /// Ends a poll that returned pending; tells whether no clone is left.
    #[inline(always)]
    fn end_poll(&self) -> bool {
        let word = self.count_step();
        word & REFERENCES == REFERENCE && word & (DONE | DISTRUSTED) == 0
    }

    /// Counts the begin or end of a poll, and tells the word from before. For the wrapper alone.
    #[inline(always)]
    fn count_step(&self) -> u64 {
        let word = self.0.load(Ordering::Acquire);
        if word & REFERENCES == REFERENCE {
            // Only the wrapper's own reference is left, and only it can make another: nobody else can
            // change the word meanwhile, and a plain store costs a fraction of a locked addition.
            self.0
                .store(word.wrapping_add(POLL_STEP), Ordering::Release);
            return word;
        }
        self.0.fetch_add(POLL_STEP, Ordering::AcqRel)
    }

    fn set(&self, flag: u64) {
        self.0.fetch_or(flag, Ordering::AcqRel);
    }

    fn clones(&self) -> u64 {
        (self.0.load(Ordering::Acquire) & REFERENCES) - 1
    }
}

fn is_last_clone(word: u64) -> bool {
    word & REFERENCES == 2 * REFERENCE && word & (POLL_STEP | DONE | DISTRUSTED) == 0
}

/// Cells of tasks on different workers must not share a cache line, nor a pair that is fetched together:
/// every poll writes to its own.
#[repr(align(128))]
struct WakerCell {
    state: State,
    task: u64,
    shared: Arc<Shared>,
    inner: Waker,
}

/// The wrapper's reference to its waker.
pub(crate) struct TaskWaker {
    cell: NonNull<WakerCell>,
}

// SAFETY: a WakerCell is Send and Sync: its state is atomic, `Arc<Shared>` and `Waker` are both, and
// nothing in it is changed through a reference. The pointer is only freed by the last reference.
unsafe impl Send for TaskWaker {}
// SAFETY: as above.
unsafe impl Sync for TaskWaker {}

impl TaskWaker {
    pub(crate) fn new(shared: Arc<Shared>, task: u64, inner: Waker) -> Self {
        let cell = Box::new(WakerCell {
            state: State::new(),
            task,
            shared,
            inner,
        });
        Self {
            cell: NonNull::from(Box::leak(cell)),
        }
    }

    #[inline(always)]
    fn cell(&self) -> &WakerCell {
        // SAFETY: `self` holds a reference, so the cell is not freed before `self` is dropped.
        unsafe { self.cell.as_ref() }
    }

    #[inline(always)]
    pub(crate) fn task(&self) -> u64 {
        self.cell().task
    }

    #[inline(always)]
    pub(crate) fn shared(&self) -> &Arc<Shared> {
        &self.cell().shared
    }

    /// Whether this waker forwards to `inner`.
    #[inline(always)]
    pub(crate) fn forwards_to(&self, inner: &Waker) -> bool {
        self.cell().inner.will_wake(inner)
    }

    #[inline(always)]
    pub(crate) fn begin_poll(&self) {
        self.cell().state.begin_poll();
    }

    /// Ends a poll that returned pending, and records it if nothing is left that could wake the task.
    #[inline(always)]
    pub(crate) fn end_poll(&self) {
        if self.cell().state.end_poll() {
            record_unwakeable(self.shared(), self.task());
        }
    }

    /// The future is gone: clones that are left mean nothing any more.
    pub(crate) fn finish(&self) {
        self.cell().state.set(DONE);
    }

    /// Whether the future is gone.
    pub(crate) fn is_finished(&self) -> bool {
        self.cell().state.0.load(Ordering::Relaxed) & DONE != 0
    }

    /// From now on the number of clones proves nothing: there are others elsewhere.
    pub(crate) fn distrust(&self) {
        self.cell().state.set(DISTRUSTED);
    }

    pub(crate) fn has_clones(&self) -> bool {
        self.cell().state.clones() > 0
    }

    /// The waker for a poll, borrowed: it takes no reference of its own.
    #[inline(always)]
    pub(crate) fn borrowed(&self) -> ManuallyDrop<Waker> {
        let raw = RawWaker::new(self.cell.as_ptr().cast_const().cast(), &VTABLE);
        // SAFETY: the functions of VTABLE keep the contract of RawWaker, see there. The waker is never
        // dropped, so the reference that its drop would release need not be taken; its user borrows
        // it for the length of a poll, in which `self` is alive.
        ManuallyDrop::new(unsafe { Waker::from_raw(raw) })
    }
}

impl Drop for TaskWaker {
    fn drop(&mut self) {
        let (last, _) = self.cell().state.release(None, || ());
        if last {
            // SAFETY: that was the last reference, and the pointer came from a Box.
            drop(unsafe { Box::from_raw(self.cell.as_ptr()) });
        }
    }
}

#[cold]
fn record_unwakeable(shared: &Arc<Shared>, task: u64) {
    let at = shared.clock.ticks();
    shared.record(
        thread::existing_slot(shared),
        &RawEvent::Unwakeable { at, task },
    );
}

/// Thread-safe, as [`RawWaker`] demands: all state is atomic. Each waker made of it, but for a borrowed
/// one, owns one reference; `clone` takes one, `wake` and `drop` release one, `wake_by_ref` none.
static VTABLE: RawWakerVTable = RawWakerVTable::new(clone, wake, wake_by_ref, release);

/// # Safety
/// `data` comes from a waker of [`VTABLE`], whose reference keeps the cell alive for the call.
#[inline(always)]
unsafe fn cell<'a>(data: *const ()) -> &'a WakerCell {
    // SAFETY: see above; the callers do not use the cell after they released that reference.
    unsafe { &*data.cast::<WakerCell>() }
}

unsafe fn clone(data: *const ()) -> RawWaker {
    // SAFETY: the contract of RawWaker's clone.
    unsafe { cell(data) }.state.clone_reference();
    RawWaker::new(data, &VTABLE)
}

unsafe fn wake(data: *const ()) {
    // SAFETY: the contract of RawWaker's wake: the caller's reference passes to this call.
    let epoch = unsafe { cell(data) }.state.epoch();
    // SAFETY: as above; the reference is given up in the second step only.
    unsafe {
        wake_by_ref(data);
        release_woken(data, Some(epoch));
    }
}

unsafe fn wake_by_ref(data: *const ()) {
    // SAFETY: the contract of RawWaker's wake_by_ref.
    let cell = unsafe { cell(data) };
    // Recorded before the runtime hears of it: the poll that follows must not come first.
    if cell.state.is_live() {
        cell.shared.record_wake(cell.task);
    }
    cell.inner.wake_by_ref();
}

unsafe fn release(data: *const ()) {
    // SAFETY: the contract of RawWaker's drop.
    unsafe { release_woken(data, None) };
}

/// # Safety
/// As [`cell`], and the caller's reference passes to this call.
#[inline(always)]
unsafe fn release_woken(data: *const (), woken_in: Option<u64>) {
    // SAFETY: see above; the reference is given up below, and the cell not used after that.
    let place = unsafe { cell(data) };
    let (last, lost) = place
        .state
        .release(woken_in, || (Arc::clone(&place.shared), place.task));
    if let Some((shared, task)) = lost {
        record_unwakeable(&shared, task);
    }
    if last {
        // SAFETY: that was the last reference, and the pointer came from a Box, see `TaskWaker::new`.
        drop(unsafe { Box::from_raw(data.cast_mut().cast::<WakerCell>()) });
    }
}

#[cfg(all(test, dial9_loom))]
mod models;
