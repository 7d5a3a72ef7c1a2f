//! The wrapper around a recorded future: it tells outcomes and hands out the recording waker.

use std::future::Future;
use std::panic::Location;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};

use dial9_format::{PollOutcome, TaskKind};
use pin_project_lite::pin_project;

use crate::codec::RawEvent;
use crate::facts::Facts;
use crate::shared::Shared;
use crate::thread::{self, DROPPED, PANICKED, PENDING, READY, ThreadSlot, WRAPPED};
use crate::waker::TaskWaker;

/// The runtime number of a task that no attached runtime runs.
const NO_RUNTIME: u32 = u32::MAX;

pin_project! {
    /// A future whose wakes are recorded. Made by [`Recorded::recorded`] and the recorder's `spawn`s.
    ///
    /// Outside a recorder it does nothing but poll the future inside.
    #[must_use = "futures do nothing unless polled"]
    pub struct RecordedFuture<F> {
        #[pin]
        future: F,
        state: State,
    }

    impl<F> PinnedDrop for RecordedFuture<F> {
        fn drop(this: Pin<&mut Self>) {
            this.project().state.end();
        }
    }
}

/// What is known before the first poll.
struct Origin {
    /// The recorder, where it is known; else that of the thread that polls first.
    shared: Option<Arc<Shared>>,
    name: u32,
    location: &'static Location<'static>,
    /// The spawn hook was told of the wrapper already.
    announced: bool,
    /// Polled by an executor that fires no hooks.
    local: bool,
}

enum State {
    New(Origin),
    /// Nobody records this future, or a wrapper around it does.
    Plain,
    Recorded(Recording),
}

struct Recording {
    waker: TaskWaker,
    /// No hook brackets the polls, so the wrapper records them.
    by_itself: bool,
}

/// Wraps futures whose task somebody else spawns.
pub trait Recorded: Future + Sized {
    /// Records the wakes of the task that this future becomes: for `JoinSet`, `spawn_on`, a framework's
    /// own spawn, and so on. It has to be the task's whole future; inside another recorded future it
    /// does nothing.
    ///
    /// ```
    /// # use dial9_recorder::prelude::*;
    /// # async fn example(mut set: tokio::task::JoinSet<()>) {
    /// set.spawn(async { /* ... */ }.recorded());
    /// # }
    /// ```
    #[track_caller]
    fn recorded(self) -> RecordedFuture<Self> {
        RecordedFuture {
            future: self,
            state: State::New(Origin {
                shared: None,
                name: 0,
                location: Location::caller(),
                announced: false,
                local: false,
            }),
        }
    }
}

impl<F: Future> Recorded for F {}

impl<F: Future> RecordedFuture<F> {
    /// Wraps `future` for `shared`; `announced` if the spawn hook will have heard of it.
    pub(crate) fn new(
        future: F,
        shared: &Arc<Shared>,
        name: u32,
        location: &'static Location<'static>,
        announced: bool,
        local: bool,
    ) -> Self {
        let state = if shared.sees_wakes() {
            State::New(Origin {
                shared: Some(Arc::clone(shared)),
                name,
                location,
                announced,
                local,
            })
        } else {
            State::Plain
        };
        Self { future, state }
    }
}

impl<F: Future> Future for RecordedFuture<F> {
    type Output = F::Output;

    #[inline]
    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<F::Output> {
        let this = self.project();
        if let State::New(origin) = this.state {
            let claimed = origin.claim(cx, size_of::<F>());
            *this.state = claimed;
        }
        match this.state {
            State::Recorded(recording) => recording.poll(this.future, cx),
            _ => this.future.poll(cx),
        }
    }
}

impl Origin {
    /// Finds out, in the first poll, which task this is.
    fn claim(&mut self, cx: &Context<'_>, size: usize) -> State {
        let size = u32::try_from(size).unwrap_or(u32::MAX);
        let hooked = if self.local { None } else { self.hooked_task() };
        if let Some((shared, task, is_claimed)) = hooked {
            if is_claimed || !shared.sees_wakes() {
                return State::Plain;
            }
            if !self.announced {
                let at = shared.clock.ticks();
                let event = RawEvent::Covered {
                    at,
                    task,
                    name: self.name,
                    size,
                };
                shared.record(thread::existing_slot(&shared), &event);
            }
            let waker = TaskWaker::new(shared, task, cx.waker().clone());
            return State::Recorded(Recording {
                waker,
                by_itself: false,
            });
        }
        let Some(shared) = self.shared.take() else {
            return State::Plain;
        };
        let task = shared.next_local_task();
        let slot = thread::slot(&shared);
        shared.record_spawn(
            slot,
            &Facts {
                id: task,
                at: shared.clock.ticks(),
                parent: slot.and_then(ThreadSlot::current),
                location: shared.strings.location(self.location),
                name: self.name,
                runtime: NO_RUNTIME,
                size,
                kind: TaskKind::Local,
                covered: true,
            },
        );
        let waker = TaskWaker::new(shared, task, cx.waker().clone());
        State::Recorded(Recording {
            waker,
            by_itself: true,
        })
    }

    /// The task that the hooks say is being polled, if it is the one that this future belongs to, and
    /// whether another wrapper speaks for it already.
    fn hooked_task(&self) -> Option<(Arc<Shared>, u64, bool)> {
        let (shared, task, claimed) = thread::with_current(|shared, slot, task| {
            (Arc::clone(shared), task, slot.flags() & WRAPPED != 0)
        })?;
        if self.shared.as_ref().is_some_and(|own| own.id != shared.id) {
            return None;
        }
        // Inside a LocalSet that is itself a task, the hooks' task is the LocalSet's, and tokio says so.
        if tokio::task::try_id().is_some_and(|id| crate::hooks::number(id) != task) {
            return None;
        }
        Some((shared, task, claimed))
    }
}

impl Recording {
    #[inline]
    fn poll<F: Future>(&mut self, future: Pin<&mut F>, cx: &mut Context<'_>) -> Poll<F::Output> {
        if !self.waker.forwards_to(cx.waker()) {
            self.replace_waker(cx);
        }
        let task = self.waker.task();
        let shared = self.waker.shared();
        let slot = if self.by_itself {
            thread::slot(shared)
        } else {
            thread::existing_slot(shared)
        };
        if self.by_itself {
            if let Some(slot) = slot {
                slot.push(task, shared.clock.ticks());
            }
        } else if let Some(slot) = slot {
            slot.mark(task, WRAPPED);
        }
        self.waker.begin_poll();
        let guard = PollGuard {
            recording: self,
            slot,
        };
        let borrowed = guard.recording.waker.borrowed();
        let result = future.poll(&mut Context::from_waker(&borrowed));
        guard.finish(result.is_ready());
        result
    }

    /// The executor changed: a new waker for it. Clones of the old one may be about, so from now on
    /// the number of clones proves nothing.
    #[cold]
    fn replace_waker(&mut self, cx: &Context<'_>) {
        let replaced = TaskWaker::new(
            Arc::clone(self.waker.shared()),
            self.waker.task(),
            cx.waker().clone(),
        );
        if self.waker.has_clones() {
            replaced.distrust();
        }
        self.waker.finish();
        self.waker = replaced;
    }

    fn record_outcome(&self, slot: Option<&ThreadSlot>, outcome: PollOutcome) {
        let ended = outcome != PollOutcome::Pending;
        if ended {
            self.waker.finish();
        } else {
            self.waker.end_poll();
        }
        let Some(slot) = slot else { return };
        let (task, shared) = (self.waker.task(), self.waker.shared());
        if !self.by_itself {
            let flag = match outcome {
                PollOutcome::Pending => PENDING,
                PollOutcome::Ready => READY,
                _ => PANICKED,
            };
            slot.mark(task, flag);
            return;
        }
        let end = shared.clock.ticks();
        if ended {
            shared.record(Some(slot), &RawEvent::Terminate { at: end, task });
        }
        if let Some(finished) = slot.pop(task) {
            shared.record_poll(slot, finished.start, end, task, outcome);
        }
    }
}

/// Reports the poll's outcome, a panic included.
struct PollGuard<'a, 's> {
    recording: &'a Recording,
    slot: Option<&'s ThreadSlot>,
}

impl PollGuard<'_, '_> {
    #[inline]
    fn finish(self, ready: bool) {
        let outcome = if ready {
            PollOutcome::Ready
        } else {
            PollOutcome::Pending
        };
        let this = std::mem::ManuallyDrop::new(self);
        this.recording.record_outcome(this.slot, outcome);
    }
}

impl Drop for PollGuard<'_, '_> {
    fn drop(&mut self) {
        self.recording
            .record_outcome(self.slot, PollOutcome::Panicked);
    }
}

impl State {
    /// The future is being dropped.
    fn end(&mut self) {
        match self {
            Self::Recorded(recording) if !recording.waker.is_finished() => {
                recording.waker.finish();
                let (task, shared) = (recording.waker.task(), recording.waker.shared());
                if recording.by_itself {
                    let at = shared.clock.ticks();
                    shared.record(
                        thread::existing_slot(shared),
                        &RawEvent::Terminate { at, task },
                    );
                } else if let Some(slot) = thread::existing_slot(shared)
                    && slot.flags() & WRAPPED == 0
                {
                    slot.mark(task, DROPPED);
                }
            }
            // Never polled: an abort before the first poll.
            Self::New(origin) if origin.announced => {
                if let Some(slot) = origin
                    .shared
                    .as_ref()
                    .and_then(|shared| thread::existing_slot(shared))
                    && let (Some(task), 0) = (slot.current(), slot.flags() & WRAPPED)
                {
                    slot.mark(task, DROPPED);
                }
            }
            _ => {}
        }
    }
}
