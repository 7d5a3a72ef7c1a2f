//! What the tasks did in the range: a line of numbers for each. Where no range is marked they are known from loading;
//! for a range they are computed off the drawing thread.

use std::{sync::Arc, thread};

use super::{
    facts::Opened,
    view::View,
    work::{Errand, Stop},
};
use crate::{
    analysis::delays::p99_in,
    recording::{Ns, Recording, TaskIx, Totals},
};

/// What one task did.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Figure {
    pub(super) polls: u64,
    pub(super) busy: Ns,
    pub(super) longest: Ns,
    /// The 99th percentile of its schedule delays.
    pub(super) p99: Option<Ns>,
    pub(super) wakes: u64,
}

impl Figure {
    fn new(totals: Totals, p99: Option<Ns>) -> Self {
        Self {
            polls: totals.polls,
            busy: totals.busy_ns,
            longest: totals.longest_ns,
            p99,
            wakes: totals.wakes,
        }
    }
}

/// The figures of every task over one range.
#[derive(Debug, Default)]
pub(super) struct Figures {
    range: Option<(Ns, Ns)>,
    of: Vec<Figure>,
}

impl Figures {
    /// Over `range`; without one over everything that is known, the history included.
    pub(super) fn new(opened: &Opened, range: Option<(Ns, Ns)>, stop: &Stop) -> Option<Self> {
        let of = match range {
            Some((from, to)) => over(&opened.recording, from, to, stop)?,
            None => Vec::new(),
        };
        Some(Self { range, of })
    }

    /// What they are over.
    pub(super) fn range(&self) -> Option<(Ns, Ns)> {
        self.range
    }

    /// Those of `task`.
    pub(super) fn of(&self, opened: &Opened, task: TaskIx) -> Figure {
        match self.range {
            Some(_) => self.of.get(task.index()).copied().unwrap_or_default(),
            None => Figure::new(opened.recording.totals(task), opened.facts.delay_p99(task)),
        }
    }
}

/// The figures of every task from one instant to another, both in it.
fn over(recording: &Recording, from: Ns, to: Ns, stop: &Stop) -> Option<Vec<Figure>> {
    let tally = recording.tally(from, to, &|| stop.asked())?;
    let figures = in_parallel(recording, |task| {
        let p99 = p99_in(&tally, recording, task, &mut Vec::new());
        (!stop.asked()).then(|| Figure::new(tally.totals(task), p99))
    });
    figures.into_iter().collect()
}

impl View {
    /// Has the figures computed for the range, if they are those of another one.
    pub(super) fn refresh_figures(&mut self) {
        let range = self.marked();
        if self.figures_asked == range {
            return;
        }
        self.figures_asked = range;
        let opened = Arc::clone(&self.opened);
        let large = range.is_some_and(|(from, to)| {
            let recording = &opened.recording;
            let polls = recording.polls_from(to).index() - recording.polls_from(from).index();
            polls > 50_000 || recording.task_count() > 500
        });
        self.ask(Errand::Totals, large, move |stop| {
            let figures = Arc::new(Figures::new(&opened, range, stop)?);
            Some(Box::new(move |view| view.figures = figures))
        });
    }

    /// Whether the figures are not yet those of the range.
    pub(super) fn figures_are_old(&self) -> bool {
        self.figures.range() != self.marked()
    }
}

/// What `ask` says of every task, asked on as many threads as there are processors.
pub(super) fn in_parallel<T: Send>(
    recording: &Recording,
    ask: impl Fn(TaskIx) -> T + Sync,
) -> Vec<T> {
    /// Fewer tasks are not worth a thread; and a thread that has finished early takes another share.
    const SHARE: usize = 4_096;
    let tasks = recording.task_count();
    let threads = thread::available_parallelism().map_or(1, usize::from);
    let share = (tasks / (threads * 4)).clamp(64.min(SHARE), SHARE);
    let shares = tasks.div_ceil(share);
    if threads < 2 || shares < 2 {
        return recording.tasks().map(ask).collect();
    }
    let next = std::sync::atomic::AtomicUsize::new(0);
    let work = || {
        let mut done: Vec<(usize, Vec<T>)> = Vec::new();
        loop {
            let number = next.fetch_add(1, std::sync::atomic::Ordering::Relaxed);
            if number >= shares {
                return done;
            }
            let tasks = number * share..((number + 1) * share).min(tasks);
            done.push((number, tasks.map(|task| ask(TaskIx::new(task))).collect()));
        }
    };
    let mut done = thread::scope(|scope| {
        let others: Vec<_> = (1..threads).map(|_| scope.spawn(work)).collect();
        let mut done = work();
        for other in others {
            match other.join() {
                Ok(more) => done.extend(more),
                Err(panic) => std::panic::resume_unwind(panic),
            }
        }
        done
    });
    done.sort_unstable_by_key(|(number, _)| *number);
    done.into_iter().flat_map(|(_, some)| some).collect()
}
