//! How tasks, wakers and places are named in sentences, the same on every screen and in every report.

use crate::recording::{LaneIx, LaneKind, Recording, TaskIx, ThreadIx, WaitIx, Waker};

/// `task 87 handle_report`, or `task 87` where it has no name.
#[must_use]
pub fn task(recording: &Recording, task: TaskIx) -> String {
    let id = recording.task(task).id;
    recording
        .name(task)
        .map_or_else(|| format!("task {id}"), |name| format!("task {id} {name}"))
}

/// `task 87 handle_report (src/service.rs:118:9)`.
#[must_use]
pub fn task_at(recording: &Recording, of: TaskIx) -> String {
    let label = task(recording, of);
    recording
        .location(of)
        .map_or_else(|| label.clone(), |location| format!("{label} ({location})"))
}

/// `worker 0`, `worker 0 of runtime 1` where there are several runtimes, or `thread "main"`.
#[must_use]
pub fn lane(recording: &Recording, lane: LaneIx) -> String {
    match recording.lane(lane).kind {
        LaneKind::Worker { runtime, worker } if recording.runtimes().len() > 1 => {
            format!("worker {worker} of {}", self::runtime(recording, runtime))
        }
        LaneKind::Worker { worker, .. } => format!("worker {worker}"),
        LaneKind::Thread(thread) => self::thread(recording, thread),
    }
}

/// `runtime 0`, or `runtime 0 "api"`.
#[must_use]
pub fn runtime(recording: &Recording, runtime: crate::recording::RuntimeIx) -> String {
    let facts = recording.runtime(runtime);
    match recording.str(facts.name) {
        "" => format!("runtime {}", facts.id),
        name => format!("runtime {} \"{name}\"", facts.id),
    }
}

/// `thread "signals"`, or `thread 4` where it has no name.
#[must_use]
pub fn thread(recording: &Recording, thread: ThreadIx) -> String {
    let facts = recording.thread(thread);
    match recording.str(facts.name) {
        "" => format!("thread {}", facts.id),
        name => format!("thread \"{name}\""),
    }
}

/// `the runtime`, `task 87 handle_report`, `a blocking job on thread 4`, `thread "signals"`.
#[must_use]
pub fn waker(recording: &Recording, waker: Waker) -> String {
    match waker {
        Waker::Task(waker) => task(recording, waker),
        Waker::Runtime => "the runtime".to_owned(),
        Waker::Blocking(on) => format!("a blocking job on {}", thread(recording, on)),
        Waker::Outside(outside) => thread(recording, outside),
        Waker::Unknown => "somebody unknown".to_owned(),
    }
}

/// `orders (mark, src/service.rs:99:14)`.
#[must_use]
pub fn wait(recording: &Recording, wait: WaitIx) -> String {
    let wait = recording.wait(wait);
    let name = match recording.str(wait.name) {
        "" => "something unnamed",
        name => name,
    };
    match recording.str(wait.location) {
        "" => format!("{name} (mark)"),
        location => format!("{name} (mark, {location})"),
    }
}
