//! Who was alive at an instant: found in the time that the answer takes, counted in less.

use super::{End, Forest, Ns, Outcome, Recording, TaskIx, time::UNKNOWN, time::known};

/// The lives of all tasks.
#[derive(Debug, Default)]
pub(crate) struct Lives {
    /// Every task, ascending by spawn; those whose spawn is not known come first.
    by_spawn: Vec<TaskIx>,
    /// The tasks that ended, ascending by the instant from which they were gone.
    by_end: Vec<TaskIx>,
    /// From when on each task was gone; [`Ns::MAX`] where it was not.
    gone: Vec<Ns>,
    forest: Forest,
}

impl Lives {
    /// To be built when polls are indexed by task and the tasks know their ends.
    pub(crate) fn build(recording: &Recording) -> Self {
        let tasks = &recording.tasks;
        let gone: Vec<Ns> = recording
            .tasks()
            .map(|task| gone(recording, task))
            .collect();
        let mut by_spawn: Vec<TaskIx> = recording.tasks().collect();
        if !tasks.is_sorted_by_key(|task| task.spawned_at) {
            by_spawn.sort_by_key(|task| tasks[task.index()].spawned_at);
        }
        let mut by_end: Vec<TaskIx> = recording
            .tasks()
            .filter(|task| gone[task.index()] != Ns::MAX)
            .collect();
        by_end.sort_by_key(|task| gone[task.index()]);
        let forest = Forest::new(by_spawn.len(), |place| {
            life(recording, &gone, by_spawn[place])
        });
        Self {
            by_spawn,
            by_end,
            gone,
            forest,
        }
    }
}

fn life(recording: &Recording, gone: &[Ns], task: TaskIx) -> (Ns, Ns) {
    (recording.tasks[task.index()].spawned_at, gone[task.index()])
}

/// The runtime says that a task ended just before its last poll does, so that poll's end counts.
fn gone(recording: &Recording, task: TaskIx) -> Ns {
    let facts = &recording.tasks[task.index()];
    let Some(ended) = known(facts.ended_at) else {
        return Ns::MAX;
    };
    let born = facts.spawned_at;
    // An aborted task had no last poll that it could have ended in.
    let last = recording
        .polls_of(task)
        .last()
        .map(|poll| recording.poll(*poll));
    let in_poll = last.filter(|poll| poll.start <= ended && facts.end != End::Cancelled);
    let end = match in_poll {
        Some(poll) if poll.outcome == Outcome::StillRunning => return Ns::MAX,
        Some(poll) => poll.end().max(ended),
        None => ended,
    };
    end.max(if born == UNKNOWN { end } else { born })
}

impl Recording {
    /// Whether a task existed at an instant: spawned by then, and not gone. A task whose spawn is not known always did.
    #[must_use]
    pub fn is_alive(&self, task: TaskIx, at: Ns) -> bool {
        let (born, gone) = life(self, &self.lives.gone, task);
        born <= at && at < gone
    }

    /// From when on a task was gone: since its end, or since the end of the poll that it ended in.
    #[must_use]
    pub fn gone_at(&self, task: TaskIx) -> Option<Ns> {
        let gone = self.lives.gone[task.index()];
        (gone != Ns::MAX).then_some(gone)
    }

    /// Calls `found` with every task that was alive at an instant, ascending by spawn.
    pub fn for_each_alive(&self, at: Ns, mut found: impl FnMut(TaskIx)) {
        let lives = &self.lives;
        let get = |place: usize| life(self, &lives.gone, lives.by_spawn[place]);
        lives
            .forest
            .over(at, get, |place| found(lives.by_spawn[place]));
    }

    /// The tasks that were alive at an instant, ascending by spawn.
    #[must_use]
    pub fn alive_at(&self, at: Ns) -> Vec<TaskIx> {
        let mut alive = Vec::with_capacity(self.alive_count(at));
        self.for_each_alive(at, |task| alive.push(task));
        alive
    }

    /// How many tasks were alive at an instant.
    #[must_use]
    pub fn alive_count(&self, at: Ns) -> usize {
        let gone = |task: &TaskIx| self.lives.gone[task.index()] <= at;
        self.spawned_by(at) - self.lives.by_end.partition_point(gone)
    }

    /// How many tasks had been spawned by an instant, those whose spawn is not known among them.
    #[must_use]
    pub fn spawned_by(&self, at: Ns) -> usize {
        let born = |task: &TaskIx| self.tasks[task.index()].spawned_at <= at;
        self.lives.by_spawn.partition_point(born)
    }

    /// Every task, ascending by spawn; those whose spawn is not known come first.
    #[must_use]
    pub fn tasks_by_spawn(&self) -> &[TaskIx] {
        &self.lives.by_spawn
    }

    /// The tasks that ended, ascending by [`Recording::gone_at`].
    #[must_use]
    pub fn tasks_by_end(&self) -> &[TaskIx] {
        &self.lives.by_end
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use crate::recording::{
        Ns, Outcome, TaskIx,
        testing::{batch, builder, spawn},
    };

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(48))]
        #[test]
        fn the_living_are_those_whom_a_scan_finds(lives in prop::collection::vec((prop::option::of(0i64..900), 0i64..400, any::<bool>(), any::<bool>()), 0..400), at in -5i64..1_400) {
            let mut builder = builder(1_000);
            let mut w0 = batch(0);
            for (id, (spawned, length, ends, polled)) in lives.iter().enumerate() {
                let (id, from) = (id as u64 + 1, spawned.unwrap_or(0));
                if let Some(spawned) = spawned {
                    w0.spawn(id, spawn(*spawned));
                }
                let end = from + length;
                if *polled {
                    w0.poll(id, from, end + 7, if *ends { Outcome::Ready } else { Outcome::Pending });
                } else {
                    w0.wakes_recorded(id);
                }
                if *ends {
                    w0.terminate(id, end);
                }
            }
            builder.batch(w0);
            let recording = builder.finish();
            let by_hand = |task: &TaskIx| {
                let (spawned, length, ends, polled) = lives[recording.task(*task).id as usize - 1];
                let end: Ns = spawned.unwrap_or(0) + length + if polled { 7 } else { 0 };
                spawned.is_none_or(|spawned| spawned <= at) && (!ends || at < end)
            };
            let mut expected: Vec<TaskIx> = recording.tasks().filter(by_hand).collect();
            expected.sort_by_key(|task| recording.task(*task).spawned_at());
            prop_assert_eq!(recording.alive_at(at), expected.clone());
            prop_assert_eq!(recording.alive_count(at), expected.len());
            for task in recording.tasks() {
                prop_assert_eq!(recording.is_alive(task, at), expected.contains(&task));
            }
        }
    }
}
