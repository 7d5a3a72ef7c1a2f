//! The report as JSON. Its shape is a contract: `schema` counts breaking changes; times are ns from the window's start.

use serde::Serialize;

use super::Report;
use crate::{
    analysis::{Finding, label},
    recording::{LaneIx, LaneKind, Ns, Recording, TaskIx, time},
};

const SCHEMA: u32 = 1;

#[derive(Serialize)]
struct Document<'a> {
    schema: u32,
    source: Source<'a>,
    #[serde(skip_serializing_if = "Option::is_none")]
    filter: Option<Filter<'a>>,
    window: Window,
    events: Events,
    coverage: Coverage,
    not_checked: Vec<NotChecked<'a>>,
    losses: Vec<Loss<'a>>,
    tasks: Tasks<'a>,
    waits: Waits<'a>,
    workers: Vec<Worker>,
    findings: Vec<FindingOut<'a>>,
}

#[derive(Serialize)]
struct Source<'a> {
    format: &'static str,
    paths: &'a [String],
    bytes: u64,
}

#[derive(Serialize)]
struct Filter<'a> {
    expression: &'a str,
    matching: usize,
    unknown: usize,
    of: usize,
}

#[derive(Serialize)]
struct Window {
    duration_ns: Ns,
    wall_start: Option<String>,
}

#[derive(Serialize)]
struct Events {
    total: u64,
    by_kind: ByKind,
}

#[derive(Serialize)]
struct ByKind {
    spawn: u64,
    poll: u64,
    wake: u64,
    terminate: u64,
    park: u64,
    unpark: u64,
}

#[derive(Serialize)]
struct Coverage {
    polls: Covered,
    wakes: Covered,
    resources: bool,
}

#[derive(Serialize)]
struct Covered {
    tasks: usize,
    of: usize,
}

#[derive(Serialize)]
struct NotChecked<'a> {
    kind: &'static str,
    because: &'a str,
}

#[derive(Serialize)]
struct Loss<'a> {
    kind: &'static str,
    count: u64,
    detail: &'a str,
}

#[derive(Serialize)]
struct Tasks<'a> {
    total: usize,
    alive: usize,
    longest_idle: Vec<Idle<'a>>,
    ready: usize,
    longest_ready: Vec<Ready<'a>>,
}

#[derive(Serialize)]
struct Ready<'a> {
    task: u64,
    location: Option<&'a str>,
    ready_ns: Ns,
}

#[derive(Serialize)]
struct Idle<'a> {
    task: u64,
    location: Option<&'a str>,
    idle_ns: Ns,
    waiting_on: Option<&'a str>,
    last_waker: Option<String>,
}

#[derive(Serialize)]
struct Waits<'a> {
    open: usize,
    longest_open: Vec<Wait<'a>>,
}

#[derive(Serialize)]
struct Wait<'a> {
    task: u64,
    name: &'a str,
    location: Option<&'a str>,
    since_ns: Option<Ns>,
}

#[derive(Serialize)]
struct Worker {
    id: u32,
    runtime: u32,
    polls: u64,
    busy_ns: Ns,
    parked_ns: Ns,
}

#[derive(Serialize)]
struct FindingOut<'a> {
    kind: &'static str,
    severity: &'static str,
    location: Option<&'a str>,
    tasks: Vec<TaskOut<'a>>,
    worker: Option<u32>,
    start_ns: Ns,
    duration_ns: Ns,
    message: &'a str,
    suggestion: &'a str,
    evidence: Vec<EvidenceOut<'a>>,
}

#[derive(Serialize)]
struct TaskOut<'a> {
    id: u64,
    location: Option<&'a str>,
    role: &'static str,
}

#[derive(Serialize)]
struct EvidenceOut<'a> {
    at_ns: Ns,
    kind: &'static str,
    task: Option<u64>,
    worker: Option<u32>,
    text: &'a str,
}

/// The report as one JSON object, with a newline at its end.
///
/// # Errors
/// Only if `serde_json` fails, which it has no reason to.
pub fn json(report: &Report<'_>) -> Result<String, serde_json::Error> {
    let mut text = serde_json::to_string_pretty(&document(report))?;
    text.push('\n');
    Ok(text)
}

fn document<'a>(report: &'a Report<'a>) -> Document<'a> {
    let recording = report.recording;
    let (source, window) = (recording.source(), recording.window());
    let (counts, coverage) = (recording.counts(), recording.coverage());
    Document {
        schema: SCHEMA,
        source: Source {
            format: source.format.name(),
            paths: &source.paths,
            bytes: source.bytes,
        },
        filter: report.filtered.as_ref().map(|filtered| Filter {
            expression: &filtered.expression,
            matching: report.tasks,
            unknown: filtered.unknown,
            of: recording.task_count(),
        }),
        window: Window {
            duration_ns: window.duration(),
            wall_start: window.wall_start.and_then(time::rfc3339),
        },
        events: Events {
            total: counts.total,
            by_kind: ByKind {
                spawn: counts.spawns,
                poll: counts.polls,
                wake: counts.wakes,
                terminate: counts.terminates,
                park: counts.parks,
                unpark: counts.unparks,
            },
        },
        coverage: Coverage {
            polls: Covered {
                tasks: coverage.polls,
                of: coverage.tasks,
            },
            wakes: Covered {
                tasks: coverage.wakes,
                of: coverage.tasks,
            },
            resources: coverage.resources,
        },
        not_checked: report
            .not_checked
            .iter()
            .map(|kind| NotChecked {
                kind: kind.kind.name(),
                because: &kind.because,
            })
            .collect(),
        losses: recording
            .losses()
            .iter()
            .map(|loss| Loss {
                kind: loss.kind.name(),
                count: loss.count,
                detail: &loss.detail,
            })
            .collect(),
        tasks: tasks(report),
        waits: waits(report),
        workers: workers(recording),
        findings: report
            .findings
            .iter()
            .map(|finding| finding_out(recording, finding))
            .collect(),
    }
}

fn tasks<'a>(report: &'a Report<'a>) -> Tasks<'a> {
    let recording = report.recording;
    let longest_idle = report
        .idle
        .longest
        .iter()
        .map(|idle| Idle {
            task: recording.task(idle.task).id,
            location: recording.location(idle.task),
            idle_ns: idle.idle_ns,
            waiting_on: idle.waiting_on.as_deref(),
            last_waker: idle
                .last_wake
                .map(|wake| label::waker(recording, wake.waker)),
        })
        .collect();
    let end = recording.window().end;
    let longest_ready = report.ready.longest.iter().map(|ready| Ready {
        task: recording.task(ready.task).id,
        location: recording.location(ready.task),
        ready_ns: end.saturating_sub(ready.since),
    });
    Tasks {
        total: report.tasks,
        alive: report.alive,
        longest_idle,
        ready: report.ready.all,
        longest_ready: longest_ready.collect(),
    }
}

/// The most open waits that are listed.
const MOST_WAITS: usize = 1_000;

fn waits<'a>(report: &'a Report<'a>) -> Waits<'a> {
    let recording = report.recording;
    let longest_open = report.open_waits.iter().take(MOST_WAITS).map(|wait| {
        let wait = recording.wait(*wait);
        Wait {
            task: recording.task(wait.task).id,
            name: recording.str(wait.name),
            location: wait
                .location
                .is_some()
                .then(|| recording.str(wait.location)),
            since_ns: wait.begin,
        }
    });
    Waits {
        open: report.open_waits.len(),
        longest_open: longest_open.collect(),
    }
}

fn workers(recording: &Recording) -> Vec<Worker> {
    let lanes = recording.lanes().iter();
    lanes
        .filter_map(|lane| match lane.kind {
            LaneKind::Worker { runtime, worker } => Some(Worker {
                id: worker,
                runtime: recording.runtime(runtime).id,
                polls: lane.totals.polls,
                busy_ns: lane.totals.busy_ns,
                parked_ns: lane.totals.parked_ns,
            }),
            LaneKind::Thread(_) => None,
        })
        .collect()
}

fn finding_out<'a>(recording: &'a Recording, finding: &'a Finding) -> FindingOut<'a> {
    let id = |task: TaskIx| recording.task(task).id;
    let worker = |lane: Option<LaneIx>| lane.and_then(|lane| recording.worker_of(lane));
    let tasks = finding.tasks.iter();
    FindingOut {
        kind: finding.kind.name(),
        severity: finding.severity.name(),
        location: finding.culprit().and_then(|task| recording.location(task)),
        tasks: tasks
            .map(|(task, role)| TaskOut {
                id: id(*task),
                location: recording.location(*task),
                role: role.name(),
            })
            .collect(),
        worker: worker(finding.lane),
        start_ns: finding.start,
        duration_ns: finding.duration,
        message: &finding.message,
        suggestion: &finding.suggestion,
        evidence: finding
            .evidence
            .iter()
            .map(|evidence| EvidenceOut {
                at_ns: evidence.at,
                kind: evidence.kind,
                task: evidence.task.map(id),
                worker: worker(evidence.lane),
                text: &evidence.text,
            })
            .collect(),
    }
}
