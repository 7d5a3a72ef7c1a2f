//! The panic hook: asks for a dump, and waits for it only where the process may be gone otherwise.

use std::panic::PanicHookInfo;
use std::sync::{Arc, Weak, mpsc};
use std::time::Duration;

use dial9_format::Trigger;

use crate::clock;
use crate::dump::Place;
use crate::keeper::{self, Request};
use crate::shared::Shared;
use crate::thread;

/// How long a panicking thread waits for its dump at most.
const PATIENCE: Duration = Duration::from_secs(2);

/// Puts a hook before the one that is there. It outlives the recorder and then only calls the old one.
pub(crate) fn install(shared: &Arc<Shared>) {
    let recorder = Arc::downgrade(shared);
    let previous = std::panic::take_hook();
    std::panic::set_hook(Box::new(move |info| {
        on_panic(&recorder, info);
        previous(info);
    }));
}

fn on_panic(recorder: &Weak<Shared>, info: &PanicHookInfo<'_>) {
    // The dump thread panicking must not wait for itself.
    if keeper::is_keeper() {
        return;
    }
    let Some(shared) = recorder.upgrade() else {
        return;
    };
    let aborts = cfg!(panic = "abort");
    if !shared.mailbox.admit_panic(clock::monotonic_ns(), aborts) {
        return;
    }
    // A task's panic is caught by the runtime, and the process lives on: its worker must not wait.
    // After a plain thread's panic, main may return at any moment.
    let task = thread::polled_task(&shared);
    let waits = aborts || task.is_none();
    let (tell, told) = mpsc::channel();
    let request = Request {
        place: Place::Automatic,
        trigger: Trigger::Panic,
        value: task.unwrap_or(0),
        detail: describe(info, task),
        at: shared.clock.ticks(),
        reply: waits.then(|| {
            let reply: keeper::Reply = Box::new(move |_| {
                let _ = tell.send(());
            });
            reply
        }),
    };
    if shared.mailbox.send(request).is_ok() && waits {
        let _ = told.recv_timeout(PATIENCE);
    }
}

/// The panic's message, task, thread and place, in one line.
fn describe(info: &PanicHookInfo<'_>, task: Option<u64>) -> String {
    let payload = info.payload();
    let message = payload
        .downcast_ref::<&str>()
        .copied()
        .or_else(|| payload.downcast_ref::<String>().map(String::as_str))
        .unwrap_or("(no message)");
    let thread = std::thread::current();
    let name = thread.name().unwrap_or("(unnamed)");
    let who = match task {
        Some(task) => format!("task {task} on thread {name}"),
        None => format!("thread {name}"),
    };
    match info.location() {
        Some(place) => format!("{who} panicked at {place}: {message}"),
        None => format!("{who} panicked: {message}"),
    }
}
