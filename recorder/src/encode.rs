//! From a snapshot to the bytes of a dump: ticks become nanoseconds, string numbers become dense.

use std::collections::{BTreeMap, BTreeSet, HashMap, HashSet};
use std::io::{self, Write};

use dial9_format::{
    Anchor, ChunkBuilder, ChunkInfo, DumpWriter, Event, Header, Level, LossKind, LossRow, Losses,
    NO_STRING, OpenWait, Running, Strings, TaskRow, Tasks, ThreadRow, Trigger, WorkerRow, Workers,
};

use crate::arena::{ChunkCopy, NO_WORKER};
use crate::clock::Timeline;
use crate::codec::{Base, Decoder, RawEvent};
use crate::facts::Facts;
use crate::history::Entry;
use crate::snapshot::{InProgress, Snapshot};
use crate::thread::{OUTSIDE_THREAD, PARKED};

/// Task rows and strings per frame, so that no payload comes near its limit.
const ROWS_PER_FRAME: usize = 4096;
/// Sequence numbers that share a chunk of the file: more pack better, and damage to one byte costs more.
const CHUNK_EVENTS: u64 = 24 * 1024;

/// Who recorded, for the header.
#[derive(Clone, Debug)]
pub(crate) struct Origin {
    pub(crate) process: String,
    pub(crate) pid: u32,
    pub(crate) host: String,
    pub(crate) start_wall_ns: u64,
    pub(crate) level: Level,
    pub(crate) arena_bytes: u64,
    pub(crate) history_bytes: u64,
    pub(crate) clock: dial9_format::ClockSource,
}

/// Why the dump is written.
pub(crate) struct Cause<'a> {
    pub(crate) trigger: Trigger,
    pub(crate) value: u64,
    pub(crate) detail: &'a str,
    /// Ticks.
    pub(crate) at: u64,
}

/// What a dump holds, by number.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Contents {
    pub(crate) events: u64,
    pub(crate) tasks: u64,
}

/// Dense string numbers for one dump; equal texts share one.
struct StringIds {
    by_number: HashMap<u32, u32>,
    by_text: HashMap<String, u32>,
    texts: Vec<String>,
}

impl StringIds {
    fn new(strings: &[(u32, String)]) -> Self {
        let mut ids = Self {
            by_number: HashMap::new(),
            by_text: HashMap::new(),
            texts: Vec::new(),
        };
        for (number, text) in strings {
            let id = ids.of_text(text);
            ids.by_number.insert(*number, id);
        }
        ids
    }

    fn of_text(&mut self, text: &str) -> u32 {
        if text.is_empty() {
            return NO_STRING;
        }
        if let Some(&id) = self.by_text.get(text) {
            return id;
        }
        self.texts.push(text.to_owned());
        let id = self.texts.len() as u32;
        self.by_text.insert(text.to_owned(), id);
        id
    }

    fn of_number(&self, number: u32) -> u32 {
        self.by_number.get(&number).copied().unwrap_or(NO_STRING)
    }
}

/// Writes `snapshot` as a dump.
pub(crate) fn encode(
    snapshot: &mut Snapshot,
    origin: &Origin,
    cause: &Cause<'_>,
    out: impl Write,
) -> io::Result<Contents> {
    let mut strings = StringIds::new(&snapshot.strings);
    let mut writer = DumpWriter::new(out)?;
    writer.header(&header(snapshot, origin, cause))?;

    let threads: Vec<_> = snapshot
        .threads
        .iter()
        .map(|known| ThreadRow {
            id: known.identity.number,
            name: strings.of_text(&known.identity.name),
            tid: known.identity.tid,
            worker: known.worker,
            exited: known.exited,
        })
        .collect();
    // Threads whose names found no place are one.
    let other_threads = strings.of_text("(other threads)");
    for (part, texts) in strings.texts.chunks(ROWS_PER_FRAME).enumerate() {
        writer.strings(&Strings {
            first_id: (part * ROWS_PER_FRAME) as u32 + 1,
            lengths: texts.iter().map(|text| text.len() as u32).collect(),
            blob: texts.concat(),
        })?;
    }

    let mut contents = Contents {
        events: 0,
        tasks: snapshot.history.tasks.len() as u64,
    };
    write_tasks(snapshot, &strings, &mut writer)?;

    let mut chunks = EventChunks {
        strings: &strings,
        straddling: HashSet::new(),
        outside: BTreeSet::new(),
    };
    // By stream: what comes next in one goes into the same chunk of the file, which packs better.
    let by_stream = |(copy, _): &(ChunkCopy, _)| (copy.stream, copy.age);
    snapshot.chunks.sort_by_key(by_stream);
    let mut builder = ChunkBuilder::default();
    for place in 0..snapshot.chunks.len() {
        let copy = &snapshot.chunks[place].0;
        if !continues(&builder, copy) {
            contents.events += builder.len() as u64;
            if !builder.is_empty() {
                writer.events(&builder)?;
            }
            builder.reset(chunk_info(copy));
        }
        chunks.fill(snapshot, place, &mut builder);
    }
    if !builder.is_empty() {
        contents.events += builder.len() as u64;
        writer.events(&builder)?;
    }

    let mut workers = workers(snapshot, threads, other_threads, &chunks);
    for row in &mut workers.runtimes {
        row.attached_at = snapshot.timeline.ns(row.attached_at);
        row.dropped_at = row.dropped_at.map(|at| snapshot.timeline.ns(at));
        row.name = strings.of_number(row.name);
    }
    writer.workers(&workers)?;
    writer.losses(&losses(&snapshot.losses, &snapshot.timeline))?;
    writer.finish()?.flush()?;
    Ok(contents)
}

fn header(snapshot: &Snapshot, origin: &Origin, cause: &Cause<'_>) -> Header {
    let timeline = &snapshot.timeline;
    let first = timeline.anchors()[0];
    let mut anchors: Vec<_> = timeline
        .anchors()
        .iter()
        .map(|anchor| Anchor {
            at: anchor.mono_ns - first.mono_ns,
            wall_ns: anchor.wall_ns,
        })
        .collect();
    // Those of the window, and the one before it.
    let window_start = timeline.ns(snapshot.window_start);
    let before = anchors
        .partition_point(|anchor| anchor.at <= window_start)
        .saturating_sub(1);
    anchors.drain(..before);
    Header {
        process: origin.process.clone(),
        pid: origin.pid,
        host: origin.host.clone(),
        platform: format!("{} {}", std::env::consts::OS, std::env::consts::ARCH),
        recorder: env!("CARGO_PKG_VERSION").to_owned(),
        process_start_wall_ns: origin.start_wall_ns,
        level: origin.level,
        hooks: cfg!(tokio_unstable),
        clock: origin.clock,
        base_mono_ns: first.mono_ns,
        anchors,
        trigger: cause.trigger,
        trigger_value: cause.value,
        trigger_at: timeline.ns(cause.at),
        trigger_detail: cause.detail.to_owned(),
        window_start,
        window_end: timeline.ns(snapshot.at),
        others_start: timeline.ns(snapshot.others_start),
        arena_bytes: origin.arena_bytes,
        history_bytes: origin.history_bytes,
    }
}

fn write_tasks(
    snapshot: &Snapshot,
    strings: &StringIds,
    writer: &mut DumpWriter<impl Write>,
) -> io::Result<()> {
    let timeline = &snapshot.timeline;
    let mut waits: BTreeMap<u64, Vec<OpenWait>> = BTreeMap::new();
    for wait in &snapshot.history.waits {
        waits.entry(wait.task).or_default().push(OpenWait {
            task: wait.task,
            wait: wait.wait,
            name: strings.of_number(wait.name),
            location: strings.of_number(wait.location),
            since: timeline.ns(wait.since),
        });
    }
    for part in snapshot.history.tasks.chunks(ROWS_PER_FRAME) {
        let rows: Vec<_> = part
            .iter()
            .map(|(facts, entry)| task_row(facts, entry, strings, timeline))
            .collect();
        let open_waits = rows
            .iter()
            .filter_map(|row| waits.remove(&row.id))
            .flatten()
            .collect();
        writer.tasks(&Tasks { rows, open_waits })?;
    }
    Ok(())
}

fn task_row(facts: &Facts, entry: &Entry, strings: &StringIds, timeline: &Timeline) -> TaskRow {
    let some_ns = |ticks: u64| (ticks != 0).then(|| timeline.ns(ticks));
    TaskRow {
        id: facts.id,
        runtime: facts.runtime,
        kind: facts.kind as u8,
        name: strings.of_number(facts.name),
        location: strings.of_number(facts.location),
        parent: facts.parent,
        size: facts.size,
        wakes_recorded: entry.covered,
        spawned_at: some_ns(facts.at),
        terminated_at: some_ns(entry.terminated_at),
        polls: entry.polls,
        busy_ns: timeline.duration_ns(entry.busy),
        longest_poll_ns: timeline.duration_ns(entry.longest),
        longest_poll_start: timeline.ns(entry.longest_start),
        last_poll_start: timeline.ns(entry.last_start),
        last_poll_end: timeline.ns(entry.last_end),
        last_outcome: entry.last_outcome,
        wakes: entry.wakes,
        self_wakes: entry.self_wakes,
        last_wake_at: some_ns(entry.last_wake_at),
        last_waker_kind: entry.last_waker_kind,
        last_waker: entry.last_waker,
        unwakeable_at: some_ns(entry.unwakeable_at),
        waits: entry.waits,
    }
}

fn chunk_info(copy: &ChunkCopy) -> ChunkInfo {
    let (runtime, worker) = split_worker(copy.worker);
    ChunkInfo {
        stream: copy.stream,
        shared: copy.shared(),
        runtime,
        worker,
        first_seq: copy.first_seq,
    }
}

/// Whether the events of `copy` may go on in `builder`. One folded mark must be able to tell both, and
/// two dumps of one process should cut at the same places.
fn continues(builder: &ChunkBuilder, copy: &ChunkCopy) -> bool {
    let first = copy.first_seq.saturating_sub(builder.len() as u64);
    builder.is_continued_by(&chunk_info(copy))
        && first / CHUNK_EVENTS == copy.first_seq / CHUNK_EVENTS
        && (copy.folded == 0 || builder.folded() == builder.len() as u64)
}

/// Turns copied chunks into event chunks, and gathers what their events tell beside.
struct EventChunks<'a> {
    strings: &'a StringIds,
    /// Polls and parks that began before the snapshot's instant and ended after it.
    straddling: HashSet<InProgress>,
    /// Threads without a slot that wrote events.
    outside: BTreeSet<u32>,
}

impl EventChunks<'_> {
    /// Adds the events of one copied chunk to `builder`.
    fn fill(&mut self, snapshot: &Snapshot, place: usize, builder: &mut ChunkBuilder) {
        let (copy, range) = &snapshot.chunks[place];
        let mut decoder = Decoder::new(
            &snapshot.bytes[range.clone()],
            0,
            Base {
                time: copy.first_time,
                task: 0,
            },
            copy.shared(),
        );
        let mut folded = builder.folded();
        let mut clock = ChunkClock::new(&snapshot.timeline);
        while let Some((event, thread)) = decoder.next_event() {
            let thread = if copy.shared() { thread } else { copy.stream };
            if event.at() > snapshot.at {
                self.note_straddling(&event, thread, copy.worker, snapshot.at);
                continue;
            }
            if let Some(event) = self.event(&event, &mut clock) {
                if thread & OUTSIDE_THREAD != 0 {
                    self.outside.insert(thread);
                }
                builder.push(thread, &event);
                if decoder.position().0 <= copy.folded {
                    folded += 1;
                }
            }
        }
        builder.set_folded(folded);
    }

    fn note_straddling(&mut self, event: &RawEvent, thread: u32, worker: u64, at: u64) {
        let (task, start) = match *event {
            RawEvent::Poll { start, task, .. } => (task, start),
            RawEvent::Park { start, .. } => (PARKED, start),
            _ => return,
        };
        if start <= at {
            self.straddling.insert(InProgress {
                thread,
                worker,
                task,
                start,
            });
        }
    }

    /// The event in nanoseconds; `None` for what only the history is told.
    fn event(&self, event: &RawEvent, clock: &mut ChunkClock<'_>) -> Option<Event> {
        Some(match *event {
            RawEvent::Poll {
                start,
                end,
                task,
                outcome,
            } => Event::Poll {
                start: clock.ns(start),
                end: clock.ns(end),
                task,
                outcome,
            },
            RawEvent::Wake { at, task, waker } => Event::Wake {
                at: clock.ns(at),
                task,
                waker,
            },
            RawEvent::Spawn {
                at,
                task,
                parent,
                location,
                name,
                runtime,
                kind,
                size,
                ..
            } => Event::Spawn {
                at: clock.ns(at),
                task,
                parent,
                location: self.strings.of_number(location),
                name: self.strings.of_number(name),
                runtime,
                kind,
                size,
            },
            RawEvent::Terminate { at, task } => Event::Terminate {
                at: clock.ns(at),
                task,
            },
            RawEvent::Park { start, end } => Event::Park {
                start: clock.ns(start),
                end: clock.ns(end),
            },
            RawEvent::WaitBegin {
                at,
                task,
                wait,
                name,
                location,
            } => Event::WaitBegin {
                at: clock.ns(at),
                task,
                wait,
                name: self.strings.of_number(name),
                location: self.strings.of_number(location),
            },
            RawEvent::WaitEnd {
                at,
                task,
                wait,
                outcome,
            } => Event::WaitEnd {
                at: clock.ns(at),
                task,
                wait,
                outcome,
            },
            RawEvent::Unwakeable { at, task } => Event::Unwakeable {
                at: clock.ns(at),
                task,
            },
            RawEvent::Covered { .. } => return None,
        })
    }
}

/// The time line with the last segment at hand: a chunk's events lie close together.
struct ChunkClock<'a> {
    timeline: &'a Timeline,
    from: u64,
    to: u64,
    from_ns: u64,
    /// Nanoseconds per tick, times 2^32.
    rate: u64,
}

impl<'a> ChunkClock<'a> {
    fn new(timeline: &'a Timeline) -> Self {
        Self {
            timeline,
            from: 1,
            to: 0,
            from_ns: 0,
            rate: 0,
        }
    }

    #[inline]
    fn ns(&mut self, ticks: u64) -> u64 {
        if !(self.from..self.to).contains(&ticks) {
            self.seek(ticks);
        }
        let ns = (u128::from(ticks.saturating_sub(self.from)) * u128::from(self.rate)) >> 32;
        self.from_ns + ns as u64
    }

    #[cold]
    fn seek(&mut self, ticks: u64) {
        let (from, to) = self.timeline.segment(ticks);
        (self.from, self.to) = (from, to.max(ticks.saturating_add(1)));
        self.from_ns = self.timeline.ns(from);
        let span = u128::from((to - from).max(1));
        let span_ns = u128::from(self.timeline.ns(to) - self.from_ns);
        self.rate = u64::try_from((span_ns << 32) / span).unwrap_or(u64::MAX);
    }
}

fn split_worker(worker: u64) -> (Option<u32>, Option<u32>) {
    if worker == NO_WORKER {
        (None, None)
    } else {
        (Some((worker >> 32) as u32), Some(worker as u32))
    }
}

fn workers(
    snapshot: &Snapshot,
    mut threads: Vec<ThreadRow>,
    other_threads: u32,
    chunks: &EventChunks<'_>,
) -> Workers {
    let timeline = &snapshot.timeline;
    let in_progress: HashSet<InProgress> = snapshot
        .in_progress
        .union(&chunks.straddling)
        .copied()
        .collect();
    // The same poll may be told by a slot and by its chunk, with a worker that changed in between.
    let mut running: BTreeMap<(u32, u64, u64), Running> = BTreeMap::new();
    for entry in in_progress {
        let (runtime, worker) = split_worker(entry.worker);
        running.insert(
            (entry.thread, entry.start, entry.task),
            Running {
                thread: entry.thread,
                runtime: runtime.unwrap_or(u32::MAX),
                worker: worker.unwrap_or(u32::MAX),
                task: (entry.task != PARKED).then_some(entry.task),
                start: timeline.ns(entry.start),
            },
        );
    }
    threads.extend(chunks.outside.iter().map(|&id| ThreadRow {
        id,
        name: match id & !OUTSIDE_THREAD {
            NO_STRING => other_threads,
            name => chunks.strings.of_number(name),
        },
        tid: 0,
        worker: false,
        exited: false,
    }));
    Workers {
        runtimes: snapshot.runtimes.clone(),
        workers: snapshot
            .history
            .workers
            .iter()
            .filter_map(|totals| {
                let (Some(runtime), Some(worker)) = split_worker(totals.worker) else {
                    return None;
                };
                Some(WorkerRow {
                    runtime,
                    worker,
                    polls: totals.polls,
                    busy_ns: timeline.duration_ns(totals.busy),
                    parks: totals.parks,
                    parked_ns: timeline.duration_ns(totals.parked),
                })
            })
            .collect(),
        threads,
        running: running.into_values().collect(),
    }
}

fn losses(rows: &[LossRow], timeline: &Timeline) -> Losses {
    let rows = rows
        .iter()
        .map(|row| LossRow {
            from: row
                .from
                .filter(|_| row.kind == LossKind::Unfolded)
                .map(|ticks| timeline.ns(ticks)),
            to: row
                .to
                .filter(|_| row.kind == LossKind::Unfolded)
                .map(|ticks| timeline.ns(ticks)),
            ..row.clone()
        })
        .collect();
    Losses { rows }
}
