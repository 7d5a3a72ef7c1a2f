//! Traces of upstream dial9, 0.3 to 0.5, to a recording: one file, several, or a directory of segments.
//!
//! Batches are decoded in parallel ([`unit`]), tied together where a thread's events go on in its next batch
//! ([`stitch`]), and completed with what only the whole trace knows ([`facts`]).

mod bind;
mod cut;
mod facts;
mod pool;
mod processes;
mod segments;
mod stitch;
#[cfg(test)]
mod tests;
mod trace;
mod unit;
mod walk;

pub(super) use trace::holds_trace;

use self::{
    pool::{Done, decode_all},
    processes::Identity,
    stitch::{lose, stitch},
    trace::TraceFile,
    unit::{Claim, Decoded},
};
use super::{OpenError, Progress, Stage, source::Source};
use crate::recording::{self, Batch, Format, Loss, Ns, Recording, RecordingBuilder, Window};

/// Reads `inputs`, which are traces or compressed traces, by name; `losses` is what was left out before, and `process` is
/// which process to show, where that was asked for.
pub(super) fn read(
    inputs: Vec<(String, Source)>,
    losses: Vec<Loss>,
    process: Option<&str>,
    progress: &Progress,
) -> Result<Recording, OpenError> {
    let mut files = inputs
        .into_iter()
        .map(|(name, source)| TraceFile::new(name, source))
        .collect::<Result<Vec<_>, _>>()?;
    let (process, nobodys) = processes::choose(&mut files, process, progress)?;
    let names: Vec<String> = files.iter().map(|file| file.name.clone()).collect();
    let source = recording::Source {
        format: Format::Dial9Trace,
        paths: names.clone(),
        bytes: files.iter().map(TraceFile::len).sum(),
        sample: false,
    };
    let window = Window {
        end: 0,
        others_start: 0,
        wall_start: None,
    };
    let mut builder = RecordingBuilder::new(source, window);
    let missing = segments::missing_segments(&names);
    for loss in losses.into_iter().chain(nobodys).chain(missing) {
        builder.loss(loss);
    }
    let (mut decoded, builder) = decode_all(&files, builder, progress)?;
    refuse_unreadable(&files, &decoded)?;
    drop(files);
    progress.enter(Stage::Indexing, 1);
    let recording = assemble(&names, &process, &mut decoded, builder, progress)?;
    progress.enter(Stage::Done, 1);
    Ok(recording)
}

/// A file of which not one event could be read is an error when it is the only one.
fn refuse_unreadable(files: &[TraceFile], decoded: &[Done]) -> Result<(), OpenError> {
    if decoded.iter().any(|done| done.decoded.batch.events() > 0) {
        return Ok(());
    }
    let Some(file) = files.first() else {
        return Ok(());
    };
    let broken = decoded.iter().flat_map(|done| &done.decoded.broken).next();
    Err(OpenError::Unreadable {
        path: file.name.clone(),
        first: broken.map_or_else(
            || "there is no event in it".to_owned(),
            |broken| format!("it breaks off at byte {}", broken.at),
        ),
    })
}

/// From decoded units to a recording.
fn assemble(
    names: &[String],
    process: &Identity,
    done: &mut Vec<Done>,
    mut builder: RecordingBuilder,
    progress: &Progress,
) -> Result<Recording, OpenError> {
    let places: Vec<usize> = done.iter().map(|done| done.file).collect();
    let mut units: Vec<Decoded> = done.drain(..).map(|done| done.decoded).collect();
    let mut stitched = stitch(&mut units);
    let trace = facts::Trace::new(&units, &places);

    // Only a segment that was sealed after every thread had handed over its events tells what went on at its end.
    if trace.complete() {
        for open in &stitched.polls {
            let seat = trace.seat(open.seat);
            builder.running(seat, Some(open.task), open.start - trace.start());
        }
        for (at, seat) in &stitched.parks {
            builder.running(trace.seat(*seat), None, at - trace.start());
        }
        let running = (stitched.polls.len() + stitched.parks.len()) as u64;
        facts::take_back(&mut units, running);
    } else {
        for open in std::mem::take(&mut stitched.polls) {
            lose(&mut stitched, &open);
        }
        let parks = stitched.parks.len() as u64;
        stitched.batch.rowless_parks(parks, 0);
    }
    // What ends on an idle worker that polls no more was alive: its runtime was dropped, and took it along. An end of
    // what nothing else names is a blocking job's, such as the one that each worker is to tokio.
    let ends: Vec<(Ns, u64, u64)> = units
        .iter_mut()
        .flat_map(|unit| std::mem::take(&mut unit.idle_ends))
        .collect();
    let tasks = facts::tasks_among(&units, ends.iter().map(|(.., task)| *task));
    for (at, worker, task) in ends {
        if trace.polls_after(worker, at) || !tasks.contains(&task) {
            stitched.batch.terminate(task, at);
        } else {
            stitched.batch.ended_by_shutdown();
        }
    }
    // Without task tracking there are no ends, and a poll without one inside may have been the last.
    let ends_recorded = units
        .iter()
        .map(|unit| &unit.batch)
        .chain([&stitched.batch])
        .any(|batch| batch.counts.terminates > 0);
    let outcomes_known = ends_recorded && trace.outcomes_known();
    settle_claims(&mut units, &mut stitched.batch);
    let counted = stitched.batch.events();
    stitched.batch.counted_elsewhere(counted);

    trace.describe(&mut builder, process, &units);
    for loss in facts::losses(names, &places, &units, stitched.unpaired) {
        builder.loss(loss);
    }
    for unit in &mut units {
        for symbol in std::mem::take(&mut unit.symbols) {
            builder.symbol(symbol);
        }
        trace.number_runtimes(unit, &mut builder);
    }
    let batches = units.into_iter().map(|unit| unit.batch);
    for (number, mut batch) in batches.chain([stitched.batch]).enumerate() {
        batch.reseat(|seat| trace.seat(seat));
        batch.complete_spawns(|facts| {
            facts.runtime = facts.runtime.map(|worker| trace.runtime_of(worker));
        });
        if !outcomes_known {
            batch.forget_outcomes();
        }
        batch.shift(-trace.start());
        batch.in_stream(u32::try_from(number).unwrap_or(u32::MAX));
        builder.batch(batch);
    }
    progress.finish(builder)
}

/// Custom events that name a task belong to it, if there is such a task.
fn settle_claims(units: &mut [Decoded], batch: &mut Batch) {
    let claims: Vec<Claim> = units
        .iter_mut()
        .flat_map(|unit| std::mem::take(&mut unit.claims))
        .collect();
    let tasks = facts::tasks_among(units, claims.iter().map(|claim| claim.task));
    for claim in claims {
        match claim.seat {
            Some(seat) => batch.seat(seat),
            None => batch.nobody(),
        }
        let task = Some(claim.task).filter(|task| tasks.contains(task));
        batch.custom(claim.at, claim.name, task, &claim.fields);
    }
}
