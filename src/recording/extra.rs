//! From the extras of all batches to columns with their indexes; of what nobody recorded, nothing is kept.

use std::collections::HashMap;

use super::{
    Allocations, AwaitSite, Batch, CustomIx, EntryIx, LaneIx, Loss, LossKind, Ns, PointScope,
    PollIx, Recording, SampleIx, Scope, SiteIx, SpanIx, StackIx, SymbolFacts, TaskIx, ThreadIx,
    batch::IdHashing,
    customs::KeptCustom,
    extras::{Extras, NO_SEAT, NO_TASK, SpanStep},
    fields::FieldPool,
    index::ByOwner,
    number::Maps,
    samples::KeptSample,
    series::{Gathered, Points},
    spans::{SpanRows, pair},
    stacks::Stacks,
    time::known,
};

/// The most rows of one kind that are kept.
const MOST_ROWS: usize = 1 << 28;

/// The facts that only some recorders know.
#[derive(Debug, Default)]
pub(crate) struct ExtraColumns {
    pub(crate) fields: FieldPool,
    pub(crate) customs: Vec<KeptCustom>,
    pub(crate) customs_by_task: ByOwner<CustomIx>,
    pub(crate) taskless_customs: Vec<CustomIx>,
    pub(crate) spans: SpanRows,
    pub(crate) spans_by_task: ByOwner<SpanIx>,
    pub(crate) span_closes_by_task: ByOwner<SpanIx>,
    pub(crate) entries_by_span: ByOwner<EntryIx>,
    pub(crate) entries_by_task: ByOwner<EntryIx>,
    pub(crate) entries_by_lane: ByOwner<EntryIx>,
    pub(crate) stacks: Stacks,
    pub(crate) samples: Vec<KeptSample>,
    /// The samples that fell into polls, by poll, then by time.
    pub(crate) samples_by_poll: Vec<SampleIx>,
    pub(crate) samples_by_task: ByOwner<SampleIx>,
    pub(crate) sites: Vec<AwaitSite>,
    pub(crate) sites_by_task: ByOwner<SiteIx>,
    pub(crate) allocations: Allocations,
    pub(crate) allocations_by_task: HashMap<TaskIx, Allocations, IdHashing>,
    pub(crate) series: Vec<Points>,
}

pub(crate) fn some_task(raw: u32) -> Option<TaskIx> {
    (raw != NO_TASK).then(|| TaskIx::new(raw as usize))
}

/// Brings the extras of all batches into `recording`, whose polls are indexed by lane already.
pub(crate) fn extra_columns(
    recording: &mut Recording,
    batches: &mut [Batch],
    maps: &[Maps],
    symbols: Vec<SymbolFacts>,
) {
    let mut columns = ExtraColumns::default();
    let mut losses = Vec::new();
    let place = Places::new(recording);
    let mut parts: Vec<Part<'_>> = batches
        .iter_mut()
        .zip(maps)
        .map(|(batch, maps)| {
            let mut extras = std::mem::take(&mut batch.extras);
            Part {
                moved: columns.fields.append(std::mem::take(&mut extras.fields)),
                stacks: Vec::new(),
                extras,
                maps,
            }
        })
        .collect();
    columns.fields.shrink();
    let chains = parts
        .iter_mut()
        .map(|part| std::mem::take(&mut part.extras.chains).into_list())
        .collect();
    let (stacks, stack_maps) = Stacks::build(chains, symbols);
    columns.stacks = stacks;
    for (part, stacks) in parts.iter_mut().zip(stack_maps) {
        part.stacks = stacks;
    }

    customs(&mut columns, &place, &parts, &mut losses);
    spans(&mut columns, &place, &parts, &mut losses);
    samples(&mut columns, &place, &parts, &mut losses);
    sites(&mut columns, &parts, &mut losses);
    allocations(&mut columns, &place, &parts);
    points(&mut columns, &place, &parts);
    index(&mut columns, recording.tasks.len(), recording);
    recording.extra = columns;
    recording.losses.extend(losses);
}

/// The extras of one batch, and what its own numbers are in the recording.
struct Part<'a> {
    extras: Extras,
    maps: &'a Maps,
    /// By how much the numbers of its fields have moved; `None` where they found no room.
    moved: Option<u32>,
    stacks: Vec<StackIx>,
}

impl Part<'_> {
    fn seat(&self, local: u16) -> u16 {
        // The last of a batch's seats stands for those over its cap.
        let known = self.maps.seats.len().saturating_sub(1);
        match self.maps.seats.get(usize::from(local)) {
            Some(seat) if usize::from(local) < known => *seat,
            _ => NO_SEAT,
        }
    }

    /// The task of that number, or [`NO_TASK`].
    fn task(&self, local: u32) -> u32 {
        let task = self.maps.tasks.get(local as usize);
        task.map_or(NO_TASK, |task| task.raw())
    }
}

/// Where somebody was at an instant.
struct Places<'a> {
    recording: &'a Recording,
    /// Of each thread, the lanes on which it may have polled.
    lanes: HashMap<ThreadIx, Vec<LaneIx>>,
}

impl<'a> Places<'a> {
    fn new(recording: &'a Recording) -> Self {
        let mut lanes: HashMap<ThreadIx, Vec<LaneIx>> = HashMap::new();
        for seat in &recording.seats {
            if let Some(lane) = seat.lane() {
                let lanes = lanes.entry(seat.thread).or_default();
                if !lanes.contains(&lane) {
                    lanes.push(lane);
                }
            }
        }
        Self { recording, lanes }
    }

    /// The poll that the thread of a seat was in: the innermost, that is the one that began last.
    fn poll(&self, seat: u16, at: Ns) -> Option<PollIx> {
        let seat = self.recording.seats.get(usize::from(seat))?;
        let lanes = self.lanes.get(&seat.thread)?;
        let polls = lanes
            .iter()
            .filter_map(|lane| self.recording.poll_of_thread(*lane, seat.thread, at));
        polls.max()
    }

    fn task(&self, seat: u16, at: Ns) -> Option<TaskIx> {
        self.poll(seat, at)
            .map(|poll| self.recording.polls.task[poll.index()])
    }

    /// The task that a row names, or else the one that its writer was polling.
    fn task_or(&self, named: u32, seat: u16, at: Ns) -> u32 {
        match named {
            NO_TASK => self.task(seat, at).map_or(NO_TASK, TaskIx::raw),
            named => named,
        }
    }
}

/// Cuts `rows` to what is kept, and says so.
fn cap<T>(rows: &mut Vec<T>, what: &str, losses: &mut Vec<Loss>) {
    let over = rows.len().saturating_sub(MOST_ROWS);
    if over > 0 {
        losses.push(Loss {
            kind: LossKind::OverCap,
            count: over as u64,
            detail: format!("showing {MOST_ROWS} of {} {what}", rows.len()),
            range: None,
        });
        rows.truncate(MOST_ROWS);
    }
}

fn customs(
    columns: &mut ExtraColumns,
    place: &Places<'_>,
    parts: &[Part<'_>],
    losses: &mut Vec<Loss>,
) {
    for part in parts {
        columns
            .customs
            .extend(part.extras.customs.iter().map(|row| {
                let seat = part.seat(row.seat);
                KeptCustom {
                    at: row.at,
                    name: row.name,
                    task: place.task_or(part.task(row.task), seat, row.at),
                    fields: row.fields.moved(part.moved),
                    seat,
                }
            }));
    }
    columns.customs.sort_by_key(|row| row.at);
    cap(&mut columns.customs, "custom events", losses);
    let numbers = (0..columns.customs.len()).map(CustomIx::new);
    columns.taskless_customs = numbers
        .filter(|row| columns.customs[row.index()].task == NO_TASK)
        .collect();
}

fn spans(
    columns: &mut ExtraColumns,
    place: &Places<'_>,
    parts: &[Part<'_>],
    losses: &mut Vec<Loss>,
) {
    let all = |count: fn(&Extras) -> usize| parts.iter().map(|part| count(&part.extras)).sum();
    let mut rows = Vec::with_capacity(all(|extras| extras.spans.len()));
    let mut enters = Vec::with_capacity(all(|extras| extras.enters.len()));
    for part in parts {
        let first = enters.len() as u32;
        enters.extend(part.extras.enters.iter().map(|row| {
            let mut row = *row;
            row.task = part.task(row.task);
            row.fields = row.fields.moved(part.moved);
            row
        }));
        rows.extend(part.extras.spans.iter().map(|row| {
            let mut row = *row;
            row.seat = part.seat(row.seat);
            if let SpanStep::Enter(number) = &mut row.step {
                *number += first;
            }
            row
        }));
    }
    rows.sort_by_key(|row| row.at);
    cap(&mut rows, "enters, exits and closes of spans", losses);
    columns.spans = pair(rows.into_iter(), |number| enters[number as usize]);
    columns.spans.attribute(|seat, at| place.task(seat, at));
    columns.spans.spans.shrink_to_fit();
    columns.spans.entries.shrink_to_fit();
}

fn samples(
    columns: &mut ExtraColumns,
    place: &Places<'_>,
    parts: &[Part<'_>],
    losses: &mut Vec<Loss>,
) {
    for part in parts {
        columns
            .samples
            .extend(part.extras.samples.iter().map(|row| {
                let seat = part.seat(row.seat);
                KeptSample {
                    at: row.at,
                    stack: part.stacks[row.chain as usize],
                    poll: place.poll(seat, row.at).map_or(u32::MAX, PollIx::raw),
                    seat,
                    kind: row.kind,
                }
            }));
    }
    columns.samples.sort_by_key(|row| row.at);
    cap(&mut columns.samples, "samples", losses);
    let rows = &columns.samples;
    let numbers = (0..rows.len()).map(SampleIx::new);
    let mut by_poll: Vec<SampleIx> = numbers
        .filter(|sample| rows[sample.index()].poll != u32::MAX)
        .collect();
    by_poll.sort_by_key(|sample| rows[sample.index()].poll);
    columns.samples_by_poll = by_poll;
}

fn sites(columns: &mut ExtraColumns, parts: &[Part<'_>], losses: &mut Vec<Loss>) {
    for part in parts {
        let sites = part.extras.sites.iter().map(|row| AwaitSite {
            task: part.maps.tasks[row.task as usize],
            at: row.at,
            stack: part.stacks[row.chain as usize],
        });
        columns.sites.extend(sites);
    }
    columns.sites.sort_by_key(|site| site.at);
    cap(&mut columns.sites, "await sites", losses);
}

fn allocations(columns: &mut ExtraColumns, place: &Places<'_>, parts: &[Part<'_>]) {
    for part in parts {
        for row in &part.extras.allocations {
            columns.allocations.add(row.bytes, row.freed);
            let task = place.task_or(part.task(row.task), part.seat(row.seat), row.at);
            if let Some(task) = some_task(task) {
                let own = columns.allocations_by_task.entry(task).or_default();
                own.add(row.bytes, row.freed);
            }
        }
    }
}

fn points(columns: &mut ExtraColumns, place: &Places<'_>, parts: &[Part<'_>]) {
    let recording = place.recording;
    let mut gathered = Gathered::default();
    for part in parts {
        for row in &part.extras.points {
            let key = part.extras.point_keys[row.key as usize];
            let scope = match key.scope {
                PointScope::Process => Some(Scope::Process),
                PointScope::Runtime(id) => recording
                    .runtimes
                    .binary_search_by_key(&id, |runtime| runtime.id)
                    .ok()
                    .map(|place| Scope::Runtime(super::RuntimeIx::new(place))),
                PointScope::Writer => recording
                    .seats
                    .get(usize::from(part.seat(row.seat)))
                    .map(|seat| seat.lane().map_or(Scope::Thread(seat.thread), Scope::Lane)),
            };
            let scope = scope.unwrap_or(Scope::Process);
            gathered.push(key.name, key.unit, scope, row.at, row.value);
        }
    }
    columns.series = gathered.finish();
}

/// The indexes; one over nothing takes no memory, however many tasks there are.
fn index(columns: &mut ExtraColumns, tasks: usize, recording: &Recording) {
    fn by<R: Copy>(
        owners: usize,
        rows: usize,
        owner: impl Fn(usize) -> Option<usize>,
        number: impl Fn(usize) -> R,
    ) -> ByOwner<R> {
        if rows == 0 {
            return ByOwner::default();
        }
        ByOwner::build(owners, rows, owner, number)
    }
    let task = |raw: u32| some_task(raw).map(TaskIx::index);
    let rows = &columns.customs;
    columns.customs_by_task = by(tasks, rows.len(), |row| task(rows[row].task), CustomIx::new);

    let rows = &columns.spans.spans;
    columns.spans_by_task = by(tasks, rows.len(), |row| task(rows[row].task), SpanIx::new);
    let mut closed: Vec<usize> = (0..rows.len())
        .filter(|row| known(rows[*row].closed).is_some())
        .collect();
    closed.sort_by_key(|row| rows[*row].closed);
    let owner = |place: usize| task(rows[closed[place]].task);
    columns.span_closes_by_task = by(tasks, closed.len(), owner, |place| {
        SpanIx::new(closed.get(place).copied().unwrap_or(0))
    });

    let (spans, rows) = (rows.len(), &columns.spans.entries);
    let span = |row: usize| Some(rows[row].span.index());
    columns.entries_by_span = by(spans, rows.len(), span, EntryIx::new);
    columns.entries_by_task = by(tasks, rows.len(), |row| task(rows[row].task), EntryIx::new);
    let lane = |row: usize| {
        let seat = recording.seats.get(usize::from(rows[row].seat))?;
        seat.lane().map(LaneIx::index)
    };
    columns.entries_by_lane = by(recording.lanes.len(), rows.len(), lane, EntryIx::new);

    let rows = &columns.samples;
    let polled = |row: usize| {
        let poll = rows[row].poll;
        (poll != u32::MAX).then(|| recording.polls.task[poll as usize].index())
    };
    columns.samples_by_task = by(tasks, rows.len(), polled, SampleIx::new);

    let rows = &columns.sites;
    let owner = |row: usize| Some(rows[row].task.index());
    columns.sites_by_task = by(tasks, rows.len(), owner, SiteIx::new);
}
