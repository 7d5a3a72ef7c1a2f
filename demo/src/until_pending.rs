//! Tells another thread that a future has begun to wait, so that scenarios need not guess with sleeps.

use std::future::Future;
use std::pin::Pin;
use std::sync::mpsc::{Receiver, Sender, channel};
use std::task::{Context, Poll};

/// Wraps `future`; the receiver hears each time a poll of it has returned pending.
///
/// By then the future's waker is where it belongs, so whatever happens next wakes the task.
pub(crate) fn until_pending<F: Future>(future: F) -> (Telling<F>, Receiver<()>) {
    let (pending, heard) = channel();
    let telling = Telling {
        future: Box::pin(future),
        pending,
    };
    (telling, heard)
}

/// See [`until_pending`].
pub(crate) struct Telling<F> {
    future: Pin<Box<F>>,
    pending: Sender<()>,
}

impl<F: Future> Future for Telling<F> {
    type Output = F::Output;

    fn poll(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<F::Output> {
        let polled = self.future.as_mut().poll(context);
        if polled.is_pending() {
            // Nobody listens any more once the scenario has gone on; that is no error.
            let _ = self.pending.send(());
        }
        polled
    }
}
