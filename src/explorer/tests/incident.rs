//! A recording like the demo's service: two handlers block both workers for 80 ms, and everybody else comes late.

use crate::recording::{
    Batch, FoldedFacts, Format, LastPoll, Loss, LossKind, MILLISECOND, Ns, OpenWaitFacts, Outcome,
    Recording, RecordingBuilder, Runtime, SECOND, SeatKey, Source, SpawnFacts, StrId, TaskFacts,
    TaskKind, Thread, Totals, Trigger, TriggerKind, WaitState, WakerKey, Window,
};

const MICROSECOND: Ns = 1_000;

/// The moment at which an outside thread releases both blocking handlers.
pub(super) const RELEASE: Ns = 1_332 * MILLISECOND;

/// What stands in a name of the recording, and must never reach the terminal.
pub(super) const HOSTILE: &str = "evil\x1b[31m\u{9b}2J\x07\u{202e}name";

pub(in crate::explorer) fn recording() -> Recording {
    let source = Source {
        format: Format::Dial9Dump,
        paths: vec!["/var/tmp/incident.dial9".to_owned()],
        bytes: 1,
        sample: false,
    };
    let mut builder = RecordingBuilder::new(
        source,
        Window {
            end: 3 * SECOND,
            others_start: 0,
            wall_start: None,
        },
    );
    let names = Names::new(&mut builder);
    builder.trigger(Trigger {
        kind: TriggerKind::SlowPoll(80 * MILLISECOND),
        at: 3 * SECOND,
        detail: StrId::NONE,
    });
    builder.loss(Loss {
        kind: LossKind::Truncated,
        count: 1,
        detail: "the file ends early".to_owned(),
        range: None,
    });
    builder.runtime(Runtime {
        id: 0,
        name: StrId::NONE,
        workers: 2,
        current_thread: false,
        attached_at: None,
        dropped_at: None,
    });
    for (id, name, worker) in [
        (0, "worker-0", true),
        (1, "worker-1", true),
        (5, "releaser", false),
    ] {
        let name = builder.intern(name);
        builder.thread(Thread {
            id,
            name,
            tid: None,
            worker,
            exited: false,
        });
    }
    for (id, spawn) in names.spawns() {
        builder.task(TaskFacts {
            id,
            spawn,
            wakes_recorded: true,
            ended_at: None,
        });
    }
    stuck(&mut builder, &names);
    let mut w0 = worker(0);
    let mut w1 = worker(1);
    let mut outside = Batch::new(5);
    outside.seat(SeatKey {
        worker: None,
        thread: 5,
    });
    accept_loop(&mut w0);
    handlers(&mut w0, &mut w1, &mut outside, &names);
    pings(&mut w0, &mut w1, &names);
    for batch in [w0, w1, outside] {
        builder.batch(batch);
    }
    builder.finish()
}

struct Names {
    accept: [StrId; 2],
    report: [StrId; 2],
    ping: [StrId; 2],
    flush: [StrId; 2],
    stuck: [StrId; 2],
    hostile: [StrId; 2],
    release: [StrId; 2],
    request: [StrId; 2],
    reply: [StrId; 2],
}

impl Names {
    fn new(builder: &mut RecordingBuilder) -> Self {
        let mut pair = |name: &str, line: u32| {
            [
                builder.intern(name),
                builder.intern(&format!("src/service.rs:{line}:9")),
            ]
        };
        Self {
            accept: pair("accept loop", 44),
            report: pair("handle_report", 118),
            ping: pair("handle_ping", 97),
            flush: pair("flush", 61),
            stuck: pair("ledger", 70),
            hostile: pair(HOSTILE, 5),
            release: pair("release", 120),
            request: pair("request", 99),
            reply: pair("reply", 73),
        }
    }

    fn spawns(&self) -> Vec<(u64, SpawnFacts)> {
        let spawn = |at: Ns, parent: Option<u64>, names: [StrId; 2]| SpawnFacts {
            at: Some(at),
            parent,
            location: names[1],
            name: names[0],
            runtime: Some(0),
            kind: TaskKind::Async,
            size: Some(512),
        };
        let mut tasks = vec![
            (12, spawn(-2 * SECOND, None, self.stuck)),
            (19, spawn(-500 * MILLISECOND, None, self.accept)),
            (40, spawn(-400 * MILLISECOND, None, self.flush)),
            (66, spawn(-300 * MILLISECOND, None, self.hostile)),
            (87, spawn(1_200 * MILLISECOND, Some(19), self.report)),
            (88, spawn(1_220 * MILLISECOND, Some(19), self.report)),
        ];
        tasks.extend((91..97).map(|id| {
            (
                id,
                spawn((id as Ns - 88) * 100 * MILLISECOND, Some(19), self.ping),
            )
        }));
        tasks
    }
}

fn worker(number: u32) -> Batch {
    let mut batch = Batch::new(number);
    batch.seat(SeatKey {
        worker: Some((0, number)),
        thread: number,
    });
    batch
}

/// Stuck since before the window: only the history knows of its polls.
fn stuck(builder: &mut RecordingBuilder, names: &Names) {
    let totals = Totals {
        polls: 3,
        busy_ns: 90 * MICROSECOND,
        longest_ns: 60 * MICROSECOND,
        longest_start: -1_950 * MILLISECOND,
        wakes: 2,
        waits: 1,
        ..Totals::default()
    };
    let last_poll = LastPoll {
        start: -1_900 * MILLISECOND,
        end: -1_899 * MILLISECOND,
        outcome: Outcome::Pending,
    };
    builder.folded(
        12,
        FoldedFacts {
            totals,
            last_poll: Some(last_poll),
            last_wake: Some((-1_901 * MILLISECOND, WakerKey::Runtime, 0)),
            unwakeable_at: None,
        },
    );
    builder.open_wait(OpenWaitFacts {
        task: 12,
        wait: 1,
        name: names.reply[0],
        location: names.reply[1],
        since: -1_899 * MILLISECOND,
    });
}

/// A poll every 20 ms, but not while nobody asks the driver.
fn accept_loop(w0: &mut Batch) {
    for round in 0..150 {
        let at = round * 20 * MILLISECOND;
        if (RELEASE..RELEASE + 80 * MILLISECOND).contains(&at) {
            continue;
        }
        w0.wake(19, at + MILLISECOND, WakerKey::Runtime);
        w0.poll(
            19,
            at + MILLISECOND + 5 * MICROSECOND,
            at + MILLISECOND + 45 * MICROSECOND,
            Outcome::Pending,
        );
    }
}

fn handlers(w0: &mut Batch, w1: &mut Batch, outside: &mut Batch, names: &Names) {
    for (worker, task, from) in [(w0, 87, 1_200), (w1, 88, 1_220)] {
        let at = from * MILLISECOND;
        worker.poll(
            task,
            at + 9 * MICROSECOND,
            at + 40 * MICROSECOND,
            Outcome::Pending,
        );
        worker.wait_begin(
            task,
            task,
            at + 20 * MICROSECOND,
            names.release[0],
            names.release[1],
        );
        outside.wake(task, RELEASE, WakerKey::Outside);
        worker.poll(
            task,
            RELEASE + 12 * MICROSECOND,
            RELEASE + 80 * MILLISECOND,
            Outcome::Ready,
        );
        worker.wait_end(task, task, RELEASE + 13 * MICROSECOND, WaitState::Done);
        worker.terminate(task, RELEASE + 80 * MILLISECOND - MICROSECOND);
    }
}

/// Each ping is asked every 100 ms, and wakes the flusher; those asked during the blind interval are woken after it.
fn pings(w0: &mut Batch, w1: &mut Batch, names: &Names) {
    for id in 91..97u64 {
        let mut wait = id * 1_000;
        let first = (id as Ns - 88) * 100 * MILLISECOND;
        w1.poll(
            id,
            first + 10 * MICROSECOND,
            first + 60 * MICROSECOND,
            Outcome::Pending,
        );
        let mut since = first + 50 * MICROSECOND;
        for round in 1..20 {
            let mut at = first + round * 100 * MILLISECOND + (id as Ns - 91) * 11 * MILLISECOND;
            let blind_end = RELEASE + 80 * MILLISECOND;
            if (RELEASE..blind_end).contains(&at) {
                at = blind_end + (id as Ns - 90) * 30 * MICROSECOND;
            }
            if at > 2_900 * MILLISECOND {
                break;
            }
            wait += 1;
            w1.wait_begin(id, wait, since, names.request[0], names.request[1]);
            w0.wake(id, at, WakerKey::Runtime);
            w1.poll(
                id,
                at + 12 * MICROSECOND,
                at + 192 * MICROSECOND,
                Outcome::Pending,
            );
            w1.wait_end(id, wait, at + 13 * MICROSECOND, WaitState::Done);
            since = at + 180 * MICROSECOND;
            w1.wake(40, at + 71 * MICROSECOND, WakerKey::Task(id));
            w0.poll(
                40,
                at + 200 * MICROSECOND,
                at + 230 * MICROSECOND,
                Outcome::Pending,
            );
        }
    }
}
