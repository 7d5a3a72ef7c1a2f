//! Travelling through time: steps from event to event, playing, going to an instant that was typed, and the range.

use std::{sync::Arc, time::Duration};

use super::{
    actions::ActionId,
    place::Pane,
    steps::{self, Kind, Moment},
    view::View,
    when::When,
};
use crate::recording::{
    MILLISECOND, Ns, SECOND,
    time::{duration, instant},
};

/// How fast the recording is played, in nanoseconds of it per second: 1, 2 and 5 times each power of ten.
fn speed(step: u32) -> Ns {
    let unit = 10_i64.pow(step / 3) * 1_000;
    unit * [1, 2, 5][(step % 3) as usize]
}

/// The fastest step: a thousand seconds a second.
const FASTEST: u32 = 27;

/// The recording as a film.
#[derive(Debug, Default)]
pub(super) struct Player {
    playing: bool,
    /// Which speed the person has chosen.
    chosen: Option<u32>,
}

impl Player {
    pub(super) fn is_playing(&self) -> bool {
        self.playing
    }
}

impl View {
    /// What totals and tables are about: from the first instant to the second, both included. It is the time between
    /// the mark and the cursor, and the whole window where there is no mark.
    pub(super) fn range(&self) -> (Ns, Ns) {
        self.marked()
            .unwrap_or((0, self.opened.recording.window().end))
    }

    /// The time between the mark and the cursor, if there is a mark.
    pub(super) fn marked(&self) -> Option<(Ns, Ns)> {
        let (mark, cursor) = (self.place.mark?, self.place.cursor);
        Some((mark.min(cursor), mark.max(cursor)))
    }

    /// Puts the mark at the cursor, or takes it away.
    pub(super) fn mark(&mut self) {
        self.place.mark = match self.place.mark {
            Some(_) => None,
            None => Some(self.place.cursor),
        };
        self.note = Some(match self.place.mark {
            Some(at) => format!(
                "Marked {}: the range goes from there to the cursor; {} unmarks.",
                instant(at),
                self.key(ActionId::Mark)
            ),
            None => "The mark is gone: totals are those of the whole window.".to_owned(),
        });
    }

    /// Goes to the next or the previous event of the selected task.
    pub(super) fn step_selection(&mut self, forward: bool) {
        let Some(task) = self.place.task else { return };
        let opened = Arc::clone(&self.opened);
        let recording = &opened.recording;
        let cursor = self.place.cursor;
        if self.step_kind != Kind::Anything {
            match steps::of_task(recording, task, self.step_kind, cursor, forward) {
                Some(moment) => self.go_to_moment(moment),
                None => self.no_more(forward, " of this task"),
            }
            return;
        }
        // Line by line: several may have happened in one instant.
        let history = recording.history(task);
        let selected = history.get(self.place.event);
        let here = selected.is_some_and(|event| event.at == cursor);
        let line = match (forward, here) {
            (true, true) => Some(self.place.event + 1),
            (false, true) => self.place.event.checked_sub(1),
            (true, false) => Some(history.position(cursor.saturating_add(1))),
            (false, false) => history.position(cursor).checked_sub(1),
        };
        match line.and_then(|line| Some((line, history.get(line)?))) {
            Some((line, event)) => {
                self.place.event = line;
                self.place.cursor = event.at;
            }
            None => self.no_more(forward, " of this task"),
        }
    }

    /// Goes to whatever happened next or before, to anybody, and selects the task that it happened to.
    pub(super) fn step_anybody(&mut self, forward: bool) {
        let opened = Arc::clone(&self.opened);
        let (kind, cursor) = (self.step_kind, self.place.cursor);
        match steps::of_anybody(&opened.recording, &opened.lives, kind, cursor, forward) {
            Some(moment) => {
                self.leave_once();
                self.go_to_moment(moment);
            }
            None => self.no_more(forward, ""),
        }
    }

    /// The way back leads to where a walk of many steps began, not through each of them.
    fn leave_once(&mut self) {
        if !std::mem::replace(&mut self.walking, true) {
            self.jumps.push(self.place);
        }
    }

    fn go_to_moment(&mut self, moment: Moment) {
        let opened = Arc::clone(&self.opened);
        let recording = &opened.recording;
        let line = moment.line(recording);
        if let Some((task, _)) = line {
            self.place.task = Some(task);
        }
        self.set_cursor(moment.at);
        // Where something begins, its line is the one to be selected; where it ends, whatever came last by then.
        if let Some(event) =
            line.and_then(|(task, what)| recording.history(task).find(moment.at, what))
        {
            self.place.event = event;
        }
        self.note = Some(moment.sentence(recording));
    }

    fn no_more(&mut self, forward: bool, whose: &str) {
        let kind = self.step_kind.name();
        let direction = if forward { "after" } else { "before" };
        self.note = Some(match self.step_kind {
            Kind::Anything => format!("Nothing happened{whose} {direction} the cursor."),
            _ => format!(
                "No {kind}{whose} {direction} the cursor; {} chooses what is stepped through.",
                self.key(ActionId::StepKind)
            ),
        });
    }

    /// Puts the cursor at an instant that was asked for, by a jump.
    pub(super) fn go_to_instant(&mut self, when: When) -> Result<(), String> {
        let at = when.resolve(self.opened.recording.window())?;
        self.jump(|view| view.set_cursor(at));
        self.note = self.outside(at);
        self.settle();
        Ok(())
    }

    /// What to say about an instant that is asked for and cannot be shown.
    pub(super) fn outside(&self, at: Ns) -> Option<String> {
        let (first, last) = self.opened.bounds();
        let (what, end) = if at < first {
            ("before", first)
        } else if at > last {
            ("after", last)
        } else {
            return None;
        };
        Some(format!(
            "{} is {what} everything recorded: the cursor is at {}.",
            instant(at),
            instant(end)
        ))
    }

    /// Starts or stops the film. At the end it starts anew.
    pub(super) fn play(&mut self) {
        self.player.playing ^= true;
        let window = self.opened.recording.window();
        if self.player.playing && self.place.cursor >= window.end {
            self.leave_once();
            self.set_cursor(0);
        }
    }

    /// Stops the film.
    pub(super) fn pause(&mut self) {
        self.player.playing = false;
    }

    /// Plays faster or slower from now on, and starts if it does not play yet.
    pub(super) fn change_speed(&mut self, faster: bool) {
        let step = self.speed_step();
        let step = if faster {
            (step + 1).min(FASTEST)
        } else {
            step.saturating_sub(1)
        };
        self.player.chosen = Some(step);
        if !self.player.playing {
            self.play();
        }
    }

    /// Real time has passed while the film plays. Returns whether anything is different now.
    pub(super) fn tick(&mut self, passed: Duration) -> bool {
        if !self.player.playing {
            return false;
        }
        let passed = i128::try_from(passed.as_nanos()).unwrap_or(0);
        let by = i128::from(speed(self.speed_step())) * passed / i128::from(SECOND);
        let by = Ns::try_from(by).unwrap_or(Ns::MAX).max(1);
        let end = self.opened.recording.window().end;
        let at = self.place.cursor.saturating_add(by);
        self.set_cursor(at.min(end));
        if at >= end {
            self.pause();
            self.note = Some("This is the end of the window.".to_owned());
        }
        self.settle();
        true
    }

    /// What is shown passes in some ten seconds, unless a speed was chosen.
    fn speed_step(&self) -> u32 {
        self.player.chosen.unwrap_or_else(|| {
            let shown = match self.place.pane {
                Pane::Task | Pane::Scheduler => self.place.span,
                _ => self.opened.window(),
            };
            let wanted = (shown.length() / 10).min(SECOND);
            (0..=FASTEST)
                .rev()
                .find(|step| speed(*step) <= wanted)
                .unwrap_or(0)
        })
    }

    /// What the bottom line says while the film plays.
    pub(super) fn playing(&self) -> Option<String> {
        self.player.playing.then(|| {
            let speed = speed(self.speed_step());
            let speed = match speed {
                SECOND => "as fast as it was".to_owned(),
                speed => format!("{} a second", duration(speed)),
            };
            let (slower, faster) = (self.key(ActionId::Slower), self.key(ActionId::Faster));
            format!("playing, {speed}   {slower} slower  {faster} faster  any other key pauses")
        })
    }

    /// The range in words: how long it is, and from when to when.
    pub(super) fn range_in_words(&self) -> Option<String> {
        let (from, to) = self.marked()?;
        let number = |at: Ns| {
            let text = instant(at);
            text.trim_end_matches(" s").to_owned()
        };
        let exact = to - from < MILLISECOND;
        let length = if exact {
            format!("{} ns", to - from)
        } else {
            duration(to - from)
        };
        Some(format!(
            "range {length} ({}..{} s)",
            number(from),
            number(to)
        ))
    }
}
