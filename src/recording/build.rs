//! What a reader hands over besides its rows: the facts of the file. `finish` turns both into a [`Recording`].

use std::collections::{HashMap, HashSet};

use super::{
    Batch, Lane, LaneIx, LaneKind, LaneTotals, LastPoll, Loss, Ns, Process, Recording, Runtime,
    RuntimeIx, SeatKey, Source, SpawnFacts, StrId, SymbolFacts, TaskIx, Thread, ThreadIx, Totals,
    Trigger, WakerKey, Window, batch::IdHashing, finish, stop::Stop, strings::Interner,
};

/// What a file's table of tasks says about one of them.
#[derive(Clone, Copy, Debug)]
pub struct TaskFacts {
    /// The runtime's number for it.
    pub id: u64,
    /// Its spawn.
    pub spawn: SpawnFacts,
    /// Whether its wakes are recorded.
    pub wakes_recorded: bool,
    /// When it ended, if it has.
    pub ended_at: Option<Ns>,
}

/// What the history of a recorder says about one task.
#[derive(Clone, Copy, Debug)]
pub struct FoldedFacts {
    /// Sums over everything folded.
    pub totals: Totals,
    /// The latest poll folded.
    pub last_poll: Option<LastPoll>,
    /// The latest wake folded: when, who, and the thread that issued it.
    pub last_wake: Option<(Ns, WakerKey, u32)>,
    /// When the last waker was dropped.
    pub unwakeable_at: Option<Ns>,
}

/// A marked wait that was open as far as it was folded.
#[derive(Clone, Copy, Debug)]
pub struct OpenWaitFacts {
    /// The task that waits.
    pub task: u64,
    /// Identity of the wait.
    pub wait: u64,
    /// The mark's name.
    pub name: StrId,
    /// Its place in the code.
    pub location: StrId,
    /// When it began.
    pub since: Ns,
}

/// Collects everything that a recording is made of.
#[derive(Debug)]
pub struct RecordingBuilder {
    pub(crate) source: Source,
    pub(crate) window: Window,
    pub(crate) process: Option<Process>,
    pub(crate) trigger: Option<Trigger>,
    pub(crate) resources: bool,
    pub(crate) interner: Interner,
    pub(crate) runtimes: Vec<Runtime>,
    runtime_ids: HashSet<u32>,
    pub(crate) threads: Vec<Thread>,
    thread_numbers: HashMap<u32, ThreadIx, IdHashing>,
    pub(crate) lane_totals: HashMap<(u32, u32), LaneTotals>,
    pub(crate) tasks: Vec<TaskFacts>,
    pub(crate) by_id: HashMap<u64, TaskIx, IdHashing>,
    pub(crate) folded: Vec<(TaskIx, FoldedFacts)>,
    pub(crate) open_waits: Vec<OpenWaitFacts>,
    pub(crate) ends: Vec<(u64, Ns)>,
    pub(crate) running: Vec<(SeatKey, Option<u64>, Ns)>,
    pub(crate) losses: Vec<Loss>,
    pub(crate) symbols: Vec<SymbolFacts>,
    pub(crate) batches: Vec<Batch>,
}

impl RecordingBuilder {
    /// An empty recording of that window.
    #[must_use]
    pub fn new(source: Source, window: Window) -> Self {
        Self {
            source,
            window,
            process: None,
            trigger: None,
            resources: false,
            interner: Interner::default(),
            runtimes: Vec::new(),
            runtime_ids: HashSet::new(),
            threads: Vec::new(),
            thread_numbers: HashMap::default(),
            lane_totals: HashMap::new(),
            tasks: Vec::new(),
            by_id: HashMap::default(),
            folded: Vec::new(),
            open_waits: Vec::new(),
            ends: Vec::new(),
            running: Vec::new(),
            losses: Vec::new(),
            symbols: Vec::new(),
            batches: Vec::new(),
        }
    }

    /// Makes a string of the file safe to print, and keeps it.
    pub fn intern(&mut self, text: &str) -> StrId {
        self.interner.intern(text)
    }

    /// Says who was recorded.
    pub fn process(&mut self, process: Process) {
        self.process = Some(process);
    }

    /// Says what made the recorder write.
    pub fn trigger(&mut self, trigger: Trigger) {
        self.trigger = Some(trigger);
    }

    /// Says that sync primitives were recorded.
    pub fn resources_recorded(&mut self) {
        self.resources = true;
    }

    /// Adds a runtime; a number that is known already is ignored.
    pub fn runtime(&mut self, runtime: Runtime) {
        if self.runtime_ids.insert(runtime.id) {
            self.runtimes.push(runtime);
        }
    }

    /// Adds a thread, or what is known of one.
    pub fn thread(&mut self, thread: Thread) -> ThreadIx {
        let number = self.thread_number(thread.id);
        self.threads[number.index()] = thread;
        number
    }

    /// Adds a worker's folded totals.
    pub fn worker_totals(&mut self, runtime: u32, worker: u32, totals: LaneTotals) {
        self.lane_totals.insert((runtime, worker), totals);
    }

    /// Adds what a file's table says of a task. A later call for the same task is ignored.
    pub fn task(&mut self, facts: TaskFacts) {
        if !self.by_id.contains_key(&facts.id) {
            self.by_id.insert(facts.id, TaskIx::new(self.tasks.len()));
            self.tasks.push(facts);
        }
    }

    /// Whether a table has told of this task already.
    #[must_use]
    pub fn knows(&self, task: u64) -> bool {
        self.by_id.contains_key(&task)
    }

    /// Adds what the history says of a task.
    pub fn folded(&mut self, task: u64, facts: FoldedFacts) {
        let number = self.task_number(task);
        self.folded.push((number, facts));
    }

    /// Adds a wait that was open as far as it was folded.
    pub fn open_wait(&mut self, wait: OpenWaitFacts) {
        self.open_waits.push(wait);
    }

    /// Adds an end. One of a task that nothing else names is a blocking job's.
    pub fn end(&mut self, task: u64, at: Ns) {
        self.ends.push((task, at));
    }

    /// Adds a poll (of that task), or a park, that was going on when the recording was made.
    pub fn running(&mut self, seat: SeatKey, task: Option<u64>, start: Ns) {
        self.running.push((seat, task, start));
    }

    /// Adds a loss.
    pub fn loss(&mut self, loss: Loss) {
        self.losses.push(loss);
    }

    /// Adds what an address of callchains stands for. What is said twice counts once.
    pub fn symbol(&mut self, symbol: SymbolFacts) {
        self.symbols.push(symbol);
    }

    /// Adds rows. Batches of one stream come in the stream's order.
    pub fn batch(&mut self, batch: Batch) {
        self.batches.push(batch);
    }

    /// Sorts, indexes and computes what every reader of a recording relies on.
    #[must_use]
    pub fn finish(self) -> Recording {
        match finish::finish(self, Stop::NEVER) {
            Some(recording) => recording,
            None => unreachable!("nobody stops it"),
        }
    }

    /// The same, unless `cancelled` says meanwhile that nobody wants it any more.
    #[must_use]
    pub fn finish_unless(self, cancelled: &(dyn Fn() -> bool + Sync)) -> Option<Recording> {
        finish::finish(self, Stop::when(cancelled))
    }

    pub(crate) fn thread_number(&mut self, id: u32) -> ThreadIx {
        let next = ThreadIx::new(self.threads.len());
        let number = *self.thread_numbers.entry(id).or_insert(next);
        if number == next {
            self.threads.push(Thread {
                id,
                name: StrId::NONE,
                tid: None,
                worker: false,
                exited: false,
            });
        }
        number
    }

    pub(crate) fn task_number(&mut self, id: u64) -> TaskIx {
        let next = TaskIx::new(self.tasks.len());
        let number = *self.by_id.entry(id).or_insert(next);
        if number == next {
            self.tasks.push(TaskFacts {
                id,
                spawn: SpawnFacts {
                    at: None,
                    parent: None,
                    location: StrId::NONE,
                    name: StrId::NONE,
                    runtime: None,
                    kind: super::TaskKind::Async,
                    size: None,
                },
                wakes_recorded: false,
                ended_at: None,
            });
        }
        number
    }

    /// The lanes: the declared workers, those that only rows or totals name, and threads that polled without being one.
    ///
    /// The number of declared workers comes from the file: of a runtime that claims millions, the first ones get a lane.
    pub(crate) fn lanes(
        &mut self,
        seats: &[SeatKey],
        pollers: &[bool],
    ) -> (Vec<Lane>, HashMap<LaneName, LaneIx>) {
        const MOST_DECLARED: usize = 1_024;
        let declared: Vec<(u32, u32)> = self
            .runtimes
            .iter()
            .flat_map(|runtime| (0..runtime.workers).map(|worker| (runtime.id, worker)))
            .take(MOST_DECLARED)
            .collect();
        let seen = seats.iter().filter_map(|seat| seat.worker);
        let mut workers: Vec<(u32, u32)> = seen
            .chain(self.lane_totals.keys().copied())
            .chain(declared)
            .collect();
        workers.sort_unstable();
        workers.dedup();
        for same in workers.chunk_by(|a, b| a.0 == b.0) {
            // Known already, unless the table of runtimes was lost.
            self.runtime(Runtime {
                id: same[0].0,
                name: StrId::NONE,
                workers: same.len() as u32,
                current_thread: false,
                attached_at: None,
                dropped_at: None,
            });
        }
        self.runtimes.sort_by_key(|runtime| runtime.id);

        let mut lanes = Vec::new();
        let mut numbers = HashMap::new();
        for (id, worker) in workers {
            let place = self
                .runtimes
                .binary_search_by_key(&id, |runtime| runtime.id)
                .unwrap_or(0);
            numbers.insert(LaneName::Worker(id, worker), LaneIx::new(lanes.len()));
            let kind = LaneKind::Worker {
                runtime: RuntimeIx::new(place),
                worker,
            };
            let totals = self
                .lane_totals
                .get(&(id, worker))
                .copied()
                .unwrap_or_default();
            lanes.push(Lane { kind, totals });
        }
        let mut threads: Vec<u32> = seats
            .iter()
            .zip(pollers)
            .filter(|(seat, polls)| seat.worker.is_none() && **polls)
            .map(|(seat, _)| seat.thread)
            .collect();
        threads.sort_unstable();
        threads.dedup();
        for thread in threads {
            numbers.insert(LaneName::Thread(thread), LaneIx::new(lanes.len()));
            let kind = LaneKind::Thread(self.thread_number(thread));
            lanes.push(Lane {
                kind,
                totals: LaneTotals::default(),
            });
        }
        (lanes, numbers)
    }
}

/// A lane by the file's numbers.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(crate) enum LaneName {
    Worker(u32, u32),
    Thread(u32),
}
