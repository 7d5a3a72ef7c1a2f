//! How tasks, wakers and places are named in sentences, the same on every screen and in every report.

use super::sites;
use crate::recording::{
    LaneIx, LaneKind, Recording, SiteIx, TaskIx, Thread, ThreadIx, WaitIx, Waker,
};

/// The recorder's own numbers begin here: it gives them to futures that tokio's hooks do not see.
const RECORDERS_OWN: u64 = 1 << 47;

/// A task's number as people read it: `87`, or `r0` for the first future that only the recorder numbers.
#[must_use]
pub fn id(id: u64) -> String {
    match id.checked_sub(RECORDERS_OWN) {
        Some(own) if own < RECORDERS_OWN => format!("r{own}"),
        _ => id.to_string(),
    }
}

/// The number that [`id`] writes as `text`.
#[must_use]
pub fn parse_id(text: &str) -> Option<u64> {
    let (own, digits) = match text.strip_prefix('r') {
        Some(digits) => (true, digits),
        None => (false, text),
    };
    if !digits.bytes().all(|byte| byte.is_ascii_digit()) {
        return None;
    }
    let number: u64 = digits.parse().ok()?;
    if own {
        (number < RECORDERS_OWN).then(|| RECORDERS_OWN + number)
    } else {
        Some(number)
    }
}

/// A path without what the machine that built it put in front of a dependency's name:
/// `/home/me/.cargo/registry/src/index-0123/tower-0.5.2/src/lib.rs:7:1` is `tower-0.5.2/src/lib.rs:7:1`.
#[must_use]
pub fn source(location: &str) -> &str {
    let behind = |folder: &str, deeper: usize| {
        let (_, rest) = location.split_once(folder)?;
        rest.splitn(deeper + 1, '/').nth(deeper)
    };
    // A crate of a registry, of a repository, of the standard library.
    behind("/registry/src/", 1)
        .or_else(|| behind("/git/checkouts/", 0))
        .or_else(|| {
            location
                .strip_prefix("/rustc/")?
                .split_once('/')
                .map(|(_, rest)| rest)
        })
        .filter(|rest| !rest.is_empty())
        .unwrap_or(location)
}

/// A place in the code without its column, and as short as [`source`] makes it: `src/a.rs:12:5` is `src/a.rs:12`.
#[must_use]
pub fn place(location: &str) -> &str {
    let location = source(location);
    let digits = |text: &str| !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit());
    match location.rsplit_once(':') {
        Some((start, column)) if digits(column) && start.rsplit(':').next().is_some_and(digits) => {
            start
        }
        _ => location,
    }
}

/// `task 87 handle_report`, or `task 87` where it has no name.
#[must_use]
pub fn task(recording: &Recording, task: TaskIx) -> String {
    let id = id(recording.task(task).id);
    recording
        .name(task)
        .map_or_else(|| format!("task {id}"), |name| format!("task {id} {name}"))
}

/// `task 87 handle_report (src/service.rs:118:9)`.
#[must_use]
pub fn task_at(recording: &Recording, of: TaskIx) -> String {
    let label = task(recording, of);
    recording.location(of).map_or_else(
        || label.clone(),
        |location| format!("{label} ({})", source(location)),
    )
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

fn is_pool(recording: &Recording, thread: ThreadIx) -> bool {
    let facts = recording.thread(thread);
    facts.tid.is_none() && recording.str(facts.name) == Thread::BLOCKING_POOL
}

/// Whether it is no thread, but stands for those that a recorder does not tell apart.
#[must_use]
pub fn stands_for_many(recording: &Recording, thread: ThreadIx) -> bool {
    let facts = recording.thread(thread);
    let name = recording.str(facts.name);
    facts.tid.is_none() && [Thread::UNKNOWN, Thread::BLOCKING_POOL].contains(&name)
}

/// `thread "signals"`, or `thread 4` where it has no name; `an unknown thread` and `the blocking pool` are no names.
#[must_use]
pub fn thread(recording: &Recording, thread: ThreadIx) -> String {
    let facts = recording.thread(thread);
    match recording.str(facts.name) {
        Thread::UNKNOWN if stands_for_many(recording, thread) => "an unknown thread".to_owned(),
        Thread::BLOCKING_POOL if stands_for_many(recording, thread) => {
            "the blocking pool".to_owned()
        }
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
        // Where else than on a thread of the pool.
        Waker::Blocking(on) if is_pool(recording, on) => "a blocking job".to_owned(),
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

/// `Sleep (await, src/orders.rs:12)`: what a task was suspended on, and where.
#[must_use]
pub fn site(recording: &Recording, site: SiteIx) -> Option<String> {
    let site = sites::site(recording, recording.await_site(site).stack)?;
    let what = site.what;
    Some(match site.place.as_str() {
        "" => format!("{what} (await)"),
        place => format!("{what} (await, {place})"),
    })
}

/// Texts, each of them once: a task may wait for several things of one name, or the ends of its waits are lost.
#[must_use]
pub fn each_once(texts: impl Iterator<Item = String>) -> Vec<String> {
    let mut seen = std::collections::HashSet::new();
    texts.filter(|text| seen.insert(text.clone())).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_dependency_is_called_by_its_name() {
        let registry = "/usr/local/cargo/registry/src/index.crates.io-1949/hyper-util-0.1.20/src/rt/tokio.rs:115:9";
        assert_eq!(source(registry), "hyper-util-0.1.20/src/rt/tokio.rs:115:9");
        assert_eq!(place(registry), "hyper-util-0.1.20/src/rt/tokio.rs:115");
        for (path, short) in [
            (
                "/rustc/59807616e/library/core/src/future/mod.rs:3",
                "library/core/src/future/mod.rs:3",
            ),
            (
                "/root/.cargo/git/checkouts/mio-1a2b/77aa001/src/poll.rs:9",
                "mio-1a2b/77aa001/src/poll.rs:9",
            ),
            ("src/registry/src.rs:1", "src/registry/src.rs:1"),
            ("/registry/src/", "/registry/src/"),
            ("/rustc/", "/rustc/"),
            ("", ""),
        ] {
            assert_eq!(source(path), short);
        }
    }

    #[test]
    fn what_stands_for_many_threads_has_no_name() {
        for (name, tid, label, waker_label) in [
            (
                Thread::UNKNOWN,
                None,
                "an unknown thread",
                "a blocking job on an unknown thread",
            ),
            (
                Thread::BLOCKING_POOL,
                None,
                "the blocking pool",
                "a blocking job",
            ),
            (
                "signals",
                None,
                "thread \"signals\"",
                "a blocking job on thread \"signals\"",
            ),
            (
                Thread::UNKNOWN,
                Some(7),
                "thread \"unknown thread\"",
                "a blocking job on thread \"unknown thread\"",
            ),
        ] {
            let mut builder = crate::recording::testing::builder(100);
            let name = builder.intern(name);
            let number = builder.thread(Thread {
                id: 3,
                name,
                tid,
                worker: false,
                exited: false,
            });
            let recording = builder.finish();
            assert_eq!(thread(&recording, number), label);
            assert_eq!(waker(&recording, Waker::Blocking(number)), waker_label);
        }
    }

    #[test]
    fn the_recorders_own_numbers_are_short() {
        for (number, text) in [
            (87, "87"),
            (1 << 47, "r0"),
            ((1 << 47) + 12, "r12"),
            ((1 << 48) - 1, "r140737488355327"),
            (1 << 48, "281474976710656"),
            (u64::MAX, "18446744073709551615"),
        ] {
            assert_eq!(id(number), text);
            assert_eq!(parse_id(text), Some(number));
        }
        for text in [
            "",
            "r",
            "+1",
            "r-1",
            "x",
            "r140737488355328",
            "18446744073709551616",
        ] {
            assert_eq!(parse_id(text), None, "{text}");
        }
    }
}
