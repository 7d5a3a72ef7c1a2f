//! Traces of upstream dial9, 0.3 to 0.5, to a recording: one file, several, or a directory of segments.
//!
//! Batches are decoded in parallel ([`unit`]), tied together where a thread's events go on in its next batch
//! ([`stitch`]), and completed with what only the whole trace knows ([`facts`]).

mod bind;
mod facts;
mod gather;
mod gunzip;
mod slices;
mod stitch;
#[cfg(test)]
mod tests;
mod unit;
mod walk;

pub(super) use gather::expand;

use std::{
    sync::{
        Mutex, PoisonError,
        atomic::{AtomicU64, AtomicUsize, Ordering::Relaxed},
    },
    thread,
};

use self::{
    slices::{TraceFile, Unit, units},
    stitch::{lose, stitch},
    unit::{Decoded, decode},
};
use super::{Input, OpenError, Progress, Stage};
use crate::recording::{
    Format, Loss, LossKind, Ns, Recording, RecordingBuilder, Source, Window, sanitise,
};

/// The most events that are loaded: what row numbers of 32 bits can count.
const MOST_EVENTS: u64 = 1 << 31;
/// The most threads that decode.
const MOST_THREADS: usize = 8;
/// The version of the trace format that this program reads.
const VERSION: u8 = 1;

/// Whether these are the first bytes of a trace, or of something compressed as traces are.
pub(super) fn looks_like_one(bytes: &[u8]) -> bool {
    bytes.starts_with(gather::MAGIC) || bytes.starts_with(gather::GZIP)
}

/// Reads `inputs`, which are traces or compressed traces; `losses` is what was left out before.
pub(super) fn read(
    inputs: Vec<Input>,
    losses: Vec<Loss>,
    progress: &Progress,
) -> Result<Recording, OpenError> {
    if let Some(other) = inputs.iter().find(|input| !looks_like_one(&input.bytes))
        && let Some(trace) = inputs.iter().find(|input| looks_like_one(&input.bytes))
    {
        return Err(OpenError::Mixed {
            trace: trace.name.clone(),
            other: other.name.clone(),
        });
    }
    let source = Source {
        format: Format::Dial9Trace,
        paths: inputs.iter().map(|input| input.name.clone()).collect(),
        bytes: inputs.iter().map(|input| input.bytes.len() as u64).sum(),
        sample: false,
    };
    let window = Window {
        end: 0,
        others_start: 0,
        wall_start: None,
    };
    let mut builder = RecordingBuilder::new(source, window);
    for loss in losses {
        builder.loss(loss);
    }
    let files = inputs
        .into_iter()
        .map(|input| unpack(input, &mut builder, progress))
        .collect::<Result<Vec<_>, _>>()?;
    for loss in gather::missing_segments(&files) {
        builder.loss(loss);
    }
    let (mut decoded, builder) = decode_all(&files, builder, progress)?;
    refuse_unreadable(&files, &decoded)?;
    let names: Vec<String> = files.iter().map(|file| file.name.clone()).collect();
    // From here on the rows stand for the bytes.
    drop(files);
    progress.enter(Stage::Indexing, 1);
    let recording = assemble(&names, &mut decoded, builder);
    progress.check()?;
    progress.enter(Stage::Done, 1);
    Ok(recording)
}

/// The bytes of one file as a trace.
fn unpack(
    input: Input,
    builder: &mut RecordingBuilder,
    progress: &Progress,
) -> Result<TraceFile, OpenError> {
    let Input { name, bytes } = input;
    let bytes = if bytes.starts_with(gather::GZIP) {
        let unpacked = gunzip::gunzip(&bytes, progress)?;
        if !unpacked.bytes.starts_with(gather::MAGIC) {
            return Err(OpenError::NotARecording {
                path: name,
                looks_like: "compressed with gzip and holds no dial9 trace".to_owned(),
            });
        }
        if let Some(loss) = unpacked.loss(&name) {
            builder.loss(loss);
        }
        unpacked.bytes
    } else {
        bytes
    };
    match bytes.get(gather::MAGIC.len()) {
        Some(&VERSION) => Ok(TraceFile::new(name, bytes)),
        version => Err(OpenError::Unreadable {
            path: name,
            first: version.map_or_else(
                || "it ends within its header".to_owned(),
                |version| {
                    format!("its trace format is {version}, and this program reads {VERSION}")
                },
            ),
        }),
    }
}

/// A unit with its file's number.
struct Done {
    unit: Unit,
    decoded: Decoded,
}

fn decode_all(
    files: &[TraceFile],
    mut builder: RecordingBuilder,
    progress: &Progress,
) -> Result<(Vec<Done>, RecordingBuilder), OpenError> {
    let units = units(files);
    progress.enter(
        Stage::Decoding,
        files.iter().map(|file| file.bytes.len() as u64).sum(),
    );
    let events = AtomicU64::new(0);
    let skipped = AtomicU64::new(0);
    let next = AtomicUsize::new(0);
    let threads = thread::available_parallelism()
        .map_or(1, usize::from)
        .min(MOST_THREADS)
        .min(units.len().max(1));
    let shared = Mutex::new(builder);
    let work = || {
        let mut done = Vec::new();
        while progress.check().is_ok() {
            let number = next.fetch_add(1, Relaxed);
            let Some(&unit) = units.get(number) else {
                break;
            };
            if events.load(Relaxed) > MOST_EVENTS {
                skipped.fetch_add((unit.to - unit.from) as u64, Relaxed);
                continue;
            }
            let decoded = decode(&files[unit.file], unit, &shared);
            events.fetch_add(decoded.batch.events(), Relaxed);
            progress.decoded(decoded.batch.events());
            progress.advance((unit.to - unit.from) as u64);
            done.push((number, Done { unit, decoded }));
        }
        done
    };
    let mut done = thread::scope(|scope| {
        let helpers: Vec<_> = (1..threads).map(|_| scope.spawn(work)).collect();
        let mut done = work();
        for helper in helpers {
            match helper.join() {
                Ok(more) => done.extend(more),
                Err(panic) => std::panic::resume_unwind(panic),
            }
        }
        done
    });
    progress.check()?;
    done.sort_by_key(|(number, _)| *number);
    let done = repair(files, done.into_iter().map(|(_, done)| done), &shared);
    builder = shared.into_inner().unwrap_or_else(PoisonError::into_inner);
    let skipped = skipped.into_inner();
    if skipped > 0 {
        let all: u64 = files.iter().map(|file| file.bytes.len() as u64).sum();
        builder.loss(Loss {
            kind: LossKind::OverCap,
            count: skipped,
            detail: format!(
                "showing {} of {all} bytes: {} events are the most that this program loads",
                all - skipped,
                events.into_inner()
            ),
            range: None,
        });
    }
    Ok((done, builder))
}

/// Where a unit ran over its end, because the header there was none, what follows was decoded from a wrong start.
fn repair(
    files: &[TraceFile],
    decoded: impl Iterator<Item = Done>,
    builder: &Mutex<RecordingBuilder>,
) -> Vec<Done> {
    let mut repaired: Vec<Done> = Vec::new();
    for done in decoded {
        let reached = repaired
            .last()
            .filter(|before| before.unit.file == done.unit.file)
            .map_or(0, |before| before.decoded.to);
        if reached <= done.unit.from {
            repaired.push(done);
        } else if reached < done.unit.to {
            let unit = Unit {
                from: reached,
                ..done.unit
            };
            let decoded = decode(&files[unit.file], unit, builder);
            repaired.push(Done { unit, decoded });
        }
    }
    repaired
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
fn assemble(names: &[String], done: &mut Vec<Done>, mut builder: RecordingBuilder) -> Recording {
    let places: Vec<usize> = done.iter().map(|done| done.unit.file).collect();
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
    let counted = stitched.batch.events();
    stitched.batch.counted_elsewhere(counted);

    trace.describe(&mut builder, &units);
    for loss in facts::losses(names, &places, &units, stitched.unpaired) {
        builder.loss(loss);
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
    builder.finish()
}

impl gunzip::Unpacked {
    fn loss(&self, name: &str) -> Option<Loss> {
        let after = self.bytes.len();
        let (kind, why) = match &self.ended {
            gunzip::Ended::Whole => return None,
            gunzip::Ended::Broken(why) => (LossKind::Truncated, sanitise(why)),
            gunzip::Ended::OverCap(cap) => (
                LossKind::OverCap,
                format!("{cap} bytes are the most that a file of this size may grow to"),
            ),
        };
        Some(Loss {
            kind,
            count: 1,
            detail: format!("{name}: decompression stops after {after} bytes: {why}"),
            range: None,
        })
    }
}
