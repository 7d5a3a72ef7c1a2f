//! Where a person is: pane, selection, cursor, zoom and scroll. A jump goes from one place to another.

use super::{
    actions::{ActionId, Context},
    causes, findings, resources, scheduler,
    span::Span,
    wakers,
};
use crate::recording::{Ns, TaskIx};

/// The panes that there are.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Pane {
    /// What was found wrong.
    Findings,
    /// Every task, at the cursor.
    Tasks,
    /// The life of one.
    Task,
    /// Who wakes the selected task, and whom it wakes.
    Wakers,
    /// What the workers did.
    Scheduler,
    /// What tasks wait on.
    Resources,
    /// What led to the selected poll.
    Causes,
}

/// How a pane is shown in the bar, and how it is reached.
pub(super) struct PaneEntry {
    pub(super) pane: Pane,
    pub(super) title: &'static str,
    pub(super) context: Context,
    pub(super) action: ActionId,
}

/// The bar of panes, from left to right.
pub(super) const PANES: &[PaneEntry] = &[
    PaneEntry {
        pane: Pane::Findings,
        title: "Findings",
        context: Context::Findings,
        action: ActionId::FindingsPane,
    },
    PaneEntry {
        pane: Pane::Tasks,
        title: "Tasks",
        context: Context::Tasks,
        action: ActionId::TasksPane,
    },
    PaneEntry {
        pane: Pane::Task,
        title: "Task",
        context: Context::Task,
        action: ActionId::TaskPane,
    },
    PaneEntry {
        pane: Pane::Wakers,
        title: "Wakers",
        context: Context::Wakers,
        action: ActionId::WakersPane,
    },
    PaneEntry {
        pane: Pane::Scheduler,
        title: "Scheduler",
        context: Context::Scheduler,
        action: ActionId::SchedulerPane,
    },
    PaneEntry {
        pane: Pane::Resources,
        title: "Resources",
        context: Context::Resources,
        action: ActionId::ResourcesPane,
    },
    PaneEntry {
        pane: Pane::Causes,
        title: "Causes",
        context: Context::Causes,
        action: ActionId::CausesPane,
    },
];

impl Pane {
    /// Their names on the command line, from left to right.
    pub const FLAGS: [&'static str; 7] = [
        "findings",
        "tasks",
        "task",
        "wakers",
        "scheduler",
        "resources",
        "causes",
    ];

    /// The pane of that name on the command line.
    #[must_use]
    pub fn of_flag(flag: &str) -> Option<Self> {
        let place = Self::FLAGS.iter().position(|name| *name == flag)?;
        PANES.get(place).map(|entry| entry.pane)
    }

    /// Its name on the command line.
    pub(super) fn flag(self) -> &'static str {
        let place = PANES.iter().position(|entry| entry.pane == self);
        Self::FLAGS[place.unwrap_or(0)]
    }

    pub(super) fn entry(self) -> &'static PaneEntry {
        PANES
            .iter()
            .find(|entry| entry.pane == self)
            .unwrap_or(&PANES[0])
    }

    /// The pane `steps` further to the right in the bar, which closes into a ring.
    pub(super) fn neighbour(self, steps: usize) -> Self {
        let here = PANES
            .iter()
            .position(|entry| entry.pane == self)
            .unwrap_or(0);
        PANES[(here + steps) % PANES.len()].pane
    }
}

/// All that a step back restores.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Place {
    pub(super) pane: Pane,
    /// The one selection; `None` only in a recording without tasks.
    pub(super) task: Option<TaskIx>,
    /// The one cursor.
    pub(super) cursor: Ns,
    /// What the timeline of the Task pane shows.
    pub(super) span: Span,
    /// The line of the selected task's history that is selected.
    pub(super) event: usize,
    /// The first row that the Tasks pane shows.
    pub(super) tasks_top: usize,
    /// The first line of history that the Task pane shows.
    pub(super) events_top: usize,
    /// The finding that a jump led to.
    pub(super) finding: Option<usize>,
    /// The other end of the range whose one end is the cursor.
    pub(super) mark: Option<Ns>,
    pub(super) findings: findings::Spot,
    pub(super) wakers: wakers::Spot,
    pub(super) scheduler: scheduler::Spot,
    pub(super) resources: resources::Spot,
    pub(super) causes: causes::Spot,
}

/// The first line shown, moved as little as possible so that line `selected` of `len` is among the `capacity` shown.
pub(super) fn scrolled(top: usize, selected: usize, len: usize, capacity: usize) -> usize {
    let top = top.clamp((selected + 1).saturating_sub(capacity), selected);
    top.min(len.saturating_sub(capacity))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn scrolling_shows_the_selection_and_no_emptiness() {
        assert_eq!(scrolled(0, 5, 100, 10), 0);
        assert_eq!(scrolled(0, 12, 100, 10), 3);
        assert_eq!(scrolled(50, 12, 100, 10), 12);
        assert_eq!(scrolled(99, 99, 100, 10), 90);
        assert_eq!(scrolled(7, 0, 0, 10), 0);
        assert_eq!(scrolled(3, 2, 3, 1), 2);
    }

    #[test]
    fn panes_form_a_ring() {
        for entry in PANES {
            assert_eq!(Pane::of_flag(&entry.title.to_lowercase()), Some(entry.pane));
            assert_eq!(Pane::of_flag(entry.pane.flag()), Some(entry.pane));
            assert_eq!(
                entry.pane.neighbour(1).neighbour(PANES.len() - 1),
                entry.pane
            );
        }
    }
}
