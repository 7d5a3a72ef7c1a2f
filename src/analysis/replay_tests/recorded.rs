//! The state at a thousand instants of a whole recording, history and all, against a walk through the list of events.

use proptest::prelude::*;

use super::{END, Life, life, replay, step};
use crate::{
    analysis::{State, state_at},
    open::{Progress, Request, open},
    recording::{
        Batch, FoldedFacts, Happening, LastPoll, Ns, OpenWaitFacts, Outcome, PollIx, Recording,
        SeatKey, StrId, TaskFacts, TaskIx, Totals, WaitIx, WaitState, WakerKey,
        testing::{self, seat, spawn},
    },
};

/// What happened to a task, in the order in which it counts within one instant.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Event {
    Spawned,
    Woken,
    /// A poll of the history ended then.
    PolledBefore(Ns),
    Polled(PollIx),
    WaitBegun(WaitIx),
    WaitEnded(WaitIx),
    WakerLost,
    Ended,
}

/// Everything that happened to `task`, from the history and from its own list.
fn events(recording: &Recording, task: TaskIx) -> Vec<(Ns, Event)> {
    let lines = recording.history(task).lines(0);
    let mut events: Vec<(Ns, Event)> = lines
        .filter_map(|line| {
            let event = match line.what {
                Happening::Spawned => Event::Spawned,
                Happening::Woken(_) => Event::Woken,
                Happening::Polled(poll) => Event::Polled(poll),
                Happening::Waits(wait) => Event::WaitBegun(wait),
                Happening::Waited(wait) => Event::WaitEnded(wait),
                Happening::Unwakeable => Event::WakerLost,
                Happening::Ended => Event::Ended,
                _ => return None,
            };
            Some((line.at, event))
        })
        .collect();
    if let Some(folded) = recording.folded(task) {
        // What the list shows, too, may differ there by the nanosecond that was lost in rounding.
        let first = |wanted: fn(&Event) -> bool| {
            let mut times = events.iter().filter(|(_, event)| wanted(event));
            times.next().map_or(Ns::MAX, |(at, _)| *at)
        };
        let polled = first(|event| matches!(event, Event::Polled(_)));
        let woken = first(|event| matches!(event, Event::Woken));
        let lost = first(|event| matches!(event, Event::WakerLost));
        let poll = folded.last_poll;
        let poll = poll.filter(|poll| poll.outcome != Outcome::StillRunning && poll.start < polled);
        events.extend(poll.map(|poll| (poll.start, Event::PolledBefore(poll.end))));
        let wake = folded.last_wake.filter(|wake| wake.at < woken);
        events.extend(wake.map(|wake| (wake.at, Event::Woken)));
        let unwakeable = folded.unwakeable_at.filter(|at| *at < lost);
        events.extend(unwakeable.map(|at| (at, Event::WakerLost)));
        // Where polls are missing at the beginning, the spawn did not make it runnable for the first one that is left.
        if recording.totals(task).polls > recording.polls_of(task).len() as u64 {
            events.retain(|(_, event)| *event != Event::Spawned);
        }
    }
    events.sort();
    events
}

/// What the state is, told by going through every event up to `at`.
fn walk(recording: &Recording, task: TaskIx, events: &[(Ns, Event)], at: Ns) -> State {
    let facts = recording.task(task);
    let mut in_poll = None;
    let mut last_end = None;
    let mut ready = None;
    let mut lost = None;
    let mut waits: Vec<WaitIx> = Vec::new();
    let mut ended = false;
    for &(now, event) in events {
        if now > at {
            break;
        }
        match event {
            Event::Spawned | Event::Woken => {
                lost = None;
                ready = ready.or(Some(now));
            }
            Event::PolledBefore(end) => (ready, lost, last_end) = (None, None, Some(end)),
            Event::Polled(poll) => {
                let row = recording.poll(poll);
                let goes_on = at < row.end() || row.outcome == Outcome::StillRunning;
                in_poll = goes_on.then_some(poll);
                (ready, lost, last_end) = (None, None, Some(row.end()));
            }
            Event::WaitBegun(wait) => waits.push(wait),
            Event::WaitEnded(wait) => waits.retain(|other| *other != wait),
            Event::WakerLost => lost = ready.is_none().then_some(now).or(lost),
            Event::Ended => ended = true,
        }
    }
    match (in_poll, ready) {
        (Some(poll), _) => State::Running(poll),
        _ if ended => State::Done,
        _ if facts.spawned_at().is_some_and(|spawned| at < spawned) => State::NotYetSpawned,
        (None, Some(since)) => State::Runnable {
            since: last_end.map_or(since, |end| since.max(end)),
        },
        _ if !facts.wakes_recorded || at < recording.window().others_start => State::Unknown,
        (None, None) => State::Idle {
            since: last_end,
            wait: waits.last().copied(),
            unwakeable: lost,
        },
    }
}

#[test]
fn a_thousand_instants_of_the_sample_agree_with_a_walk_through_its_events() {
    let recording = open(&Request::default(), &Progress::default()).unwrap();
    let end = recording.window().end;
    let mut random = 0x9e37_79b9_7f4a_7c15_u64;
    let mut names = std::collections::HashSet::new();
    let mut instants = vec![0, end];
    // Half of them anywhere, half of them where something happens.
    for number in 0..1_000 {
        random ^= random << 13;
        random ^= random >> 7;
        random ^= random << 17;
        instants.push(if number % 2 == 0 {
            (random % end.unsigned_abs()).cast_signed()
        } else {
            let polls = recording.poll_count() as u64;
            let poll = recording.poll(PollIx::new((random % polls) as usize));
            poll.start + [0, poll.duration, -1][number % 3]
        });
    }
    for task in recording.tasks() {
        let events = events(&recording, task);
        for at in &instants {
            let state = state_at(&recording, task, *at);
            let walked = walk(&recording, task, &events, *at);
            assert_eq!(state, walked, "{task:?} at {at}");
            assert_eq!(state.is_alive(), recording.is_alive(task, *at), "{task:?}");
            names.insert(state.name());
        }
    }
    for name in ["running", "runnable", "waiting", "idle", "not yet spawned"] {
        assert!(names.contains(name), "the sample shows no task {name}");
    }
}

/// A recording of `lives` that begins at `cut`: of what came before, only the history knows.
fn cut_off(lives: &[Life], cut: Ns) -> Recording {
    let mut builder = testing::builder(END);
    let mut wait = 0;
    for (number, life) in lives.iter().enumerate() {
        let id = number as u64 + 1;
        builder.task(TaskFacts {
            id,
            spawn: spawn(life.spawn - cut),
            wakes_recorded: true,
            ended_at: None,
        });
        let mut batch = Batch::new(number as u32);
        batch.seat(seat(number as u32));
        let mut totals = Totals::default();
        let mut last_poll: Option<LastPoll> = None;
        for (start, end) in life.polls.iter().map(|(s, e)| (s - cut, e - cut)) {
            if end < 0 {
                totals.polls += 1;
                let outcome = Outcome::Pending;
                last_poll = last_poll.max_by_start(LastPoll {
                    start,
                    end,
                    outcome,
                });
            } else {
                batch.poll(id, start, end, Outcome::Pending);
            }
        }
        for (begin, end) in life.waits.iter().map(|(b, e)| (b - cut, e - cut)) {
            wait += 1;
            if begin >= 0 {
                batch.wait_begin(id, wait, begin, StrId::NONE, StrId::NONE);
            } else if end >= 0 {
                builder.open_wait(OpenWaitFacts {
                    task: id,
                    wait,
                    name: StrId::NONE,
                    location: StrId::NONE,
                    since: begin,
                });
            }
            if end >= 0 {
                batch.wait_end(id, wait, end, WaitState::Done);
            }
        }
        let mut wakes = Batch::new(1_000 + number as u32);
        wakes.seat(SeatKey {
            worker: None,
            thread: 99,
        });
        let before = |times: &[Ns]| times.iter().map(|at| at - cut).filter(|at| *at < 0).max();
        for at in life.wakes.iter().map(|at| at - cut).filter(|at| *at >= 0) {
            wakes.wake(id, at, WakerKey::Outside);
        }
        for at in life
            .unwakeable
            .iter()
            .map(|at| at - cut)
            .filter(|at| *at >= 0)
        {
            batch.unwakeable(id, at);
        }
        if let Some(end) = life.end {
            batch.terminate(id, end - cut);
        }
        builder.folded(
            id,
            FoldedFacts {
                totals,
                last_poll,
                last_wake: before(&life.wakes).map(|at| (at, WakerKey::Outside, 99)),
                unwakeable_at: before(&life.unwakeable),
            },
        );
        builder.batch(batch);
        builder.batch(wakes);
    }
    builder.finish()
}

trait Later {
    fn max_by_start(self, other: LastPoll) -> Self;
}

impl Later for Option<LastPoll> {
    fn max_by_start(self, other: LastPoll) -> Self {
        self.into_iter()
            .chain([other])
            .max_by_key(|poll| poll.start)
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 60, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn what_only_the_history_knows_counts_too(
        raw in proptest::collection::vec((1u8..50, proptest::collection::vec(step(), 0..14)), 3),
        cut in 1i64..300,
    ) {
        let lives: Vec<Life> = raw.iter().map(|(spawn, steps)| life(*spawn, steps)).collect();
        let recording = cut_off(&lives, cut);
        for (number, life) in lives.iter().enumerate() {
            let task = recording.task_by_id(number as u64 + 1).unwrap();
            for at in 0..END - cut {
                let state = state_at(&recording, task, at);
                prop_assert_eq!(state.name(), replay(life, at + cut), "task {} at {} after {} of {:?}", number, at, cut, life);
            }
        }
    }
}
