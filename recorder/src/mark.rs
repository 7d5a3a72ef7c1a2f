//! Marks: a name, with its place in the code, for a wait that tokio does not instrument.

use std::future::Future;
use std::panic::Location;
use std::pin::Pin;
use std::task::{Context, Poll};

use dial9_format::WaitOutcome;
use pin_project_lite::pin_project;

use crate::codec::RawEvent;
use crate::thread;

pin_project! {
    /// A future whose wait has a name. Made by [`Awaiting::awaiting`].
    #[must_use = "futures do nothing unless polled"]
    pub struct MarkedFuture<F> {
        #[pin]
        future: F,
        mark: Mark,
    }
}

/// Names waits.
pub trait Awaiting: Future + Sized {
    /// Names the wait for this future: an mpsc receive, a `Notify`, a socket, a call to another
    /// service. From when the future first returns pending until it is ready or dropped, the task is
    /// on record as waiting for `name`, here in the code.
    ///
    /// Outside a recorded poll this costs a branch and records nothing.
    ///
    /// ```
    /// # use dial9_recorder::prelude::*;
    /// # async fn example(mut orders: tokio::sync::mpsc::Receiver<u32>) -> Option<u32> {
    /// orders.recv().awaiting("orders").await
    /// # }
    /// ```
    #[track_caller]
    fn awaiting(self, name: &'static str) -> MarkedFuture<Self> {
        MarkedFuture {
            future: self,
            mark: Mark {
                name,
                location: Location::caller(),
                open: None,
            },
        }
    }
}

impl<F: Future> Awaiting for F {}

struct Mark {
    name: &'static str,
    location: &'static Location<'static>,
    open: Option<Open>,
}

/// A wait that has begun.
#[derive(Clone, Copy)]
struct Open {
    recorder: u64,
    task: u64,
    wait: u64,
}

impl<F: Future> Future for MarkedFuture<F> {
    type Output = F::Output;

    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<F::Output> {
        let this = self.project();
        let result = this.future.poll(cx);
        match (&result, this.mark.open) {
            (Poll::Pending, None) => this.mark.begin(),
            (Poll::Ready(_), Some(_)) => this.mark.end(WaitOutcome::Done),
            _ => {}
        }
        result
    }
}

impl Mark {
    fn begin(&mut self) {
        self.open = thread::with_current(|shared, slot, task| {
            let wait = slot.next_wait();
            let event = RawEvent::WaitBegin {
                at: shared.clock.ticks(),
                task,
                wait,
                name: shared.strings.fixed(self.name),
                location: shared.strings.location(self.location),
            };
            shared.record(Some(slot), &event);
            Open {
                recorder: shared.id,
                task,
                wait,
            }
        });
    }

    fn end(&mut self, outcome: WaitOutcome) {
        let Some(Open {
            recorder,
            task,
            wait,
        }) = self.open.take()
        else {
            return;
        };
        // On a thread that the recorder does not know, at a runtime's end for instance, nothing is
        // said: the end of the task ends its waits.
        thread::with_bound(recorder, |shared, slot| {
            shared.record(
                Some(slot),
                &RawEvent::WaitEnd {
                    at: shared.clock.ticks(),
                    task,
                    wait,
                    outcome,
                },
            );
        });
    }
}

impl Drop for Mark {
    fn drop(&mut self) {
        self.end(WaitOutcome::Abandoned);
    }
}
