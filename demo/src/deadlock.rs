//! Two tasks hold one mutex each and wait for the other's.

use std::sync::Arc;

use dial9_recorder::prelude::*;
use tokio::sync::{Mutex, oneshot};

use crate::facts::{Expected, Facts};
use crate::stage::{Stage, hear};
use crate::until_pending::until_pending;
use crate::{Error, Options};

type Account = Arc<Mutex<i64>>;

/// Runs the scenario and writes its dump.
pub fn run(options: &Options) -> Result<Facts, Error> {
    let mut stage = Stage::set()?;
    let (savings, salary) = (Account::default(), Account::default());
    let (approve_saving, saving_approved) = oneshot::channel();
    let (approve_spending, spending_approved) = oneshot::channel();
    let (saving, saving_waits) = until_pending(transfer(
        [Arc::clone(&salary), Arc::clone(&savings)],
        ["account salary", "account savings"],
        saving_approved,
    ));
    let (spending, spending_waits) = until_pending(transfer(
        [savings, salary],
        ["account savings", "account salary"],
        spending_approved,
    ));
    stage.spawn("transfer to savings", Expected::waits_after(2), saving);
    stage.spawn("transfer to salary", Expected::waits_after(2), spending);

    // Only when each holds its first mutex may they go for the second.
    hear(&saving_waits, "the first transfer holds nothing")?;
    hear(&spending_waits, "the second transfer holds nothing")?;
    let approved = approve_saving.send(()).and(approve_spending.send(()));
    approved.map_err(|()| Error::Unready("a transfer is gone"))?;
    hear(&saving_waits, "the first transfer went through")?;
    hear(&spending_waits, "the second transfer went through")?;
    stage.go_on()?;

    stage
        .facts
        .leave_stuck("transfer to savings", "account savings");
    stage
        .facts
        .leave_stuck("transfer to salary", "account salary");
    stage
        .facts
        .told
        .push("two transfers hold one account each, and wait for the other's for ever".to_owned());
    stage.dump(options)
}

/// Moves money, with the accounts locked in the order given: the mistake.
async fn transfer(
    [from, to]: [Account; 2],
    [from_name, to_name]: [&'static str; 2],
    approval: oneshot::Receiver<()>,
) {
    let mut from = from.lock().awaiting(from_name).await;
    if approval.awaiting("approval").await.is_err() {
        return;
    }
    let mut to = to.lock().awaiting(to_name).await;
    *from -= 1;
    *to += 1;
}
