//! Which events of a trace this program understands, and where in them their fields are: bound by name, once per schema,
//! so that traces of different versions may have more fields, fewer, or others' order.

use dial9_trace_format::{decoder::RawEvent, schema::SchemaEntry, types::FieldValueRef};

/// The events that become rows or facts of a recording.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Kind {
    PollStart,
    PollEnd,
    Park,
    Unpark,
    Spawn,
    Terminate,
    Wake,
    Metadata,
    ClockSync,
    RuntimeMetrics,
    QueueSample,
    CpuSample,
    TaskDump,
    Symbol,
    Alloc,
    Free,
    Overflow,
    /// Figures of the process, of its sockets, of its accelerators: a series for each.
    Figures,
    SpanEnter,
    SpanExit,
    SpanClose,
    /// Anything else: kept as it stands.
    Other,
}

/// Names of an event, and of the fields that are needed of it. A field whose name ends in `?` may be missing.
const KNOWN: [(&str, Kind, &[&str]); 23] = [
    (
        "PollStartEvent",
        Kind::PollStart,
        &["worker_id", "task_id", "spawn_loc?", "local_queue?"],
    ),
    ("PollEndEvent", Kind::PollEnd, &["worker_id"]),
    (
        "WorkerParkEvent",
        Kind::Park,
        &["worker_id", "tid?", "local_queue?", "cpu_time_ns?"],
    ),
    (
        "WorkerUnparkEvent",
        Kind::Unpark,
        &["worker_id", "tid?", "local_queue?", "sched_wait_ns?"],
    ),
    (
        "TaskSpawnEvent",
        Kind::Spawn,
        &["task_id", "spawn_loc?", "instrumented?", "worker_id?"],
    ),
    ("TaskTerminateEvent", Kind::Terminate, &["task_id"]),
    (
        "WakeEventEvent",
        Kind::Wake,
        &["woken_task_id", "waker_task_id?", "target_worker?"],
    ),
    ("SegmentMetadataEvent", Kind::Metadata, &["entries"]),
    ("ClockSyncEvent", Kind::ClockSync, &["realtime_ns"]),
    (
        "RuntimeMetricsEvent",
        Kind::RuntimeMetrics,
        &["runtime_name?", "global_queue_depth?", "alive_tasks?"],
    ),
    (
        "QueueSampleEvent",
        Kind::QueueSample,
        &["global_queue?", "active_tasks?"],
    ),
    (
        "CpuSampleEvent",
        Kind::CpuSample,
        &["tid", "callchain", "worker_id?", "source?", "thread_name?"],
    ),
    ("TaskDumpEvent", Kind::TaskDump, &["task_id", "callchain"]),
    (
        "SymbolTableEntry",
        Kind::Symbol,
        &[
            "addr",
            "symbol_name",
            "inline_depth?",
            "source_file?",
            "source_line?",
        ],
    ),
    ("AllocEvent", Kind::Alloc, &["size", "tid?"]),
    ("FreeEvent", Kind::Free, &["size", "tid?"]),
    (
        "MemoryProfileOverflowEvent",
        Kind::Overflow,
        &["dropped_allocs?", "dropped_frees?"],
    ),
    ("ProcessResourceUsageEvent", Kind::Figures, &[]),
    (
        "TcpAcceptQueueEvent",
        Kind::Figures,
        &["local_addr?", "local_port?"],
    ),
    (
        "CudaGpuEvent",
        Kind::Figures,
        &["device_name?", "device_index?"],
    ),
    (
        SPAN_ENTER,
        Kind::SpanEnter,
        &["span_id", "parent_span_id?", "span_name?", TASK_OF_SPAN],
    ),
    (SPAN_EXIT, Kind::SpanExit, &["span_id"]),
    ("SpanCloseEvent", Kind::SpanClose, &["span_id"]),
];

/// Spans have a schema for each place in the code, whose name goes on behind this.
pub(super) const SPAN_ENTER: &str = "SpanEnter:";
const SPAN_EXIT: &str = "SpanExit:";
const TASK_OF_SPAN: &str = "dial9.tokio.task_id?";

/// The most fields that any of them needs.
const FIELDS: usize = 5;
const MISSING: u16 = u16::MAX;

/// One schema, bound.
#[derive(Clone, Copy, Debug)]
pub(super) struct Binding {
    pub(super) kind: Kind,
    fields: [u16; FIELDS],
}

impl Binding {
    /// Binds a schema. One that lacks a field without which its events say nothing is `Err`.
    pub(super) fn new(schema: &SchemaEntry) -> Result<Self, Self> {
        let other = Self {
            kind: Kind::Other,
            fields: [MISSING; FIELDS],
        };
        let is_meant = |name: &str| {
            schema.name() == name || (name.ends_with(':') && schema.name().starts_with(name))
        };
        let Some((_, kind, names)) = KNOWN.iter().find(|(name, ..)| is_meant(name)) else {
            return Ok(other);
        };
        let mut fields = [MISSING; FIELDS];
        for (field, name) in fields.iter_mut().zip(*names) {
            let bare = name.trim_end_matches('?');
            let place = schema.fields().iter().position(|def| def.name() == bare);
            match place.and_then(|place| u16::try_from(place).ok()) {
                Some(place) => *field = place,
                None if bare == *name => return Err(other),
                None => {}
            }
        }
        Ok(Self {
            kind: *kind,
            fields,
        })
    }

    /// The field that the table above names in this place, if the event has it.
    pub(super) fn value<'f, 'a>(
        &self,
        event: &RawEvent<'a, 'f>,
        place: usize,
    ) -> Option<&'f FieldValueRef<'a>> {
        event.fields.get(usize::from(self.fields[place]))
    }

    /// Whether the table above names the field that lies there.
    pub(super) fn binds(&self, place: usize) -> bool {
        self.fields.iter().any(|field| usize::from(*field) == place)
    }

    /// The same as a number.
    pub(super) fn number(&self, event: &RawEvent<'_, '_>, place: usize) -> Option<u64> {
        match self.value(event, place)? {
            FieldValueRef::Varint(number) => Some(*number),
            FieldValueRef::I64(number) => u64::try_from(*number).ok(),
            FieldValueRef::Bool(yes) => Some(u64::from(*yes)),
            _ => None,
        }
    }
}

/// The worker whose thread writes an event of this kind.
pub(super) fn worker_of(event: &RawEvent<'_, '_>) -> Option<u64> {
    let binding = match event.name {
        "PollStartEvent" | "PollEndEvent" | "WorkerParkEvent" | "WorkerUnparkEvent" => {
            Binding::new(event.schema).ok()?
        }
        _ => return None,
    };
    binding.number(event, 0).filter(|worker| is_worker(*worker))
}

/// What upstream calls a thread of the blocking pool.
pub(super) const BLOCKING: u64 = 254;
/// What upstream calls a thread that is no worker.
pub(super) const NO_WORKER: u64 = 255;

/// Whether a number is a worker's.
pub(super) fn is_worker(worker: u64) -> bool {
    worker != BLOCKING && worker != NO_WORKER
}
