//! A producer waits for room in a channel whose receiver waits for the producer.
//!
//! The consumer takes the first order of a batch and then wants to hear that the batch is complete before it takes
//! another. The producer says so behind the last order, but the batch is larger than the channel.

use dial9_recorder::prelude::*;
use tokio::sync::{mpsc, oneshot};

use crate::facts::{Expected, Facts};
use crate::stage::{Stage, hear};
use crate::until_pending::until_pending;
use crate::{Error, Options};

/// Room in the channel of orders.
const CAPACITY: usize = 4;
/// Orders in a batch, too many for the channel when only one of them is taken out.
const BATCH: u32 = 8;
/// The mark of the producer's wait.
const ROOM: &str = "room for an order";
/// The mark of the consumer's wait.
const COMPLETE: &str = "batch complete";

/// Runs the scenario and writes its dump.
pub fn run(options: &Options) -> Result<Facts, Error> {
    let mut stage = Stage::set()?;
    let (orders, incoming) = mpsc::channel(CAPACITY);
    let (complete, completed) = mpsc::channel(1);
    let (resume, resumed) = oneshot::channel();
    let (consumer, consumer_waits) = until_pending(consume(incoming, completed));
    let (producer, producer_waits) = until_pending(produce(orders, complete, resumed));
    stage.spawn("consumer", Expected::waits_after(2), consumer);
    hear(&consumer_waits, "the consumer waits for no order")?;
    stage.spawn("producer", Expected::waits_after(2), producer);
    hear(&producer_waits, "the producer does not pause")?;
    hear(&consumer_waits, "the consumer does not wait for the batch")?;
    // The consumer has taken the first order for certain, and leaves the room of the channel to the others.
    resume
        .send(())
        .map_err(|()| Error::Unready("the producer is gone"))?;
    hear(&producer_waits, "the channel is large enough")?;
    stage.go_on()?;

    stage.facts.leave_stuck("producer", ROOM);
    stage.facts.leave_stuck("consumer", COMPLETE);
    stage.facts.told.push(
        "the producer waits for room in the channel, and its consumer for the producer".to_owned(),
    );
    stage.dump(options)
}

/// Sends a batch, with a pause behind the first order, and then tells the consumer that it is complete.
async fn produce(
    orders: mpsc::Sender<u32>,
    complete: mpsc::Sender<()>,
    resumed: oneshot::Receiver<()>,
) {
    let mut pause = Some(resumed);
    for order in 0..BATCH {
        if orders.send(order).awaiting(ROOM).await.is_err() {
            return;
        }
        if let Some(resumed) = pause.take() {
            let _ = resumed.awaiting("the rest of the batch").await;
        }
    }
    let _ = complete.send(()).await;
}

/// Takes an order, and the next one only when the batch is complete: the mistake.
async fn consume(mut incoming: mpsc::Receiver<u32>, mut completed: mpsc::Receiver<()>) {
    while incoming.recv().awaiting("orders").await.is_some() {
        completed.recv().awaiting(COMPLETE).await;
    }
}
