//! Events turned into lines of evidence.

use super::Evidence;
use crate::{
    analysis::{Blind, blind::Late, causes::Delayed, label},
    recording::{Outcome, PollIx, Recording, time},
};

pub(super) fn poll(recording: &Recording, poll: PollIx) -> Evidence {
    let row = recording.poll(poll);
    let so_far = if row.outcome == Outcome::StillRunning {
        " so far, still running"
    } else {
        ""
    };
    let text = format!(
        "{} was polled on {} for {}{so_far}",
        label::task(recording, row.task),
        label::lane(recording, row.lane),
        time::duration(row.duration),
    );
    Evidence {
        at: row.start,
        kind: "poll",
        task: Some(row.task),
        lane: Some(row.lane),
        text,
    }
}

pub(super) fn blind(recording: &Recording, blind: &Blind) -> Evidence {
    let text = format!(
        "every worker of {} was inside a poll for {}",
        label::runtime(recording, blind.runtime),
        time::duration(blind.duration()),
    );
    Evidence {
        at: blind.start,
        kind: "blind",
        task: None,
        lane: None,
        text,
    }
}

pub(super) fn late(recording: &Recording, late: &Late) -> Evidence {
    let text = format!(
        "the runtime woke {}, up to {} late",
        label::task(recording, late.task),
        time::duration(late.at_most),
    );
    let at = recording.wake_at(late.wake);
    Evidence {
        at,
        kind: "wake",
        task: Some(late.task),
        lane: recording.wake_lane(late.wake),
        text,
    }
}

pub(super) fn delayed(recording: &Recording, delayed: &Delayed) -> Evidence {
    let more = match delayed.poll {
        Some(_) => "",
        None => ", and was not polled any more",
    };
    let text = format!(
        "{} was ready, and had to wait for {} behind the poll{more}",
        label::task(recording, delayed.task),
        time::duration(delayed.by),
    );
    Evidence {
        at: delayed.ready,
        kind: "delay",
        task: Some(delayed.task),
        lane: delayed.poll.map(|poll| recording.poll(poll).lane),
        text,
    }
}
