//! Every scenario of the demo, recorded, dumped and reported by the real binary: is the right task named?

use std::path::Path;
use std::process::Command;
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use dial9_demo::{Count, Facts, Options, Scenario};
use serde_json::Value;

/// Scenarios take turns: a poll that waits for a processor which another scenario keeps busy looks slow.
static TURN: Mutex<()> = Mutex::new(());

/// Runs a scenario, and the report over its dump.
fn run(scenario: Scenario) -> (Facts, Value) {
    let _turn = TURN.lock().unwrap_or_else(PoisonError::into_inner);
    let directory = tempfile::tempdir().expect("a directory");
    let options = Options {
        run_time: Duration::from_millis(1500),
        ..Options::new(directory.path().join("run.dial9"))
    };
    let facts = scenario.run(&options).expect("the scenario runs");
    let report = report(&options.out);
    compare_counts(&facts, &report);
    (facts, report)
}

fn report(dump: &Path) -> Value {
    let output = Command::new(env!("CARGO_BIN_EXE_dial9-tui"))
        .arg("report")
        .arg(dump)
        .args(["--format", "json"])
        .output()
        .expect("the binary starts");
    let says = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{}: {says}", output.status);
    serde_json::from_slice(&output.stdout).expect("the report is JSON")
}

/// The report counts what the scenario did.
fn compare_counts(facts: &Facts, report: &Value) {
    assert_eq!(report["losses"], Value::Array(Vec::new()), "losses");
    let by_kind = &report["events"]["by_kind"];
    let total = |of: fn(&dial9_demo::TaskFacts) -> Count| {
        facts
            .tasks
            .iter()
            .map(of)
            .fold(Count::Exactly(0), Count::plus)
    };
    for (kind, known) in [
        ("spawn", total(|task| Count::Exactly(task.spawned))),
        ("poll", total(|task| task.polls)),
        ("wake", total(|task| task.wakes)),
    ] {
        let found = by_kind[kind].as_u64().expect(kind);
        // A poll that was still running has begun, and counts as a poll here.
        let found = found - if kind == "poll" { facts.running } else { 0 };
        assert!(known.admits(found), "{kind}: {found}, known {known:?}");
    }
}

/// The findings of a kind.
fn findings<'a>(report: &'a Value, kind: &'a str) -> Vec<&'a Value> {
    let all = report["findings"].as_array().expect("findings");
    all.iter().filter(|one| one["kind"] == kind).collect()
}

/// There is one finding of this kind, and it blames the task that is to blame.
fn assert_blamed(facts: &Facts, report: &Value, kind: &str) {
    let culprit = facts.culprit.as_deref().expect("somebody is to blame");
    let found = findings(report, kind);
    assert_eq!(found.len(), 1, "findings of {kind}: {found:#?}");
    assert_eq!(found[0]["location"], culprit);
    let tasks = found[0]["tasks"].as_array().expect("tasks");
    let blamed = |task: &&Value| task["role"] == "culprit";
    let blamed: Vec<_> = tasks.iter().filter(blamed).collect();
    assert_eq!(blamed.len(), 1, "{tasks:#?}");
    assert_eq!(blamed[0]["location"], culprit);
}

/// The stuck tasks lead the list of the longest idle, with the mark that they wait on.
fn assert_stuck_listed(facts: &Facts, report: &Value) {
    let idle = report["tasks"]["longest_idle"]
        .as_array()
        .expect("longest idle");
    for stuck in &facts.stuck {
        let listed = idle
            .iter()
            .find(|task| task["location"] == stuck.location.as_str());
        let listed = listed.unwrap_or_else(|| panic!("{} in {idle:#?}", stuck.location));
        let waiting_on = listed["waiting_on"].as_str().unwrap_or("");
        assert!(
            waiting_on.contains(&stuck.waiting_on),
            "{waiting_on:?} names {:?}",
            stuck.waiting_on
        );
        assert!(listed["idle_ns"].as_u64() > Some(0), "{listed:#?}");
    }
}

#[test]
fn slow_poll_is_found() {
    let (facts, report) = run(Scenario::SlowPoll);
    assert_blamed(&facts, &report, "slow-poll");
}

#[test]
fn blocked_worker_is_found() {
    let (facts, report) = run(Scenario::BlockedWorker);
    assert_blamed(&facts, &report, "blocked-worker");
}

#[test]
fn lost_wake_is_found() {
    let (facts, report) = run(Scenario::LostWake);
    assert_blamed(&facts, &report, "unwakeable");
    assert_stuck_listed(&facts, &report);
}

#[test]
fn deadlock_lists_both_transfers() {
    let (facts, report) = run(Scenario::Deadlock);
    assert_eq!(facts.stuck.len(), 2);
    assert_stuck_listed(&facts, &report);
}

#[test]
fn full_channel_lists_the_producer_and_the_consumer() {
    let (facts, report) = run(Scenario::FullChannel);
    assert_eq!(facts.stuck.len(), 2);
    assert_stuck_listed(&facts, &report);
}

#[test]
fn healthy_raises_nothing_above_info() {
    let (_, report) = run(Scenario::Healthy);
    let findings = report["findings"].as_array().expect("findings");
    let raised: Vec<_> = findings
        .iter()
        .filter(|one| one["severity"] != "info")
        .collect();
    assert!(raised.is_empty(), "{raised:#?}");
}

#[test]
fn service_blames_the_reports_on_their_connections() {
    let (facts, report) = run(Scenario::Service);
    let culprit = facts.culprit.as_deref().expect("somebody is to blame");
    let slow = findings(&report, "slow-poll");
    assert!(!slow.is_empty(), "{report:#}");
    assert!(slow.iter().any(|one| one["location"] == culprit));
}
