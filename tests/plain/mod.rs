//! What a plain reading of upstream traces says, by the crate of their format alone, and how a recording of them compares.

use std::collections::{BTreeMap, BTreeSet, HashSet};

use dial9_trace_format::{
    decoder::{Decoder, RawEvent},
    types::FieldValueRef,
};
use dial9_tui::recording::{PollIx, Recording, SampleIx, SampleKind, StrId};

/// Everything that is counted.
#[derive(Debug, Default, PartialEq)]
pub struct Plain {
    pub total: u64,
    pub kinds: BTreeMap<String, u64>,
    /// By task: poll starts, wakes, spawns, ends.
    pub tasks: BTreeMap<u64, [u64; 4]>,
    pub locations: BTreeMap<u64, String>,
    pub instrumented: u64,
    pub first: Option<u64>,
    pub last: Option<u64>,
    /// By task, each poll's start and upstream's own schedule delay.
    pub delays: BTreeMap<u64, Vec<(u64, u64)>>,
    /// Polls that say how long their worker's queue was, and the sum of that.
    queues: (u64, u64),
    /// Enters and closes of spans: when, whether it is a close, and which span.
    span_steps: Vec<(u64, bool, u64)>,
    /// Samples by source, and each one's leaf.
    samples: BTreeMap<u64, u64>,
    leaves: Vec<u64>,
    symbols: HashSet<u64>,
    dumps: BTreeMap<u64, u64>,
    allocations: [u64; 4],
    /// Fields of custom events, and those that have a unit.
    fields: (u64, u64),
    /// Points of series by the series' name.
    points: BTreeMap<String, u64>,
}

const SCHEDULER: [&str; 7] = [
    "PollStartEvent",
    "PollEndEvent",
    "WorkerParkEvent",
    "WorkerUnparkEvent",
    "TaskSpawnEvent",
    "TaskTerminateEvent",
    "WakeEventEvent",
];

/// Kinds that are neither the scheduler's nor custom events.
const OTHERS: [&str; 13] = [
    "AllocEvent",
    "ClockSyncEvent",
    "CpuSampleEvent",
    "CudaGpuEvent",
    "FreeEvent",
    "ProcessResourceUsageEvent",
    "QueueSampleEvent",
    "RuntimeMetricsEvent",
    "SegmentMetadataEvent",
    "SpanCloseEvent",
    "SymbolTableEntry",
    "TaskDumpEvent",
    "TcpAcceptQueueEvent",
];

/// The fields of an event, by name.
struct Fields<'e, 'a, 'f>(&'e RawEvent<'a, 'f>);

impl<'a, 'f> Fields<'_, 'a, 'f> {
    fn get(&self, name: &str) -> Option<&'f FieldValueRef<'a>> {
        let place = self.0.field_names().position(|field| field == name)?;
        Some(&self.0.fields[place])
    }

    fn number(&self, name: &str) -> Option<u64> {
        match self.get(name)? {
            FieldValueRef::Varint(number) => Some(*number),
            FieldValueRef::Bool(yes) => Some(u64::from(*yes)),
            _ => None,
        }
    }

    fn leaf(&self) -> Option<u64> {
        match self.get("callchain")? {
            FieldValueRef::PooledStackFrames(id) => self.0.stack_pool.get(*id)?.first().copied(),
            FieldValueRef::StackFrames(frames) => frames.iter().next(),
            _ => None,
        }
    }
}

impl Plain {
    pub fn read<B: AsRef<[u8]>>(files: &[B]) -> Self {
        let mut plain = Self::default();
        for bytes in files {
            Decoder::new(bytes.as_ref())
                .unwrap()
                .for_each_event(|event| plain.event(&event))
                .unwrap();
        }
        // Batches do not follow each other in time.
        for delays in plain.delays.values_mut() {
            delays.sort_unstable();
        }
        plain.span_steps.sort_by_key(|(at, ..)| *at);
        plain
    }

    fn event(&mut self, event: &RawEvent<'_, '_>) {
        self.total += 1;
        *self.kinds.entry(event.name.to_owned()).or_default() += 1;
        if SCHEDULER.contains(&event.name) {
            self.scheduler(event);
        } else {
            self.other(event);
        }
    }

    fn scheduler(&mut self, event: &RawEvent<'_, '_>) {
        let at = event.timestamp_ns;
        self.first = Some(self.first.map_or(at, |first| first.min(at)));
        self.last = Some(self.last.map_or(at, |last| last.max(at)));
        let fields = Fields(event);
        let number = |name| fields.number(name);
        let mut count = |task: Option<u64>, which: usize| {
            self.tasks.entry(task.unwrap()).or_default()[which] += 1;
        };
        match event.name {
            "PollStartEvent" => {
                count(number("task_id"), 0);
                if let Some(delay) = number("scheduling_delay_ns") {
                    let of = self.delays.entry(number("task_id").unwrap()).or_default();
                    of.push((at, delay));
                }
                if let Some(queue) = number("local_queue") {
                    self.queues = (self.queues.0 + 1, self.queues.1 + queue);
                }
            }
            "WakeEventEvent" => count(number("woken_task_id"), 1),
            "TaskSpawnEvent" => {
                count(number("task_id"), 2);
                self.instrumented += number("instrumented").unwrap();
            }
            "TaskTerminateEvent" => count(number("task_id"), 3),
            "WorkerParkEvent" => self.point("cpu_time", number("cpu_time_ns")),
            "WorkerUnparkEvent" => self.point("kernel_wait", number("sched_wait_ns")),
            _ => {}
        }
        if let (Some(task), Some(FieldValueRef::PooledString(id))) =
            (number("task_id"), fields.get("spawn_loc"))
        {
            let location = event.string_pool.get(*id).unwrap_or_default().to_owned();
            self.locations.insert(task, location);
        }
    }

    fn other(&mut self, event: &RawEvent<'_, '_>) {
        let at = event.timestamp_ns;
        let fields = Fields(event);
        let number = |name| fields.number(name);
        match event.name {
            "CpuSampleEvent" => {
                *self.samples.entry(number("source").unwrap()).or_default() += 1;
                self.leaves.extend(fields.leaf());
            }
            "SymbolTableEntry" => {
                self.symbols.insert(number("addr").unwrap());
            }
            "TaskDumpEvent" => {
                *self.dumps.entry(number("task_id").unwrap()).or_default() += 1;
            }
            "AllocEvent" | "FreeEvent" => {
                let which = if event.name == "AllocEvent" { 0 } else { 2 };
                self.allocations[which] += 1;
                self.allocations[which + 1] += number("size").unwrap();
            }
            "RuntimeMetricsEvent" => {
                self.point("global_queue", number("global_queue_depth"));
                self.point("alive_tasks", number("alive_tasks"));
            }
            "QueueSampleEvent" => {
                self.point("global_queue", number("global_queue"));
                self.point("alive_tasks", number("active_tasks"));
            }
            "ProcessResourceUsageEvent" => {
                self.point("user_cpu", number("user_cpu_ns"));
                self.point("max_rss", number("max_rss_bytes"));
                let switches = number("voluntary_context_switches");
                self.point("voluntary_context_switches", switches);
            }
            "TcpAcceptQueueEvent" => {
                self.point("pending_connections", number("pending_connections"));
                self.point("backlog_limit", number("backlog_limit"));
            }
            "SpanCloseEvent" => self.span_steps.push((at, true, number("span_id").unwrap())),
            name if name.starts_with("SpanEnter:") => {
                self.span_steps
                    .push((at, false, number("span_id").unwrap()));
            }
            name if name.starts_with("SpanExit:") => {}
            name if OTHERS.contains(&name) => {}
            _ => {
                let with_unit = |place: &usize| {
                    let mut notes = event.schema.annotations().iter();
                    notes.any(|note| {
                        usize::from(note.field_index()) == *place && note.key() == "unit"
                    })
                };
                let there: Vec<usize> = (0..event.fields.len())
                    .filter(|place| !matches!(event.fields[*place], FieldValueRef::None))
                    .collect();
                self.fields.0 += there.len() as u64;
                self.fields.1 += there.iter().filter(|place| with_unit(place)).count() as u64;
            }
        }
    }

    fn point(&mut self, series: &str, value: Option<u64>) {
        if value.is_some() {
            *self.points.entry(series.to_owned()).or_default() += 1;
        }
    }

    pub fn kind(&self, name: &str) -> u64 {
        self.kinds.get(name).copied().unwrap_or(0)
    }

    fn customs(&self) -> BTreeMap<String, u64> {
        let is_custom = |name: &str| {
            !SCHEDULER.contains(&name)
                && !OTHERS.contains(&name)
                && !name.starts_with("SpanEnter:")
                && !name.starts_with("SpanExit:")
        };
        let kinds = self.kinds.iter().filter(|(name, _)| is_custom(name));
        kinds.map(|(name, count)| (name.clone(), *count)).collect()
    }

    /// How many spans there are, and how many of them were closed.
    fn spans(&self) -> (u64, u64) {
        let mut live = BTreeSet::new();
        let (mut opened, mut closed) = (0, 0);
        for (_, close, id) in &self.span_steps {
            if *close {
                closed += u64::from(live.remove(id));
            } else {
                opened += u64::from(live.insert(*id));
            }
        }
        (opened, closed)
    }
}

/// What is counted, how much of it the files hold, and how much the recording.
pub type Line = (String, u64, u64);

/// Every count of both.
pub fn account(recording: &Recording, plain: &Plain) -> Vec<Line> {
    let mut lines: Vec<Line> = Vec::new();
    let mut line = |what: &str, files: u64, ours: u64| lines.push((what.to_owned(), files, ours));
    let counts = recording.counts();
    line("events", plain.total, counts.total);
    for (name, ours) in [
        ("PollStartEvent", counts.polls),
        ("WakeEventEvent", counts.wakes),
        ("TaskSpawnEvent", counts.spawns),
        ("TaskTerminateEvent", counts.terminates),
        ("WorkerParkEvent", counts.parks),
        ("WorkerUnparkEvent", counts.unparks),
    ] {
        line(name, plain.kind(name), ours);
    }
    line(
        "polls",
        plain.kind("PollStartEvent"),
        recording.poll_count() as u64,
    );
    let queues =
        || (0..recording.poll_count()).filter_map(|poll| recording.poll(PollIx::new(poll)).queue);
    line(
        "polls with a queue",
        plain.queues.0,
        queues().count() as u64,
    );
    let sum = queues().map(u64::from).sum();
    line("tasks in those queues", plain.queues.1, sum);

    let kinds = |prefix: &str| -> u64 {
        let kinds = plain
            .kinds
            .iter()
            .filter(|(name, _)| name.starts_with(prefix));
        kinds.map(|(_, count)| count).sum()
    };
    let steps = ["SpanEnter:", "SpanExit:", "SpanCloseEvent"].map(kinds);
    line(
        "enters, exits and closes of spans",
        steps.iter().sum(),
        counts.span_steps,
    );
    let (opened, closed) = plain.spans();
    line("spans", opened, recording.span_count() as u64);
    let done = (0..recording.span_count())
        .filter(|span| {
            let span = dial9_tui::recording::SpanIx::new(*span);
            recording.span(span).closed.is_some()
        })
        .count();
    line("spans that were closed", closed, done as u64);
    let entries: usize = (0..recording.span_count())
        .map(|span| {
            recording
                .entries_of(dial9_tui::recording::SpanIx::new(span))
                .len()
        })
        .sum();
    line("entries of spans", steps[0], entries as u64);

    let samples: Vec<_> = (0..recording.sample_count())
        .map(|sample| recording.sample(SampleIx::new(sample)))
        .collect();
    for (source, kind) in [(0, SampleKind::OnCpu), (1, SampleKind::OffCpu)] {
        let ours = samples.iter().filter(|sample| sample.kind == kind).count();
        let files = plain.samples.get(&source).copied().unwrap_or(0);
        line(&format!("samples, {kind:?}"), files, ours as u64);
    }
    let symbolised = |sample: &&dial9_tui::recording::Sample| {
        let leaf = recording.stack(sample.stack).last();
        leaf.is_some_and(|leaf| recording.frame(*leaf).name != StrId::NONE)
    };
    let known = |leaf: &&u64| plain.symbols.contains(leaf);
    line(
        "samples whose innermost frame has a name",
        plain.leaves.iter().filter(known).count() as u64,
        samples.iter().filter(symbolised).count() as u64,
    );
    line(
        "task dumps",
        plain.kind("TaskDumpEvent"),
        recording.await_site_count() as u64,
    );
    let right = plain.dumps.iter().filter(|(task, count)| {
        let task = recording.task_by_id(**task);
        task.is_some_and(|task| recording.await_sites_of(task).len() as u64 == **count)
    });
    line(
        "tasks with task dumps",
        plain.dumps.len() as u64,
        right.count() as u64,
    );
    let ours = recording.allocations();
    let ours = [ours.count, ours.bytes, ours.freed, ours.freed_bytes];
    for (what, (files, ours)) in ["allocations", "their bytes", "freed", "freed bytes"]
        .into_iter()
        .zip(plain.allocations.into_iter().zip(ours))
    {
        line(what, files, ours);
    }

    let mut customs: BTreeMap<&str, u64> = BTreeMap::new();
    let mut fields = (0, 0);
    for custom in (0..recording.custom_count()).map(dial9_tui::recording::CustomIx::new) {
        *customs
            .entry(recording.str(recording.custom(custom).name))
            .or_default() += 1;
        let own = recording.fields_of_custom(custom);
        fields.0 += own.len() as u64;
        fields.1 += own.iter().filter(|field| field.unit != StrId::NONE).count() as u64;
    }
    for (name, files) in plain.customs() {
        line(&name, files, customs.remove(name.as_str()).unwrap_or(0));
    }
    line("custom events of other names", 0, customs.values().sum());
    line("fields of custom events", plain.fields.0, fields.0);
    line("fields with a unit", plain.fields.1, fields.1);
    for (name, files) in &plain.points {
        let own = recording
            .all_series()
            .map(|series| recording.series(series))
            .filter(|series| {
                let own = recording.str(series.name);
                own == name
                    || own
                        .strip_prefix(name.as_str())
                        .is_some_and(|rest| rest.starts_with(' '))
            });
        line(
            &format!("points of {name}"),
            *files,
            own.map(|series| series.points as u64).sum(),
        );
    }
    lines
}
