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
    /// Anything else: counted.
    Other,
}

/// Names of an event, and of the fields that are needed of it. A field whose name ends in `?` may be missing.
const KNOWN: [(&str, Kind, &[&str]); 9] = [
    (
        "PollStartEvent",
        Kind::PollStart,
        &["worker_id", "task_id", "spawn_loc?"],
    ),
    ("PollEndEvent", Kind::PollEnd, &["worker_id"]),
    ("WorkerParkEvent", Kind::Park, &["worker_id", "tid?"]),
    ("WorkerUnparkEvent", Kind::Unpark, &["worker_id", "tid?"]),
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
];

/// The most fields that any of them needs.
const FIELDS: usize = 4;
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
        let Some((_, kind, names)) = KNOWN.iter().find(|(name, ..)| *name == schema.name()) else {
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
