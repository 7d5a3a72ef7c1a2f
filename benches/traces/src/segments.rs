//! Long polls while segments are rotated: each thread hands over its events in the middle of one, so that polls begin in
//! one batch and end in the next.

use std::{sync::Arc, time::Duration};

use tokio::{runtime::Runtime, sync::Notify};

const POLLS: u32 = 150;

pub(crate) fn run(runtime: &Runtime) {
    runtime.block_on(async {
        let woken = Arc::new(Notify::new());
        let listener = Arc::clone(&woken);
        dial9::spawn(async move {
            loop {
                listener.notified().await;
            }
        });
        let busy = dial9::spawn(async move {
            for _ in 0..POLLS {
                // A wake at the beginning of a poll, and one at its end: a batch may begin between them.
                woken.notify_one();
                std::thread::sleep(Duration::from_millis(20));
                woken.notify_one();
                dial9::spawn(async {});
                tokio::task::yield_now().await;
            }
        });
        let _ = busy.await;
    });
}
