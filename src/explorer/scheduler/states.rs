//! What the lane of a task shows in each cell, and where it has room for what the task waits on.

use crate::{
    analysis::{State, StateCell, Times, state::open_waits},
    explorer::{facts::Opened, frame::level, span::Span, text::width, theme::Role},
    recording::{Cover, Ns, Recording, TaskIx},
};

/// A lane as it is drawn.
#[derive(Debug)]
pub(super) struct Row {
    pub(super) task: TaskIx,
    /// Its time by state in what is shown.
    pub(super) times: Times,
    pub(super) cells: Vec<Show>,
    /// What the task waits on, and in which cells that has room.
    pub(super) names: Vec<(usize, String)>,
}

/// What a cell shows.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Show {
    /// It does not exist, or nothing is known.
    Nothing,
    Unknown,
    Idle,
    Waiting,
    /// Idle or waiting while nobody asks the driver.
    Blind,
    Unwakeable,
    Runnable,
    /// Running for so many thousandths of the cell.
    Running(u16),
    /// The same, in a slow poll.
    Slow(u16),
}

impl Show {
    pub(super) fn look(self) -> (&'static str, Role) {
        match self {
            Self::Nothing => (" ", Role::Plain),
            Self::Unknown => ("?", Role::Plain),
            Self::Idle => ("·", Role::Plain),
            Self::Waiting => ("─", Role::Waiting),
            Self::Blind => ("░", Role::Blind),
            Self::Unwakeable => ("!", Role::Critical),
            Self::Runnable => ("▒", Role::Runnable),
            Self::Running(share) => (level(share), Role::Running),
            Self::Slow(share) => (level(share), Role::Critical),
        }
    }
}

impl Row {
    pub(super) fn new(
        opened: &Opened,
        task: TaskIx,
        times: Times,
        span: Span,
        cells: &[StateCell],
        blind: &[Cover],
    ) -> Self {
        let recording = &opened.recording;
        let lost = recording.last_unwakeable(task, Ns::MAX).is_some();
        let count = cells.len();
        let cells: Vec<Show> = cells
            .iter()
            .zip(blind)
            .enumerate()
            .map(|(number, (cell, blind))| {
                let (from, to) = (
                    span.start_of(number, count),
                    span.start_of(number + 1, count),
                );
                let shown = show(cell, to - from, opened.facts.slow_poll);
                let idle = matches!(shown, Show::Idle | Show::Waiting);
                let last = (to - 1).max(from);
                if idle && lost && is_lost(opened, task, last) {
                    Show::Unwakeable
                } else if idle && blind.covered.saturating_mul(2) >= (to - from).max(1) {
                    Show::Blind
                } else {
                    shown
                }
            })
            .collect();
        let names = names(recording, task, span, &cells);
        Self {
            task,
            times,
            cells,
            names,
        }
    }
}

fn is_lost(opened: &Opened, task: TaskIx, at: Ns) -> bool {
    matches!(
        opened.state(task, at),
        State::Idle {
            unwakeable: Some(_),
            ..
        }
    )
}

/// The state that took most of the cell; but running, and runnable, are not hidden by idleness.
fn show(cell: &StateCell, length: Ns, slow: Ns) -> Show {
    let times = cell.times;
    let length = length.max(1);
    let share = |part: Ns| {
        let share = i128::from(part) * 1_000 / i128::from(length);
        u16::try_from(share.clamp(0, 1_000)).unwrap_or(1_000)
    };
    let (running, runnable) = (share(times.running), share(times.runnable));
    // One slow poll stays visible however far out, and so does one long delay.
    if cell.longest_poll >= slow && (running >= runnable || cell.longest_delay < slow) {
        return Show::Slow(running.max(300));
    }
    if cell.longest_delay >= slow && times.runnable > 0 {
        return Show::Runnable;
    }
    if running + runnable >= 100 {
        return if running >= runnable {
            Show::Running(running)
        } else {
            Show::Runnable
        };
    }
    if times.waiting > times.idle.max(times.unknown) {
        Show::Waiting
    } else if cell.polled {
        Show::Running(running)
    } else if times.idle > times.unknown {
        Show::Idle
    } else if times.unknown > 0 {
        Show::Unknown
    } else if times.runnable > 0 {
        Show::Runnable
    } else {
        Show::Nothing
    }
}

/// Where a wait takes enough cells for the name of what is waited on.
fn names(recording: &Recording, task: TaskIx, span: Span, cells: &[Show]) -> Vec<(usize, String)> {
    let mut names = Vec::new();
    let mut number = 0;
    while number < cells.len() {
        let waits = |cell: &&Show| matches!(cell, Show::Waiting);
        let len = cells[number..].iter().take_while(waits).count();
        if len >= 5 {
            let middle = span.start_of(number + len / 2, cells.len());
            let marks = open_waits(recording, task, middle);
            let text: Vec<&str> = marks
                .map(|wait| recording.str(recording.wait(wait).name))
                .collect();
            let text = format!(" {} ", text.join(", "));
            if width(&text) + 2 <= len && text.trim() != "" {
                names.push((number + (len - width(&text)) / 2, text));
            }
        }
        number += len.max(1);
    }
    names
}
