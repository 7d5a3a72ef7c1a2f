//! The jumps that follow the recording: to the waker, the parent, the culprit, the next slow poll.

use super::{
    actions::ActionId, causes, findings, place::Pane, span::Span, text::plural, view::View,
};
use crate::{
    analysis::{findings::dropped_in, label},
    recording::{Cause, Happening, Ns, PollIx, TaskIx, WakeIx, Waker, time::duration},
};

impl View {
    /// What happened to the selected task in the selected line.
    fn selected(&self) -> Option<(TaskIx, Ns, Happening)> {
        let task = self.place.task?;
        let event = self.opened.recording.history(task).get(self.place.event)?;
        Some((task, event.at, event.what))
    }

    /// From a poll to its cause; from a wake to the poll of the task that issued it.
    pub(super) fn who_woke(&mut self) {
        if let Some(poll) = causes::shown_poll(self) {
            self.go_to_cause(poll);
            return;
        }
        let selected = self.selected().filter(|_| self.place.pane == Pane::Task);
        match selected {
            Some((_, _, Happening::Woken(wake))) => self.go_to_waker(wake),
            Some((_, _, Happening::Spawned)) => self.parent(),
            Some((_, _, Happening::Polled(poll))) => self.go_to_cause(poll),
            Some((task, at, Happening::Unwakeable)) => self.go_to_dropper(task, at),
            _ => {
                let Some(task) = self.place.task else { return };
                match self
                    .opened
                    .recording
                    .last_poll_before(task, self.place.cursor)
                {
                    Some(poll) => self.go_to_cause(poll),
                    None => self.note = Some("It had not been polled by then.".to_owned()),
                }
            }
        }
    }

    /// From a line to its other end.
    pub(super) fn follow(&mut self) {
        let Some((task, at, what)) = self.selected() else {
            return;
        };
        match what {
            Happening::Woken(wake) => self.go_to_waker(wake),
            Happening::Polled(poll) => self.go_to_cause(poll),
            Happening::Woke(wake) => {
                let woken = self.opened.recording.wake(wake).task;
                self.jump_to(woken, at, Happening::Woken(wake));
            }
            Happening::Spawned => self.parent(),
            Happening::Spawns(child) => self.jump_to(child, at, Happening::Spawned),
            Happening::Unwakeable => self.go_to_dropper(task, at),
            Happening::Waits(_)
            | Happening::Waited(_)
            | Happening::SpanOpened(_)
            | Happening::SpanClosed(_)
            | Happening::Custom(_)
            | Happening::Suspended(_)
            | Happening::Ended => {
                self.note = Some("This leads nowhere else.".to_owned());
            }
        }
    }

    /// To the poll in which the last waker of `task` was dropped: another task's, where there is one.
    fn go_to_dropper(&mut self, task: TaskIx, at: Ns) {
        let opened = std::sync::Arc::clone(&self.opened);
        let recording = &opened.recording;
        match dropped_in(recording, task, at)[..] {
            [poll] => {
                let start = recording.poll_start(poll);
                self.jump_to(recording.task_of(poll), start, Happening::Polled(poll));
            }
            [] => {
                self.note = Some(
                    "In whose poll it was dropped is not known: in none, or many went on."
                        .to_owned(),
                );
            }
            ref several => {
                let names = several.iter().map(|poll| recording.task_of(*poll));
                let names: Vec<String> = names.map(|task| label::task(recording, task)).collect();
                self.note = Some(format!(
                    "It was dropped in a poll of {}.",
                    names.join(" or ")
                ));
            }
        }
    }

    fn go_to_cause(&mut self, poll: PollIx) {
        let recording = &self.opened.recording;
        let task = recording.poll(poll).task;
        match recording.cause(poll) {
            Some(Cause::Wake(wake)) => {
                let at = recording.wake_at(wake);
                self.jump_to(task, at, Happening::Woken(wake));
            }
            Some(Cause::Spawn { at }) => self.jump_to(task, at, Happening::Spawned),
            Some(Cause::Folded(wake)) => {
                self.note = Some(format!(
                    "Woken by {} {} before the window: only the history remembers it.",
                    label::waker(recording, wake.waker),
                    duration(wake.at.saturating_neg())
                ));
            }
            None => self.note = Some("Who woke it was not recorded.".to_owned()),
        }
    }

    fn go_to_waker(&mut self, wake: WakeIx) {
        let recording = &self.opened.recording;
        let row = recording.wake(wake);
        match row.waker {
            Waker::Task(waker) => match recording.waker_poll(wake) {
                Some(poll) => {
                    let start = recording.poll_start(poll);
                    self.jump_to(waker, start, Happening::Polled(poll));
                }
                None => self.jump_to(waker, row.at, Happening::Woke(wake)),
            },
            Waker::Runtime => {
                self.note = Some(
                    "Woken by the runtime: a socket, a timer, a yield, or its root future."
                        .to_owned(),
                );
            }
            Waker::Blocking(_) | Waker::Outside(_) => {
                self.note = Some(format!(
                    "Woken by {}: no task did it.",
                    label::waker(recording, row.waker)
                ));
            }
            Waker::Unknown => self.note = Some("Who issued this wake was not recorded.".to_owned()),
        }
    }

    /// To the task that spawned the selected one, at that moment.
    pub(super) fn parent(&mut self) {
        let Some(task) = self.place.task else { return };
        let facts = self.opened.recording.task(task);
        match (facts.parent, facts.spawned_at()) {
            (Some(parent), Some(at)) => self.jump_to(parent, at, Happening::Spawns(task)),
            (Some(parent), None) => {
                self.jump(|view| {
                    view.place.pane = Pane::Task;
                    view.place.task = Some(parent);
                });
            }
            (None, Some(_)) => {
                self.note = Some("No task spawned it: it was spawned from outside.".to_owned());
            }
            (None, None) => self.note = Some("Its spawn was not recorded.".to_owned()),
        }
    }

    /// To the first task that the selected one spawned after the cursor, and from its last one on to its first.
    pub(super) fn child(&mut self) {
        let Some(task) = self.place.task else { return };
        let opened = std::sync::Arc::clone(&self.opened);
        let recording = &opened.recording;
        let children = recording.children_of(task);
        let spawned = |child: &TaskIx| recording.task(*child).spawned_at();
        let after = children.partition_point(|child| spawned(child) <= Some(self.place.cursor));
        let Some(&child) = children.get(after).or(children.first()) else {
            self.note = Some("It spawned no task that was recorded.".to_owned());
            return;
        };
        match spawned(&child) {
            Some(at) => self.jump_to(child, at, Happening::Spawned),
            None => self.jump(|view| {
                view.place.pane = Pane::Task;
                view.place.task = Some(child);
            }),
        }
        let count = plural(children.len() as u64, "task");
        self.note = Some(format!(
            "Of {count} that it spawned; {} goes back to it.",
            self.key(ActionId::Parent)
        ));
    }

    /// To the culprit of the next finding, or of the previous one, at the moment of the crime.
    pub(super) fn finding(&mut self, step: isize) {
        let findings = self.opened.facts.findings.len();
        if findings == 0 {
            self.starved();
            return;
        }
        let number = match self.place.finding {
            Some(number) => number.saturating_add_signed(step + findings.cast_signed()) % findings,
            None if step > 0 => 0,
            None => findings - 1,
        };
        self.go_to_finding(number);
    }

    /// Where nothing was found: to the task that was ready, and not polled, for so long that it is no sign of health.
    fn starved(&mut self) {
        let opened = std::sync::Arc::clone(&self.opened);
        let (recording, facts) = (&opened.recording, &opened.facts);
        let Some(long) = facts.ready_too_long else {
            self.note = Some("Nothing was found.".to_owned());
            return;
        };
        let end = recording.window().end;
        let polled_late = facts.latest_poll.map(|poll| (poll, recording.poll(poll)));
        let polled_late = polled_late.filter(|(_, row)| row.delay == Some(long));
        match (polled_late, facts.ready.longest.first()) {
            (Some((poll, row)), _) => self.jump_to(row.task, row.start, Happening::Polled(poll)),
            (None, Some(ready)) => self.jump(|view| {
                view.place.pane = Pane::Task;
                view.place.task = Some(ready.task);
                view.place.span =
                    Span::about(end, end.saturating_sub(ready.since), opened.window());
                view.set_cursor(end);
            }),
            (None, None) => {}
        }
        self.note = Some(format!(
            "Nothing was found, but this task was ready and not polled for {}.",
            duration(long)
        ));
    }

    /// To the culprit of the finding of this number, at the moment of the crime.
    pub(super) fn go_to_finding(&mut self, number: usize) {
        let opened = std::sync::Arc::clone(&self.opened);
        let Some(finding) = opened.facts.findings.get(number) else {
            return;
        };
        self.jump(|view| {
            view.place.pane = Pane::Task;
            view.aim_at_finding(number);
        });
        self.note = Some(format!(
            "finding {} of {}, {}: {} tells all about it",
            number + 1,
            opened.facts.findings.len(),
            finding.kind.name(),
            self.key(ActionId::FindingsPane)
        ));
    }

    /// Puts the cursor, the selection and the zoom to the moment of a finding's crime.
    pub(super) fn aim_at_finding(&mut self, number: usize) {
        let opened = std::sync::Arc::clone(&self.opened);
        let Some(finding) = opened.facts.findings.get(number) else {
            return;
        };
        let place = &mut self.place;
        place.finding = Some(number);
        place.findings.item = findings::Item::Finding(number);
        place.cursor = finding.start;
        place.span = Span::about(finding.start, finding.duration, opened.window());
        let first = finding.tasks.first().map(|(task, _)| *task);
        let Some(task) = finding.culprit().or(first) else {
            return;
        };
        place.task = Some(task);
        let recording = &opened.recording;
        let history = recording.history(task);
        // The poll that the finding is about began at, or shortly before, the moment that it names.
        let poll = recording
            .last_poll_before(task, finding.start.saturating_add(finding.duration))
            .filter(|poll| finding.start < recording.poll(*poll).end());
        if let Some(poll) = poll {
            place.cursor = recording.poll_start(poll);
            place.event = history
                .find(place.cursor, Happening::Polled(poll))
                .unwrap_or(0);
        } else {
            place.event = history
                .position(finding.start.saturating_add(1))
                .saturating_sub(1);
        }
        place.events_top = place.event.saturating_sub(2);
    }

    /// To the next slow poll after the cursor, or to the one before it: of the task whose life is shown, or of all.
    pub(super) fn slow_poll(&mut self, next: bool) {
        let opened = std::sync::Arc::clone(&self.opened);
        let recording = &opened.recording;
        let only = self.place.task.filter(|_| self.place.pane == Pane::Task);
        let slow = opened.facts.slow();
        let concerned =
            |poll: &&PollIx| only.is_none_or(|task| recording.poll(**poll).task == task);
        // Several may begin in one instant, so the selected one is told apart by its number.
        let selected = match self.selected() {
            Some((_, _, Happening::Polled(poll))) => Some(poll),
            _ => None,
        };
        let key = |poll: PollIx| (recording.poll_start(poll), Some(poll));
        let here = (self.place.cursor, selected);
        let place = slow.partition_point(|poll| key(*poll) < here);
        let found = if next {
            slow[place..]
                .iter()
                .filter(concerned)
                .find(|poll| Some(**poll) != selected)
        } else {
            slow[..place].iter().rev().find(concerned)
        };
        let Some(&poll) = found else {
            let limit = duration(opened.facts.slow_poll);
            let direction = if next { "after" } else { "before" };
            let whose = if only.is_some() { " of this task" } else { "" };
            self.note = Some(format!(
                "No poll of {limit} or more{whose} {direction} the cursor; {}: the longest.",
                self.key(ActionId::Longest)
            ));
            return;
        };
        let row = recording.poll(poll);
        if only.is_some() {
            self.jump_to(row.task, row.start, Happening::Polled(poll));
        } else {
            self.jump(|view| {
                view.place.task = Some(row.task);
                view.place.cursor = row.start;
                let history = recording.history(row.task);
                view.place.event = history
                    .find(row.start, Happening::Polled(poll))
                    .unwrap_or(0);
            });
        }
    }

    /// To the longest poll of the selected task.
    pub(super) fn longest_poll(&mut self) {
        let Some(task) = self.place.task else { return };
        let recording = &self.opened.recording;
        let totals = recording.totals(task);
        if totals.polls == 0 {
            self.note = Some("It was never polled.".to_owned());
            return;
        }
        let row = recording
            .last_poll_before(task, totals.longest_start)
            .filter(|poll| recording.poll_start(*poll) == totals.longest_start);
        match row {
            Some(poll) => self.jump_to(task, totals.longest_start, Happening::Polled(poll)),
            None => {
                self.note = Some(format!(
                    "Its longest poll, {}, is older than the window: only the history remembers it.",
                    duration(totals.longest_ns)
                ));
            }
        }
    }
}
