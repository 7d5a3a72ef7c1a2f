//! A recording of few tasks that are told apart easily, and which of them a filter finds.

use super::super::{Query, Scope};
use crate::recording::{
    Ns, Outcome, Recording, SpawnFacts, TaskFacts, TaskKind, WakerKey,
    testing::{batch, builder, runtime, spawn},
};

/// The end of its window.
pub(super) const END: Ns = 1_000;

/// Four tasks whose fields are told apart easily; 4 is seen by its polls alone.
pub(super) fn fixed() -> Recording {
    let mut builder = builder(END);
    runtime(&mut builder, 2);
    let [accept, flush, ledger] =
        ["accept loop", "flush", "ledger"].map(|name| builder.intern(name));
    let [main, db] = ["src/main.rs:3:5", "src/db.rs:7:9"].map(|place| builder.intern(place));
    let [orders, mark] = ["orders", "src/db.rs:70:1"].map(|text| builder.intern(text));
    let mut task = |id, spawn, wakes_recorded| {
        builder.task(TaskFacts {
            id,
            spawn,
            wakes_recorded,
            ended_at: None,
        });
    };
    let facts = |at, parent, name, location| SpawnFacts {
        parent,
        name,
        location,
        ..spawn(at)
    };
    task(
        1,
        SpawnFacts {
            size: Some(4_096),
            ..facts(0, None, accept, main)
        },
        true,
    );
    task(
        2,
        SpawnFacts {
            size: Some(64),
            ..facts(50, Some(1), flush, db)
        },
        true,
    );
    task(
        3,
        SpawnFacts {
            kind: TaskKind::Local,
            ..facts(60, Some(1), ledger, db)
        },
        true,
    );
    task(
        4,
        SpawnFacts {
            at: None,
            ..spawn(0)
        },
        false,
    );
    let mut w0 = batch(0);
    let mut w1 = batch(1);
    w0.wake(1, 10, WakerKey::Runtime);
    w0.poll(1, 12, 80, Outcome::Pending);
    w0.wake(2, 70, WakerKey::Task(1));
    w0.poll(2, 100, 150, Outcome::Pending);
    w0.wake(2, 160, WakerKey::Task(1));
    w1.poll(2, 163, 200, Outcome::Pending);
    w0.wake(2, 220, WakerKey::Task(1));
    w0.poll(3, 62, 64, Outcome::Pending);
    w0.wake(3, 295, WakerKey::Runtime);
    w0.poll(3, 299, 310, Outcome::Pending);
    w0.wait_begin(3, 1, 300, orders, mark);
    w0.poll(2, 225, 300, Outcome::Pending);
    w0.poll(4, 900, 950, Outcome::Panicked);
    w0.terminate(4, 950);
    for batch in [w0, w1] {
        builder.batch(batch);
    }
    builder.finish()
}

/// The ids of the tasks that match.
pub(super) fn ids(recording: &Recording, text: &str, at: Ns) -> Vec<u64> {
    let query = Query::parse(text).unwrap();
    let filter = query.bind(recording);
    let scope = Scope::at(at);
    let matching = recording.tasks().filter(|task| {
        let bound = filter.matches(recording, *task, &scope);
        assert_eq!(bound, query.matches(recording, *task, &scope), "{text}");
        bound
    });
    matching.map(|task| recording.task(task).id).collect()
}
