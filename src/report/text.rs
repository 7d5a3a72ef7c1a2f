//! The report as text, 80 columns wide: answers first, then what is missing, then the figures.

use std::fmt::Write as _;

use super::{Filtered, Report, wrap::wrap};
use crate::{
    analysis::{Finding, IdleTask, Severity, State, is_unread, label, looked_for},
    recording::{Format, LaneIx, LaneKind, Outcome, PollIx, Recording, time},
};

const WIDTH: usize = 80;
/// The most idle tasks that the text lists; the JSON has more.
const MOST_IDLE: usize = 8;
/// The most workers that the text lists.
const MOST_WORKERS: usize = 32;
/// The most lines of evidence under a finding.
const MOST_EVIDENCE: usize = 6;

/// The report as text.
#[must_use]
pub fn text(report: &Report<'_>) -> String {
    let mut out = String::new();
    head(&mut out, report);
    findings(&mut out, report);
    ready(&mut out, report);
    idle(&mut out, report);
    workers(&mut out, report.recording);
    losses(&mut out, report.recording);
    not_checked(&mut out, report);
    events(&mut out, report.recording);
    out
}

fn line(out: &mut String, first: &str, text: &str) {
    wrap(out, first, text, WIDTH);
}

fn head(out: &mut String, report: &Report<'_>) {
    let recording = report.recording;
    let source = recording.source();
    let mut title = source.title();
    if source.sample {
        title.push_str(" (the incident that ships with dial9-tui; name a file to open your own)");
    }
    line(out, "", &title);
    let lanes = recording.lanes().iter();
    let workers = lanes
        .filter(|lane| matches!(lane.kind, LaneKind::Worker { .. }))
        .count();
    let mut facts = vec![
        time::duration(recording.window().duration()),
        format!("{}, {} alive", count(report.tasks, "task"), report.alive),
        match workers {
            0 => "workers not recorded".to_owned(),
            workers => count(workers, "worker"),
        },
    ];
    if let Some(trigger) = recording.trigger() {
        facts.push(format!("trigger: {}", trigger.kind.name()));
    }
    match recording.losses().len() {
        0 => {}
        losses => facts.push(format!(
            "! {}",
            if losses == 1 {
                "1 loss".to_owned()
            } else {
                format!("{losses} losses")
            }
        )),
    }
    line(out, "", &facts.join("  "));
    if let Some(process) = recording.process() {
        let mut who = recording.str(process.name).to_owned();
        // Upstream traces do not always say which process it was.
        if process.pid > 0 {
            let _ = write!(who, " (pid {})", process.pid);
        }
        if !recording.str(process.host).is_empty() {
            let _ = write!(who, " on {}", recording.str(process.host));
        }
        if let Some(wall) = recording.window().wall_start.and_then(time::rfc3339) {
            let _ = write!(who, ", from {wall}");
        }
        let _ = write!(who, ", level {}", process.level.name());
        line(out, "", &who);
    }
    if let Some(detail) = recording
        .trigger()
        .map(|trigger| recording.str(trigger.detail))
        .filter(|d| !d.is_empty())
    {
        line(out, "", &format!("said: {detail}"));
    }
    if let Some(filtered) = &report.filtered {
        filter(out, report, filtered);
    }
}

/// Which tasks the report is about, where it is not about all of them.
fn filter(out: &mut String, report: &Report<'_>, filtered: &Filtered) {
    let matching = count(report.tasks, "task");
    let all = report.recording.task_count();
    line(
        out,
        "",
        &format!(
            "only {matching} of {all} that match: {}",
            filtered.expression
        ),
    );
    if filtered.unknown > 0 {
        let unknown = count(filtered.unknown, "task");
        let text = format!("of {unknown} nobody can tell: what was recorded does not say");
        line(out, "", &text);
    }
}

fn findings(out: &mut String, report: &Report<'_>) {
    out.push_str("\nFINDINGS\n");
    let left_out = match &report.filtered {
        Some(filtered) => filtered.findings_left_out,
        None => 0,
    };
    if report.findings.is_empty() && left_out == 0 {
        none(out, report);
        out.push('\n');
    }
    if left_out > 0 {
        let text = format!("{} about other tasks left out", count(left_out, "finding"));
        line(out, "  ", &text);
        out.push('\n');
    }
    for finding in &report.findings {
        one_finding(out, report.recording, finding);
    }
}

/// What a reader needs who must not take silence for health.
fn none(out: &mut String, report: &Report<'_>) {
    let looked = looked_for(&report.not_checked);
    let looked: Vec<&str> = looked.iter().map(|kind| kind.name()).collect();
    let mut text = if looked.is_empty() {
        "nothing could be looked for: see NOT CHECKED".to_owned()
    } else {
        format!("none; what was looked for: {}", looked.join(", "))
    };
    if !looked.is_empty() && report.recording.has_holes() {
        text.push_str(", though not in what is lost: see LOSSES");
    }
    if let Some(long) = report.ready_too_long {
        text.push_str(&format!(
            ". But a task was ready and not polled for {}",
            time::duration(long)
        ));
    }
    line(out, "  ", &text);
    let recording = report.recording;
    let of = |poll: PollIx| {
        let row = recording.poll(poll);
        let at = time::instant(row.start);
        (
            row,
            format!("{at}: {}", label::task_at(recording, row.task)),
        )
    };
    if let Some((poll, who)) = report.extremes.longest.map(of) {
        let length = time::duration(poll.duration);
        line(
            out,
            "  ",
            &format!("the longest poll took {length}, at {who}"),
        );
    }
    if let Some((poll, who)) = report.extremes.latest.map(of) {
        let delay = time::duration(poll.delay.unwrap_or(0));
        let mut text = format!("the longest schedule delay was {delay}, until {who}");
        if recording.has_holes() {
            text.push_str(", unless a poll before it is among what is lost");
        }
        line(out, "  ", &text);
    }
}

/// Who was ready at the end: tasks that starve are told by nothing else yet.
fn ready(out: &mut String, report: &Report<'_>) {
    let recording = report.recording;
    let Some(_) = report.ready.longest.first() else {
        return;
    };
    out.push_str("READY AND NOT POLLED, at the end\n");
    let shown = report.ready.longest.iter().take(MOST_IDLE);
    for one in shown.clone() {
        let lasted = recording.window().end.saturating_sub(one.since);
        let first = format!("  {:>8}  ", time::duration(lasted));
        line(out, &first, &label::task_at(recording, one.task));
    }
    let more = report.ready.all - shown.len();
    if more > 0 {
        line(
            out,
            "  ",
            &format!("and {more} more, none of them for longer"),
        );
    }
    out.push('\n');
}

fn one_finding(out: &mut String, recording: &Recording, finding: &Finding) {
    let mark = match finding.severity {
        Severity::Critical | Severity::Warning => "●",
        Severity::Info => "○",
    };
    let first = format!(
        "{} ({})  at {}, {}",
        finding.kind.name(),
        finding.severity.name(),
        time::instant_short(finding.start),
        time::duration(finding.duration),
    );
    line(out, &format!(" {mark} "), &first);
    line(out, "   ", &finding.message);
    line(out, "   → ", &finding.suggestion);
    for evidence in finding.evidence.iter().take(MOST_EVIDENCE) {
        line(
            out,
            &format!("     {:>13}  ", time::instant(evidence.at)),
            &evidence.text,
        );
    }
    let more = finding.evidence.len().saturating_sub(MOST_EVIDENCE);
    if more > 0 {
        line(out, "     ", &format!("and {more} more: see --format json"));
    }
    if let Some(location) = finding.culprit().and_then(|task| recording.location(task)) {
        line(out, "   spawned at ", location);
    }
    out.push('\n');
}

fn idle(out: &mut String, report: &Report<'_>) {
    out.push_str("LONGEST IDLE\n");
    let longest = &report.idle.longest;
    let shown = &longest[..longest.len().min(MOST_IDLE)];
    if shown.is_empty() {
        line(out, "  ", "no task was idle at the end");
    }
    for idle in shown {
        one_idle(out, report.recording, idle);
    }
    let more = report.idle.all - shown.len();
    if let Some(next) = longest.get(MOST_IDLE) {
        let most = time::duration(next.idle_ns);
        let listed = longest.len();
        let json = if listed > shown.len() {
            format!("; --format json lists {listed}")
        } else {
            String::new()
        };
        let text = format!("and {more} more, idle for {most} at most{json}");
        line(out, "  ", &text);
    }
    notes(out, report, shown);
    out.push('\n');
}

/// What a reader of the list may not know.
fn notes(out: &mut String, report: &Report<'_>, shown: &[IdleTask]) {
    let recording = report.recording;
    if is_unread(recording) {
        let text = "(as far as the recorder remembered when it still told: no event could be read)";
        line(out, "  ", text);
    } else if recording.has_holes() {
        line(out, "  ", "(unless what is lost says otherwise)");
    }
    let before = |idle: &IdleTask| {
        idle.last_poll.is_some_and(|poll| poll.start < 0)
            || idle.last_wake.is_some_and(|wake| wake.at < 0)
    };
    if shown.iter().any(before) {
        let text = "(a negative time is before the window: only the history remembers it)";
        line(out, "  ", text);
    }
    // Only our own recorder knows marks.
    let ours = recording.source().format == Format::Dial9Dump;
    if ours && shown.iter().any(|idle| idle.waiting_on.is_none()) {
        let text = "(.awaiting(\"name\") on what a task awaits names it here)";
        line(out, "  ", text);
    }
}

fn one_idle(out: &mut String, recording: &Recording, idle: &IdleTask) {
    line(
        out,
        &format!("  {:>8}  ", time::duration(idle.idle_ns)),
        &label::task_at(recording, idle.task),
    );
    const INDENT: &str = "            ";
    match &idle.waiting_on {
        Some(wait) => line(out, INDENT, &format!("waits on {wait}")),
        None if recording.coverage().marks => {
            line(out, INDENT, "waits on something without a mark");
        }
        None => {}
    }
    match idle.state {
        State::Idle {
            unwakeable: Some(since),
            ..
        } => {
            line(
                out,
                INDENT,
                &format!("no waker left since {}", time::instant(since)),
            );
        }
        State::Unknown => line(
            out,
            INDENT,
            "its wakes were not recorded, so it may have been runnable",
        ),
        _ => {}
    }
    let poll = match idle.last_poll {
        Some(poll) if poll.outcome == Outcome::StillRunning => None,
        Some(poll) => Some(format!(
            "last polled at {} for {}",
            time::instant(poll.start),
            time::duration(poll.end - poll.start)
        )),
        None => Some("never polled".to_owned()),
    };
    let wake = idle.last_wake.map(|wake| {
        format!(
            "last woken by {} at {}",
            label::waker(recording, wake.waker),
            time::instant(wake.at)
        )
    });
    let both: Vec<String> = poll.into_iter().chain(wake).collect();
    if !both.is_empty() {
        line(out, INDENT, &both.join("; "));
    }
}

fn workers(out: &mut String, recording: &Recording) {
    let lanes = recording.lanes().iter().enumerate();
    let workers: Vec<_> = lanes
        .filter(|(_, lane)| matches!(lane.kind, LaneKind::Worker { .. }))
        .collect();
    if workers.is_empty() {
        return;
    }
    // Of what traces hold of a worker, nothing is from before them.
    out.push_str(match recording.source().format {
        Format::Dial9Dump => "WORKERS, since the recorder was attached\n",
        _ => "WORKERS\n",
    });
    for (number, lane) in workers.iter().take(MOST_WORKERS) {
        let totals = lane.totals;
        let figures = format!(
            "{}, busy {}, parked {} in {}",
            count(totals.polls, "poll"),
            time::duration(totals.busy_ns),
            time::duration(totals.parked_ns),
            count(totals.parks, "park"),
        );
        let name = label::lane(recording, LaneIx::new(*number));
        line(out, &format!("  {name}  "), &figures);
    }
    let more = workers.len().saturating_sub(MOST_WORKERS);
    if more > 0 {
        line(out, "  ", &format!("and {more} more: see --format json"));
    }
    out.push('\n');
}

fn losses(out: &mut String, recording: &Recording) {
    if recording.losses().is_empty() {
        return;
    }
    out.push_str("LOSSES\n");
    for loss in recording.losses() {
        line(
            out,
            &format!("  {} {}  ", loss.kind.name(), loss.count),
            &loss.detail,
        );
    }
    out.push('\n');
}

fn not_checked(out: &mut String, report: &Report<'_>) {
    if report.not_checked.is_empty() {
        return;
    }
    out.push_str("NOT CHECKED\n");
    let mut reasons: Vec<&str> = Vec::new();
    for kind in &report.not_checked {
        if !reasons.contains(&kind.because.as_str()) {
            reasons.push(&kind.because);
        }
    }
    for because in reasons {
        let kinds: Vec<&str> = report
            .not_checked
            .iter()
            .filter(|kind| kind.because == because)
            .map(|kind| kind.kind.name())
            .collect();
        line(out, "  ", &format!("{}: {because}", kinds.join(", ")));
    }
    out.push('\n');
}

fn events(out: &mut String, recording: &Recording) {
    let counts = recording.counts();
    let coverage = recording.coverage();
    out.push_str("EVENTS\n");
    let parts = [
        count(counts.total, "event"),
        count(counts.polls, "poll"),
        count(counts.wakes, "wake"),
        count(counts.spawns, "spawn"),
        ends(recording),
        count(counts.parks, "park"),
        count(counts.wait_begins, "marked wait"),
    ];
    line(out, "  ", &parts.join(", "));
    line(
        out,
        "  ",
        &format!(
            "wakes recorded for {} of {}",
            grouped(coverage.wakes as u64),
            count(coverage.tasks, "task")
        ),
    );
    let (format, bytes) = (recording.source().format.name(), recording.source().bytes);
    line(
        out,
        "  ",
        &format!(
            "{format}, {} from {}",
            count(bytes, "byte"),
            recording.source().paths.join(", ")
        ),
    );
}

/// `97 ends of tasks, 21 of blocking jobs, 24 as the recording stopped`: only the first are fewer tasks alive.
fn ends(recording: &Recording) -> String {
    let counts = recording.counts();
    let jobs = recording.coverage().blocking_jobs;
    let of_tasks = counts
        .terminates
        .saturating_sub(jobs)
        .saturating_sub(counts.at_shutdown);
    let mut text = match of_tasks {
        1 => "1 end of a task".to_owned(),
        _ => format!("{} of tasks", count(of_tasks, "end")),
    };
    for (number, of) in [
        (jobs, "of blocking jobs"),
        (counts.at_shutdown, "as the recording stopped"),
    ] {
        if number > 0 {
            text.push_str(&format!(", {} {of}", grouped(number)));
        }
    }
    text
}

/// `1 task`, `12,345 tasks`.
fn count(number: impl TryInto<u64>, what: &str) -> String {
    let number: u64 = number.try_into().unwrap_or(u64::MAX);
    if number == 1 {
        format!("1 {what}")
    } else {
        format!("{} {what}s", grouped(number))
    }
}

/// `12,345`.
fn grouped(number: u64) -> String {
    let digits = number.to_string();
    let mut grouped = String::new();
    for (place, digit) in digits.chars().enumerate() {
        if place > 0 && (digits.len() - place).is_multiple_of(3) {
            grouped.push(',');
        }
        grouped.push(digit);
    }
    grouped
}
