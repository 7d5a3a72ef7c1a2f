//! Every scenario is run, and its dump compared with what is known of the run by construction.

mod dump;

use std::time::{Duration, UNIX_EPOCH};

use dial9_demo::{Facts, Options, Scenario, blocked_worker, slow_poll};
use dial9_format::Waker;
use dump::{Dump, Task};

/// Runs a scenario, reads its dump, and holds the two against each other.
fn run(scenario: Scenario) -> (Facts, Dump) {
    let directory = tempfile::tempdir().expect("a directory");
    let options = Options {
        run_time: Duration::from_millis(1500),
        ..Options::new(directory.path().join("run.dial9"))
    };
    let facts = scenario.run(&options).expect("the scenario runs");
    let bytes = std::fs::read(&options.out).expect("the dump is there");
    let dump = Dump::read(&bytes);
    compare(&facts, &dump);
    (facts, dump)
}

/// Spawns, polls, wakes and ends of every spawn location.
fn compare(facts: &Facts, dump: &Dump) {
    assert_eq!(dump.losses, [], "a short run loses nothing");
    for known in &facts.tasks {
        let found: Vec<&Task> = dump.spawned_at(&known.location).collect();
        let sum = |of: fn(&Task) -> u64| found.iter().map(|task| of(task)).sum::<u64>();
        let (name, location) = (known.name.as_deref().unwrap_or(""), &known.location);
        assert_eq!(
            found.len() as u64,
            known.spawned,
            "spawns of {name} at {location}"
        );
        assert!(
            found.iter().all(|task| task.name == name),
            "name of {location}"
        );
        let polls = sum(|task| task.polls);
        assert!(
            known.polls.admits(polls),
            "polls of {name}: {polls}, known {:?}",
            known.polls
        );
        let wakes = sum(|task| task.wakes);
        assert!(
            known.wakes.admits(wakes),
            "wakes of {name}: {wakes}, known {:?}",
            known.wakes
        );
        let ended = sum(|task| task.ended.into());
        assert!(known.ended.admits(ended), "ends of {name}: {ended}");
    }
    let spawned: u64 = facts.tasks.iter().map(|task| task.spawned).sum();
    let located = dump
        .tasks
        .values()
        .filter(|task| !task.location.is_empty())
        .count();
    assert_eq!(located as u64, spawned, "tasks with a spawn location");
}

fn nanoseconds(span: Duration) -> u64 {
    u64::try_from(span.as_nanos()).expect("a short span")
}

fn culprit(facts: &Facts) -> &str {
    facts.culprit.as_deref().expect("somebody is to blame")
}

/// Every stuck task is alive, and its only open wait is the one that the scenario foretold.
fn assert_stuck(facts: &Facts, dump: &Dump) {
    for stuck in &facts.stuck {
        let task = dump.the_task_of(&stuck.location);
        assert!(!task.ended, "{} ended", task.name);
        assert_eq!(
            task.waiting_on,
            [stuck.waiting_on.as_str()],
            "wait of {}",
            task.name
        );
    }
}

#[test]
fn slow_poll_is_as_long_as_it_was_and_its_subscriber_was_woken_from_inside_it() {
    let (facts, dump) = run(Scenario::SlowPoll);
    let report = dump.the_task_of(culprit(&facts));
    assert!(report.longest_poll_ns >= nanoseconds(slow_poll::BLOCK));
    let subscriber = dump.the_task_of(facts.location_of("subscriber").expect("a subscriber"));
    assert_eq!(subscriber.last_waker, Some(Waker::Task(report.id)));
    let wake = dump
        .wakes
        .iter()
        .find(|wake| wake.task == subscriber.id)
        .expect("its wake");
    let block = nanoseconds(slow_poll::BLOCK);
    let long = dump
        .polls
        .iter()
        .find(|poll| poll.task == report.id && poll.end - poll.start >= block)
        .expect("the long poll");
    // The history converts the length, the event its two ends: a few ns may lie between them.
    assert!((long.end - long.start).abs_diff(report.longest_poll_ns) < 1_000);
    assert!(
        long.start <= wake.at && wake.at <= long.end,
        "{wake:?} lies in {long:?}"
    );
}

#[test]
fn deadlock_leaves_both_transfers_waiting_for_the_others_account() {
    let (facts, dump) = run(Scenario::Deadlock);
    assert_eq!(facts.stuck.len(), 2);
    assert_stuck(&facts, &dump);
    for stuck in &facts.stuck {
        assert_eq!(
            dump.the_task_of(&stuck.location).last_waker,
            Some(Waker::Outside)
        );
    }
}

#[test]
fn full_channel_leaves_the_producer_waiting_for_room_and_the_consumer_for_the_producer() {
    let (facts, dump) = run(Scenario::FullChannel);
    assert_eq!(facts.stuck.len(), 2);
    assert_stuck(&facts, &dump);
    let producer = dump.the_task_of(facts.location_of("producer").expect("a producer"));
    let consumer = dump.the_task_of(facts.location_of("consumer").expect("a consumer"));
    assert_eq!(consumer.last_waker, Some(Waker::Task(producer.id)));
}

#[test]
fn lost_wake_leaves_exactly_one_task_unwakeable() {
    let (facts, dump) = run(Scenario::LostWake);
    assert_stuck(&facts, &dump);
    let unwakeable: Vec<&str> = dump
        .tasks
        .values()
        .filter(|task| task.unwakeable && !task.ended)
        .map(|task| task.location.as_str())
        .collect();
    assert_eq!(unwakeable, [culprit(&facts)]);
}

#[test]
fn blocked_worker_is_dumped_inside_its_poll() {
    let (facts, dump) = run(Scenario::BlockedWorker);
    let reindex = dump.the_task_of(culprit(&facts));
    let [running] = dump
        .running
        .iter()
        .filter(|one| one.task.is_some())
        .collect::<Vec<_>>()[..]
    else {
        panic!("one poll is running: {:?}", dump.running);
    };
    assert_eq!(running.task, Some(reindex.id));
    let length = dump.header.window_end - running.start;
    assert!(
        length >= nanoseconds(blocked_worker::BLOCKED),
        "{length} ns"
    );
}

#[test]
fn healthy_leaves_nobody_unwakeable_and_only_the_heartbeat_waiting() {
    let (facts, dump) = run(Scenario::Healthy);
    let heartbeat = facts.location_of("heartbeat").expect("a heartbeat");
    for task in dump.tasks.values().filter(|task| !task.location.is_empty()) {
        assert!(
            !task.unwakeable || task.ended,
            "{} at {}",
            task.name,
            task.location
        );
        assert_eq!(
            !task.ended,
            task.location == heartbeat,
            "{} at {}",
            task.name,
            task.location
        );
        assert_eq!(
            task.waiting_on.is_empty(),
            task.ended,
            "{} at {}",
            task.name,
            task.location
        );
    }
}

#[test]
fn service_blocks_both_workers_at_the_planted_moment_and_its_clients_come_late() {
    let (facts, dump) = run(Scenario::Service);
    let incident = facts.incident.as_ref().expect("an incident");
    let length = nanoseconds(incident.length);
    let blocking: Vec<_> = dump
        .polls
        .iter()
        .filter(|poll| poll.end - poll.start >= length)
        .collect();
    assert_eq!(blocking.len() as u64, incident.blockers, "{blocking:?}");
    let culprits = dump
        .spawned_at(culprit(&facts))
        .map(|task| task.id)
        .collect::<Vec<_>>();
    assert!(blocking.iter().all(|poll| culprits.contains(&poll.task)));

    // Released at once, so for most of the time both workers were blocked together.
    let blind_from = blocking.iter().map(|poll| poll.start).max().expect("two");
    let blind_to = blocking.iter().map(|poll| poll.end).min().expect("two");
    assert!(
        blind_to.saturating_sub(blind_from) > length / 2,
        "{blocking:?}"
    );
    let meanwhile = |at: u64| blind_from < at && at < blind_to;
    assert!(
        !dump
            .wakes
            .iter()
            .any(|wake| wake.waker == Waker::Runtime && meanwhile(wake.at))
    );
    // The clients had gone on asking, and their requests are seen when the blocks end.
    let late = dump
        .wakes
        .iter()
        .filter(|wake| (blind_to..blind_to + length / 2).contains(&wake.at));
    assert!(late.filter(|wake| wake.waker == Waker::Runtime).count() > 1);
    assert!(
        incident.max_latency >= incident.length / 4,
        "{:?}",
        incident.max_latency
    );

    let anchor = dump.header.anchors.last().expect("an anchor");
    let planted = nanoseconds(
        incident
            .planted
            .duration_since(UNIX_EPOCH)
            .expect("after 1970"),
    );
    let first = blocking.iter().map(|poll| poll.start).min().expect("two");
    let began = anchor.wall_ns + first - anchor.at;
    assert!(
        began.abs_diff(planted) < 1_000_000_000,
        "{began} and {planted}"
    );
}
