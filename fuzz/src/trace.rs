//! Upstream traces after a recipe: their frames are sound, and their events of every kind say anything at all.

use dial9_trace_format::{
    encoder::Encoder,
    schema::FieldDef,
    types::{FieldType, FieldValue, StackFrames},
};

/// Kinds of events, and their fields.
const KINDS: [(&str, &[(&str, FieldType)]); 22] = {
    use FieldType::{Bool, F64, I64, PooledString, StackFrames, String, StringMap, Varint};
    const WORKER: (&str, FieldType) = ("worker_id", Varint);
    const TASK: (&str, FieldType) = ("task_id", Varint);
    [
        (
            "PollStartEvent",
            &[
                WORKER,
                TASK,
                ("local_queue", Varint),
                ("spawn_loc", PooledString),
            ],
        ),
        ("PollEndEvent", &[WORKER]),
        (
            "WorkerParkEvent",
            &[
                WORKER,
                ("tid", Varint),
                ("local_queue", Varint),
                ("cpu_time_ns", Varint),
            ],
        ),
        (
            "WorkerUnparkEvent",
            &[
                WORKER,
                ("tid", Varint),
                ("local_queue", Varint),
                ("sched_wait_ns", Varint),
            ],
        ),
        (
            "TaskSpawnEvent",
            &[
                TASK,
                ("spawn_loc", PooledString),
                ("instrumented", Bool),
                WORKER,
            ],
        ),
        ("TaskTerminateEvent", &[TASK]),
        (
            "WakeEventEvent",
            &[
                ("waker_task_id", Varint),
                ("woken_task_id", Varint),
                ("target_worker", Varint),
            ],
        ),
        ("SegmentMetadataEvent", &[("entries", StringMap)]),
        ("ClockSyncEvent", &[("realtime_ns", Varint)]),
        (
            "RuntimeMetricsEvent",
            &[
                ("runtime_name", PooledString),
                ("global_queue_depth", Varint),
                ("alive_tasks", Varint),
            ],
        ),
        ("QueueSampleEvent", &[("global_queue", Varint)]),
        (
            "CpuSampleEvent",
            &[
                WORKER,
                ("tid", Varint),
                ("source", Varint),
                ("thread_name", String),
                ("callchain", StackFrames),
            ],
        ),
        ("TaskDumpEvent", &[TASK, ("callchain", StackFrames)]),
        (
            "SymbolTableEntry",
            &[
                ("addr", Varint),
                ("symbol_name", PooledString),
                ("inline_depth", Varint),
            ],
        ),
        ("AllocEvent", &[("tid", Varint), ("size", Varint)]),
        ("FreeEvent", &[("tid", Varint), ("size", Varint)]),
        (
            "ProcessResourceUsageEvent",
            &[("user_cpu_ns", Varint), ("max_rss_bytes", I64)],
        ),
        (
            "SpanEnter:a::b::c:src/b.rs:7",
            &[
                ("span_id", Varint),
                ("parent_span_id", Varint),
                ("span_name", PooledString),
                ("n", F64),
            ],
        ),
        ("SpanExit:a::b::c:src/b.rs:7", &[("span_id", Varint)]),
        ("SpanCloseEvent", &[("span_id", Varint)]),
        (
            "Custom",
            &[
                TASK,
                ("text", String),
                ("size", Varint),
                ("load", F64),
                ("off", I64),
            ],
        ),
        (
            "TcpAcceptQueueEvent",
            &[
                ("local_addr", String),
                ("local_port", Varint),
                ("pending", Varint),
            ],
        ),
    ]
};

/// The trace that `recipe` tells. Each event takes one byte for its kind (in the low five bits; the others say whether a
/// batch begins with it, and how time goes on), then one byte for every field, or nine where the first is 255.
#[must_use]
pub fn trace_of_events(recipe: &[u8]) -> Vec<u8> {
    let mut recipe = recipe.iter().copied();
    let mut trace = Vec::new();
    let mut encoder = Encoder::new();
    let mut at = 1_000u64;
    while let Some(what) = recipe.next() {
        if what & 0x20 != 0 {
            trace.extend(std::mem::replace(&mut encoder, Encoder::new()).finish());
        }
        at = match what >> 6 {
            0 => at,
            1 => at.saturating_add(number(&mut recipe)),
            2 => at.saturating_sub(number(&mut recipe)),
            _ => at.saturating_add(7),
        };
        let (name, fields) = KINDS[usize::from(what & 0x1f) % KINDS.len()];
        let defs = fields
            .iter()
            .map(|(name, kind)| FieldDef::new(*name, *kind));
        let Ok(schema) = encoder.register_schema(name, defs.collect()) else {
            continue;
        };
        let values: Vec<FieldValue> = fields
            .iter()
            .map(|(_, kind)| value(*kind, &mut recipe, &mut encoder))
            .collect();
        // What the format cannot hold is not written.
        let _ = encoder.write_event(&schema, at, &values);
    }
    trace.extend(encoder.finish());
    trace
}

/// The next number of a recipe: one byte, or the eight behind one of 255. Behind the end everything is 0.
pub(crate) fn number(recipe: &mut impl Iterator<Item = u8>) -> u64 {
    match recipe.next() {
        None => 0,
        Some(255) => recipe
            .by_ref()
            .take(8)
            .fold(0, |number, byte| number << 8 | u64::from(byte)),
        Some(byte) => u64::from(byte),
    }
}

fn value(
    kind: FieldType,
    recipe: &mut impl Iterator<Item = u8>,
    encoder: &mut Encoder,
) -> FieldValue {
    const TEXTS: [&str; 5] = ["", "main", "src/a.rs:1:2", "\u{1b}[31m", "TRC\0\u{1}"];
    let number = number(recipe);
    let text = TEXTS[number as usize % TEXTS.len()];
    match kind {
        FieldType::I64 => FieldValue::I64(number as i64),
        FieldType::F64 => FieldValue::F64(f64::from_bits(number)),
        FieldType::Bool => FieldValue::Bool(number % 2 == 1),
        FieldType::String => FieldValue::String(text.to_owned()),
        FieldType::PooledString => encoder
            .intern_string(text)
            .map_or(FieldValue::None, FieldValue::PooledString),
        FieldType::StackFrames => FieldValue::StackFrames(StackFrames(vec![number, 1, 2])),
        FieldType::StringMap => {
            let value = ["true", "false", "0,1", "7", "abcd-7"][number as usize % 5];
            let key = ["segment.complete", "runtime.main", "runtime.io", "boot_id"];
            let key = key[number as usize / 5 % 4];
            FieldValue::StringMap(vec![(key.into(), value.into())])
        }
        _ => FieldValue::Varint(number),
    }
}
