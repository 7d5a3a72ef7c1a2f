//! What Causes says of a request that came late, held against the clock of the client who had to wait for the answer.

use std::time::{Duration, SystemTime, UNIX_EPOCH};

use dial9_demo::{Options, Scenario};
use dial9_tui::{
    analysis::{
        Blind,
        blind::late_after,
        blind_intervals,
        causes::{Chain, Origin, chain},
    },
    open::{Progress, Request, open},
    recording::{MILLISECOND, Ns, Recording, TaskIx, WakeIx},
};

/// How far the recording's clock and the clients' may be apart.
const CLOCKS: Ns = 2 * MILLISECOND;

fn ns(duration: Duration) -> Ns {
    Ns::try_from(duration.as_nanos()).unwrap()
}

/// A wall clock time as the recording counts time.
fn in_window(recording: &Recording, at: SystemTime) -> Ns {
    let wall = ns(at.duration_since(UNIX_EPOCH).unwrap());
    wall - recording.window().wall_start.unwrap()
}

/// The chain behind the poll that a wake led to.
fn chain_after(recording: &Recording, blind: &[Blind], task: TaskIx, wake: WakeIx) -> Chain {
    let polls = recording.polls_of(task);
    let at = recording.wake_at(wake);
    let next = polls.partition_point(|poll| recording.poll_start(*poll) < at);
    chain(recording, blind, polls[next])
}

/// On a machine that is busy otherwise a run may end without a client who asked at the right time.
const RUNS: usize = 8;

#[test]
fn a_request_that_came_late_was_due_while_both_workers_were_inside_polls() {
    assert!(
        (0..RUNS).any(|_| a_client_agrees()),
        "in {RUNS} runs no client asked while nobody asked the driver"
    );
}

/// Records the incident and holds Causes against it; and against the clock of a client, if one asked meanwhile.
fn a_client_agrees() -> bool {
    let directory = tempfile::tempdir().unwrap();
    let options = Options {
        run_time: Duration::from_millis(1500),
        ..Options::new(directory.path().join("service.dial9"))
    };
    let facts = Scenario::Service.run(&options).unwrap();
    let incident = facts.incident.as_ref().unwrap();
    let culprit = facts.culprit.as_deref().unwrap();
    let request = Request {
        paths: vec![options.out.clone()],
        process: None,
    };
    let recording = open(&request, &Progress::default()).unwrap();

    // Both workers were blocked for most of 80 ms; only the beginning of the second may lag behind.
    let blind = blind_intervals(&recording, MILLISECOND);
    let planted = in_window(&recording, incident.planted);
    let longest = blind
        .iter()
        .filter(|blind| blind.start >= planted - CLOCKS)
        .find(|blind| blind.duration() >= ns(incident.length) / 2)
        .expect("the planted blind interval");

    // Each request that was woken right after says so, and who was polling where.
    let late: Vec<Chain> = late_after(&recording, longest)
        .into_iter()
        .filter(|late| recording.location(late.task) == Some(culprit))
        .map(|late| chain_after(&recording, &blind, late.task, late.wake))
        // The workers may be blocked again before the driver is asked, by others who want the machine.
        .filter(|chain| {
            chain
                .blind()
                .is_none_or(|before| before.blind.start <= longest.start)
        })
        .collect();
    if late.is_empty() {
        return false;
    }
    for chain in &late {
        let Origin::Runtime { wake, .. } = chain.origin else {
            panic!("{chain:?}");
        };
        let before = chain.blind().expect("a blind interval before it");
        assert_eq!(before.blind, *longest);
        let workers: Vec<_> = before
            .blind
            .polls
            .iter()
            .map(|poll| recording.worker_of(recording.poll(*poll).lane))
            .collect();
        assert_eq!(workers, [Some(0), Some(1)]);
        let tasks: Vec<TaskIx> = before
            .blind
            .polls
            .iter()
            .map(|poll| recording.poll(*poll).task)
            .collect();
        assert_ne!(tasks[0], tasks[1]);
        for task in tasks {
            assert_eq!(recording.location(task), Some(culprit));
        }
        // How late it may have come is told beside the time since its wake, and is no part of it.
        let woken = recording.wake_at(wake);
        assert_eq!(chain.total(), chain.until - woken);
        assert!(before.at_most <= woken - longest.start);
        assert!(before.at_most > 0);
    }

    // The client who asked first while nobody asked the driver: by its own clock it waited until the workers were
    // back, and what is said of the latest request is enough to explain that.
    let waited = incident
        .latest
        .iter()
        .map(|answer| (in_window(&recording, answer.asked), ns(answer.took)))
        .filter(|(asked, _)| (longest.start + CLOCKS..longest.end - CLOCKS).contains(asked))
        .map(|(asked, took)| (longest.end - asked, took))
        .max();
    let Some((rest, took)) = waited else {
        return false;
    };
    assert!(
        took >= rest - CLOCKS,
        "answered after {took}, blind for {rest}"
    );
    let at_most = late
        .iter()
        .filter_map(Chain::blind)
        .map(|before| before.at_most);
    let latest = at_most.max().unwrap();
    assert!(
        latest >= rest - CLOCKS,
        "up to {latest} late, asked {rest} before the end"
    );
    assert!(ns(incident.max_latency) >= took);
    true
}
