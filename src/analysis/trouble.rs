//! Which tasks a person should look at first.

use std::cmp::Reverse;

use super::{Finding, Role, Thresholds, ready::ReadyTask};
use crate::recording::{Ns, Recording, TaskIx, time::SECOND};

/// Every task: culprits of findings, then their victims; then who had been `ready` at the end for as long as a poll that
/// is worth knowing; who had been idle for most of the window and for over a second; and then by whichever was longer,
/// a poll or the wait for one.
#[must_use]
pub fn trouble(
    recording: &Recording,
    findings: &[Finding],
    ready: &[ReadyTask],
    thresholds: &Thresholds,
) -> Vec<TaskIx> {
    let end = recording.window().end;
    let named = named(recording, findings);
    let mut starved = vec![0; recording.task_count()];
    for one in ready {
        let lasted = end.saturating_sub(one.since);
        if lasted >= thresholds.slow_poll_info {
            starved[one.task.index()] = lasted;
        }
    }
    let stuck = |task: TaskIx| {
        let facts = recording.task(task);
        let since = recording
            .last_poll(task)
            .map(|poll| poll.end)
            .or(facts.spawned_at())?;
        let idle = end.saturating_sub(since);
        let alive = facts.ended_at().is_none() && starved[task.index()] == 0;
        (alive && idle > SECOND.max(end / 2)).then_some(idle)
    };
    let delays = longest_delays(recording);
    let mut order: Vec<TaskIx> = recording.tasks().collect();
    order.sort_by_cached_key(|task| {
        let idle = stuck(*task);
        let longest = recording.totals(*task).longest_ns;
        (
            named[task.index()],
            Reverse(starved[task.index()]),
            idle.is_none(),
            Reverse(idle),
            Reverse(longest.max(delays[task.index()])),
        )
    });
    order
}

/// Where each task stands among those that findings name.
fn named(recording: &Recording, findings: &[Finding]) -> Vec<u32> {
    let mut named = vec![u32::MAX; recording.task_count()];
    for role in [Role::Culprit, Role::Victim] {
        let base = if role == Role::Culprit {
            0
        } else {
            u32::MAX / 2
        };
        let tasks = findings
            .iter()
            .flat_map(|finding| &finding.tasks)
            .filter(|(_, as_what)| *as_what == role);
        for (place, (task, _)) in tasks.enumerate() {
            let rank = base.saturating_add(u32::try_from(place).unwrap_or(u32::MAX / 2 - 1));
            named[task.index()] = named[task.index()].min(rank);
        }
    }
    named
}

/// The longest schedule delay of each task whose wakes were recorded; 0 for others.
fn longest_delays(recording: &Recording) -> Vec<Ns> {
    let mut longest: Vec<Ns> = vec![0; recording.task_count()];
    for poll in recording.polls() {
        if let Some(delay) = recording.delay(poll) {
            let longest = &mut longest[recording.task_of(poll).index()];
            *longest = delay.max(*longest);
        }
    }
    for task in recording.tasks() {
        if !recording.task(task).wakes_recorded {
            longest[task.index()] = 0;
        }
    }
    longest
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        analysis::{findings, ready::ready_at},
        recording::{
            MILLISECOND, Outcome, WakerKey,
            testing::{batch, builder, runtime, spawn},
        },
    };

    #[test]
    fn whoever_starves_comes_before_whoever_took_long_and_before_the_idle() {
        let mut builder = builder(5_000 * MILLISECOND);
        runtime(&mut builder, 1);
        let mut w0 = batch(0);
        let ms = |at: Ns| at * MILLISECOND;
        for (task, at, length) in [(1, 1, 5), (2, 10, 1), (3, 20, 1), (4, 30, 1), (5, 40, 200)] {
            w0.spawn(task, spawn(ms(at)));
            w0.poll(task, ms(at), ms(at + length), Outcome::Pending);
        }
        // 2 waits for 300 ms and is ready for 40 ms at the end, 3 for 90 ms; 4 is idle for ever, 1 is polled now and then.
        for (task, woken, polled) in [
            (2, 400, Some(700)),
            (1, 4_000, Some(4_001)),
            (1, 4_990, Some(4_991)),
        ] {
            w0.wake(task, ms(woken), WakerKey::Runtime);
            if let Some(polled) = polled {
                w0.poll(task, ms(polled), ms(polled + 1), Outcome::Pending);
            }
        }
        w0.wake(3, ms(4_910), WakerKey::Runtime);
        w0.wake(2, ms(4_960), WakerKey::Runtime);
        builder.batch(w0);
        let recording = builder.finish();
        let thresholds = Thresholds::default();
        let found = findings(&recording, &thresholds);
        let ready = ready_at(&recording, recording.window().end, 9, |_| true);
        let order = trouble(&recording, &found, &ready.longest, &thresholds);
        let ids: Vec<u64> = order.iter().map(|task| recording.task(*task).id).collect();
        assert_eq!(ids, [5, 3, 2, 4, 1]);
        assert_eq!(longest_delays(&recording)[1], ms(300));
    }
}
