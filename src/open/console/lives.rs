//! Events of spans to lives of tasks: which spans are tasks, and which of their enters and exits are polls.
//!
//! A span that no spawn described is a resource or an operation on one. A task's span is entered for each of its polls,
//! and, by the `tracing` crate since 0.1.38, once more when its future is dropped: that is no poll, and nothing marks it.
//! But tokio polls only who was woken since the previous poll began, so a visit before the end without such a wake was
//! that drop, and one recording was made by one version of the crate.

use std::collections::HashMap;

use super::{
    line::{Event, What},
    spawn::{Kind, spawn},
};
use crate::recording::{
    Batch, Loss, LossKind, Ns, Outcome, RecordingBuilder, SECOND, SeatKey, SpawnFacts, TaskFacts,
    TaskKind, Thread, WakerKey,
};

/// Rows of one batch.
const UNIT: u64 = 1 << 20;
/// Ends that are looked at before it is decided what the last visits are. The others wait.
const WITNESSES: u64 = 64;
/// The recording names no threads, so one stands for all.
const THREAD: u32 = 0;
const SEAT: SeatKey = SeatKey {
    worker: None,
    thread: THREAD,
};
/// A task that returned ready is dropped at once. One that is still there after this time returned pending.
const SURELY_PENDING: Ns = SECOND;
/// Times further from the first event than 36 years are nonsense, and sums of what is left do not overflow.
const LIMIT: i64 = 1 << 60;

/// Collects lives.
pub(super) struct Lives<'b> {
    builder: &'b mut RecordingBuilder,
    batch: Batch,
    spans: HashMap<u64, Span>,
    /// The wall clock at time 0: that of the first event, unless it is known already.
    base: Option<i64>,
    /// The time of the latest event.
    latest: Ns,
    /// The number that the next blocking job or task without a number of its own gets.
    spare: u64,
    visits: LastVisits,
    /// Last visits of ended tasks, while nobody knows whether they were polls.
    undecided: Vec<(u64, Held)>,
    events: u64,
    /// Events that batches have counted.
    counted: u64,
    rows: u64,
    most_rows: u64,
    wakes: u64,
    unseen: u64,
    unpaired: u64,
    over_cap: u64,
}

enum Span {
    Task(Life),
    /// A blocking job, with its number.
    Job(u64),
}

struct Life {
    id: u64,
    kind: Kind,
    /// Since when a thread is inside it.
    inside: Option<Visit>,
    /// Whether it was woken, or spawned, since the latest visit began.
    woken: bool,
    held: Held,
    wakers: Wakers,
}

/// How many wakers of a task there are: clones less those that were dropped or used up.
#[derive(Clone, Copy, Default)]
struct Wakers {
    count: i64,
    /// More are gone than were ever cloned, so some clones were not recorded.
    wrong: bool,
    /// When their number last changed.
    changed: Ns,
}

/// The visits that may still turn out to be something else than a poll that returned pending.
#[derive(Clone, Copy, Default)]
struct Held {
    older: Option<(Ns, Ns)>,
    newer: Option<(Ns, Ns)>,
    /// Whether nothing had made the task runnable before the newer.
    newer_unexplained: bool,
}

#[derive(Clone, Copy)]
struct Visit {
    start: Ns,
    unexplained: bool,
}

/// Whether the last visit of a task that ended is the drop of its future.
#[derive(Default)]
struct LastVisits {
    explained: u64,
    unexplained: u64,
    are_drops: Option<bool>,
}

impl LastVisits {
    /// Takes one more end into account. A task that was visited only once says nothing.
    fn witness(&mut self, held: &Held) {
        if held.older.is_none() {
            return;
        }
        if held.newer_unexplained {
            self.unexplained += 1;
        } else {
            self.explained += 1;
        }
        if self.are_drops.is_none() && self.explained + self.unexplained >= WITNESSES {
            self.decide();
        }
    }

    /// Two threads that wake at once can make a single poll look unexplained, and a wake that comes too late can make a
    /// drop look explained; neither is frequent.
    fn decide(&mut self) -> bool {
        let are_drops = self.unexplained * 4 > self.explained;
        *self.are_drops.get_or_insert(are_drops)
    }
}

impl<'b> Lives<'b> {
    /// Collects into `builder`; `base` is the wall clock at time 0. No more than `most_rows` polls and wakes are kept.
    pub(super) fn new(
        builder: &'b mut RecordingBuilder,
        base: Option<i64>,
        most_rows: u64,
    ) -> Self {
        let name = builder.intern(Thread::UNKNOWN);
        builder.thread(Thread {
            id: THREAD,
            name,
            tid: None,
            worker: false,
            exited: false,
        });
        Self {
            builder,
            batch: batch(),
            spans: HashMap::new(),
            base,
            latest: 0,
            spare: u64::MAX,
            visits: LastVisits::default(),
            undecided: Vec::new(),
            events: 0,
            counted: 0,
            rows: 0,
            most_rows,
            wakes: 0,
            unseen: 0,
            unpaired: 0,
            over_cap: 0,
        }
    }

    /// Events so far.
    pub(super) fn events(&self) -> u64 {
        self.events
    }

    /// Takes the next event.
    pub(super) fn event(&mut self, event: &Event<'_>) {
        let base = *self.base.get_or_insert(event.at);
        let at = event.at.saturating_sub(base).clamp(-LIMIT, LIMIT);
        self.latest = self.latest.max(at);
        self.events += 1;
        match &event.what {
            What::Spawn(fields) => self.spawn(event.span, at, &spawn(fields)),
            What::Enter => self.enter(event.span, at),
            What::Exit => self.exit(event.span, at),
            What::Close => self.close(event.span, at),
            What::Wake { own, consumed } => {
                if *consumed {
                    self.wakers(event.span, at, -1);
                }
                self.wake(event.span, at, *own);
            }
            What::WakerCloned => self.wakers(event.span, at, 1),
            What::WakerDropped => self.wakers(event.span, at, -1),
        }
        if self.batch.events() >= UNIT {
            self.hand_over();
        }
    }

    fn spawn(&mut self, span: u64, at: Ns, facts: &super::spawn::Spawn) {
        let number = facts.number.filter(|number| !self.builder.knows(*number));
        if facts.kind == Kind::Blocking {
            let number = number.unwrap_or_else(|| self.spare());
            self.replace(span, Span::Job(number));
            return;
        }
        let id = number
            .or_else(|| (!self.builder.knows(span)).then_some(span))
            .unwrap_or_else(|| self.spare());
        let mut name = facts.name.as_str();
        if name.is_empty() && facts.kind == Kind::BlockOn {
            name = "block_on";
        }
        let spawn = SpawnFacts {
            at: Some(at),
            parent: None,
            location: self.builder.intern(&facts.location),
            name: self.builder.intern(name),
            runtime: None,
            kind: match facts.kind {
                Kind::Local | Kind::BlockOn => TaskKind::Local,
                Kind::Task | Kind::Blocking => TaskKind::Async,
            },
            size: facts.size,
        };
        self.builder.task(TaskFacts {
            id,
            spawn,
            wakes_recorded: false,
            ended_at: None,
        });
        self.batch.spawn(id, spawn);
        let life = Life {
            id,
            kind: facts.kind,
            inside: None,
            woken: true,
            held: Held::default(),
            wakers: Wakers::default(),
        };
        self.replace(span, Span::Task(life));
    }

    /// A number that nothing else has.
    fn spare(&mut self) -> u64 {
        loop {
            let number = self.spare;
            self.spare = self.spare.wrapping_sub(1);
            if !self.builder.knows(number) {
                return number;
            }
        }
    }

    /// A span number may be used again once its span is gone; if the end of the old one was lost, it is still there.
    fn replace(&mut self, span: u64, new: Span) {
        if let Some(Span::Task(life)) = self.spans.insert(span, new) {
            self.unpaired += 1;
            self.still_alive(&life);
        }
    }

    fn enter(&mut self, span: u64, at: Ns) {
        let Some(Span::Task(life)) = self.spans.get_mut(&span) else {
            return;
        };
        if life.held.newer.is_none() && life.inside.is_none() {
            let wakes = life.kind != Kind::BlockOn;
            if let (true, Some(task)) = (wakes, self.builder.by_id.get(&life.id)) {
                self.builder.tasks[task.index()].wakes_recorded = true;
            }
        }
        // A task is polled by one thread at a time, so the exit in between was lost, and who knows what else.
        let lost = life.inside.is_some();
        self.unpaired += u64::from(lost);
        life.inside = Some(Visit {
            start: at,
            unexplained: !life.woken && !lost && life.kind != Kind::BlockOn,
        });
        life.woken = false;
    }

    fn exit(&mut self, span: u64, at: Ns) {
        let Some(Span::Task(life)) = self.spans.get_mut(&span) else {
            return;
        };
        let Some(visit) = life.inside.take() else {
            self.unpaired += 1;
            return;
        };
        let id = life.id;
        let certain = life.held.older;
        life.held = Held {
            older: life.held.newer,
            newer: Some((visit.start, at)),
            newer_unexplained: visit.unexplained,
        };
        // Two more visits came, so it did not end in that one.
        if let Some(poll) = certain {
            self.poll(id, poll, Outcome::Pending);
        }
    }

    fn wake(&mut self, span: u64, at: Ns, own: bool) {
        self.wakes += 1;
        let Some(Span::Task(life)) = self.spans.get_mut(&span) else {
            return;
        };
        life.woken = true;
        let id = life.id;
        let waker = if own {
            WakerKey::Task(id)
        } else {
            WakerKey::Unknown
        };
        if self.room() {
            self.batch.wake(id, at, waker);
        }
    }

    fn wakers(&mut self, span: u64, at: Ns, change: i64) {
        if let Some(Span::Task(Life { wakers, .. })) = self.spans.get_mut(&span) {
            wakers.count += change;
            wakers.wrong |= wakers.count < 0;
            wakers.changed = at;
        }
    }

    fn close(&mut self, span: u64, at: Ns) {
        match self.spans.remove(&span) {
            None => {}
            Some(Span::Job(number)) => self.batch.terminate(number, at),
            Some(Span::Task(life)) => {
                self.unpaired += u64::from(life.inside.is_some());
                self.unseen += u64::from(life.held.newer.is_none());
                self.visits.witness(&life.held);
                match self.visits.are_drops {
                    Some(are_drops) => self.ended(life.id, &life.held, are_drops),
                    None => self.undecided.push((life.id, life.held)),
                }
                self.batch.terminate(life.id, at);
            }
        }
    }

    /// The last visits of a task that ended: the drop of its future is no poll.
    fn ended(&mut self, id: u64, held: &Held, are_drops: bool) {
        let (older, newer) = (held.older, held.newer);
        if are_drops {
            self.polls(id, older, Outcome::Ended);
        } else {
            self.polls(id, older, Outcome::Pending);
            self.polls(id, newer, Outcome::Ended);
        }
    }

    /// A task whose end is not in the recording. How a poll right before that returned is not known: its end may have come
    /// next.
    fn still_alive(&mut self, life: &Life) {
        let Held { older, newer, .. } = life.held;
        let is_drop = |unexplained: bool| unexplained && self.visits.are_drops == Some(true);
        let inside = life.inside.filter(|visit| !is_drop(visit.unexplained));
        if inside.is_none() && is_drop(life.held.newer_unexplained) {
            self.polls(life.id, older, Outcome::Ended);
            return;
        }
        self.polls(life.id, older, Outcome::Pending);
        let surely_pending = |(_, left): (Ns, Ns)| match (life.inside, inside) {
            (None, _) => self.latest - left >= SURELY_PENDING,
            // In the midst of the next poll, or of being dropped.
            (Some(_), inside) => inside.is_some(),
        };
        let outcome = if newer.is_some_and(surely_pending) {
            Outcome::Pending
        } else {
            Outcome::Ended
        };
        self.polls(life.id, newer, outcome);
        if let Some(visit) = inside {
            self.builder.running(SEAT, Some(life.id), visit.start);
            // It becomes a row, and is counted, when the recording is built.
            self.counted += 1;
        }
    }

    /// Tells of a task that is pending at the end without any waker. That is certain only where every line was read: the
    /// file keeps the order in which things happened, so no waker can be missing in between.
    fn lost_wakers(&mut self, life: &Life) {
        let Some((_, left)) = life.held.newer else {
            return;
        };
        let Wakers {
            count,
            wrong,
            changed,
        } = life.wakers;
        let idle = life.inside.is_none() && !life.woken && !life.held.newer_unexplained;
        let told = life.kind != Kind::BlockOn && !wrong;
        if idle && told && count == 0 && self.latest - left >= SURELY_PENDING {
            self.batch.unwakeable(life.id, left.max(changed));
        }
    }

    fn polls(&mut self, id: u64, visit: Option<(Ns, Ns)>, outcome: Outcome) {
        if let Some(visit) = visit {
            self.poll(id, visit, outcome);
        }
    }

    fn poll(&mut self, id: u64, (start, end): (Ns, Ns), outcome: Outcome) {
        if self.room() {
            self.batch.poll(id, start, end, outcome);
        }
    }

    fn room(&mut self) -> bool {
        let room = self.rows < self.most_rows;
        if room {
            self.rows += 1;
        } else {
            self.over_cap += 1;
        }
        room
    }

    fn hand_over(&mut self) {
        let mut full = std::mem::replace(&mut self.batch, batch());
        full.sort();
        self.counted += full.events();
        self.builder.batch(full);
    }

    /// Hands over what is left, once the recording has ended; `whole` where every line of it was read.
    pub(super) fn finish(mut self, whole: bool) {
        let are_drops = self.visits.decide();
        for (id, held) in std::mem::take(&mut self.undecided) {
            self.ended(id, &held, are_drops);
        }
        let mut spans: Vec<(u64, Span)> = self.spans.drain().collect();
        spans.sort_unstable_by_key(|(span, _)| *span);
        for (_, span) in spans {
            if let Span::Task(life) = span {
                self.still_alive(&life);
                // Without a single wake, events of wakers were kept out of the recording.
                if whole && self.unpaired == 0 && self.wakes > 0 {
                    self.lost_wakers(&life);
                }
            }
        }
        // Every line is an event, also one that is no row of its own.
        let rest = self
            .events
            .saturating_sub(self.counted + self.batch.events());
        self.batch.counts.total += rest;
        self.hand_over();
        self.builder.window.end = self.latest.max(0);
        self.builder.window.wall_start = self.base;
        if self.wakes == 0 {
            // The service's filter kept them out: not recorded is not "did not happen".
            for task in &mut self.builder.tasks {
                task.wakes_recorded = false;
            }
        }
        self.losses(are_drops);
    }

    fn losses(&mut self, are_drops: bool) {
        let mut loss = |kind, count: u64, detail: String| {
            if count > 0 {
                self.builder.loss(Loss {
                    kind,
                    count,
                    detail,
                    range: None,
                });
            }
        };
        let unseen = if are_drops { self.unseen } else { 0 };
        loss(
            LossKind::MissingEvents,
            unseen,
            "tasks of which console-subscriber recorded the spawn and the end only, its buffer being full".to_owned(),
        );
        loss(
            LossKind::MissingEvents,
            self.unpaired,
            "begins or ends of polls or tasks whose counterpart is not in the recording".to_owned(),
        );
        let shown = self.rows;
        let of = shown + self.over_cap;
        loss(
            LossKind::OverCap,
            self.over_cap,
            format!("showing {shown} of {of} polls and wakes"),
        );
    }
}

fn batch() -> Batch {
    let mut batch = Batch::new(0);
    batch.seat(SEAT);
    batch
}
