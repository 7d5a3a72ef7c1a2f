//! Chains against a slow and obvious computation over plain lists, and the service's incident in small.

use proptest::prelude::*;

use super::*;
use crate::{
    analysis::{
        blind_intervals,
        play::{self, Play, Polled, WORKERS},
    },
    recording::{Outcome, TaskIx, WakerKey, testing},
};

const MS: Ns = 1_000_000;

/// The chain of a poll, told by looking through all polls and wakes for each step: the polls from the last to the
/// first, and when it began.
fn slow_chain(play: &Play, last: Polled) -> (Vec<Polled>, Ns) {
    let mut told = vec![last];
    let mut current = last;
    loop {
        let own = play.polls.iter().filter(|poll| poll.task == current.task);
        let previous = own
            .filter(|poll| poll.start < current.start)
            .max_by_key(|poll| poll.start);
        let since = previous.map_or(0, |poll| poll.start);
        let first = play
            .wakes
            .iter()
            .filter(|wake| wake.task == current.task && wake.at <= current.start)
            .find(|wake| previous.is_none() || since < wake.at);
        let began = match (previous, first) {
            // Its spawn, at 0, made it runnable; nothing came before.
            (None, _) => return (told, 0),
            // Nobody had woken it: a poll out of nothing.
            (Some(_), None) => return (told, current.start),
            (Some(_), Some(first)) => first,
        };
        let waker = began.by.and_then(|by| {
            play.polls
                .iter()
                .filter(|poll| poll.task == by && poll.start <= began.at && began.at <= poll.end)
                .max_by_key(|poll| poll.start)
        });
        match waker {
            // In one instant only the order of the rows tells what came first.
            Some(waker) if number(play, *waker) < number(play, current) => {
                told.push(*waker);
                current = *waker;
            }
            _ => return (told, began.at),
        }
    }
}

fn number(play: &Play, poll: Polled) -> usize {
    let mut all = (0..play.recording.poll_count()).map(PollIx::new);
    all.position(|number| played(play, number) == poll).unwrap()
}

fn played(play: &Play, poll: PollIx) -> Polled {
    let row = play.recording.poll(poll);
    Polled {
        task: play.recording.task(row.task).id,
        lane: play.recording.worker_of(row.lane).unwrap(),
        start: row.start,
        end: row.end(),
    }
}

/// The polls that a chain goes through.
fn visited(chain: &Chain) -> Vec<PollIx> {
    let inside = chain.steps.iter().filter_map(|step| match step.kind {
        StepKind::Inside { poll, .. } => Some(poll),
        _ => None,
    });
    chain.poll.into_iter().chain(inside).collect()
}

/// Whether all workers are inside polls at `at`.
fn all_polling(play: &Play, at: Ns) -> bool {
    let polls = || {
        play.polls
            .iter()
            .filter(|poll| poll.start <= at && at < poll.end)
    };
    (0..WORKERS).all(|lane| polls().any(|poll| poll.lane == lane))
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 100, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn steps_tile_the_time_and_agree_with_the_slow_way(acts in play::acts()) {
        let play = play::play(&acts);
        let recording = &play.recording;
        for poll in (0..recording.poll_count()).map(PollIx::new) {
            let chain = chain(recording, &[], poll);
            let mut reached = recording.poll_start(poll);
            for step in &chain.steps {
                prop_assert_eq!(step.to, reached);
                prop_assert!(step.from <= step.to);
                reached = step.from;
            }
            prop_assert!(chain.is_whole());
            prop_assert_eq!(chain.began, reached);
            let sum: Ns = chain.steps.iter().map(Step::length).sum();
            prop_assert_eq!(chain.total(), sum);

            let (slow, began) = slow_chain(&play, played(&play, poll));
            let fast: Vec<Polled> = visited(&chain).into_iter().map(|poll| played(&play, poll)).collect();
            prop_assert_eq!(fast, slow);
            prop_assert_eq!(chain.began, began);
        }
    }

    #[test]
    fn what_a_task_was_queued_behind_is_what_the_lists_say(acts in play::acts()) {
        let play = play::play(&acts);
        let recording = &play.recording;
        for poll in (0..recording.poll_count()).map(PollIx::new) {
            for step in &chain(recording, &[], poll).steps {
                let StepKind::Runnable { behind, poll: Some(poll), .. } = &step.kind else { continue };
                let lane = recording.worker_of(behind.lane.unwrap()).unwrap();
                let own = played(&play, *poll);
                let overlaps: Vec<Ns> = play.polls.iter()
                    .filter(|other| other.lane == lane && **other != own && other.start < step.to)
                    .filter(|other| other.end > step.from || other.start >= step.from)
                    .map(|other| (other.end.min(step.to) - other.start.max(step.from)).max(0))
                    .collect();
                prop_assert_eq!(behind.polls, overlaps.len());
                prop_assert_eq!(behind.busy, overlaps.iter().sum::<Ns>());
                let longest = overlaps.iter().copied().max().filter(|longest| *longest > 0);
                prop_assert_eq!(behind.most.first().map(|(_, overlap)| *overlap), longest);
                prop_assert!(!behind.sampled);
            }
        }
    }

    #[test]
    fn a_poll_delays_whom_the_lists_say(acts in play::acts()) {
        let play = play::play(&acts);
        let recording = &play.recording;
        for poll in (0..recording.poll_count()).map(PollIx::new) {
            let own = played(&play, poll);
            let mut slow: Vec<(PollIx, Ns)> = Vec::new();
            for other in (0..recording.poll_count()).map(PollIx::new).filter(|other| *other != poll) {
                let Some(delay) = recording.delay(other) else { continue };
                let start = recording.poll_start(other);
                let queued = played(&play, other).lane == own.lane;
                let by = (own.start.max(start - delay)..own.end.min(start))
                    .filter(|at| queued || all_polling(&play, *at))
                    .count();
                if by > 0 {
                    slow.push((other, by as Ns));
                }
            }
            slow.sort_unstable();
            let onwards = onwards(recording, &[], poll);
            prop_assert!(!onwards.partial);
            let mut fast: Vec<(PollIx, Ns)> = onwards.delayed.iter()
                .filter_map(|delayed| Some((delayed.poll?, delayed.by)))
                .collect();
            fast.sort_unstable();
            prop_assert_eq!(fast, slow);
        }
    }

    #[test]
    fn a_poll_woke_whom_the_lists_say(acts in play::acts()) {
        let play = play::play(&acts);
        let recording = &play.recording;
        for poll in (0..recording.poll_count()).map(PollIx::new) {
            let own = played(&play, poll);
            let mut slow: Vec<(Ns, u64)> = play.wakes.iter()
                .filter(|wake| wake.by == Some(own.task) && wake.lane == Some(own.lane))
                .filter(|wake| own.start <= wake.at && wake.at <= own.end)
                .map(|wake| (wake.at, wake.task))
                .collect();
            slow.sort_unstable();
            let onwards = onwards(recording, &[], poll);
            let mut fast: Vec<(Ns, u64)> = onwards.woke.iter()
                .map(|woke| (woke.at, recording.task(woke.task).id))
                .collect();
            fast.sort_unstable();
            prop_assert_eq!(fast, slow);
        }
    }
}

/// Two handlers block both workers for 80 ms; a request that was due 20 ms into it is woken right after.
fn incident() -> Recording {
    let mut builder = testing::builder(200 * MS);
    testing::runtime(&mut builder, 2);
    let mut workers = [testing::batch(0), testing::batch(1)];
    for (task, at) in [(1, 0), (2, 0), (3, 0), (4, 95 * MS)] {
        workers[0].spawn(task, testing::spawn(at));
    }
    workers[0].poll(3, MS, 2 * MS, Outcome::Pending);
    workers[0].poll(1, 10 * MS, 90 * MS, Outcome::Ready);
    workers[1].poll(2, 11 * MS, 91 * MS, Outcome::Ready);
    workers[0].wake(3, 90 * MS + 100, WakerKey::Runtime);
    workers[0].poll(3, 90 * MS + 600, 92 * MS, Outcome::Pending);
    workers[0].wake(3, 120 * MS, WakerKey::Runtime);
    workers[0].poll(3, 121 * MS, 122 * MS, Outcome::Pending);
    for worker in workers {
        builder.batch(worker);
    }
    builder.finish()
}

fn task(recording: &Recording, id: u64) -> TaskIx {
    recording.task_by_id(id).unwrap()
}

#[test]
fn a_wake_after_a_blind_interval_is_late_by_up_to_its_length_and_no_more_than_that() {
    let recording = incident();
    let blind = blind_intervals(&recording, MS);
    let polls = recording.polls_of(task(&recording, 3));
    let late = chain(&recording, &blind, polls[1]);
    assert_eq!(late.total(), 500);
    let before = late.blind().unwrap();
    assert_eq!((before.blind.start, before.blind.end), (11 * MS, 90 * MS));
    assert_eq!(before.at_most, 79 * MS + 100);
    let inside: Vec<u64> = before
        .blind
        .polls
        .iter()
        .map(|poll| recording.task(recording.poll(*poll).task).id)
        .collect();
    assert_eq!(inside, [1, 2]);

    let punctual = chain(&recording, &blind, polls[2]);
    assert_eq!(punctual.total(), MS);
    assert_eq!(punctual.blind(), None);
    assert!(matches!(punctual.origin, Origin::Runtime { .. }));

    let culprit = recording.polls_of(task(&recording, 1))[0];
    let led_to = onwards(&recording, &blind, culprit);
    assert_eq!(led_to.late_in_all, 1);
    assert_eq!(led_to.late[0].task, task(&recording, 3));
}

#[test]
fn two_tasks_that_wake_each_other_for_ever_are_followed_so_far_and_no_further() {
    let rounds = 40_000;
    let mut builder = testing::builder(rounds * 10 + 100);
    testing::runtime(&mut builder, 1);
    let mut worker = testing::batch(0);
    for round in 0..rounds {
        let (this, other) = (1 + round as u64 % 2, 1 + (round as u64 + 1) % 2);
        worker.poll(this, round * 10, round * 10 + 6, Outcome::Pending);
        worker.wake(other, round * 10 + 5, WakerKey::Task(this));
    }
    builder.batch(worker);
    let recording = builder.finish();
    let last = PollIx::new(recording.poll_count() - 1);
    let chain = chain(&recording, &[], last);
    assert_eq!(chain.origin, Origin::TooLong);
    assert_eq!(chain.steps.len(), MOST_STEPS);
    assert_eq!(chain.steps.len() + chain.more, MOST_POLLS * 2);
    assert_eq!(chain.total(), MOST_POLLS as Ns * 10);
}

#[test]
fn a_wake_at_the_very_start_of_a_poll_by_itself_leads_nowhere_twice() {
    let mut builder = testing::builder(100);
    testing::runtime(&mut builder, 1);
    let mut worker = testing::batch(0);
    worker.poll(1, 10, 20, Outcome::Pending);
    worker.wake(1, 30, WakerKey::Task(1));
    worker.poll(1, 30, 40, Outcome::Pending);
    builder.batch(worker);
    let recording = builder.finish();
    let chain = chain(&recording, &[], PollIx::new(1));
    assert_eq!(chain.origin, Origin::NotRecorded);
    assert_eq!(chain.total(), 0);
}

#[test]
fn a_task_that_was_never_polled_was_delayed_until_the_end() {
    let mut builder = testing::builder(100);
    testing::runtime(&mut builder, 1);
    let mut worker = testing::batch(0);
    worker.spawn(1, testing::spawn(0));
    worker.spawn(2, testing::spawn(0));
    worker.poll(2, 5, 8, Outcome::Pending);
    worker.poll(1, 10, 100, Outcome::StillRunning);
    worker.wake(2, 30, WakerKey::Task(1));
    builder.batch(worker);
    let recording = builder.finish();
    let led_to = onwards(&recording, &[], PollIx::new(1));
    assert_eq!(led_to.delayed_in_all, 1);
    assert_eq!((led_to.delayed[0].by, led_to.delayed[0].poll), (70, None));
    assert_eq!((led_to.woke_in_all, led_to.woke[0].poll), (1, None));
}

#[test]
fn a_task_that_nobody_polls_any_more_says_whose_polls_keep_the_workers() {
    let mut builder = testing::builder(100);
    testing::runtime(&mut builder, 2);
    let mut workers = [testing::batch(0), testing::batch(1)];
    for task in 1..5 {
        workers[0].spawn(task, testing::spawn(0));
    }
    workers[0].poll(3, 2, 4, Outcome::Pending);
    workers[0].poll(4, 5, 6, Outcome::Pending);
    workers[0].poll(1, 10, 100, Outcome::StillRunning);
    workers[1].poll(2, 20, 100, Outcome::StillRunning);
    workers[1].wake(4, 25, WakerKey::Task(2));
    let mut outside = crate::recording::Batch::new(9);
    outside.seat(crate::recording::SeatKey {
        worker: None,
        thread: 9,
    });
    outside.wake(3, 40, WakerKey::Outside);
    for batch in workers.into_iter().chain([outside]) {
        builder.batch(batch);
    }
    let recording = builder.finish();
    let chain = never_polled(&recording, &[], task(&recording, 3)).unwrap();
    assert_eq!((chain.poll, chain.total()), (None, 60));
    let StepKind::Runnable { behind, .. } = &chain.steps[0].kind else {
        panic!("{chain:?}");
    };
    assert_eq!((behind.lane, behind.polls, behind.busy), (None, 2, 120));
    assert!(matches!(chain.origin, Origin::Outside { .. }));

    let chain = never_polled(&recording, &[], task(&recording, 4)).unwrap();
    let StepKind::Runnable { behind, .. } = &chain.steps[0].kind else {
        panic!("{chain:?}");
    };
    assert_eq!((behind.polls, behind.most[0].1), (1, 75));
    assert!(matches!(chain.steps[1].kind, StepKind::Inside { .. }));
    assert_eq!(never_polled(&recording, &[], task(&recording, 1)), None);
}
