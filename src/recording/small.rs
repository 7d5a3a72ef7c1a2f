//! The small columns: waits, parks, lost wakers, and the indexes over them.

use std::collections::HashMap;

use super::{
    Batch, LaneIx, Ns, ParkIx, Recording, RecordingBuilder, StrId, TaskIx, WaitIx, WaitState,
    batch::{IdHashing, ParkRow},
    columns::{ParkColumns, UnwakeableColumns, WaitColumns},
    index::ByOwner,
    number::Maps,
    time::{UNKNOWN, known},
};

pub(crate) fn wait_columns(
    builder: &RecordingBuilder,
    batches: &[Batch],
    maps: &[Maps],
) -> WaitColumns {
    struct Draft {
        begin: Ns,
        end: Ns,
        task: TaskIx,
        name: StrId,
        location: StrId,
        state: WaitState,
    }
    let mut numbers: HashMap<u64, usize, IdHashing> = HashMap::default();
    let mut drafts: Vec<Draft> = Vec::new();
    let mut begin = |wait: u64, draft: Draft| {
        numbers.entry(wait).or_insert_with(|| {
            drafts.push(draft);
            drafts.len() - 1
        });
    };
    for wait in &builder.open_waits {
        if let Some(&task) = builder.by_id.get(&wait.task) {
            let (name, location) = (wait.name, wait.location);
            begin(
                wait.wait,
                Draft {
                    begin: wait.since,
                    end: UNKNOWN,
                    task,
                    name,
                    location,
                    state: WaitState::Open,
                },
            );
        }
    }
    for (batch, maps) in batches.iter().zip(maps) {
        for row in &batch.wait_begins {
            let task = maps.tasks[row.task as usize];
            let (name, location) = (row.name, row.location);
            begin(
                row.wait,
                Draft {
                    begin: row.at,
                    end: UNKNOWN,
                    task,
                    name,
                    location,
                    state: WaitState::Open,
                },
            );
        }
    }
    for (batch, maps) in batches.iter().zip(maps) {
        for row in &batch.wait_ends {
            let number = *numbers.entry(row.wait).or_insert_with(|| {
                drafts.push(Draft {
                    begin: UNKNOWN,
                    end: UNKNOWN,
                    task: maps.tasks[row.task as usize],
                    name: StrId::NONE,
                    location: StrId::NONE,
                    state: WaitState::Open,
                });
                drafts.len() - 1
            });
            let draft = &mut drafts[number];
            (draft.end, draft.state) = (row.at.max(draft.begin), row.state);
        }
    }
    drafts.sort_by_key(|draft| draft.begin);
    let mut columns = WaitColumns::default();
    for draft in drafts {
        columns.begin.push(draft.begin);
        columns.end.push(draft.end);
        columns.task.push(draft.task);
        columns.name.push(draft.name);
        columns.location.push(draft.location);
        columns.state.push(draft.state);
    }
    columns
}

pub(crate) fn park_columns(batches: &mut [Batch], maps: &[Maps]) -> ParkColumns {
    let mut rows: Vec<ParkRow> =
        Vec::with_capacity(batches.iter().map(|batch| batch.parks.len()).sum());
    for (batch, maps) in batches.iter_mut().zip(maps) {
        rows.extend(batch.parks.drain(..).map(|row| ParkRow {
            seat: maps.seat(row.seat),
            ..row
        }));
    }
    rows.sort_by_key(|row| row.start);
    let mut columns = ParkColumns::default();
    for row in rows {
        columns.start.push(row.start);
        columns.duration.push(Some(row.end - row.start));
        columns.seat.push(row.seat);
        columns.open.push(row.open);
    }
    columns
}

pub(crate) fn unwakeable_columns(batches: &[Batch], maps: &[Maps]) -> UnwakeableColumns {
    let mut rows: Vec<(Ns, TaskIx)> = batches
        .iter()
        .zip(maps)
        .flat_map(|(batch, maps)| {
            batch
                .unwakeables
                .iter()
                .map(|(task, at)| (*at, maps.tasks[*task as usize]))
        })
        .collect();
    rows.sort_unstable();
    UnwakeableColumns {
        at: rows.iter().map(|(at, _)| *at).collect(),
        task: rows.iter().map(|(_, task)| *task).collect(),
    }
}

pub(crate) fn small_indexes(recording: &mut Recording) {
    let tasks = recording.tasks.len();
    let parks = &recording.parks;
    let lane = |row: usize| {
        recording.seats[usize::from(parks.seat[row])]
            .lane()
            .map(LaneIx::index)
    };
    recording.parks_by_lane =
        ByOwner::build(recording.lanes.len(), parks.start.len(), lane, ParkIx::new);

    let mut latest = vec![Ns::MIN; tasks];
    let waits = &mut recording.waits;
    for (task, end) in waits.task.iter().zip(&waits.end) {
        let latest = &mut latest[task.index()];
        *latest = (*latest).max(known(*end).unwrap_or(Ns::MAX));
        waits.reach.push(*latest);
    }
    let waits = &recording.waits;
    let count = waits.begin.len();
    recording.waits_by_task = ByOwner::build(
        tasks,
        count,
        |row| Some(waits.task[row].index()),
        WaitIx::new,
    );
    let mut by_end: Vec<usize> = (0..count)
        .filter(|row| known(waits.end[*row]).is_some())
        .collect();
    by_end.sort_by_key(|row| waits.end[*row]);
    let owner = |place: usize| Some(waits.task[by_end[place]].index());
    recording.wait_ends_by_task = ByOwner::build(tasks, by_end.len(), owner, |place| {
        WaitIx::new(by_end.get(place).copied().unwrap_or(0))
    });

    let rows = &recording.unwakeables;
    recording.unwakeables_by_task = ByOwner::build(
        tasks,
        rows.at.len(),
        |row| Some(rows.task[row].index()),
        |row| row as u32,
    );

    let facts = &recording.tasks;
    let mut by_spawn: Vec<usize> = (0..tasks)
        .filter(|task| known(facts[*task].spawned_at).is_some())
        .collect();
    by_spawn.sort_by_key(|task| facts[*task].spawned_at);
    let parent = |place: usize| facts[by_spawn[place]].parent.map(TaskIx::index);
    recording.children = ByOwner::build(tasks, by_spawn.len(), parent, |place| {
        TaskIx::new(by_spawn.get(place).copied().unwrap_or(0))
    });
}
