//! What a batch takes besides polls, wakes, parks and waits: the facts that only some recorders know.
//!
//! Whoever wrote a row is the seat that the batch was told last; after [`Batch::nobody`] it is not known. Callchains come
//! leaf first, as profilers write them.

use std::collections::HashMap;

use super::{
    Batch, Ns, SampleKind, StrId,
    batch::IdHashing,
    fields::{Field, FieldPool, FieldRange},
};

/// The local number of a row's task where it has none.
pub(crate) const NO_TASK: u32 = u32::MAX;

/// Stands for the seat of a row whose thread is not known.
pub(crate) const NO_SEAT: u16 = u16::MAX;

/// What a span is, as it is said whenever it is entered.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct SpanFacts {
    /// The recorder's number for it; after its close the number may be another span's.
    pub id: u64,
    /// The number of the span around it, where the file says so.
    pub parent: Option<u64>,
    /// Its name.
    pub name: StrId,
    /// The module that it comes from.
    pub target: StrId,
}

/// What a point of a series measures.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct PointKey {
    /// The series' name.
    pub name: StrId,
    /// The unit in which it counts, or [`StrId::NONE`].
    pub unit: StrId,
    /// Whose it is.
    pub scope: PointScope,
}

/// Whose series a point belongs to, with the numbers of the file.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum PointScope {
    /// The whole process.
    Process,
    /// The runtime of this number; see [`Batch::renumber_runtimes`].
    Runtime(u32),
    /// The worker, or the thread, that writes.
    Writer,
}

#[derive(Clone, Copy, Debug)]
pub(crate) struct CustomRow {
    pub(crate) at: Ns,
    pub(crate) name: StrId,
    pub(crate) task: u32,
    pub(crate) fields: FieldRange,
    pub(crate) seat: u16,
}

#[derive(Clone, Copy, Debug)]
pub(crate) struct SpanRow {
    pub(crate) at: Ns,
    pub(crate) id: u64,
    pub(crate) seat: u16,
    pub(crate) step: SpanStep,
}

#[derive(Clone, Copy, Debug)]
pub(crate) enum SpanStep {
    /// Which of the batch's `enters`.
    Enter(u32),
    Exit,
    Close,
}

#[derive(Clone, Copy, Debug)]
pub(crate) struct EnterRow {
    pub(crate) facts: SpanFacts,
    pub(crate) task: u32,
    pub(crate) fields: FieldRange,
}

#[derive(Clone, Copy, Debug)]
pub(crate) struct SampleRow {
    pub(crate) at: Ns,
    pub(crate) chain: u32,
    pub(crate) seat: u16,
    pub(crate) kind: SampleKind,
}

#[derive(Clone, Copy, Debug)]
pub(crate) struct SiteRow {
    pub(crate) at: Ns,
    pub(crate) task: u32,
    pub(crate) chain: u32,
}

#[derive(Clone, Copy, Debug)]
pub(crate) struct AllocationRow {
    pub(crate) at: Ns,
    pub(crate) bytes: u64,
    pub(crate) task: u32,
    pub(crate) seat: u16,
    pub(crate) freed: bool,
}

#[derive(Clone, Copy, Debug)]
pub(crate) struct PointRow {
    pub(crate) at: Ns,
    pub(crate) value: i64,
    pub(crate) key: u32,
    pub(crate) seat: u16,
}

/// Everything of the module, for one batch.
#[derive(Debug, Default)]
pub(crate) struct Extras {
    pub(crate) fields: FieldPool,
    pub(crate) customs: Vec<CustomRow>,
    pub(crate) spans: Vec<SpanRow>,
    pub(crate) enters: Vec<EnterRow>,
    pub(crate) chains: Chains,
    pub(crate) samples: Vec<SampleRow>,
    pub(crate) sites: Vec<SiteRow>,
    pub(crate) allocations: Vec<AllocationRow>,
    pub(crate) points: Vec<PointRow>,
    pub(crate) point_keys: Vec<PointKey>,
    point_numbers: HashMap<PointKey, u32>,
}

/// Callchains, each kept once.
#[derive(Debug, Default)]
pub(crate) struct Chains {
    numbers: HashMap<Box<[u64]>, u32, IdHashing>,
}

impl Chains {
    fn number(&mut self, chain: &[u64]) -> u32 {
        if let Some(number) = self.numbers.get(chain) {
            return *number;
        }
        let number = self.numbers.len() as u32;
        self.numbers.insert(chain.into(), number);
        number
    }

    /// The chains by their numbers.
    pub(crate) fn into_list(self) -> Vec<Box<[u64]>> {
        let mut chains: Vec<(u32, Box<[u64]>)> = self
            .numbers
            .into_iter()
            .map(|(chain, number)| (number, chain))
            .collect();
        chains.sort_unstable_by_key(|(number, _)| *number);
        chains.into_iter().map(|(_, chain)| chain).collect()
    }
}

impl Extras {
    pub(crate) fn shift(&mut self, by: Ns) {
        let all = |at: &mut Ns| *at = at.saturating_add(by);
        self.customs.iter_mut().for_each(|row| all(&mut row.at));
        self.spans.iter_mut().for_each(|row| all(&mut row.at));
        self.samples.iter_mut().for_each(|row| all(&mut row.at));
        self.sites.iter_mut().for_each(|row| all(&mut row.at));
        self.allocations.iter_mut().for_each(|row| all(&mut row.at));
        self.points.iter_mut().for_each(|row| all(&mut row.at));
    }
}

impl Batch {
    /// Says that it is not known who wrote the rows that follow. Polls, wakes and parks need a seat.
    pub fn nobody(&mut self) {
        self.seat = NO_SEAT;
    }

    /// A custom event, or one of a kind that has no rows of its own. Without a task it belongs to the poll that its
    /// writer was in, if there was one.
    pub fn custom(&mut self, at: Ns, name: StrId, task: Option<u64>, fields: &[Field]) {
        let task = self.optional(task);
        self.counts.total += 1;
        self.counts.customs += 1;
        let fields = self.extras.fields.push(fields);
        self.extras.customs.push(CustomRow {
            at,
            name,
            task,
            fields,
            seat: self.seat,
        });
    }

    /// The writer enters a span. Without a task the span belongs to the poll that the writer was in.
    pub fn span_enter(&mut self, at: Ns, span: SpanFacts, task: Option<u64>, fields: &[Field]) {
        let task = self.optional(task);
        let fields = self.extras.fields.push(fields);
        let number = self.extras.enters.len() as u32;
        self.extras.enters.push(EnterRow {
            facts: span,
            task,
            fields,
        });
        self.span_row(at, span.id, SpanStep::Enter(number));
    }

    /// The writer leaves the span of that number; it may be entered again.
    pub fn span_exit(&mut self, at: Ns, id: u64) {
        self.span_row(at, id, SpanStep::Exit);
    }

    /// The span of that number is over.
    pub fn span_close(&mut self, at: Ns, id: u64) {
        self.span_row(at, id, SpanStep::Close);
    }

    fn span_row(&mut self, at: Ns, id: u64, step: SpanStep) {
        self.counts.total += 1;
        self.counts.span_steps += 1;
        self.extras.spans.push(SpanRow {
            at,
            id,
            seat: self.seat,
            step,
        });
    }

    /// A sample of what the writer was executing; `callchain` leaf first.
    pub fn sample(&mut self, at: Ns, kind: SampleKind, callchain: &[u64]) {
        self.counts.total += 1;
        self.counts.samples += 1;
        let chain = self.extras.chains.number(callchain);
        self.extras.samples.push(SampleRow {
            at,
            chain,
            seat: self.seat,
            kind,
        });
    }

    /// Where `task` was suspended, seen at `at`; `callchain` leaf first.
    pub fn await_site(&mut self, task: u64, at: Ns, callchain: &[u64]) {
        let task = self.local(task);
        self.counts.total += 1;
        self.counts.await_sites += 1;
        let chain = self.extras.chains.number(callchain);
        self.extras.sites.push(SiteRow { at, task, chain });
    }

    /// A sampled allocation of `bytes`. Without a task it counts for the poll that the writer was in.
    pub fn allocation(&mut self, at: Ns, bytes: u64, task: Option<u64>) {
        self.allocation_row(at, bytes, task, false);
    }

    /// The end of a sampled allocation of `bytes`.
    pub fn deallocation(&mut self, at: Ns, bytes: u64, task: Option<u64>) {
        self.allocation_row(at, bytes, task, true);
    }

    fn allocation_row(&mut self, at: Ns, bytes: u64, task: Option<u64>, freed: bool) {
        let task = self.optional(task);
        self.counts.total += 1;
        self.counts.allocations += u64::from(!freed);
        self.extras.allocations.push(AllocationRow {
            at,
            bytes,
            task,
            seat: self.seat,
            freed,
        });
    }

    /// A point of a series: from `at` on it has this value. It counts no event, because one event may carry several
    /// points; see [`Batch::other_events`].
    pub fn point(&mut self, at: Ns, key: PointKey, value: i64) {
        let keys = &mut self.extras.point_keys;
        let key = *self.extras.point_numbers.entry(key).or_insert_with(|| {
            keys.push(key);
            (keys.len() - 1) as u32
        });
        self.extras.points.push(PointRow {
            at,
            value,
            key,
            seat: self.seat,
        });
    }

    /// The length of the writer's own queue when the latest [`Batch::poll`] began; 254 means 254 or more.
    pub fn local_queue(&mut self, length: u8) {
        if let Some(row) = self.polls.last_mut() {
            row.queue = length.min(254);
        }
    }

    /// Gives the runtimes of points their final numbers.
    pub fn renumber_runtimes(&mut self, number: impl Fn(u32) -> u32) {
        for key in &mut self.extras.point_keys {
            if let PointScope::Runtime(runtime) = &mut key.scope {
                *runtime = number(*runtime);
            }
        }
    }

    fn optional(&mut self, task: Option<u64>) -> u32 {
        task.map_or(NO_TASK, |task| self.local(task))
    }
}
