//! One unit of a trace to a batch of rows, and the loose ends that only its neighbours can tie.
//!
//! A batch of the trace holds what *one thread* wrote, in order. A poll that began in one and ended in the next, and what
//! happened before the first poll of a batch was seen, is left to [`super::stitch`].

mod ends;
mod extra;
mod layout;
mod texts;

pub(super) use ends::{Edges, Loose, Open, push_poll};
pub(super) use extra::Claim;

use std::{
    collections::{BTreeMap, BTreeSet, HashMap, HashSet},
    sync::Mutex,
};

use dial9_trace_format::{InternedString, decoder::RawEvent};

use self::layout::Layout;
use super::{
    super::Progress,
    bind::{BLOCKING, Binding, Kind, NO_WORKER, is_worker},
    cut::Unit,
    walk::{Broken, Walk},
};
use crate::recording::{
    Batch, Ns, Outcome, PointScope, RecordingBuilder, SeatKey, SpawnFacts, StrId, SymbolFacts,
    TaskKind, WakerKey,
};

/// Stands for a worker's thread where nothing tells its number.
pub(super) const UNKNOWN_THREAD: u32 = u32::MAX;
/// Stands for all threads of the blocking pool, and for all that belong to no runtime.
pub(super) const BLOCKING_THREAD: u32 = u32::MAX - 1;
pub(super) const OUTSIDE_THREAD: u32 = u32::MAX - 2;
/// The first of the numbers that stand for the thread of one batch until its own is known.
const FIRST_UNNAMED: u32 = 1 << 31;

/// The most loose ends of one batch of each kind; what is beyond them is not tied.
const MOST_LOOSE: usize = 1 << 16;
/// The most polls of one thread that go on at the same time.
const MOST_NESTED: usize = 64;
/// Bytes of a unit for each field of its events: a few crafted ones could stand for any amount of memory.
const BYTES_OF_FIELD: usize = 4;
/// Bytes of a unit for each poll, where nothing is recorded but polls and wakes.
const BYTES_OF_ROW: usize = 28;
const ALWAYS_FIELDS: usize = 1 << 12;
/// Times beyond 36 years are nonsense, and sums of what is left do not overflow.
const LATEST: u64 = 1 << 60;

/// What a unit holds.
#[derive(Debug)]
pub(super) struct Decoded {
    pub(super) batch: Batch,
    pub(super) edges: Vec<Edges>,
    /// First and last event of the scheduler.
    pub(super) span: Option<(Ns, Ns)>,
    /// The spawn location of tasks whose spawn is not in the unit.
    pub(super) locations: Vec<(u64, StrId)>,
    /// Ends of idle tasks: when, on which worker, and which task.
    pub(super) idle_ends: Vec<(Ns, u64, u64)>,
    /// The latest poll start of each worker.
    pub(super) last_polls: BTreeMap<u64, Ns>,
    /// The first thread of each worker, and all threads of workers.
    pub(super) threads: BTreeMap<u64, u32>,
    pub(super) tids: BTreeSet<u32>,
    pub(super) metadata: BTreeMap<String, String>,
    /// Monotonic and wall clock of one instant.
    pub(super) clock: Option<(Ns, u64)>,
    pub(super) broken: Vec<Broken>,
    /// Events that lack what their kind must have.
    pub(super) malformed: u64,
    /// Poll ends without a start, and polls without an end.
    pub(super) unpaired: u64,
    pub(super) symbols: Vec<SymbolFacts>,
    /// Custom events that name a task which nobody was polling.
    pub(super) claims: Vec<Claim>,
    /// The runtimes that points of series name, by the numbers that the points have meanwhile.
    pub(super) runtimes: Vec<StrId>,
    /// Threads that are no workers.
    pub(super) others: BTreeMap<u32, StrId>,
    /// Allocations, and ends of allocations, that the profiler had no room for.
    pub(super) dropped: u64,
    /// How many more fields are kept, and how many are not because they are too many.
    room: usize,
    pub(super) fields_over_cap: u64,
}

/// Decodes one unit. What comes out when nobody waits any more is not all of it.
pub(super) fn decode(
    unit: &Unit,
    builder: &Mutex<RecordingBuilder>,
    progress: &Progress,
) -> Decoded {
    let mut decoded = Decoded {
        batch: Batch::new(0),
        edges: Vec::new(),
        span: None,
        locations: Vec::new(),
        idle_ends: Vec::new(),
        last_polls: BTreeMap::new(),
        threads: BTreeMap::new(),
        tids: BTreeSet::new(),
        metadata: BTreeMap::new(),
        clock: None,
        broken: Vec::new(),
        malformed: 0,
        unpaired: 0,
        symbols: Vec::new(),
        claims: Vec::new(),
        runtimes: Vec::new(),
        others: BTreeMap::new(),
        dropped: 0,
        room: (unit.bytes.len() / BYTES_OF_FIELD).max(ALWAYS_FIELDS),
        fields_over_cap: 0,
    };
    // Three events of some ten bytes make a poll and a wake. Room that stays unused is never touched, and costs nothing.
    let rows = unit.bytes.len() / BYTES_OF_ROW;
    decoded.batch.reserve(rows, rows);
    let mut located: Vec<bool> = Vec::new();
    let mut fixed = HashMap::new();
    let mut events = 0;
    let mut unnamed = FIRST_UNNAMED;
    let mut walk = Walk::new(unit, progress);
    while walk.goes_on() {
        let mut stream = Stream {
            out: &mut decoded,
            located: &mut located,
            builder,
            bindings: Vec::new(),
            layouts: HashMap::new(),
            texts: HashMap::new(),
            fixed: &mut fixed,
            told: HashSet::new(),
            edges: Edges::default(),
            wrote: false,
            begun: false,
            tid: None,
            unnamed,
            worker: walk.writer(),
            queue: None,
            claimed: 0,
        };
        stream.claimed = stream.out.claims.len();
        let broken = walk.batch(|event| {
            events += 1;
            stream.event(event);
        });
        stream.end();
        unnamed += 1;
        decoded.broken.extend(broken);
    }
    // Rows count an event each; ends, unparks and everything without rows are still missing.
    let counted = decoded.batch.events();
    decoded.batch.other_events(events - counted.min(events));
    decoded.batch.sort();
    decoded
}

/// One batch of the trace while it is read.
struct Stream<'o> {
    out: &'o mut Decoded,
    /// Which tasks of the unit have a location.
    located: &'o mut Vec<bool>,
    builder: &'o Mutex<RecordingBuilder>,
    bindings: Vec<Option<Binding>>,
    layouts: HashMap<u16, Layout>,
    texts: HashMap<InternedString, StrId>,
    /// The texts that this program knows by heart.
    fixed: &'o mut HashMap<String, StrId>,
    /// The spans whose fields this batch has told: whichever enter turns out to be a span's first says what it carries.
    told: HashSet<u64>,
    edges: Edges,
    /// Whether an event of the scheduler was seen.
    wrote: bool,
    /// Whether it is known what the thread is doing.
    begun: bool,
    tid: Option<u32>,
    /// What stands for its number meanwhile.
    unnamed: u32,
    worker: Option<u64>,
    /// The worker's own queue as it was last said.
    queue: Option<u8>,
    /// Where the claims of this batch begin.
    claimed: usize,
}

impl Stream<'_> {
    fn event(&mut self, event: &RawEvent<'_, '_>) {
        let binding = self.binding(event);
        if self.take(event, &binding).is_none() {
            self.out.malformed += 1;
        }
    }

    fn binding(&mut self, event: &RawEvent<'_, '_>) -> Binding {
        let index = usize::from(event.type_id.0);
        if let Some(Some(binding)) = self.bindings.get(index) {
            return *binding;
        }
        if self.bindings.len() <= index {
            self.bindings.resize(index + 1, None);
        }
        let binding = Binding::new(event.schema).unwrap_or_else(|other| {
            self.out.malformed += 1;
            other
        });
        self.bindings[index] = Some(binding);
        binding
    }

    /// `None`: a field that must be there is of another type.
    fn take(&mut self, event: &RawEvent<'_, '_>, binding: &Binding) -> Option<()> {
        let at = event.timestamp_ns.min(LATEST) as Ns;
        let number = |place| binding.number(event, place);
        match binding.kind {
            Kind::PollStart => {
                let (worker, task) = (number(0)?, number(1)?);
                let queue = number(3).map(|queue| u8::try_from(queue).unwrap_or(u8::MAX));
                self.at(at);
                let seat = self.seat(worker, None);
                self.begun = true;
                self.queue = queue.or(self.queue);
                self.locate(task, event, binding, 2);
                // A thread polls twice for one worker only if an end is missing; nobody nests as deep as this.
                let too_deep = (self.edges.polls.len() >= MOST_NESTED).then_some(0);
                if let Some(lost) = self.position(worker).or(too_deep) {
                    let lost = self.edges.polls.remove(lost);
                    self.lost(lost);
                }
                self.out.last_polls.insert(worker, at);
                self.edges.polls.push(Open {
                    worker,
                    task,
                    start: at,
                    seat,
                    last: false,
                    queue,
                });
            }
            Kind::PollEnd => {
                let worker = number(0)?;
                self.at(at);
                self.seat(worker, None);
                let innermost = (!is_worker(worker))
                    .then(|| self.edges.polls.len().checked_sub(1))
                    .flatten();
                match self.position(worker).or(innermost) {
                    Some(open) => {
                        let open = self.edges.polls.remove(open);
                        self.out.batch.seat(open.seat);
                        push_poll(&mut self.out.batch, &open, at);
                    }
                    None => self.loose(Loose::PollEnd { worker, at }),
                }
                self.begun = true;
            }
            Kind::Park => {
                let worker = number(0)?;
                self.at(at);
                let seat = self.seat(worker, number(1));
                self.begun = true;
                if self.edges.park.replace((worker, at, seat)).is_some() {
                    self.out.batch.rowless_parks(1, 0);
                }
                self.queue_point(at, number(2));
                self.point(at, "cpu_time", "ns", PointScope::Writer, number(3));
            }
            Kind::Unpark => {
                let worker = number(0)?;
                self.at(at);
                self.seat(worker, number(1));
                match self.edges.park.take() {
                    Some((_, start, seat)) => {
                        self.out.batch.seat(seat);
                        self.out.batch.park(start, at, false);
                    }
                    None if !self.begun => self.loose(Loose::Unpark { worker, at }),
                    None => self.out.batch.rowless_parks(0, 1),
                }
                self.begun = true;
                self.seat(worker, number(1));
                self.queue_point(at, number(2));
                self.point(at, "kernel_wait", "ns", PointScope::Writer, number(3));
            }
            Kind::Spawn => {
                let task = number(0)?;
                self.at(at);
                let location = self.text(event, binding.value(event, 1));
                let known = self.out.batch.task(task);
                self.mark_located(known);
                if number(2) == Some(1) {
                    self.out.batch.wakes_recorded(task);
                }
                let worker = number(3).filter(|worker| is_worker(*worker));
                let current = self.edges.polls.last().map(|open| open.task);
                if current.is_none() && !self.begun {
                    let row = self.out.batch.spawn_count();
                    let worker = worker.or(self.worker).unwrap_or(NO_WORKER);
                    self.loose(Loose::Spawn { worker, at, row });
                }
                let facts = SpawnFacts {
                    at: Some(at),
                    parent: current,
                    location,
                    name: StrId::NONE,
                    // The worker for now: which runtime it belongs to is known in the end.
                    runtime: worker.and_then(|worker| u32::try_from(worker).ok()),
                    kind: TaskKind::Async,
                    size: None,
                };
                self.out.batch.spawn(task, facts);
            }
            Kind::Terminate => {
                let task = number(0)?;
                self.at(at);
                if let Some(open) = self.edges.polls.iter_mut().find(|open| open.task == task) {
                    open.last = true;
                    self.out.batch.terminate(task, at);
                } else if self.begun {
                    match self.worker.filter(|_| self.edges.polls.is_empty()) {
                        Some(worker) => self.out.idle_ends.push((at, worker, task)),
                        None => self.out.batch.terminate(task, at),
                    }
                } else {
                    let worker = self.worker.unwrap_or(NO_WORKER);
                    self.loose(Loose::Terminate { worker, at, task });
                }
            }
            Kind::Wake => {
                let woken = number(0)?;
                self.at(at);
                self.wake(
                    at,
                    woken,
                    number(1).unwrap_or(0),
                    number(2).unwrap_or(NO_WORKER),
                );
            }
            Kind::Metadata => self.metadata(binding.value(event, 0)?)?,
            Kind::ClockSync => {
                let wall = number(0)?;
                self.out.clock.get_or_insert((at, wall));
            }
            _ => self.extra(at, event, binding)?,
        }
        Some(())
    }

    /// Notes that the scheduler did something at `at`.
    fn at(&mut self, at: Ns) {
        if !self.wrote {
            self.wrote = true;
            self.edges.first = at;
        }
        let span = self.out.span.get_or_insert((at, at));
        span.0 = span.0.min(at);
        span.1 = span.1.max(at);
    }

    /// Says who wrote the rows that follow.
    fn seat(&mut self, worker: u64, tid: Option<u64>) -> SeatKey {
        if let Some(tid) = tid.and_then(|tid| u32::try_from(tid).ok())
            && self.tid != Some(tid)
        {
            self.tid = Some(tid);
            self.out.threads.entry(worker).or_insert(tid);
            self.out.tids.insert(tid);
        }
        if is_worker(worker) {
            self.worker = Some(worker);
        }
        let seat = seat_of(worker, self.tid.unwrap_or(self.unnamed));
        self.out.batch.seat(seat);
        seat
    }

    fn position(&self, worker: u64) -> Option<usize> {
        self.edges
            .polls
            .iter()
            .rposition(|open| open.worker == worker)
    }

    fn loose(&mut self, loose: Loose) {
        if self.edges.loose.len() < MOST_LOOSE {
            self.edges.loose.push(loose);
            return;
        }
        match loose {
            Loose::PollEnd { .. } => self.out.unpaired += 1,
            Loose::Unpark { .. } => self.out.batch.rowless_parks(0, 1),
            Loose::Wake {
                at, woken, seat, ..
            } => {
                self.out.batch.seat(seat);
                self.out.batch.wake(woken, at, WakerKey::Runtime);
            }
            Loose::Spawn { .. } => {}
            Loose::Terminate { at, task, .. } => self.out.batch.terminate(task, at),
        }
    }

    /// A poll whose end nobody wrote: when it began is all that is known.
    fn lost(&mut self, open: Open) {
        self.out.unpaired += 1;
        self.out.batch.seat(open.seat);
        self.out
            .batch
            .poll(open.task, open.start, open.start, Outcome::Ended);
    }

    /// Upstream asks tokio for the current task, which on a worker between two polls is a job that never ran as a task:
    /// only the task that is being polled can be the waker.
    fn wake(&mut self, at: Ns, woken: u64, waker: u64, issuer: u64) {
        let current = self.edges.polls.last().map(|open| (open.worker, open.task));
        let worker = match issuer {
            NO_WORKER => current.map_or(NO_WORKER, |(worker, _)| worker),
            issuer => issuer,
        };
        let who = match (worker, current) {
            (NO_WORKER, _) if waker == 0 => WakerKey::Outside,
            (BLOCKING | NO_WORKER, _) => WakerKey::Blocking,
            (_, Some((_, task))) if task == waker => WakerKey::Task(waker),
            _ => WakerKey::Runtime,
        };
        let seat = match who {
            WakerKey::Outside => self.seat(NO_WORKER, None),
            WakerKey::Blocking => self.seat(BLOCKING, None),
            _ => self.seat(self.worker.unwrap_or(worker), None),
        };
        if who == WakerKey::Runtime && current.is_none() && !self.begun && waker != 0 {
            self.loose(Loose::Wake {
                worker,
                at,
                woken,
                waker,
                seat,
            });
            return;
        }
        self.out.batch.wake(woken, at, who);
    }

    fn end(mut self) {
        let thread = self.tid.unwrap_or(UNKNOWN_THREAD);
        let name = |mut seat: SeatKey| {
            if seat.thread == self.unnamed {
                seat.thread = thread;
            }
            seat
        };
        self.out.batch.reseat(name);
        for open in &mut self.edges.polls {
            open.seat = name(open.seat);
        }
        if let Some((.., seat)) = &mut self.edges.park {
            *seat = name(*seat);
        }
        for claim in &mut self.out.claims[self.claimed..] {
            claim.seat = claim.seat.map(name);
        }
        for loose in &mut self.edges.loose {
            if let Loose::Wake { seat, .. } = loose {
                *seat = name(*seat);
            }
        }
        if self.wrote {
            self.out.edges.push(Edges {
                worker: self.worker,
                thread,
                begun: self.begun,
                ..self.edges
            });
        }
    }
}

/// The worker as upstream numbers it, over all runtimes; what it is in its runtime is known in the end.
fn seat_of(worker: u64, thread: u32) -> SeatKey {
    let number = u32::try_from(worker).unwrap_or(u32::MAX);
    if is_worker(worker) {
        SeatKey {
            worker: Some((0, number)),
            thread,
        }
    } else {
        SeatKey {
            worker: None,
            thread: if worker == BLOCKING {
                BLOCKING_THREAD
            } else {
                OUTSIDE_THREAD
            },
        }
    }
}
