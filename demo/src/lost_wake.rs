//! A future loses its waker: nobody can wake its task any more.
//!
//! A price board keeps the waker of whoever asked last, one only. When a second reader comes, the first one's waker is
//! dropped, and the next price wakes the second reader alone.

use std::future::poll_fn;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::task::{Poll, Waker};

use dial9_recorder::prelude::*;

use crate::facts::{Expected, Facts};
use crate::stage::{Stage, hear};
use crate::until_pending::until_pending;
use crate::{Error, Options};

/// The mark of the readers' wait.
const PRICE: &str = "price";

/// Runs the scenario and writes its dump.
pub fn run(options: &Options) -> Result<Facts, Error> {
    let mut stage = Stage::set()?;
    let board = Arc::new(Board::default());
    let (first, first_waits) = until_pending(read(Arc::clone(&board)));
    let (second, second_waits) = until_pending(read(Arc::clone(&board)));
    stage.spawn("first reader", Expected::waits_after(1), first);
    hear(&first_waits, "the first reader does not wait")?;
    stage.settle()?;
    let second = stage.spawn("second reader", Expected::ends_after(2), second);
    hear(&second_waits, "the second reader does not wait")?;
    board.publish(100);
    stage.join(second)?;
    stage.go_on()?;

    stage.facts.blame("first reader");
    stage.facts.leave_stuck("first reader", PRICE);
    stage
        .facts
        .told
        .push("the first reader's waker was dropped, and nobody can wake it any more".to_owned());
    stage.dump(options)
}

async fn read(board: Arc<Board>) -> u64 {
    board.next_price().awaiting(PRICE).await
}

/// The latest price, and one reader that waits for it.
#[derive(Default)]
struct Board(Mutex<State>);

#[derive(Default)]
struct State {
    price: Option<u64>,
    reader: Option<Waker>,
}

impl Board {
    async fn next_price(&self) -> u64 {
        poll_fn(|context| {
            let mut state = self.state();
            if let Some(price) = state.price {
                return Poll::Ready(price);
            }
            // The mistake: another reader's waker may lie here, and is dropped unwoken.
            state.reader = Some(context.waker().clone());
            Poll::Pending
        })
        .await
    }

    fn publish(&self, price: u64) {
        let reader = {
            let mut state = self.state();
            state.price = Some(price);
            state.reader.take()
        };
        if let Some(reader) = reader {
            reader.wake();
        }
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
