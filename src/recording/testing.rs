//! Recordings of a few rows for tests.

use super::{
    Batch, Format, Ns, RecordingBuilder, Runtime, SeatKey, Source, SpawnFacts, StrId, TaskKind,
    Window,
};

/// A builder of a recording with a window of that length.
pub(crate) fn builder(end: Ns) -> RecordingBuilder {
    let source = Source {
        format: Format::Dial9Dump,
        paths: vec!["test.dial9".to_owned()],
        bytes: 0,
        sample: false,
    };
    RecordingBuilder::new(
        source,
        Window {
            end,
            others_start: 0,
            wall_start: None,
        },
    )
}

/// Declares runtime 0 with that many workers.
pub(crate) fn runtime(builder: &mut RecordingBuilder, workers: u32) {
    builder.runtime(Runtime {
        id: 0,
        name: StrId::NONE,
        workers,
        current_thread: false,
        attached_at: None,
        dropped_at: None,
    });
}

/// That worker of runtime 0, on a thread of the same number.
pub(crate) fn seat(worker: u32) -> SeatKey {
    SeatKey {
        worker: Some((0, worker)),
        thread: worker,
    }
}

/// A batch that worker `worker` writes.
pub(crate) fn batch(worker: u32) -> Batch {
    let mut batch = Batch::new(worker);
    batch.seat(seat(worker));
    batch
}

/// A spawn of which nothing but the time is known.
pub(crate) fn spawn(at: Ns) -> SpawnFacts {
    SpawnFacts {
        at: Some(at),
        parent: None,
        location: StrId::NONE,
        name: StrId::NONE,
        runtime: Some(0),
        kind: TaskKind::Async,
        size: None,
    }
}
