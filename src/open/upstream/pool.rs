//! Files to decoded units, on several threads: each takes the next unit of a file that no other is reading, and decodes
//! it while others read on.

use std::{
    collections::VecDeque,
    io::Read as _,
    sync::{
        Mutex, MutexGuard, PoisonError, TryLockError,
        atomic::{AtomicBool, AtomicU64, AtomicUsize, Ordering::Relaxed},
    },
    thread,
};

use super::{
    super::{OpenError, Progress, Stage},
    cut::{Cutter, Ended, Unit},
    trace::TraceFile,
    unit::{Decoded, decode},
};
use crate::recording::{Loss, LossKind, RecordingBuilder};

/// The most events that are loaded: what row numbers of 32 bits can count.
const MOST_EVENTS: u64 = 1 << 31;
/// The most threads that decode, and the bytes that are worth another one.
const MOST_THREADS: usize = 8;
const WORTH_A_THREAD: u64 = 128 << 10;
/// The most bytes of consecutive units that are decoded as one because a header between them turned out to be none.
const MOST_JOINED: usize = 64 << 20;

/// A decoded unit: its file's number, and its place.
#[derive(Debug)]
pub(super) struct Done {
    pub(super) file: usize,
    from: usize,
    to: usize,
    last: bool,
    pub(super) decoded: Decoded,
}

/// Reads and decodes `files`. What cannot be read of them is a loss of the builder.
pub(super) fn decode_all(
    files: &[TraceFile],
    builder: RecordingBuilder,
    progress: &Progress,
) -> Result<(Vec<Done>, RecordingBuilder), OpenError> {
    let all: u64 = files.iter().map(TraceFile::len).sum();
    progress.enter(Stage::Decoding, all);
    let reading = Reading::new(files, progress);
    let threads = thread::available_parallelism()
        .map_or(1, usize::from)
        .min(MOST_THREADS)
        .min(usize::try_from(1 + all / WORTH_A_THREAD).unwrap_or(MOST_THREADS));
    let shared = Mutex::new(builder);
    let work = || {
        let mut done = Vec::new();
        let mut unit = Unit::default();
        while let Some(file) = reading.next(&mut unit) {
            let decoded = decode(&unit, &shared, progress);
            let events = decoded.batch.events();
            reading.events.fetch_add(events, Relaxed);
            progress.decoded(events);
            done.push(Done {
                file,
                from: unit.from,
                to: unit.to(),
                last: unit.last,
                decoded,
            });
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
    done.sort_by_key(|done| (done.file, done.from));
    let done = repair(files, done, &shared, progress);
    progress.check()?;
    let mut builder = shared.into_inner().unwrap_or_else(PoisonError::into_inner);
    for loss in reading.losses() {
        builder.loss(loss);
    }
    Ok((done, builder))
}

/// Files while they are read.
struct Reading<'f> {
    files: Vec<(&'f TraceFile, Mutex<Cutter<'f>>, AtomicBool)>,
    /// The first file that is not read to its end.
    first: AtomicUsize,
    events: AtomicU64,
    progress: &'f Progress,
}

impl<'f> Reading<'f> {
    fn new(files: &'f [TraceFile], progress: &'f Progress) -> Self {
        let files = files.iter().map(|file| {
            let cutter = Cutter::new(file.counted(progress), file.cap());
            (file, Mutex::new(cutter), AtomicBool::new(false))
        });
        Self {
            files: files.collect(),
            first: AtomicUsize::new(0),
            events: AtomicU64::new(0),
            progress,
        }
    }

    /// Reads another unit, and says of which file; `None` when all is read, or nobody waits any more.
    fn next(&self, unit: &mut Unit) -> Option<usize> {
        while self.events.load(Relaxed) <= MOST_EVENTS {
            let (file, mut cutter) = self.free()?;
            if cutter.next(unit, self.progress).ok()? {
                return Some(file);
            }
            self.files[file].2.store(true, Relaxed);
        }
        None
    }

    /// A file that is not read to its end: the first one that no other thread is reading, or else the first, once the
    /// other has its unit.
    fn free(&self) -> Option<(usize, MutexGuard<'_, Cutter<'f>>)> {
        let mut busy = None;
        let mut all_before_ended = true;
        for (number, (_, cutter, ended)) in
            self.files.iter().enumerate().skip(self.first.load(Relaxed))
        {
            if ended.load(Relaxed) {
                if all_before_ended {
                    self.first.fetch_max(number + 1, Relaxed);
                }
                continue;
            }
            all_before_ended = false;
            match cutter.try_lock() {
                Ok(cutter) => return Some((number, cutter)),
                Err(TryLockError::Poisoned(cutter)) => return Some((number, cutter.into_inner())),
                Err(TryLockError::WouldBlock) => busy = busy.or(Some(number)),
            }
        }
        let number = busy?;
        let cutter = &self.files[number].1;
        Some((
            number,
            cutter.lock().unwrap_or_else(PoisonError::into_inner),
        ))
    }

    /// What was not read.
    fn losses(self) -> Vec<Loss> {
        let mut losses = Vec::new();
        let mut left_out = false;
        for (file, cutter, _) in self.files {
            let cutter = cutter.into_inner().unwrap_or_else(PoisonError::into_inner);
            let (kind, why) = match cutter.ended() {
                Some(Ended::Whole) => {
                    let read = cutter.read() as u64;
                    if file.holds().is_none_or(|holds| holds <= read) {
                        continue;
                    }
                    let why = "the file became shorter while it was read";
                    (LossKind::Truncated, why.to_owned())
                }
                None => {
                    left_out = true;
                    continue;
                }
                Some(Ended::Broken(why)) => (LossKind::Truncated, why.clone()),
                Some(Ended::OverCap(cap)) => (
                    LossKind::OverCap,
                    format!("{cap} bytes are the most that a file of this size may grow to"),
                ),
            };
            losses.push(Loss {
                kind,
                count: 1,
                detail: format!(
                    "{}: reading or decompression stops after {} bytes: {why}",
                    file.name,
                    cutter.read()
                ),
                range: None,
            });
        }
        if left_out {
            let (done, all) = self.progress.amounts();
            losses.push(Loss {
                kind: LossKind::OverCap,
                count: all.saturating_sub(done),
                detail: format!(
                    "showing {done} of {all} bytes: {} events are the most that this program loads",
                    self.events.into_inner()
                ),
                range: None,
            });
        }
        losses
    }
}

/// Where a header between two units is none, both belong to one batch and are decoded again as one.
fn repair(
    files: &[TraceFile],
    done: Vec<Done>,
    builder: &Mutex<RecordingBuilder>,
    progress: &Progress,
) -> Vec<Done> {
    let read: usize = done.iter().map(|done| done.to - done.from).sum();
    // Damage may look like this as well: it must not cost more than reading everything some more times.
    let mut budget = read.saturating_mul(4).saturating_add(MOST_JOINED);
    let mut repaired: Vec<Done> = Vec::with_capacity(done.len());
    let mut rest = VecDeque::from(done);
    while let Some(mut first) = rest.pop_front() {
        while let Some(next) = rest.front().filter(|next| next.file == first.file)
            && let Some(joined) = join(&files[first.file], &first, next, &mut budget, |unit| {
                decode(unit, builder, progress)
            })
        {
            first = joined;
            rest.pop_front();
        }
        repaired.push(first);
    }
    repaired
}

/// Both units as one, if what the first one breaks off with goes on in the second.
fn join(
    file: &TraceFile,
    first: &Done,
    next: &Done,
    budget: &mut usize,
    decode: impl FnOnce(&Unit) -> Decoded,
) -> Option<Done> {
    let broken = first.decoded.broken.last().filter(|last| last.may_go_on)?;
    let length = next.to - first.from;
    *budget = budget.checked_sub(next.to)?;
    if length > MOST_JOINED {
        return None;
    }
    let mut unit = Unit {
        bytes: Vec::with_capacity(length),
        from: first.from,
        last: next.last,
    };
    let reader = file.reader_from(first.from).ok()?;
    reader
        .take(length as u64)
        .read_to_end(&mut unit.bytes)
        .ok()?;
    if unit.to() != next.to {
        return None;
    }
    let decoded = decode(&unit);
    let goes_on = decoded.broken.iter().all(|other| other.at != broken.at);
    goes_on.then_some(Done {
        file: first.file,
        from: first.from,
        to: next.to,
        last: next.last,
        decoded,
    })
}
