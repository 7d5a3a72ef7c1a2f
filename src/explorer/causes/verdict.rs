//! What the Causes pane says first: how long after what the task ran, and where most of the time went, in sentences.

use super::lines::{behind_whom, called, did, told};
use crate::{
    analysis::{
        causes::{Chain, Origin, StepKind},
        label,
    },
    explorer::{facts::Opened, text::plural},
    recording::{PollIx, Recording, TaskIx, time::duration},
};

/// Where the time went, in up to four sentences: first what a person asked for, the wait since the last wake.
pub(super) fn summary(opened: &Opened, chain: &Chain) -> Vec<String> {
    let recording = &opened.recording;
    let total = duration(chain.total());
    let least = match chain.origin {
        Origin::Folded(_) => "at least ",
        _ => "",
    };
    let (begun, when) = match &chain.origin {
        Origin::NotRecorded if chain.steps.is_empty() => {
            return vec!["What made it runnable was not recorded.".to_owned()];
        }
        Origin::NotRecorded => (
            "a poll of which it is not recorded why it ran".to_owned(),
            "to ",
        ),
        Origin::TooLong => (
            "the oldest of more polls than anybody follows".to_owned(),
            "to ",
        ),
        origin => (begun_by(recording, origin, chain.task), "to when "),
    };
    let ran = match chain.poll {
        Some(_) => "It ran",
        None => "It was not polled any more,",
    };
    let waker = chain.steps.iter().find_map(|step| match step.kind {
        StepKind::Inside { poll, by, .. } => Some((poll, did(by))),
        _ => None,
    });
    let mut sentences = match waker {
        None => vec![format!("{ran} {least}{total} after {begun}.")],
        Some((poll, did)) => {
            let own = duration(chain.until.saturating_sub(chain.last_cause()));
            let waker = called(recording, recording.poll(poll).task);
            vec![
                format!("{ran} {own} after {waker} {did} it."),
                format!("What led to that goes back {least}{total}, {when}{begun}."),
            ]
        }
    };
    if let Some(before) = chain.blind() {
        sentences.push(format!(
            "{} wake may have come up to {} late: nobody asked the driver.",
            if waker.is_some() { "The first" } else { "That" },
            duration(before.at_most)
        ));
    }
    sentences.extend(most_of_it(recording, chain));
    sentences
}

/// Of several steps, the one that took longest: that is what a person looks for.
fn most_of_it(recording: &Recording, chain: &Chain) -> Option<String> {
    let task = |poll: PollIx| called(recording, recording.poll(poll).task);
    let before = chain.blind().map_or(0, |before| before.at_most);
    let longest = chain
        .steps
        .iter()
        .filter(|step| step.length() > before)
        .max_by_key(|step| step.length())
        .filter(|_| chain.steps.len() > 1)?;
    let share = i128::from(longest.length()) * 100 / i128::from(told(chain).max(1));
    if share == 0 {
        // Among so many that are alike none stands out.
        return None;
    }
    let what = match &longest.kind {
        StepKind::Runnable {
            task, poll, behind, ..
        } => format!(
            "{} was runnable{}",
            called(recording, *task),
            behind_whom(recording, *poll, behind)
        ),
        StepKind::OwnPoll { task, .. } => {
            format!(
                "{} was still in its previous poll",
                called(recording, *task)
            )
        }
        StepKind::Inside { poll, by, woken } => format!(
            "{} was being polled before it {} {}",
            task(*poll),
            did(*by),
            called(recording, *woken)
        ),
    };
    let it = if chain.more > 0 {
        let steps = plural(chain.steps.len() as u64, "step");
        format!(
            "The latest {steps} took {}; {share} % of that",
            duration(told(chain))
        )
    } else {
        format!("{share} % of it")
    };
    Some(format!("{it}: {what}."))
}

/// `the runtime woke it`, with the task's name where the chain is about several.
fn begun_by(recording: &Recording, origin: &Origin, last: TaskIx) -> String {
    let whom = |task: TaskIx| {
        if task == last {
            "it".to_owned()
        } else {
            called(recording, task)
        }
    };
    match origin {
        Origin::Runtime { wake, .. }
        | Origin::Outside { wake, .. }
        | Origin::Blocking { wake, .. }
        | Origin::Task { wake, .. }
        | Origin::Unknown { wake } => {
            let row = recording.wake(*wake);
            format!(
                "{} woke {}",
                label::waker(recording, row.waker),
                whom(row.task)
            )
        }
        Origin::Spawn { task, .. } => format!("{} was spawned", whom(*task)),
        Origin::Folded(wake) => format!(
            "{} woke it, which only the history remembers",
            label::waker(recording, wake.waker)
        ),
        Origin::NotRecorded | Origin::TooLong => "a beginning that is not known".to_owned(),
    }
}
