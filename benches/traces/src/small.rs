//! A few hundred milliseconds with one of everything: tasks with and without recorded wakes, a blocking job, a wake from
//! outside, an abort, a panic, and a task that never ends.

use std::time::Duration;

use tokio::{
    runtime::Runtime,
    sync::{mpsc, oneshot},
};

const PAIRS: usize = 3;
const ROUNDS: u32 = 200;

pub(crate) fn run(runtime: &Runtime) {
    std::panic::set_hook(Box::new(|_| {}));
    runtime.block_on(async {
        let all = dial9::spawn(async {
            for _ in 0..PAIRS {
                pair();
            }
            // Wakes of a plain spawn are not recorded.
            let plain = tokio::spawn(async {
                for _ in 0..20 {
                    tokio::time::sleep(Duration::from_millis(1)).await;
                }
            });
            let blocking = tokio::task::spawn_blocking(|| {
                std::thread::sleep(Duration::from_millis(3));
            });
            let (from_outside, outside) = oneshot::channel::<()>();
            std::thread::spawn(move || {
                std::thread::sleep(Duration::from_millis(5));
                let _ = from_outside.send(());
            });
            let waits = dial9::spawn(async move {
                let _ = outside.await;
            });
            let aborted = dial9::spawn(std::future::pending::<()>());
            dial9::spawn(std::future::pending::<()>());
            let panics = dial9::spawn(async {
                tokio::task::yield_now().await;
                panic!("planted");
            });
            let handed_over = dial9::spawn(async {
                tokio::task::block_in_place(|| std::thread::sleep(Duration::from_millis(10)));
            });
            let slow = dial9::spawn(async {
                std::thread::sleep(Duration::from_millis(30));
            });
            let _ = (plain.await, blocking.await, waits.await);
            let _ = (panics.await, handed_over.await, slow.await);
            aborted.abort();
            let _ = aborted.await;
            tokio::time::sleep(Duration::from_millis(20)).await;
        });
        let _ = all.await;
    });
}

/// Two tasks that send a number back and forth.
fn pair() {
    let (to, mut from) = mpsc::channel::<u32>(1);
    let (back, mut returned) = mpsc::channel::<u32>(1);
    dial9::spawn(async move {
        for round in 0..ROUNDS {
            if to.send(round).await.is_err() || returned.recv().await.is_none() {
                break;
            }
        }
    });
    dial9::spawn(async move {
        while let Some(round) = from.recv().await {
            if back.send(round).await.is_err() {
                break;
            }
        }
    });
}
