//! What a batch takes from recorders other than ours: events counted but not shown, facts that are known only later.

use super::{Batch, Ns, Outcome, SeatKey, SpawnFacts};

impl Batch {
    /// Counts `events` more, of kinds that have no rows of their own.
    pub fn other_events(&mut self, events: u64) {
        self.counts.total = self.counts.total.saturating_add(events);
    }

    /// Takes back what `other_events`, or a row, has counted: the event is counted elsewhere.
    pub(crate) fn counted_elsewhere(&mut self, events: u64) {
        self.counts.total = self.counts.total.saturating_sub(events);
    }

    /// Counts a park and an unpark that no row shows.
    pub(crate) fn rowless_parks(&mut self, parks: u64, unparks: u64) {
        self.counts.parks += parks;
        self.counts.unparks += unparks;
    }

    /// Counts an end that is no end: the recording stopped, and took the task with it.
    pub(crate) fn ended_by_shutdown(&mut self) {
        self.counts.terminates += 1;
        self.counts.at_shutdown += 1;
    }

    /// Says that the wakes of `task` are recorded, whether there are any or not.
    pub fn wakes_recorded(&mut self, task: u64) {
        let task = self.task(task);
        self.woken[task] = true;
    }

    /// Says which stream it belongs to.
    pub(crate) fn in_stream(&mut self, stream: u32) {
        self.stream = stream;
    }

    /// Says which task's poll the spawn of that row happened in.
    pub(crate) fn set_parent(&mut self, row: usize, parent: u64) {
        if let Some((_, facts)) = self.spawns.get_mut(row) {
            facts.parent = Some(parent);
        }
    }

    /// How many spawns it holds.
    pub(crate) fn spawn_count(&self) -> usize {
        self.spawns.len()
    }

    /// The tasks that it names otherwise than by their ends.
    pub(crate) fn task_ids(&self) -> &[u64] {
        &self.tasks.ids
    }

    /// The number of `task` among the tasks that this batch names.
    pub(crate) fn task(&mut self, task: u64) -> usize {
        self.local(task) as usize
    }

    /// Adds `by` to every time.
    pub(crate) fn shift(&mut self, by: Ns) {
        let all = |at: &mut Ns| *at = at.saturating_add(by);
        for row in &mut self.polls {
            all(&mut row.start);
            all(&mut row.end);
        }
        for row in &mut self.wakes {
            all(&mut row.at);
        }
        for row in &mut self.parks {
            all(&mut row.start);
            all(&mut row.end);
        }
        self.spawns
            .iter_mut()
            .filter_map(|(_, facts)| facts.at.as_mut())
            .for_each(all);
        self.ends.iter_mut().for_each(|(_, at)| all(at));
        self.extras.shift(by);
        for totals in &mut self.beyond_tasks {
            if totals.longest_ns > 0 {
                all(&mut totals.longest_start);
            }
        }
    }

    /// Says who its seats really are.
    pub(crate) fn reseat(&mut self, who: impl Fn(SeatKey) -> SeatKey) {
        for seat in &mut self.seats {
            *seat = who(*seat);
        }
    }

    /// Completes what its spawns say.
    pub(crate) fn complete_spawns(&mut self, complete: impl Fn(&mut SpawnFacts)) {
        for (_, facts) in &mut self.spawns {
            complete(facts);
        }
    }

    /// Forgets how polls ended: nothing in the file tells it.
    pub(crate) fn forget_outcomes(&mut self) {
        for row in &mut self.polls {
            row.outcome = Outcome::Ended.raw();
        }
    }
}
