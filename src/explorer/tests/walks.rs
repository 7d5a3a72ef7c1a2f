//! Random walks: whatever keys come, nothing panics, the state stays valid, and back undoes forward.

use std::{ffi::OsString, time::Duration};

use proptest::prelude::*;
use ratatui::layout::Size;

use super::{app, buffer, incident, press};
use crate::{
    cli::Cli,
    explorer::{
        action_table::PANES,
        actions::{ACTIONS, ActionId, in_context},
        app::{App, Effect},
        input::Turn,
        place::Pane,
    },
    recording::{Format, Recording, RecordingBuilder, Source, Window},
};

fn empty() -> Recording {
    let source = Source {
        format: Format::Dial9Dump,
        paths: Vec::new(),
        bytes: 0,
        sample: true,
    };
    RecordingBuilder::new(
        source,
        Window {
            end: 0,
            others_start: 0,
            wall_start: None,
        },
    )
    .finish()
}

/// Nothing of the state points to what is not there.
fn check(app: &App) {
    let view = app.view().unwrap();
    let recording = &view.opened.recording;
    if let Some(task) = view.place.task {
        assert!(task.index() < recording.task_count());
        let history = recording.history(task);
        assert!(view.place.event < history.len().max(1));
        if view.place.pane == Pane::Task {
            assert!(view.place.span.contains(view.place.cursor));
            assert!(view.place.events_top <= view.place.event);
        }
    }
    let (first, last) = view.opened.bounds();
    assert!(
        (first..=last).contains(&view.place.cursor),
        "{:?}",
        view.place
    );
    for cell in &buffer(app).content {
        assert!(
            !cell.symbol().chars().any(char::is_control),
            "{:?}",
            cell.symbol()
        );
        assert!(!cell.symbol().contains('\u{202e}'));
    }
}

#[derive(Clone, Debug)]
enum Step {
    Act(usize),
    Type(char),
    Click(u16, u16),
    Drag(u16),
    Release,
    Wheel(u16, u16, bool),
    Tick(u64),
    Resize(u16, u16),
}

fn step() -> impl Strategy<Value = Step> {
    prop_oneof![
        8 => (0..ACTIONS.len()).prop_map(Step::Act),
        2 => prop::sample::select("abehilnprw019/:?.<>'=~msf=~>(".chars().collect::<Vec<_>>()).prop_map(Step::Type),
        2 => (0u16..110, 0u16..34).prop_map(|(column, row)| Step::Click(column, row)),
        1 => (0u16..110).prop_map(Step::Drag),
        1 => Just(Step::Release),
        1 => (0u16..110, 0u16..34, any::<bool>()).prop_map(|(column, row, up)| Step::Wheel(column, row, up)),
        1 => (0u64..200).prop_map(Step::Tick),
        1 => (0u16..220, 0u16..70).prop_map(|(width, height)| Step::Resize(width, height)),
    ]
}

/// Takes a step as a person can: an action only where it applies.
fn take(app: &mut App, step: &Step) {
    match step {
        Step::Act(number) => {
            let here: Vec<ActionId> = in_context(app.context()).map(|action| action.id).collect();
            let action = here[number % here.len()];
            if !matches!(
                action,
                ActionId::Quit | ActionId::QuitNow | ActionId::Suspend
            ) {
                assert_ne!(app.act(action), Effect::Quit);
            }
        }
        Step::Type(c) => _ = app.key(super::Key::char(*c)),
        Step::Click(column, row) => app.click(*column, *row),
        Step::Drag(column) => app.drag(*column),
        Step::Release => app.release(),
        Step::Wheel(column, row, up) => {
            let turn = if *up { Turn::Up } else { Turn::Down };
            app.wheel(*column, *row, turn);
        }
        Step::Tick(millis) => _ = app.tick(Duration::from_millis(*millis)),
        Step::Resize(width, height) => app.resize(Size::new(*width, *height)),
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(48))]

    #[test]
    fn no_walk_breaks_anything(steps in prop::collection::vec(step(), 0..60)) {
        for recording in [incident::recording(), empty()] {
            let mut app = app(recording, 100, 30);
            for step in &steps {
                take(&mut app, step);
                check(&app);
            }
        }
    }

    #[test]
    fn back_and_forward_undo_each_other(steps in prop::collection::vec(step(), 0..40)) {
        let mut app = app(incident::recording(), 100, 30);
        for step in steps.iter().filter(|step| !matches!(step, Step::Resize(..))) {
            take(&mut app, step);
            if !PANES.contains(&app.context()) {
                continue;
            }
            let here = app.view().unwrap().place;
            for (one, other) in [(ActionId::Back, ActionId::Forward), (ActionId::Forward, ActionId::Back)] {
                app.act(one);
                // Where there was nothing to walk to, there is nothing to undo.
                if app.view().unwrap().note.is_none() {
                    app.act(other);
                }
                prop_assert_eq!(app.view().unwrap().place, here);
            }
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(48))]

    #[test]
    fn the_command_line_that_is_copied_opens_the_same_view(steps in prop::collection::vec(step(), 0..40)) {
        let mut app = app(incident::recording(), 100, 30);
        app.invoked_as(vec!["it's.dial9".to_owned()]);
        for step in steps.iter().filter(|step| !matches!(step, Step::Resize(..))) {
            take(&mut app, step);
        }
        let view = app.view().unwrap();
        let line = app.command_line(view);
        let (mut meant, meant_wish, told) = (view.place, view.table.wish.clone(), view.told());

        // As a shell splits it: nothing but the path needs more than its quotes taken away.
        let words = split(&line);
        prop_assert_eq!(&words[..2], &["dial9-tui", "it's.dial9"]);
        let cli = Cli::read(words.iter().map(OsString::from)).unwrap();
        let mut again = super::app(incident::recording(), 100, 30);
        again.start_at(&cli.explore.start.start()).unwrap();
        let view = again.view().unwrap();
        let (place, wish) = (view.place, &view.table.wish);
        prop_assert_eq!(view.told(), told, "{}", line);
        // How far lists are scrolled, which line is selected in panes that are not shown, and the finding that led
        // here are each person's own.
        (meant.tasks_top, meant.events_top, meant.finding) = (place.tasks_top, place.events_top, place.finding);
        (meant.findings, meant.wakers, meant.scheduler) = (place.findings, place.wakers, place.scheduler);
        (meant.resources, meant.causes) = (place.resources, place.causes);
        prop_assert_eq!(place, meant, "{}", line);
        prop_assert_eq!(wish, &meant_wish);
    }
}

/// A line as a shell splits it, where it has no more than words and single quotes.
fn split(line: &str) -> Vec<String> {
    let (mut words, mut word) = (Vec::new(), String::new());
    let (mut quoted, mut escaped) = (false, false);
    for c in line.chars() {
        match c {
            _ if escaped => {
                word.push(c);
                escaped = false;
            }
            '\'' => quoted = !quoted,
            '\\' if !quoted => escaped = true,
            ' ' if !quoted => words.push(std::mem::take(&mut word)),
            c => word.push(c),
        }
    }
    words.push(word);
    words
}

#[test]
fn every_action_of_a_pane_is_reached_by_its_key() {
    for (number, context) in PANES.iter().enumerate() {
        for action in in_context(*context) {
            let mut app = app(incident::recording(), 100, 30);
            press(&mut app, &(number + 1).to_string());
            assert_eq!(app.context(), *context);
            for key in action.keys {
                app.key(*key);
                check(&app);
            }
        }
    }
}
