//! Tests of the module above.

use super::*;
use dial9_format::TaskKind;
use dial9_format::WaitOutcome;
use proptest::prelude::*;

struct Bench {
    facts: FactsTable,
    history: History,
}

impl Bench {
    fn new(rows: usize) -> Self {
        Self {
            facts: FactsTable::new(rows).expect("memory"),
            history: History::new(rows).expect("memory"),
        }
    }

    fn spawn(&mut self, id: u64, at: u64, location: u32) {
        assert!(self.facts.publish(&Facts {
            id,
            at,
            parent: None,
            location,
            name: 0,
            runtime: 0,
            size: 0,
            kind: TaskKind::Async,
            covered: true,
        }));
        self.history.take_spawned(&self.facts);
    }

    fn fold(&mut self, events: &[RawEvent]) {
        for event in events {
            self.history
                .fold(&self.facts, event, 3, &mut WorkerTotals::default());
        }
    }

    fn entry(&self, id: u64) -> Option<Entry> {
        let snapshot = self.history.snapshot(&self.facts);
        snapshot
            .tasks
            .into_iter()
            .find(|(facts, _)| facts.id == id)
            .map(|(_, entry)| entry)
    }

    fn waits(&self) -> Vec<u64> {
        self.history
            .snapshot(&self.facts)
            .waits
            .iter()
            .map(|wait| wait.wait)
            .collect()
    }
}

fn poll(task: u64, start: u64, end: u64) -> RawEvent {
    RawEvent::Poll {
        start,
        end,
        task,
        outcome: PollOutcome::Pending,
    }
}

fn wait_begin(task: u64, wait: u64, at: u64) -> RawEvent {
    RawEvent::WaitBegin {
        at,
        task,
        wait,
        name: 1,
        location: 2,
    }
}

fn wait_end(task: u64, wait: u64, at: u64) -> RawEvent {
    RawEvent::WaitEnd {
        at,
        task,
        wait,
        outcome: WaitOutcome::Done,
    }
}

#[test]
fn a_spawn_that_is_folded_after_its_end_is_no_zombie() {
    let mut bench = Bench::new(8);
    bench.fold(&[RawEvent::Terminate { at: 50, task: 1 }]);
    bench.spawn(1, 40, 1);
    let entry = bench.entry(1).expect("its past is still wanted");
    assert_eq!(entry.terminated_at, 50);
    bench.history.retire(&bench.facts, 51, 51);
    assert!(bench.entry(1).is_none());
}

#[test]
fn a_wait_that_ends_before_its_begin_is_folded_is_not_open() {
    let mut bench = Bench::new(8);
    bench.spawn(1, 0, 1);
    bench.fold(&[
        wait_end(1, 7, 20),
        wait_begin(1, 7, 10),
        wait_begin(1, 8, 30),
    ]);
    assert_eq!(bench.waits(), [8]);
    assert_eq!(bench.entry(1).expect("alive").waits, 2);
}

#[test]
fn late_events_of_a_task_that_left_raise_nobody() {
    let mut bench = Bench::new(8);
    bench.spawn(1, 0, 1);
    bench.fold(&[
        wait_begin(1, 3, 5),
        poll(1, 10, 20),
        RawEvent::Terminate { at: 19, task: 1 },
    ]);
    bench.history.retire(&bench.facts, 20, 20);
    assert!(
        bench.entry(1).is_some(),
        "its last poll ends at the horizon"
    );
    bench.history.retire(&bench.facts, 21, 21);
    assert!(bench.entry(1).is_none());
    bench.fold(&[
        RawEvent::Wake {
            at: 22,
            task: 1,
            waker: Waker::Runtime,
        },
        wait_end(1, 3, 23),
    ]);
    assert!(bench.entry(1).is_none());
    assert!(bench.waits().is_empty());
}

#[test]
fn events_of_unknown_tasks_make_no_entry_but_a_spawn_without_a_row_does() {
    let mut bench = Bench::new(8);
    bench.fold(&[
        RawEvent::Terminate { at: 50, task: 9 },
        poll(9, 40, 51),
        poll(10, 40, 51),
    ]);
    assert!(bench.entry(9).is_none() && bench.entry(10).is_none());
    let spawn = |task, rowless| RawEvent::Spawn {
        at: 60,
        task,
        parent: None,
        location: 1,
        name: 0,
        runtime: 0,
        kind: TaskKind::Async,
        size: 0,
        rowless,
    };
    bench.fold(&[spawn(11, false), spawn(12, true), poll(12, 61, 62)]);
    assert!(bench.entry(11).is_none(), "its entry has come and gone");
    assert_eq!(bench.entry(12).expect("found a row late").polls, 1);
}

#[test]
fn a_wait_whose_end_may_be_lost_is_forgotten_and_a_stuck_one_is_not() {
    let mut bench = Bench::new(8);
    bench.spawn(1, 0, 1);
    bench.spawn(2, 0, 1);
    bench.fold(&[
        poll(1, 5, 11),
        wait_begin(1, 7, 10),
        poll(2, 5, 11),
        wait_begin(2, 8, 10),
        // The end of wait 8 was lost; the task goes on.
        poll(2, 40, 41),
    ]);
    bench.history.forget_doubtful_waits(30);
    assert_eq!(bench.waits(), [7]);
    assert_eq!(bench.history.waits_lost, 1);
    bench.fold(&[wait_begin(2, 9, 45), poll(2, 50, 51)]);
    bench.history.forget_doubtful_waits(30);
    assert_eq!(bench.waits(), [7, 9], "nothing was lost after it began");
}

#[test]
fn when_rows_run_short_the_most_populous_location_pays() {
    let mut bench = Bench::new(64);
    bench.spawn(1, 1, 1);
    for id in 2..=60 {
        bench.spawn(id, id, 2);
    }
    bench.history.retire(&bench.facts, 0, 0);
    assert!(
        bench.entry(1).is_some(),
        "the only one of its location stays"
    );
    assert!(bench.history.given_up > 0);
    assert!(bench.history.free_rows() >= 8);
    bench.spawn(100, 100, 3);
    assert!(bench.entry(100).is_some());
}

#[test]
fn ended_tasks_go_before_living_ones() {
    let mut bench = Bench::new(64);
    for id in 1..=60 {
        bench.spawn(id, id, 1);
    }
    let ends: Vec<_> = (1..=20)
        .map(|id| RawEvent::Terminate {
            at: 100 + id,
            task: id,
        })
        .collect();
    bench.fold(&ends);
    bench.history.retire(&bench.facts, 0, 0);
    assert!((21..=60).all(|id| bench.entry(id).is_some()));
}

#[test]
fn bytes_are_what_was_asked_for() {
    for budget in [1 << 20, 8 << 20, 3_000_000] {
        let rows = rows_within(budget);
        assert!(bytes(rows) <= budget && bytes(rows + 1) > budget);
    }
}

proptest! {
    /// Two threads' chunks, folded in any interleaving, give one and the same history.
    #[test]
    fn the_order_of_folding_does_not_matter(
        lengths in proptest::collection::vec((0_u64..50, any::<bool>(), 0_u8..6), 1..60),
        choices in proptest::collection::vec(any::<bool>(), 120),
    ) {
        let mut now = 1;
        let mut chunks = [Vec::new(), Vec::new()];
        let mut open_wait = None;
        let mut next_wait = 0;
        for (length, chunk, what) in lengths {
            let chunk = &mut chunks[usize::from(chunk)];
            now += 1 + length;
            chunk.push(match what {
                0 | 1 => poll(1, now - length, now),
                2 => RawEvent::Wake { at: now, task: 1, waker: Waker::Task(length) },
                3 => RawEvent::Unwakeable { at: now, task: 1 },
                _ => match open_wait.take() {
                    Some(wait) => wait_end(1, wait, now),
                    None => {
                        next_wait += 1;
                        open_wait = Some(next_wait);
                        wait_begin(1, next_wait, now)
                    }
                },
            });
        }
        let fold = |order: &mut dyn FnMut() -> usize| {
            // Rows enough that every wait finds a place, however many are open for a while.
            let mut bench = Bench::new(200);
            bench.spawn(1, 0, 1);
            let mut places = [0, 0];
            loop {
                let mut pick = order();
                if places[pick] == chunks[pick].len() {
                    pick = 1 - pick;
                }
                let Some(event) = chunks[pick].get(places[pick]) else { break };
                places[pick] += 1;
                bench.fold(std::slice::from_ref(event));
            }
            let mut waits = bench.waits();
            waits.sort_unstable();
            let mut entry = bench.entry(1).expect("alive");
            entry.first_wait = 0;
            (format!("{entry:?}"), waits)
        };
        let straight = fold(&mut || 0);
        let mut choices = choices.into_iter().cycle();
        let shuffled = fold(&mut || usize::from(choices.next().unwrap_or(false)));
        prop_assert_eq!(straight, shuffled);
    }
}
