//! Custom events: what the service itself wrote into its trace, and every kind of event that has no rows of its own.

use super::{
    CustomIx, Field, LaneIx, Ns, Recording, StrId, TaskIx, ThreadIx, extra::some_task,
    fields::FieldRange,
};

/// A custom event, or one of a kind that this program knows nothing else about.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct CustomEvent {
    /// When.
    pub at: Ns,
    /// Its name.
    pub name: StrId,
    /// The task that it names, or in whose poll it was written.
    pub task: Option<TaskIx>,
    /// The thread that wrote it, where it is known.
    pub thread: Option<ThreadIx>,
    /// The lane of that thread.
    pub lane: Option<LaneIx>,
}

/// A custom event as it is stored.
#[derive(Clone, Copy, Debug)]
pub(crate) struct KeptCustom {
    pub(crate) at: Ns,
    pub(crate) name: StrId,
    pub(crate) task: u32,
    pub(crate) fields: FieldRange,
    pub(crate) seat: u16,
}

impl Recording {
    /// How many custom events there are.
    #[must_use]
    pub fn custom_count(&self) -> usize {
        self.extra.customs.len()
    }

    /// A custom event. They are numbered by time.
    #[must_use]
    pub fn custom(&self, custom: CustomIx) -> CustomEvent {
        let kept = &self.extra.customs[custom.index()];
        let seat = self.seats.get(usize::from(kept.seat));
        CustomEvent {
            at: kept.at,
            name: kept.name,
            task: some_task(kept.task),
            thread: seat.map(|seat| seat.thread),
            lane: seat.and_then(|seat| seat.lane()),
        }
    }

    /// What a custom event carries.
    #[must_use]
    pub fn fields_of_custom(&self, custom: CustomIx) -> &[Field] {
        let kept = &self.extra.customs[custom.index()];
        self.extra.fields.get(kept.fields)
    }

    /// The custom events of a task, ascending by time.
    #[must_use]
    pub fn customs_of(&self, task: TaskIx) -> &[CustomIx] {
        self.extra.customs_by_task.of(task.index())
    }

    /// The custom events that belong to no task, ascending by time.
    #[must_use]
    pub fn taskless_customs(&self) -> &[CustomIx] {
        &self.extra.taskless_customs
    }

    /// The number of the first custom event of all at or after `at`.
    #[must_use]
    pub fn customs_from(&self, at: Ns) -> CustomIx {
        CustomIx::new(self.extra.customs.partition_point(|custom| custom.at < at))
    }
}
