//! The tables of dumps (header, strings, history, workers, losses) to facts of a recording.

use dial9_format::{self as format, PollOutcome, TaskRow};

use super::{
    decode::{Clock, Context, FileStrings},
    pieces::Pieces,
};
use crate::recording::{
    FoldedFacts, LaneTotals, LastPoll, Level, Loss, LossKind, Ns, OpenWaitFacts, Outcome, Process,
    RecordingBuilder, Runtime, SeatKey, SpawnFacts, TaskFacts, TaskKind, Thread, Totals, Trigger,
    TriggerKind, WakerKey,
};

/// Interns a file's strings.
pub(super) fn strings(builder: &mut RecordingBuilder, file: &Pieces<'_>) -> FileStrings {
    let mut strings = FileStrings::default();
    for (id, text) in file
        .strings
        .iter()
        .filter_map(|table| table.iter())
        .flatten()
    {
        strings.0.insert(id, builder.intern(text));
    }
    strings
}

/// Hands over everything but strings and events. `files` go from the oldest to the newest.
pub(super) fn all(builder: &mut RecordingBuilder, files: &[Pieces<'_>], contexts: &[Context]) {
    let Some((newest, context)) = files.last().zip(contexts.last()) else {
        return;
    };
    if let Some(header) = &newest.header {
        process(builder, header, context.clock);
    }
    for (file, context) in files.iter().zip(contexts) {
        for thread in file.workers.iter().flat_map(|table| &table.threads) {
            builder.thread(Thread {
                id: thread.id,
                name: context.strings.get(thread.name),
                tid: (thread.tid != 0).then_some(thread.tid),
                worker: thread.worker,
                exited: thread.exited,
            });
        }
    }
    for (file, context) in files.iter().zip(contexts).rev() {
        for runtime in file.workers.iter().flat_map(|table| &table.runtimes) {
            builder.runtime(Runtime {
                id: runtime.id,
                name: context.strings.get(runtime.name),
                workers: runtime.workers,
                current_thread: runtime.current_thread,
                attached_at: Some(context.clock.ns(runtime.attached_at)),
                dropped_at: runtime.dropped_at.map(|at| context.clock.ns(at)),
            });
        }
        // The newest history is the most complete; an older one only adds tasks that it has forgotten since.
        let rows: Vec<&TaskRow> = file.tasks.iter().flat_map(|table| &table.rows).collect();
        let fresh: Vec<bool> = rows.iter().map(|row| !builder.knows(row.id)).collect();
        for (row, _) in rows.iter().zip(fresh).filter(|(_, fresh)| *fresh) {
            task(builder, row, context);
        }
    }
    totals(builder, newest);
    running(builder, newest, context.clock);
    for wait in newest.tasks.iter().flat_map(|table| &table.open_waits) {
        builder.open_wait(OpenWaitFacts {
            task: wait.task,
            wait: wait.wait,
            name: context.strings.get(wait.name),
            location: context.strings.get(wait.location),
            since: context.clock.ns(wait.since),
        });
    }
    // The recorder's counters only grow, so the newest say it all.
    for row in newest.recorder_losses.iter().flat_map(|table| &table.rows) {
        builder.loss(recorder_loss(row, context.clock));
    }
}

fn process(builder: &mut RecordingBuilder, header: &format::Header, clock: Clock) {
    let process = Process {
        name: builder.intern(&header.process),
        pid: header.pid,
        host: builder.intern(&header.host),
        started: i64::try_from(header.process_start_wall_ns)
            .ok()
            .filter(|at| *at > 0),
        platform: builder.intern(&header.platform),
        recorder: builder.intern(&header.recorder),
        level: match header.level {
            format::Level::Hooks => Level::Hooks,
            format::Level::Wakes => Level::Wakes,
            format::Level::Tracing => Level::Tracing,
            format::Level::Resources => Level::Resources,
        },
        hooks: header.hooks,
    };
    builder.process(process);
    if header.level == format::Level::Resources {
        builder.resources_recorded();
    }
    let value = header.trigger_value;
    let length = Ns::try_from(value).unwrap_or(Ns::MAX);
    let trigger = Trigger {
        kind: match header.trigger {
            format::Trigger::Call => TriggerKind::Call,
            format::Trigger::Panic => TriggerKind::Panic((value > 0).then_some(value)),
            format::Trigger::Signal => TriggerKind::Signal(value),
            format::Trigger::SlowPoll => TriggerKind::SlowPoll(length),
            format::Trigger::Stall => TriggerKind::Stall(length),
            format::Trigger::ScheduleDelay => TriggerKind::ScheduleDelay(length),
            format::Trigger::Recovered => TriggerKind::Recovered,
        },
        at: clock.ns(header.trigger_at),
        detail: builder.intern(&header.trigger_detail),
    };
    builder.trigger(trigger);
}

fn task(builder: &mut RecordingBuilder, row: &TaskRow, context: &Context) {
    let ns = |at| context.clock.ns(at);
    let ended_at = row.terminated_at.map(ns);
    let never_seen = row.spawned_at.is_none() && row.location == 0 && row.name == 0;
    let nothing_happened = row.polls == 0 && row.wakes == 0 && row.waits == 0;
    if row.kind == format::TaskKind::Blocking as u8
        || (never_seen && nothing_happened && ended_at.is_some())
    {
        // The tombstone of a blocking job, unless events show that it was a task after all.
        builder.end(row.id, ended_at.unwrap_or(0));
        return;
    }
    builder.task(TaskFacts {
        id: row.id,
        spawn: SpawnFacts {
            at: row.spawned_at.map(ns),
            parent: row.parent,
            location: context.strings.get(row.location),
            name: context.strings.get(row.name),
            runtime: Some(row.runtime),
            kind: if row.kind == format::TaskKind::Local as u8 {
                TaskKind::Local
            } else {
                TaskKind::Async
            },
            size: (row.size > 0).then_some(row.size),
        },
        wakes_recorded: row.wakes_recorded,
        ended_at,
    });
    if nothing_happened && row.unwakeable_at.is_none() {
        return;
    }
    let length = |ns: u64| Ns::try_from(ns).unwrap_or(Ns::MAX).min(1 << 60);
    let last_poll = (row.polls > 0).then(|| LastPoll {
        start: ns(row.last_poll_start),
        end: ns(row.last_poll_end).max(ns(row.last_poll_start)),
        outcome: outcome(row.last_outcome),
    });
    let waker = match row.last_waker_kind {
        1 => WakerKey::Task(row.last_waker),
        2 => WakerKey::Runtime,
        3 => WakerKey::Blocking,
        4 => WakerKey::Outside,
        _ => WakerKey::Unknown,
    };
    let thread = u32::try_from(row.last_waker).unwrap_or(u32::MAX);
    builder.folded(
        row.id,
        FoldedFacts {
            totals: Totals {
                polls: row.polls,
                busy_ns: length(row.busy_ns),
                longest_ns: length(row.longest_poll_ns),
                longest_start: ns(row.longest_poll_start),
                wakes: row.wakes,
                self_wakes: row.self_wakes,
                waits: row.waits,
            },
            last_poll,
            last_wake: row.last_wake_at.map(|at| (ns(at), waker, thread)),
            unwakeable_at: row.unwakeable_at.map(ns),
        },
    );
}

fn outcome(raw: u8) -> Outcome {
    match raw {
        raw if raw == PollOutcome::Pending as u8 => Outcome::Pending,
        raw if raw == PollOutcome::Ready as u8 => Outcome::Ready,
        raw if raw == PollOutcome::Panicked as u8 => Outcome::Panicked,
        _ => Outcome::Ended,
    }
}

fn totals(builder: &mut RecordingBuilder, file: &Pieces<'_>) {
    let length = |ns: u64| Ns::try_from(ns).unwrap_or(Ns::MAX).min(1 << 60);
    for row in file.workers.iter().flat_map(|table| &table.workers) {
        let totals = LaneTotals {
            polls: row.polls,
            busy_ns: length(row.busy_ns),
            parks: row.parks,
            parked_ns: length(row.parked_ns),
        };
        builder.worker_totals(row.runtime, row.worker, totals);
    }
}

fn running(builder: &mut RecordingBuilder, file: &Pieces<'_>, clock: Clock) {
    for row in file.workers.iter().flat_map(|table| &table.running) {
        let worker = (row.runtime != u32::MAX && row.worker != u32::MAX)
            .then_some((row.runtime, row.worker));
        builder.running(
            SeatKey {
                worker,
                thread: row.thread,
            },
            row.task,
            clock.ns(row.start),
        );
    }
}

fn recorder_loss(row: &format::LossRow, clock: Clock) -> Loss {
    use format::LossKind as From;
    let (kind, what) = match row.kind {
        From::Unfolded => (
            LossKind::Unfolded,
            "events overwritten before the history contained them",
        ),
        From::NoChunk => (
            LossKind::NoChunk,
            "events dropped because the recorder's memory had no room for them",
        ),
        From::Reentrant => (
            LossKind::Reentrant,
            "events dropped because they happened inside the recorder",
        ),
        From::Nested => (LossKind::Nested, "polls nested too deep to be recorded"),
        From::NoThreadSlot => (
            LossKind::NoThreadSlot,
            "threads beyond those that the recorder can tell apart",
        ),
        From::HistoryFull => (
            LossKind::HistoryFull,
            "tasks given up because the history was full",
        ),
        From::SpawnFacts => (LossKind::SpawnFacts, "spawns whose facts found no place"),
        From::Strings => (LossKind::Strings, "names or locations that found no place"),
        From::Waits => (
            LossKind::Waits,
            "waits beyond those that a task's entry can hold",
        ),
        From::Internal => (LossKind::Internal, "errors inside the recorder"),
    };
    let range = row
        .from
        .zip(row.to)
        .map(|(from, to)| (clock.ns(from), clock.ns(to)));
    let mut detail = what.to_owned();
    if let Some((from, to)) = range {
        detail.push_str(&format!(
            ", between {} and {}",
            crate::recording::time::instant_short(from),
            crate::recording::time::instant_short(to)
        ));
    }
    Loss {
        kind,
        count: row.count,
        detail,
        range,
    }
}
