//! Counts against a plain scan, and the shape of a neighbourhood.

use std::collections::BTreeMap;

use proptest::prelude::*;

use super::*;
use crate::{
    analysis::play,
    recording::{Outcome, SpawnFacts, WakerKey, testing},
};

/// All wakes of the recording between `task` and others, counted one by one: (of it, by it).
type Scan = (
    BTreeMap<String, (usize, usize)>,
    BTreeMap<String, (usize, usize)>,
);

fn scan(recording: &Recording, task: TaskIx, range: &RangeInclusive<Ns>) -> Scan {
    let mut scan = Scan::default();
    for wake in (0..recording.wake_count()).map(WakeIx::new) {
        let row = recording.wake(wake);
        let mut add = |to: usize, other: Waker| {
            let side = if to == 0 { &mut scan.0 } else { &mut scan.1 };
            let entry = side.entry(format!("{other:?}")).or_default();
            entry.0 += 1;
            entry.1 += usize::from(row.redundant);
        };
        if !range.contains(&row.at) {
            continue;
        }
        if row.task == task {
            add(0, row.waker);
        } else if row.waker == Waker::Task(task) {
            add(1, Waker::Task(row.task));
        }
    }
    scan
}

fn counts(edges: &[Edge]) -> BTreeMap<String, (usize, usize)> {
    edges
        .iter()
        .map(|edge| (format!("{:?}", edge.node), (edge.count, edge.redundant)))
        .collect()
}

/// The delays of the polls that `waker`'s wakes of `task` caused.
fn slow_delays(recording: &Recording, task: TaskIx, waker: Waker) -> Vec<Ns> {
    let causes = recording.polls_of(task).iter().filter_map(|poll| {
        let crate::recording::Cause::Wake(wake) = recording.cause(*poll)? else {
            return None;
        };
        (recording.wake(wake).waker == waker).then(|| recording.delay(*poll))?
    });
    let mut delays: Vec<Ns> = causes.collect();
    delays.sort_unstable();
    delays
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 100, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn edges_count_what_a_scan_counts(acts in play::acts(), from in 0i64..300, length in 0i64..900) {
        let play = play::play(&acts);
        let recording = &play.recording;
        let range = from..=from + length;
        for task in recording.tasks() {
            let ego = ego(recording, task, &range, Fold::No);
            let (wakers, wakees) = scan(recording, task, &range);
            prop_assert_eq!(ego.woken.of, wakers.values().map(|(count, _)| count).sum::<usize>());
            prop_assert_eq!(ego.woke.of, wakees.values().map(|(count, _)| count).sum::<usize>());
            prop_assert_eq!(counts(&ego.wakers), wakers);
            prop_assert_eq!(counts(&ego.wakees), wakees);
        }
    }

    #[test]
    fn delays_are_those_of_the_polls_that_the_wakes_caused(acts in play::acts()) {
        let play = play::play(&acts);
        let recording = &play.recording;
        for task in recording.tasks() {
            let ego = ego(recording, task, &(0..=Ns::MAX), Fold::No);
            for edge in &ego.wakers {
                let slow = slow_delays(recording, task, edge.node);
                prop_assert_eq!(edge.median, slow.get((slow.len() * 50).div_ceil(100).wrapping_sub(1)).copied());
                prop_assert_eq!(edge.p99, slow.get((slow.len() * 99).div_ceil(100).wrapping_sub(1)).copied());
            }
            for edge in &ego.wakees {
                let Waker::Task(other) = edge.node else { unreachable!() };
                let slow = slow_delays(recording, other, Waker::Task(task));
                prop_assert_eq!(edge.p99, slow.get((slow.len() * 99).div_ceil(100).wrapping_sub(1)).copied());
            }
        }
    }

    #[test]
    fn a_neighbourhood_tells_nothing_that_is_not_there(acts in play::acts()) {
        let play = play::play(&acts);
        let recording = &play.recording;
        for task in recording.tasks() {
            let all = neighbourhood(recording, task, &(0..=Ns::MAX));
            prop_assert_eq!(all.nodes[0], Node { who: Who::Task(task), layer: 0 });
            let who = |node: usize| match all.nodes[node].who {
                Who::Task(task) => Waker::Task(task),
                Who::Runtime => Waker::Runtime,
                Who::Outside(thread) => Waker::Outside(thread),
                other => panic!("{other:?}"),
            };
            for link in &all.links {
                prop_assert!(link.from != link.to);
                for (from, to, count) in [(link.from, link.to, link.count), (link.to, link.from, link.back)] {
                    if let Waker::Task(woken) = who(to) {
                        let scan = scan(recording, woken, &(0..=Ns::MAX)).0;
                        let counted = scan.get(&format!("{:?}", who(from))).map_or(0, |(count, _)| *count);
                        prop_assert_eq!(count, counted);
                    } else {
                        prop_assert_eq!(count, 0);
                    }
                }
            }
        }
    }
}

/// A hub that wakes and is woken by `tasks` others of one location, and a flusher behind it.
fn hub(tasks: u64) -> Recording {
    let mut builder = testing::builder(100_000);
    testing::runtime(&mut builder, 1);
    let names = [builder.intern("conn"), builder.intern("src/conn.rs:1:1")];
    let mut worker = testing::batch(0);
    let mut at = 0;
    worker.spawn(1, testing::spawn(0));
    worker.spawn(2, testing::spawn(0));
    for task in 10..10 + tasks {
        let facts = SpawnFacts {
            name: names[0],
            location: names[1],
            ..testing::spawn(0)
        };
        worker.spawn(task, facts);
        worker.wake(task, at, WakerKey::Runtime);
        worker.poll(task, at + 1, at + 4, Outcome::Pending);
        worker.wake(1, at + 2, WakerKey::Task(task));
        worker.poll(1, at + 5, at + 9, Outcome::Pending);
        worker.wake(2, at + 6, WakerKey::Task(1));
        worker.poll(2, at + 9, at + 10, Outcome::Pending);
        at += 10;
    }
    // The first is answered.
    worker.poll(1, at, at + 5, Outcome::Pending);
    worker.wake(10, at + 1, WakerKey::Task(1));
    worker.poll(10, at + 6, at + 7, Outcome::Pending);
    builder.batch(worker);
    builder.finish()
}

#[test]
fn tasks_of_one_location_are_one_end_and_one_node() {
    let recording = hub(30);
    let task = recording.task_by_id(1).unwrap();
    let whole = 0..=Ns::MAX;
    let folded = ego(&recording, task, &whole, Fold::ByLocation);
    assert_eq!(folded.wakers.len(), 1);
    assert_eq!((folded.wakers[0].tasks, folded.wakers[0].count), (30, 30));
    assert_eq!(ego(&recording, task, &whole, Fold::No).wakers.len(), 30);

    let all = neighbourhood(&recording, task, &whole);
    assert!(
        all.nodes
            .iter()
            .any(|node| node.layer == -1 && matches!(node.who, Who::Tasks { count: 30, .. }))
    );
    assert!(
        all.nodes
            .iter()
            .any(|node| node.layer == -2 && node.who == Who::Runtime)
    );
    assert!(all.nodes.iter().any(|node| node.layer == 1));
    // What leads back to one of them is the other half of the same link.
    let both: Vec<&Link> = all.links.iter().filter(|link| link.back > 0).collect();
    assert_eq!(both.len(), 1);
    assert_eq!((both[0].count, both[0].back), (30, 1));
    assert_eq!((all.more_nodes, all.more_links), (0, 0));
}

#[test]
fn too_many_wakes_are_counted_so_far_and_the_rest_is_told() {
    let mut builder = testing::builder(1_000_000);
    testing::runtime(&mut builder, 1);
    let mut worker = testing::batch(0);
    for at in 0..MOST_COUNTED as Ns + 10 {
        worker.wake(1, at, WakerKey::Runtime);
    }
    builder.batch(worker);
    let recording = builder.finish();
    let ego = ego(&recording, TaskIx::new(0), &(0..=Ns::MAX), Fold::No);
    let expected = Counted {
        counted: MOST_COUNTED,
        of: MOST_COUNTED + 10,
        ends: 1,
    };
    assert_eq!(ego.woken, expected);
    assert_eq!(ego.wakers[0].count, MOST_COUNTED);
}

#[test]
fn a_crowd_is_cut_off_and_counted() {
    let mut builder = testing::builder(10_000);
    testing::runtime(&mut builder, 1);
    let mut worker = testing::batch(0);
    for other in 2..100 {
        worker.poll(
            other,
            other as Ns * 10,
            other as Ns * 10 + 5,
            Outcome::Pending,
        );
        worker.wake(1, other as Ns * 10 + 2, WakerKey::Task(other));
    }
    builder.batch(worker);
    let recording = builder.finish();
    let task = recording.task_by_id(1).unwrap();
    let all = neighbourhood(&recording, task, &(0..=Ns::MAX));
    assert_eq!(all.nodes.len(), MOST_NODES);
    assert_eq!(all.more_nodes, 98 - (MOST_NODES - 1));
}

#[test]
fn more_ends_than_anybody_reads_are_counted() {
    let ends = MOST_EDGES as u64 + 10;
    let mut builder = testing::builder(1_000_000);
    testing::runtime(&mut builder, 1);
    let mut worker = testing::batch(0);
    for other in 0..ends {
        let at = 10 * other as Ns;
        worker.poll(other + 2, at, at + 5, Outcome::Pending);
        worker.wake(1, at + 2, WakerKey::Task(other + 2));
    }
    worker.wake(1, 0, WakerKey::Runtime);
    worker.wake(1, 1, WakerKey::Runtime);
    builder.batch(worker);
    let recording = builder.finish();
    let task = recording.task_by_id(1).unwrap();
    let ego = ego(&recording, task, &(0..=Ns::MAX), Fold::No);
    assert_eq!(ego.woken.ends, MOST_EDGES + 11);
    assert_eq!(ego.wakers.len(), MOST_EDGES);
    // Those that are left out are of the least.
    assert_eq!(
        (ego.wakers[0].node, ego.wakers[0].count),
        (Waker::Runtime, 2)
    );
}
