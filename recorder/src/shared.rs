//! What hooks, wrappers, marks and the recorder's own thread share: the state of one recorder.

use std::path::PathBuf;
use std::sync::atomic::AtomicUsize;
use std::sync::{Arc, Mutex, PoisonError};

use dial9_format::{Level, PollOutcome, RuntimeRow, Waker};

use crate::arena::{Arena, NO_WORKER, Owner, SHARED_STREAM, Writer};
use crate::clock::Clock;
use crate::codec::{Base, Fields, RawEvent, encode, encode_poll, encode_wake};
use crate::dump::{DumpError, DumpReport};
use crate::facts::{Facts, FactsTable};
use crate::keeper::Mailbox;
use crate::strings::StringTable;
use crate::sync::{AtomicBool, AtomicU64, Ordering};
use crate::thread::{self, ThreadSlot};

/// Appenders that the threads without a chunk of their own share.
const APPENDERS: usize = 4;
/// How often an event of such a thread looks for a free appender before it is given up.
const APPENDER_TRIES: usize = 64;

/// Counts of what was not recorded.
#[derive(Default)]
pub(crate) struct Losses {
    pub(crate) no_chunk: AtomicCounter,
    pub(crate) reentrant: AtomicCounter,
    pub(crate) nested: AtomicCounter,
    pub(crate) no_slot: AtomicCounter,
    pub(crate) spawn_facts: AtomicCounter,
    pub(crate) history_full: AtomicCounter,
    pub(crate) waits: AtomicCounter,
    pub(crate) internal: AtomicCounter,
}

/// A counter that starts at 0.
pub(crate) struct AtomicCounter(AtomicU64);

impl Default for AtomicCounter {
    fn default() -> Self {
        Self(AtomicU64::new(0))
    }
}

impl std::ops::Deref for AtomicCounter {
    type Target = AtomicU64;

    fn deref(&self) -> &AtomicU64 {
        &self.0
    }
}

/// A writer that any thread may use while it holds the lock.
#[repr(align(128))]
struct Appender {
    locked: AtomicBool,
    writer: Writer,
}

/// How the dumps went so far.
#[derive(Clone, Debug, Default)]
pub(crate) struct Dumps {
    pub(crate) written: u64,
    pub(crate) failed: u64,
    pub(crate) last: Option<PathBuf>,
    pub(crate) last_error: Option<String>,
}

/// The state of one recorder.
pub(crate) struct Shared {
    /// Unique in the process, never 0.
    pub(crate) id: u64,
    pub(crate) level: Level,
    pub(crate) clock: Clock,
    pub(crate) arena: Arena,
    pub(crate) slots: Box<[ThreadSlot]>,
    appenders: Box<[Appender]>,
    pub(crate) strings: StringTable,
    pub(crate) facts: FactsTable,
    pub(crate) losses: Losses,
    pub(crate) mailbox: Mailbox,
    pub(crate) runtimes: Mutex<Vec<RuntimeRow>>,
    dumps: Mutex<Dumps>,
    pub(crate) next_thread: crate::sync::AtomicU32,
    next_local_task: AtomicU64,
    next_appender: AtomicUsize,
}

/// Task numbers from here on are the recorder's own, for futures that tokio's hooks do not see.
pub(crate) const LOCAL_TASK: u64 = 1 << 47;

impl Shared {
    pub(crate) fn new(
        id: u64,
        level: Level,
        clock: Clock,
        arena: Arena,
        facts: FactsTable,
        mailbox: Mailbox,
        slots: usize,
    ) -> Self {
        Self {
            id,
            level,
            clock,
            arena,
            slots: (0..slots).map(|_| ThreadSlot::new()).collect(),
            appenders: (0..APPENDERS)
                .map(|_| Appender {
                    locked: AtomicBool::new(false),
                    writer: Writer::new(),
                })
                .collect(),
            strings: StringTable::new(),
            facts,
            losses: Losses::default(),
            mailbox,
            runtimes: Mutex::new(Vec::new()),
            dumps: Mutex::new(Dumps::default()),
            next_thread: crate::sync::AtomicU32::new(0),
            next_local_task: AtomicU64::new(LOCAL_TASK),
            next_appender: AtomicUsize::new(0),
        }
    }

    pub(crate) fn next_local_task(&self) -> u64 {
        self.next_local_task.fetch_add(1, Ordering::Relaxed)
    }

    pub(crate) fn runtimes(&self) -> Vec<RuntimeRow> {
        self.runtimes
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .clone()
    }

    /// Remembers how a dump went, for the status.
    pub(crate) fn note_dump(&self, result: &Result<DumpReport, DumpError>) {
        let mut dumps = self.dumps.lock().unwrap_or_else(PoisonError::into_inner);
        match result {
            Ok(report) => {
                dumps.written += 1;
                dumps.last = Some(report.path.clone());
            }
            Err(error) => {
                dumps.failed += 1;
                dumps.last_error = Some(error.to_string());
            }
        }
    }

    pub(crate) fn dumps(&self) -> Dumps {
        self.dumps
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .clone()
    }

    /// Whether wakes are to be recorded.
    #[inline]
    pub(crate) fn sees_wakes(&self) -> bool {
        !matches!(self.level, Level::Hooks)
    }

    /// Records a finished poll of the calling thread.
    #[inline]
    pub(crate) fn record_poll(
        &self,
        slot: &ThreadSlot,
        start: u64,
        end: u64,
        task: u64,
        outcome: PollOutcome,
    ) {
        self.write_fields(slot, end, |base, end| {
            encode_poll(base, start, end, task, outcome)
        });
    }

    /// Records that whoever runs on this thread woke `task`.
    #[inline]
    pub(crate) fn record_wake(&self, task: u64) {
        let at = self.clock.ticks();
        match thread::existing_slot(self) {
            Some(slot) if slot.depth() > 0 => {
                let waker = slot.current().map_or(Waker::Runtime, Waker::Task);
                self.write_wake(slot, at, task, waker);
            }
            // Between two polls: a deferred yield, or the driver on its way.
            Some(slot) if slot.is_worker() && tokio::runtime::worker_index().is_some() => {
                self.write_wake(slot, at, task, Waker::Runtime);
            }
            slot => {
                let waker = if thread::in_pool(self) {
                    Waker::Blocking
                } else {
                    Waker::Outside
                };
                self.record(slot, &RawEvent::Wake { at, task, waker });
            }
        }
    }

    #[inline]
    fn write_wake(&self, slot: &ThreadSlot, at: u64, task: u64, waker: Waker) {
        self.write_fields(slot, at, |base, at| encode_wake(base, at, task, waker));
    }

    /// Writes a poll or a wake to the thread's own chunk. `encode` is given the event's time, moved up
    /// where the chunk's last event is later.
    #[inline(always)]
    fn write_fields(
        &self,
        slot: &ThreadSlot,
        at: u64,
        encode: impl FnOnce(&mut Base, u64) -> Fields,
    ) {
        let written = slot.exclusively(|| {
            let at = at.max(slot.writer.last_time());
            match slot.writer.make_room(&self.arena, slot.owner(), at) {
                Ok(rolled) => {
                    let mut base = slot.writer.base();
                    let fields = encode(&mut base, at);
                    slot.writer.append_fields(&self.arena, &fields, base);
                    if rolled {
                        self.after_roll();
                    }
                }
                Err(_) => self.count_no_chunk(),
            }
        });
        if written.is_none() {
            self.losses.reentrant.fetch_add(1, Ordering::Relaxed);
        }
    }

    /// Records any event: in the thread's own chunk while it polls or is a worker, else in a shared one.
    pub(crate) fn record(&self, slot: Option<&ThreadSlot>, event: &RawEvent) {
        match slot {
            Some(slot) if slot.depth() > 0 || slot.is_worker() => {
                let written =
                    slot.exclusively(|| self.write(&slot.writer, slot.owner(), event, None));
                if written.is_none() {
                    self.losses.reentrant.fetch_add(1, Ordering::Relaxed);
                }
            }
            Some(slot) => self.record_shared(event, slot.number()),
            None => self.record_shared(event, thread::outside_number(self)),
        }
    }

    fn record_shared(&self, event: &RawEvent, thread: u32) {
        let first = self.next_appender.fetch_add(1, Ordering::Relaxed);
        for attempt in 0..APPENDER_TRIES {
            let index = first.wrapping_add(attempt) % APPENDERS;
            let appender = &self.appenders[index];
            // Acquire and release: the writer's fields pass from holder to holder.
            if appender.locked.load(Ordering::Relaxed)
                || appender
                    .locked
                    .compare_exchange(false, true, Ordering::Acquire, Ordering::Relaxed)
                    .is_err()
            {
                std::hint::spin_loop();
                continue;
            }
            let owner = Owner {
                stream: SHARED_STREAM + index as u32,
                worker: NO_WORKER,
                shared: true,
            };
            self.write(&appender.writer, owner, event, Some(thread));
            appender.locked.store(false, Ordering::Release);
            return;
        }
        self.count_no_chunk();
    }

    fn write(&self, writer: &Writer, owner: Owner, event: &RawEvent, thread: Option<u32>) {
        let event = event.not_before(writer.last_time());
        match writer.make_room(&self.arena, owner, event.at()) {
            Ok(rolled) => {
                let mut base = writer.base();
                let encoded = encode(&mut base, &event);
                writer.append(&self.arena, &encoded, base, event.is_exported(), thread);
                if rolled {
                    self.after_roll();
                }
            }
            Err(_) => self.count_no_chunk(),
        }
    }

    #[cold]
    fn count_no_chunk(&self) {
        self.losses.no_chunk.fetch_add(1, Ordering::Relaxed);
        self.mailbox.kick();
    }

    /// A chunk was claimed: the folding thread must not sleep while the arena goes round.
    #[cold]
    fn after_roll(&self) {
        self.mailbox
            .chunk_claimed(self.arena.claims(), self.arena.chunks() as u64);
    }

    /// Records a spawn: its facts in the history, and the event.
    pub(crate) fn record_spawn(self: &Arc<Self>, slot: Option<&ThreadSlot>, facts: &Facts) {
        let rowless = !self.facts.publish(facts);
        self.record(
            slot,
            &RawEvent::Spawn {
                at: facts.at,
                task: facts.id,
                parent: facts.parent,
                location: facts.location,
                name: facts.name,
                runtime: facts.runtime,
                kind: facts.kind,
                size: facts.size,
                rowless,
            },
        );
    }

    /// Threads that found no slot, slots in use and so on, as (kind, count) for every count above 0.
    pub(crate) fn loss_rows(&self) -> Vec<dial9_format::LossRow> {
        use dial9_format::{LossKind, LossRow};
        let plain = [
            (LossKind::NoChunk, &self.losses.no_chunk),
            (LossKind::Reentrant, &self.losses.reentrant),
            (LossKind::Nested, &self.losses.nested),
            (LossKind::NoThreadSlot, &self.losses.no_slot),
            (LossKind::HistoryFull, &self.losses.history_full),
            (LossKind::SpawnFacts, &self.losses.spawn_facts),
            (LossKind::Waits, &self.losses.waits),
            (LossKind::Internal, &self.losses.internal),
        ];
        let mut rows: Vec<_> = plain
            .into_iter()
            .map(|(kind, counter)| LossRow {
                kind,
                count: counter.load(Ordering::Relaxed),
                from: None,
                to: None,
            })
            .collect();
        rows.push(LossRow {
            kind: LossKind::Strings,
            count: self.strings.lost.load(Ordering::Relaxed),
            from: None,
            to: None,
        });
        let unfolded = &self.arena.unfolded;
        rows.push(LossRow {
            kind: LossKind::Unfolded,
            count: unfolded.count.load(Ordering::Relaxed),
            // Ticks for now: whoever writes the dump knows the time line.
            from: Some(unfolded.from.load(Ordering::Relaxed)),
            to: Some(unfolded.to.load(Ordering::Relaxed)),
        });
        rows.retain(|row| row.count > 0);
        rows
    }
}
