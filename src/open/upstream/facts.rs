//! What only the whole trace knows: clocks, runtimes, threads, metadata, and what is missing.

use std::collections::{BTreeMap, BTreeSet, HashSet};

use super::{
    bind::is_worker,
    processes::Identity,
    unit::{BLOCKING_THREAD, Decoded, OUTSIDE_THREAD, UNKNOWN_THREAD},
};
use crate::recording::{
    Level, Loss, LossKind, Ns, Process, RecordingBuilder, Runtime, SeatKey, SpawnFacts, StrId,
    TaskFacts, TaskKind, Thread, Window,
};

/// Threads of workers that never say their number are numbered from here on.
const FIRST_NAMELESS: u32 = 1 << 31;
/// The most losses of one kind that are listed one by one.
const MOST_LISTED: usize = 20;
/// What a segment says of itself once it is sealed.
const COMPLETE: &str = "segment.complete";

/// The whole trace.
pub(super) struct Trace {
    start: Ns,
    end: Ns,
    clock: Option<(Ns, u64)>,
    metadata: BTreeMap<String, String>,
    complete: bool,
    /// Each worker's runtime, and its index in it.
    workers: BTreeMap<u32, (u32, u32)>,
    /// The runtimes' names, and how many workers they have.
    runtimes: Vec<(String, u32)>,
    threads: BTreeMap<u64, u32>,
    last_polls: BTreeMap<u64, Ns>,
}

impl Trace {
    /// `places` says which file each unit comes from.
    pub(super) fn new(units: &[Decoded], places: &[usize]) -> Self {
        let spans = || units.iter().filter_map(|unit| unit.span);
        let start = spans().map(|(first, _)| first).min().unwrap_or(0);
        let end = spans().map(|(_, last)| last).max().unwrap_or(start);
        let clock = units
            .iter()
            .filter_map(|unit| unit.clock)
            .min_by_key(|(at, _)| at.abs_diff(start));
        let mut metadata = BTreeMap::new();
        let mut threads = BTreeMap::new();
        let mut last_polls: BTreeMap<u64, Ns> = BTreeMap::new();
        for unit in units {
            metadata.extend(unit.metadata.clone());
            for (worker, thread) in &unit.threads {
                threads.entry(*worker).or_insert(*thread);
            }
            for (worker, at) in &unit.last_polls {
                let last = last_polls.entry(*worker).or_insert(*at);
                *last = (*last).max(*at);
            }
        }
        // The file whose events go on longest is the one that says how the trace ends.
        let last_file = units
            .iter()
            .zip(places)
            .filter_map(|(unit, file)| Some((unit.span?.1, *file)))
            .max()
            .map(|(_, file)| file);
        let complete = units
            .iter()
            .zip(places)
            .filter(|(_, file)| Some(**file) == last_file)
            .filter_map(|(unit, _)| unit.metadata.get(COMPLETE))
            .next_back()
            .is_some_and(|complete| complete == "true");
        let (workers, runtimes) = runtimes(&metadata, &last_polls, &threads);
        Self {
            start,
            end,
            clock,
            metadata,
            complete,
            workers,
            runtimes,
            threads,
            last_polls,
        }
    }

    /// The time of the first event of the scheduler.
    pub(super) fn start(&self) -> Ns {
        self.start
    }

    /// Whether every thread had handed over its events when the trace was sealed.
    pub(super) fn complete(&self) -> bool {
        self.complete
    }

    /// Whether the end of a task is recorded for every task that is polled.
    pub(super) fn outcomes_known(&self) -> bool {
        self.metadata
            .get("tokio.unstable")
            .is_none_or(|unstable| unstable == "true")
    }

    /// Whether a worker polls anything after `at`.
    pub(super) fn polls_after(&self, worker: u64, at: Ns) -> bool {
        self.last_polls.get(&worker).is_some_and(|last| *last > at)
    }

    /// The runtime of a worker.
    pub(super) fn runtime_of(&self, worker: u32) -> u32 {
        self.workers
            .get(&worker)
            .map_or(self.runtimes.len() as u32, |(runtime, _)| *runtime)
    }

    /// Who a seat is: the worker in its runtime, and the operating system's thread.
    pub(super) fn seat(&self, seat: SeatKey) -> SeatKey {
        let Some((_, worker)) = seat.worker else {
            return seat;
        };
        let known = || self.threads.get(&u64::from(worker)).copied();
        SeatKey {
            worker: Some(
                self.workers
                    .get(&worker)
                    .copied()
                    .unwrap_or((self.runtimes.len() as u32, worker)),
            ),
            thread: if seat.thread == UNKNOWN_THREAD {
                known().unwrap_or(FIRST_NAMELESS.saturating_add(worker))
            } else {
                seat.thread
            },
        }
    }

    /// Gives the runtimes that points of series name the numbers that they have in the recording.
    pub(super) fn number_runtimes(&self, unit: &mut Decoded, builder: &mut RecordingBuilder) {
        let known: Vec<StrId> = self
            .runtimes
            .iter()
            .map(|(name, _)| builder.intern(name))
            .collect();
        let numbers: Vec<u32> = unit
            .runtimes
            .iter()
            .map(|name| match known.iter().position(|known| known == name) {
                Some(number) => number as u32,
                None if known.len() == 1 => 0,
                // One that no metadata names; its figures are the process's.
                None => u32::MAX,
            })
            .collect();
        unit.batch
            .renumber_runtimes(|number| numbers.get(number as usize).copied().unwrap_or(u32::MAX));
    }

    /// Tells the builder.
    pub(super) fn describe(
        &self,
        builder: &mut RecordingBuilder,
        process: &Identity,
        units: &[Decoded],
    ) {
        builder.window = Window {
            end: self.end - self.start,
            others_start: 0,
            wall_start: self
                .clock
                .and_then(|(at, wall)| i64::try_from(wall).ok()?.checked_add(self.start - at)),
        };
        for (id, (name, workers)) in self.runtimes.iter().enumerate() {
            let name = builder.intern(name);
            builder.runtime(Runtime {
                id: id as u32,
                name,
                workers: *workers,
                current_thread: false,
                attached_at: None,
                dropped_at: None,
            });
        }
        let workers: BTreeSet<u32> = units.iter().flat_map(|unit| &unit.tids).copied().collect();
        let mut names: BTreeMap<u32, StrId> =
            workers.iter().map(|tid| (*tid, StrId::NONE)).collect();
        for (tid, name) in units.iter().flat_map(|unit| &unit.others) {
            let known = names.entry(*tid).or_insert(*name);
            if *known == StrId::NONE {
                *known = *name;
            }
        }
        for (tid, name) in names {
            builder.thread(thread(tid, name, Some(workers.contains(&tid))));
        }
        for (number, name) in [
            (BLOCKING_THREAD, Thread::BLOCKING_POOL),
            (OUTSIDE_THREAD, Thread::UNKNOWN),
        ] {
            let name = builder.intern(name);
            builder.thread(thread(number, name, None));
        }
        for (task, location) in units.iter().flat_map(|unit| &unit.locations) {
            builder.task(TaskFacts {
                id: *task,
                spawn: SpawnFacts {
                    at: None,
                    parent: None,
                    location: *location,
                    name: StrId::NONE,
                    runtime: None,
                    kind: TaskKind::Async,
                    size: None,
                },
                wakes_recorded: false,
                ended_at: None,
            });
        }
        self.process(builder, process);
    }

    fn process(&self, builder: &mut RecordingBuilder, process: &Identity) {
        let mut text = |key: &str| {
            let value = self.metadata.get(key).map_or("", String::as_str);
            builder.intern(value)
        };
        let name = text("service");
        if name == StrId::NONE && process.pid.is_none() {
            return;
        }
        let process = Process {
            name,
            pid: process.pid.unwrap_or(0),
            host: text("cpu.profile.machine_hostname"),
            started: None,
            platform: text("cpu.profile.machine_architecture"),
            recorder: text("dial9.dial9-tokio-telemetry.version"),
            level: Level::Wakes,
            hooks: true,
        };
        builder.process(process);
    }
}

/// A thread that is known by its number in the operating system, as a worker or as another one; without it, what stands
/// for several.
fn thread(id: u32, name: StrId, worker: Option<bool>) -> Thread {
    Thread {
        id,
        name,
        tid: worker.map(|_| u64::from(id)),
        worker: worker.unwrap_or(false),
        exited: false,
    }
}

/// Metadata names each runtime and lists its workers, which are numbered over all runtimes; workers that it does not
/// list belong to a runtime that nobody named.
#[expect(clippy::type_complexity, reason = "two tables that are made in one go")]
fn runtimes(
    metadata: &BTreeMap<String, String>,
    last_polls: &BTreeMap<u64, Ns>,
    threads: &BTreeMap<u64, u32>,
) -> (BTreeMap<u32, (u32, u32)>, Vec<(String, u32)>) {
    let mut named: Vec<(Vec<u32>, &str)> = metadata
        .iter()
        .filter_map(|(key, value)| {
            let name = key.strip_prefix("runtime.")?;
            let mut workers: Vec<u32> = value
                .split(',')
                .filter_map(|number| number.trim().parse().ok())
                .collect();
            workers.sort_unstable();
            workers.dedup();
            (!workers.is_empty()).then_some((workers, name))
        })
        .collect();
    named.sort();
    let mut workers = BTreeMap::new();
    let mut runtimes = Vec::new();
    for (number, (own, name)) in named.into_iter().enumerate() {
        for (index, worker) in own.iter().enumerate() {
            workers
                .entry(*worker)
                .or_insert((number as u32, index as u32));
        }
        runtimes.push((name.to_owned(), own.len() as u32));
    }
    let nameless = runtimes.len() as u32;
    for worker in last_polls.keys().chain(threads.keys()) {
        if let (Ok(worker), true) = (u32::try_from(*worker), is_worker(*worker)) {
            workers.entry(worker).or_insert((nameless, worker));
        }
    }
    (workers, runtimes)
}

/// Those of `ids` that a unit names otherwise than by their end.
pub(super) fn tasks_among(units: &[Decoded], ids: impl Iterator<Item = u64>) -> HashSet<u64> {
    let asked: HashSet<u64> = ids.collect();
    units
        .iter()
        .flat_map(|unit| unit.batch.task_ids())
        .copied()
        .filter(|id| asked.contains(id))
        .collect()
}

/// Takes `events` back that a unit has counted, and that the builder will count.
pub(super) fn take_back(units: &mut [Decoded], mut events: u64) {
    for unit in units {
        let own = unit.batch.events().min(events);
        unit.batch.counted_elsewhere(own);
        events -= own;
    }
}

/// What could not be read of the trace, and what it says itself that it lacks.
pub(super) fn losses(
    names: &[String],
    places: &[usize],
    units: &[Decoded],
    unpaired: u64,
) -> Vec<Loss> {
    let loss = |kind, count, detail| Loss {
        kind,
        count,
        detail,
        range: None,
    };
    let mut losses = Vec::new();
    let mut more = (0u64, 0u64);
    for (unit, file) in units.iter().zip(places) {
        for broken in &unit.broken {
            if losses.len() == MOST_LISTED {
                more = (more.0 + 1, more.1 + broken.bytes as u64);
                continue;
            }
            let (kind, what) = if broken.cut {
                (LossKind::Truncated, "the file breaks off within an event")
            } else {
                (LossKind::Malformed, "an event cannot be decoded")
            };
            let detail = format!(
                "{}: {what}, at byte {} ({} B)",
                names[*file], broken.at, broken.bytes
            );
            losses.push(loss(kind, 1, detail));
        }
    }
    if more.0 > 0 {
        let detail = format!("other places where events cannot be decoded ({} B)", more.1);
        losses.push(loss(LossKind::Malformed, more.0, detail));
    }
    let mut sealed: Vec<Option<&str>> = vec![None; names.len()];
    for (unit, file) in units.iter().zip(places) {
        let said = unit.metadata.get(COMPLETE).map(String::as_str);
        sealed[*file] = said.or(sealed[*file]);
    }
    for (name, sealed) in names.iter().zip(sealed) {
        if sealed == Some("false") {
            let detail = format!(
                "{name}: was sealed before every thread had handed over its events, or holds those of the segment \
                 before it"
            );
            losses.push(loss(LossKind::MissingEvents, 1, detail));
        }
    }
    let malformed = units.iter().map(|unit| unit.malformed).sum();
    if malformed > 0 {
        let detail = "events, or kinds of events, that lack a field they must have".to_owned();
        losses.push(loss(LossKind::Malformed, malformed, detail));
    }
    let dropped = units
        .iter()
        .fold(0u64, |sum, unit| sum.saturating_add(unit.dropped));
    if dropped > 0 {
        let detail = "sampled allocations, or their ends, that upstream's profiler had no room for"
            .to_owned();
        losses.push(loss(LossKind::MissingEvents, dropped, detail));
    }
    let fields = units.iter().map(|unit| unit.fields_over_cap).sum();
    if fields > 0 {
        let detail = "fields of events that have far too many of them".to_owned();
        losses.push(loss(LossKind::OverCap, fields, detail));
    }
    let unpaired = unpaired + units.iter().map(|unit| unit.unpaired).sum::<u64>();
    if unpaired > 0 {
        let detail = "polls of which the trace holds only the start, or only the end".to_owned();
        losses.push(loss(LossKind::MissingEvents, unpaired, detail));
    }
    losses
}
