//! What only some traces hold: spans, samples, task dumps, series, allocations, and events of kinds that nobody knows.

use dial9_trace_format::{decoder::RawEvent, types::FieldValueRef};

use super::{Binding, Kind, Stream, is_worker, seat_of};
use crate::recording::{
    Field, GLOBAL_QUEUE, LOCAL_QUEUE, Ns, PointKey, PointScope, SampleKind, SeatKey, SpanFacts,
    StrId, SymbolFacts,
};

/// The most addresses of one stack.
const MOST_FRAMES: usize = 1 << 12;
/// What is beyond this is nonsense, and sums of what is left do not overflow: times and bytes, or what is counted.
const MOST_VALUE: u64 = 1 << 56;
const MOST_OF_A_KIND: u64 = 1 << 48;
/// The source of a sample that the operating system took when it took the thread off its core.
const OFF_CPU: u64 = 1;

/// A custom event that names a task which its thread was not polling: whether there is such a task, only the whole trace
/// knows.
#[derive(Debug)]
pub(in crate::open::upstream) struct Claim {
    pub(in crate::open::upstream) at: Ns,
    pub(in crate::open::upstream) name: StrId,
    pub(in crate::open::upstream) task: u64,
    pub(in crate::open::upstream) fields: Vec<Field>,
    /// Who wrote it, where that is known.
    pub(in crate::open::upstream) seat: Option<SeatKey>,
}

impl Stream<'_> {
    /// `None`: a field that must be there is of another type.
    pub(super) fn extra(
        &mut self,
        at: Ns,
        event: &RawEvent<'_, '_>,
        binding: &Binding,
    ) -> Option<()> {
        let number = |place| binding.number(event, place);
        match binding.kind {
            Kind::RuntimeMetrics => {
                let name = self.text(event, binding.value(event, 0));
                let scope = PointScope::Runtime(self.runtime(name));
                self.point(at, GLOBAL_QUEUE, "", scope, number(1));
                self.point(at, "alive_tasks", "", scope, number(2));
            }
            Kind::QueueSample => {
                self.point(at, GLOBAL_QUEUE, "", PointScope::Process, number(0));
                self.point(at, "alive_tasks", "", PointScope::Process, number(1));
            }
            Kind::CpuSample => {
                let tid = u32::try_from(number(0)?).ok()?;
                let chain = callchain(event, binding, 1)?;
                let name = self.text(event, binding.value(event, 4));
                let worker = number(2).filter(|worker| is_worker(*worker));
                if worker.is_none() || name != StrId::NONE {
                    self.out.others.entry(tid).or_insert(name);
                }
                // Whoever took it, it shows the thread that it names.
                self.out.batch.seat(match worker {
                    Some(worker) => seat_of(worker, tid),
                    None => thread(tid),
                });
                let kind = if number(3) == Some(OFF_CPU) {
                    SampleKind::OffCpu
                } else {
                    SampleKind::OnCpu
                };
                self.out.batch.sample(at, kind, &chain);
            }
            Kind::TaskDump => {
                let task = number(0)?;
                let chain = callchain(event, binding, 1)?;
                self.out.batch.await_site(task, at, &chain);
            }
            Kind::Symbol => {
                let symbol = SymbolFacts {
                    address: number(0)?,
                    inline_depth: u32::try_from(number(2).unwrap_or(0)).ok()?,
                    name: self.text(event, binding.value(event, 1)),
                    file: self.text(event, binding.value(event, 3)),
                    line: u32::try_from(number(4).unwrap_or(0)).unwrap_or(0),
                };
                self.out.symbols.push(symbol);
            }
            Kind::Alloc | Kind::Free => {
                let bytes = number(0)?;
                match number(1).and_then(|tid| u32::try_from(tid).ok()) {
                    Some(tid) => self.out.batch.seat(thread(tid)),
                    None => self.writer(),
                }
                if binding.kind == Kind::Alloc {
                    self.out.batch.allocation(at, bytes, None);
                } else {
                    self.out.batch.deallocation(at, bytes, None);
                }
            }
            Kind::Overflow => {
                let dropped = number(0)
                    .unwrap_or(0)
                    .saturating_add(number(1).unwrap_or(0));
                self.out.dropped = self.out.dropped.saturating_add(dropped);
                self.custom(at, event, binding);
            }
            Kind::Figures => self.figures(at, event, binding),
            Kind::SpanEnter => self.span_enter(at, event, binding)?,
            Kind::SpanExit => {
                let id = number(0)?;
                self.writer();
                self.out.batch.span_exit(at, id);
            }
            Kind::SpanClose => {
                let id = number(0)?;
                self.told.remove(&id);
                self.writer();
                self.out.batch.span_close(at, id);
            }
            _ => self.custom(at, event, binding),
        }
        Some(())
    }

    /// Says that the thread whose batch this is wrote the rows that follow.
    fn writer(&mut self) {
        match self.writer_seat() {
            Some(seat) => self.out.batch.seat(seat),
            None => self.out.batch.nobody(),
        }
    }

    fn writer_seat(&self) -> Option<SeatKey> {
        let polling = self.edges.polls.last().map(|open| open.seat);
        let worker = || {
            let thread = self.tid.unwrap_or(self.unnamed);
            self.worker.map(|worker| seat_of(worker, thread))
        };
        polling.or_else(worker)
    }

    /// The number that stands for a runtime among those of the unit.
    fn runtime(&mut self, name: StrId) -> u32 {
        let runtimes = &mut self.out.runtimes;
        let known = runtimes.iter().position(|runtime| *runtime == name);
        known.unwrap_or_else(|| {
            runtimes.push(name);
            runtimes.len() - 1
        }) as u32
    }

    /// A point of a series, if the event has it. The writer of the batch is the one that was named last.
    pub(super) fn point(
        &mut self,
        at: Ns,
        name: &str,
        unit: &str,
        scope: PointScope,
        value: Option<u64>,
    ) {
        let Some(value) = value else { return };
        let (name, unit) = (self.fixed(name), self.fixed(unit));
        let value = value.min(if unit == StrId::NONE {
            MOST_OF_A_KIND
        } else {
            MOST_VALUE
        }) as i64;
        self.out
            .batch
            .point(at, PointKey { name, unit, scope }, value);
    }

    /// The length of the worker's own queue, unless it is what was last said.
    pub(super) fn queue_point(&mut self, at: Ns, length: Option<u64>) {
        let known = self.queue.map(u64::from);
        if length.is_some() && length != known {
            self.point(at, LOCAL_QUEUE, "", PointScope::Writer, length);
            self.queue = length.map(|length| u8::try_from(length).unwrap_or(u8::MAX));
        }
    }

    /// A series for each number of the event, named after its field and what else it is bound to.
    fn figures(&mut self, at: Ns, event: &RawEvent<'_, '_>, binding: &Binding) {
        let part = |place| match binding.value(event, place) {
            Some(FieldValueRef::String(text)) => (*text).to_owned(),
            Some(FieldValueRef::PooledString(id)) => {
                event.string_pool.get(*id).unwrap_or_default().to_owned()
            }
            Some(FieldValueRef::Varint(number)) => number.to_string(),
            _ => String::new(),
        };
        let whose = match event.name {
            "TcpAcceptQueueEvent" => format!(" {}:{}", part(0), part(1)),
            "CudaGpuEvent" => format!(" {} {}", part(0), part(1)),
            _ => String::new(),
        };
        for (place, field) in event.schema.fields().iter().enumerate() {
            let Some(FieldValueRef::Varint(value)) = event.fields.get(place) else {
                continue;
            };
            if binding.binds(place) || IDENTITIES.contains(&field.name()) {
                continue;
            }
            let (name, unit) = name_and_unit(field.name());
            let name = format!("{name}{whose}");
            self.point(at, &name, unit, PointScope::Process, Some(*value));
        }
    }

    fn span_enter(&mut self, at: Ns, event: &RawEvent<'_, '_>, binding: &Binding) -> Option<()> {
        let id = binding.number(event, 0)?;
        let target = self.layout(event, binding).name;
        let facts = SpanFacts {
            id,
            parent: binding.number(event, 1),
            name: self.text(event, binding.value(event, 2)),
            target,
        };
        let fields = if self.told.insert(id) {
            self.fields(event, binding)
        } else {
            Vec::new()
        };
        let current = self.edges.polls.last().map(|open| open.task);
        let task = binding
            .number(event, 3)
            .filter(|task| Some(*task) == current);
        self.writer();
        self.out.batch.span_enter(at, facts, task, &fields);
        Some(())
    }

    /// An event that is kept as it stands.
    fn custom(&mut self, at: Ns, event: &RawEvent<'_, '_>, binding: &Binding) {
        let layout = self.layout(event, binding);
        let (name, place) = (layout.name, layout.task);
        let fields = self.fields(event, binding);
        let task = place.and_then(|place| match event.fields.get(place)? {
            FieldValueRef::Varint(task) if *task > 0 => Some(*task),
            _ => None,
        });
        let current = self.edges.polls.last().map(|open| open.task);
        match task.filter(|task| Some(*task) != current) {
            Some(task) => {
                let seat = self.writer_seat();
                self.out.claims.push(Claim {
                    at,
                    name,
                    task,
                    fields,
                    seat,
                });
            }
            None => {
                self.writer();
                self.out.batch.custom(at, name, task, &fields);
            }
        }
    }
}

/// Numbers of figures that say what they belong to.
const IDENTITIES: [&str; 3] = ["socket_cookie", "socket_inode", "ip_version"];

/// Upstream ends some names with their units.
fn name_and_unit(field: &str) -> (&str, &str) {
    for (suffix, unit) in [("_ns", "ns"), ("_bytes", "bytes"), ("_percent", "%")] {
        if let Some(name) = field.strip_suffix(suffix) {
            return (name, unit);
        }
    }
    (field, "")
}

/// A thread that is no worker, or of which that is not known.
fn thread(tid: u32) -> SeatKey {
    SeatKey {
        worker: None,
        thread: tid,
    }
}

/// The addresses of a stack, leaf first.
fn callchain(event: &RawEvent<'_, '_>, binding: &Binding, place: usize) -> Option<Vec<u64>> {
    match binding.value(event, place)? {
        FieldValueRef::PooledStackFrames(id) => {
            let frames = event.stack_pool.get(*id).unwrap_or_default();
            Some(frames.iter().copied().take(MOST_FRAMES).collect())
        }
        FieldValueRef::StackFrames(frames) => Some(frames.iter().take(MOST_FRAMES).collect()),
        FieldValueRef::None => Some(Vec::new()),
        _ => None,
    }
}
