//! A small service that is recorded by console-subscriber, with something of each kind that a recording can hold.

use std::{error::Error, io, path::PathBuf, sync::Arc, thread, time::Duration};

use console_subscriber::ConsoleLayer;
use tokio::{
    runtime::Builder,
    sync::{Mutex, Semaphore, mpsc, oneshot},
    task,
    time::sleep,
};
use tracing_subscriber::prelude::*;

/// Runs the service with a recording into `file`.
pub fn record(file: PathBuf) -> Result<(), Box<dyn Error>> {
    // As `console_subscriber::init` does with TOKIO_CONSOLE_RECORD_PATH, on a port that is free. No client is needed.
    let layer = ConsoleLayer::builder()
        .recording_path(file)
        .server_addr(([127, 0, 0, 1], 0))
        .spawn();
    tracing_subscriber::registry().with(layer).init();
    let runtime = Builder::new_multi_thread()
        .worker_threads(2)
        .enable_time()
        .build()?;
    runtime.block_on(service())?;
    // Tasks that are alive when the runtime goes: they are dropped, not done.
    runtime.spawn(std::future::pending::<()>());
    drop(runtime);
    // The recorder's thread is never joined; it writes what it has within microseconds.
    thread::sleep(Duration::from_millis(200));
    Ok(())
}

async fn service() -> io::Result<()> {
    let (requests, mut inbox) = mpsc::channel::<oneshot::Sender<u32>>(4);
    let server = task::Builder::new().name("server").spawn(async move {
        let mut served = 0;
        while let Some(answer) = inbox.recv().await {
            served += 1;
            // The client may have given up.
            let _ = answer.send(served);
        }
        served
    })?;
    let shared = Arc::new(Mutex::new(0_u32));
    let permits = Arc::new(Semaphore::new(2));
    let mut clients = Vec::new();
    for client in 0..3_u32 {
        let (requests, shared, permits) =
            (requests.clone(), Arc::clone(&shared), Arc::clone(&permits));
        clients.push(tokio::spawn(async move {
            for round in 0..8 {
                let (answer, reply) = oneshot::channel();
                if requests.send(answer).await.is_err() {
                    break;
                }
                let _ = reply.await;
                let _permit = permits.acquire().await;
                *shared.lock().await += client;
                if round % 4 == 0 {
                    sleep(Duration::from_millis(2)).await;
                } else {
                    task::yield_now().await;
                }
            }
        }));
    }
    drop(requests);

    let aborted = tokio::spawn(std::future::pending::<()>());
    let panics = tokio::spawn(async { std::panic::resume_unwind(Box::new("on purpose")) });
    let slow = tokio::spawn(async {
        sleep(Duration::from_millis(1)).await;
        thread::sleep(Duration::from_millis(25));
    });
    let job = task::spawn_blocking(|| thread::sleep(Duration::from_millis(3)));
    let in_place =
        tokio::spawn(async { task::block_in_place(|| thread::sleep(Duration::from_millis(2))) });
    let self_waking = tokio::spawn(async {
        let mut left = 5;
        std::future::poll_fn(move |context| {
            left -= 1;
            context.waker().wake_by_ref();
            if left == 0 {
                std::task::Poll::Ready(())
            } else {
                std::task::Poll::Pending
            }
        })
        .await;
    });

    let set = task::LocalSet::new();
    set.run_until(async {
        let _ = task::spawn_local(sleep(Duration::from_millis(1))).await;
    })
    .await;

    for client in clients {
        let _ = client.await;
    }
    sleep(Duration::from_millis(2)).await;
    aborted.abort();
    let _ = tokio::join!(server, aborted, panics, slow, job, in_place, self_waking);
    Ok(())
}
