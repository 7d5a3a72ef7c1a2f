//! Tokio's hooks: the only room that knows them. Attaching builds a runtime with ours and the user's.

use std::hash::{Hash, Hasher};
use std::io;
use std::sync::{Arc, PoisonError};

use dial9_format::RuntimeRow;
#[cfg(tokio_unstable)]
use dial9_format::{PollOutcome, TaskKind};
use tokio::runtime::{Builder, Runtime, RuntimeFlavor};

use crate::codec::RawEvent;
#[cfg(tokio_unstable)]
use crate::facts::Facts;
use crate::recorder::OwnerHandle;
use crate::shared::Shared;
use crate::sync::Ordering;
use crate::thread::{self, Finished, PARKED, ThreadSlot};
#[cfg(tokio_unstable)]
use crate::thread::{DROPPED, PANICKED, PENDING, READY, TERMINATED, WRAPPED};

/// A poll longer than this many ticks may have been a `block_in_place`.
#[cfg(tokio_unstable)]
const LONG_POLL_TICKS: u64 = 1 << 18;

type ThreadCallback = Arc<dyn Fn() + Send + Sync>;
#[cfg(tokio_unstable)]
type TaskCallback = Arc<dyn Fn(&tokio::runtime::TaskMeta<'_>) + Send + Sync>;

/// The user's own callbacks: tokio has one slot per hook, and the recorder takes them all.
#[derive(Clone, Default)]
pub(crate) struct UserHooks {
    pub(crate) thread_start: Option<ThreadCallback>,
    pub(crate) thread_stop: Option<ThreadCallback>,
    pub(crate) thread_park: Option<ThreadCallback>,
    pub(crate) thread_unpark: Option<ThreadCallback>,
    #[cfg(tokio_unstable)]
    pub(crate) task_spawn: Option<TaskCallback>,
    #[cfg(tokio_unstable)]
    pub(crate) before_poll: Option<TaskCallback>,
    #[cfg(tokio_unstable)]
    pub(crate) after_poll: Option<TaskCallback>,
    #[cfg(tokio_unstable)]
    pub(crate) task_terminate: Option<TaskCallback>,
}

fn call(callback: Option<&ThreadCallback>) {
    if let Some(callback) = callback {
        callback();
    }
}

/// A task's number. Tokio shows it as text only, but hashes it as the number that it is.
#[inline(always)]
pub(crate) fn number(id: tokio::task::Id) -> u64 {
    struct Number(u64);
    impl Hasher for Number {
        #[inline(always)]
        fn write_u64(&mut self, number: u64) {
            self.0 = number;
        }
        fn write(&mut self, bytes: &[u8]) {
            // Should a later tokio hash something else: still one number per id.
            for &byte in bytes {
                self.0 = self.0.wrapping_mul(0x0100_0000_01b3) ^ u64::from(byte);
            }
        }
        fn finish(&self) -> u64 {
            self.0
        }
    }
    let mut hasher = Number(0);
    id.hash(&mut hasher);
    hasher.finish()
}

/// One runtime's share of the recorder, alive as long as one of its hooks is.
struct Attached {
    shared: Arc<Shared>,
    /// A runtime that lives is recorded, whether or not somebody still holds a handle.
    _owner: Arc<OwnerHandle>,
    runtime: u32,
}

impl Drop for Attached {
    fn drop(&mut self) {
        let at = self.shared.clock.ticks();
        let mut runtimes = self
            .shared
            .runtimes
            .lock()
            .unwrap_or_else(PoisonError::into_inner);
        if let Some(row) = runtimes.iter_mut().find(|row| row.id == self.runtime) {
            row.dropped_at = Some(at);
        }
    }
}

/// Sets the hooks, and builds the runtime.
pub(crate) fn attach(owner: &Arc<OwnerHandle>, builder: &mut Builder) -> io::Result<Runtime> {
    let (shared, user) = (&owner.shared, &owner.hooks);
    let runtime = {
        let mut runtimes = shared
            .runtimes
            .lock()
            .unwrap_or_else(PoisonError::into_inner);
        let id = runtimes.len() as u32;
        runtimes.push(RuntimeRow {
            id,
            name: 0,
            workers: 0,
            current_thread: false,
            attached_at: shared.clock.ticks(),
            dropped_at: None,
        });
        id
    };
    let attached = Arc::new(Attached {
        shared: Arc::clone(shared),
        _owner: Arc::clone(owner),
        runtime,
    });
    set_thread_hooks(&attached, user, builder);
    #[cfg(tokio_unstable)]
    set_task_hooks(&attached, user, builder);
    let built = builder.build()?;
    let mut runtimes = shared
        .runtimes
        .lock()
        .unwrap_or_else(PoisonError::into_inner);
    if let Some(row) = runtimes.iter_mut().find(|row| row.id == runtime) {
        row.workers = u32::try_from(built.metrics().num_workers()).unwrap_or(u32::MAX);
        row.current_thread = built.handle().runtime_flavor() == RuntimeFlavor::CurrentThread;
    }
    Ok(built)
}

fn set_thread_hooks(attached: &Arc<Attached>, user: &UserHooks, builder: &mut Builder) {
    let (own, callback) = (Arc::clone(attached), user.thread_start.clone());
    builder.on_thread_start(move || {
        thread::set_pool(own.shared.id);
        call(callback.as_ref());
    });
    let callback = user.thread_stop.clone();
    builder.on_thread_stop(move || {
        call(callback.as_ref());
        thread::set_pool(0);
    });
    let (own, callback) = (Arc::clone(attached), user.thread_park.clone());
    builder.on_thread_park(move || {
        call(callback.as_ref());
        own.begin(PARKED);
    });
    let (own, callback) = (Arc::clone(attached), user.thread_unpark.clone());
    builder.on_thread_unpark(move || {
        let end = own.shared.clock.ticks();
        if let Some((slot, finished)) = own.end(PARKED) {
            own.shared.record(
                Some(slot),
                &RawEvent::Park {
                    start: finished.start,
                    end,
                },
            );
        }
        call(callback.as_ref());
    });
}

impl Attached {
    /// The worker that the calling thread is now. It changes under `block_in_place`, which hands a
    /// worker to another thread without telling.
    #[inline(always)]
    fn worker(&self) -> u64 {
        tokio::runtime::worker_index().map_or(crate::arena::NO_WORKER, |index| {
            u64::from(self.runtime) << 32 | index as u64
        })
    }

    /// Begins a poll of `task`, or a park.
    #[inline(always)]
    fn begin(&self, task: u64) {
        let Some(slot) = thread::slot(&self.shared) else {
            return;
        };
        slot.set_worker(&self.shared, self.worker());
        if !slot.push(task, self.shared.clock.ticks()) {
            self.shared.losses.nested.fetch_add(1, Ordering::Relaxed);
        }
    }

    /// Ends a poll of `task`, or a park.
    #[inline(always)]
    fn end(&self, task: u64) -> Option<(&ThreadSlot, Finished)> {
        let slot = thread::slot(&self.shared)?;
        Some((slot, slot.pop(task)?))
    }
}

#[cfg(tokio_unstable)]
fn set_task_hooks(attached: &Arc<Attached>, user: &UserHooks, builder: &mut Builder) {
    let (own, callback) = (Arc::clone(attached), user.task_spawn.clone());
    builder.on_task_spawn(move |meta| {
        own.spawned(meta);
        if let Some(callback) = &callback {
            callback(meta);
        }
    });
    let (own, callback) = (Arc::clone(attached), user.task_terminate.clone());
    builder.on_task_terminate(move |meta| {
        own.terminated(number(meta.id()));
        if let Some(callback) = &callback {
            callback(meta);
        }
    });
    // The user's own work around a poll is not the task's: it stays outside the measured interval.
    let own = Arc::clone(attached);
    match user.before_poll.clone() {
        Some(callback) => builder.on_before_task_poll(move |meta| {
            callback(meta);
            own.begin(number(meta.id()));
        }),
        None => builder.on_before_task_poll(move |meta| own.begin(number(meta.id()))),
    };
    let own = Arc::clone(attached);
    match user.after_poll.clone() {
        Some(callback) => builder.on_after_task_poll(move |meta| {
            own.polled(number(meta.id()));
            callback(meta);
        }),
        None => builder.on_after_task_poll(move |meta| own.polled(number(meta.id()))),
    };
}

#[cfg(tokio_unstable)]
impl Attached {
    fn spawned(&self, meta: &tokio::runtime::TaskMeta<'_>) {
        let shared = &self.shared;
        let at = shared.clock.ticks();
        let slot = thread::existing_slot(shared);
        let spawning = thread::take_spawning(shared.id);
        shared.record_spawn(
            slot,
            &Facts {
                id: number(meta.id()),
                at,
                // The hook runs on the spawner's thread, so the poll in progress there is the parent's.
                parent: slot.and_then(ThreadSlot::current),
                location: shared.strings.location(meta.spawned_at()),
                name: spawning.map_or(0, |facts| facts.name),
                runtime: self.runtime,
                size: spawning.map_or(0, |facts| facts.size),
                kind: TaskKind::Async,
                covered: spawning.is_some_and(|facts| facts.covered),
            },
        );
    }

    /// A task has ended, or a blocking job, which was never spawned.
    fn terminated(&self, task: u64) {
        let shared = &self.shared;
        let at = shared.clock.ticks();
        let slot = thread::existing_slot(shared);
        if let Some(slot) = slot {
            slot.mark(task, TERMINATED);
        }
        shared.record(slot, &RawEvent::Terminate { at, task });
    }

    #[inline(always)]
    fn polled(&self, task: u64) {
        let end = self.shared.clock.ticks();
        let Some((slot, finished)) = self.end(task) else {
            return;
        };
        self.shared
            .record_poll(slot, finished.start, end, task, outcome(finished.flags));
        if end.wrapping_sub(finished.start) > LONG_POLL_TICKS {
            self.retire_if_handed_over(slot);
        }
    }

    /// After a `block_in_place` this thread may have lost its worker for good; the chunk that it
    /// holds must not stay open on a thread of the blocking pool.
    #[cold]
    fn retire_if_handed_over(&self, slot: &ThreadSlot) {
        let Ok(handle) = tokio::runtime::Handle::try_current() else {
            return;
        };
        let Some(index) = tokio::runtime::worker_index() else {
            return;
        };
        let metrics = handle.metrics();
        if handle.runtime_flavor() == RuntimeFlavor::MultiThread
            && index < metrics.num_workers()
            && slot.depth() == 0
            && metrics
                .worker_thread_id(index)
                .is_some_and(|id| id != std::thread::current().id())
        {
            slot.retire(&self.shared);
        }
    }
}

/// What the brackets, the task's end and the wrapper together tell of a poll.
#[cfg(tokio_unstable)]
#[inline(always)]
fn outcome(flags: u32) -> PollOutcome {
    if flags & (WRAPPED | DROPPED | TERMINATED) == 0 || flags & PENDING != 0 {
        return PollOutcome::Pending;
    }
    if flags & READY != 0 {
        PollOutcome::Ready
    } else if flags & PANICKED != 0 {
        PollOutcome::Panicked
    } else if flags & DROPPED != 0 {
        PollOutcome::Cancelled
    } else {
        PollOutcome::Ended
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_task_has_the_number_that_tokio_prints() {
        let runtime = Builder::new_current_thread().build().expect("a runtime");
        for _ in 0..3 {
            let handle = runtime.spawn(async {});
            assert_eq!(number(handle.id()).to_string(), handle.id().to_string());
        }
    }
}
