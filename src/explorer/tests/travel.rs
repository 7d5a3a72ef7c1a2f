//! Travelling through time: steps, the film, instants that are typed, ranges.

use std::time::Duration;

use super::{app, buffer, incident, lines, press};
use crate::{
    explorer::{app::App, place::Place},
    recording::{
        MILLISECOND, Ns, Outcome,
        testing::{batch, builder, runtime, spawn},
    },
};

fn place(app: &App) -> Place {
    app.view().unwrap().place
}

fn shows(app: &App, text: &str) -> bool {
    lines(&buffer(app)).iter().any(|line| line.contains(text))
}

#[test]
fn an_instant_that_is_typed_is_gone_to_and_left_again() {
    let mut app = app(incident::recording(), 80, 24);
    let before = place(&app);
    press(&mut app, "g1.3325s");
    assert!(shows(&app, "go to 1.3325s"));
    press(&mut app, "\n");
    assert_eq!(place(&app).cursor, 1_332_500_000);
    press(&mut app, "[");
    assert_eq!(place(&app), before);

    // What is wrong is said, and can be mended.
    press(&mut app, "g12q\n");
    assert!(shows(&app, "is no instant"));
    press(&mut app, "\x08");
    assert!(!shows(&app, "is no instant"));
    press(&mut app, "ms\n");
    assert_eq!(place(&app).cursor, 12 * MILLISECOND);

    press(&mut app, "g1h\n");
    assert_eq!(place(&app).cursor, app.view().unwrap().opened.bounds().1);
    assert!(shows(&app, "is after everything recorded"));
    press(&mut app, "g09:20:31\n");
    assert!(shows(&app, "does not know the wall clock"));
    press(&mut app, "\x1bgend\n");
    assert_eq!(
        place(&app).cursor,
        app.view().unwrap().opened.recording.window().end
    );
}

#[test]
fn from_a_lost_waker_to_the_poll_in_which_it_was_dropped() {
    let mut builder = builder(100 * MILLISECOND);
    runtime(&mut builder, 2);
    let mut w0 = batch(0);
    w0.spawn(7, spawn(0));
    w0.spawn(8, spawn(0));
    w0.poll(7, 10 * MILLISECOND, 11 * MILLISECOND, Outcome::Pending);
    w0.poll(8, 14 * MILLISECOND, 16 * MILLISECOND, Outcome::Pending);
    w0.unwakeable(7, 15 * MILLISECOND);
    builder.batch(w0);
    let mut app = app(builder.finish(), 80, 24);
    press(&mut app, "2a/7\n\nG");
    assert!(shows(
        &app,
        "dropped on worker 0, in a poll of 8  (w goes there)"
    ));
    let before = place(&app);
    for key in ["w", "\n"] {
        press(&mut app, key);
        assert!(shows(&app, "task 8  "));
        assert_eq!(place(&app).cursor, 14 * MILLISECOND);
        press(&mut app, "[");
        assert_eq!(place(&app), before);
    }
}

#[test]
fn steps_of_the_selection_visit_each_line_and_come_back() {
    let mut app = app(incident::recording(), 80, 24);
    press(&mut app, "3");
    let task = place(&app).task.unwrap();
    let len = app.view().unwrap().opened.recording.history(task).len();
    press(&mut app, &",".repeat(len));
    assert_eq!(place(&app).event, 0);
    for line in 1..len {
        press(&mut app, ".");
        assert_eq!(place(&app).event, line);
    }
    press(&mut app, ".");
    assert!(shows(
        &app,
        "Nothing happened of this task after the cursor."
    ));
    for line in (0..len - 1).rev() {
        press(&mut app, ",");
        assert_eq!(place(&app).event, line);
    }
}

#[test]
fn steps_through_what_happens_to_anybody_are_one_jump() {
    let mut app = app(incident::recording(), 80, 24);
    press(&mut app, "20");
    let before = place(&app);
    let mut cursor = before.cursor;
    for _ in 0..20 {
        press(&mut app, ">");
        assert!(place(&app).cursor > cursor);
        cursor = place(&app).cursor;
    }
    press(&mut app, "<");
    assert!(place(&app).cursor < cursor);
    press(&mut app, "[");
    assert_eq!(place(&app), before);
}

#[test]
fn a_kind_can_be_chosen_by_its_letter() {
    let mut app = app(incident::recording(), 80, 24);
    press(&mut app, "20'");
    assert!(shows(&app, "step through"));
    press(&mut app, "w");
    let mut last = place(&app).cursor;
    for _ in 0..5 {
        press(&mut app, ">");
        let now = place(&app);
        let recording = &app.view().unwrap().opened.recording;
        let woken = recording.wakes_from(last + 1);
        assert_eq!(now.cursor, recording.wake_at(woken));
        assert!(shows(&app, "is woken by"));
        last = now.cursor;
    }
    press(&mut app, "'\x1b");
    press(&mut app, "'s$>");
    assert!(shows(&app, "No spawns after the cursor"));
}

#[test]
fn the_film_runs_with_the_time_that_passes_until_a_key() {
    let mut app = app(incident::recording(), 80, 24);
    press(&mut app, "20P");
    assert!(app.is_playing() && shows(&app, "playing, 200 ms a second"));
    assert!(app.tick(Duration::from_millis(500)));
    assert_eq!(place(&app).cursor, 100 * MILLISECOND);
    press(&mut app, "}}");
    assert!(shows(&app, "playing, as fast as it was"));
    app.tick(Duration::from_millis(100));
    assert_eq!(place(&app).cursor, 200 * MILLISECOND);
    press(&mut app, "{{{");
    assert!(shows(&app, "playing, 100 ms a second"));
    // A key that means something does it, too.
    press(&mut app, "3");
    assert!(!app.is_playing() && app.context() == super::super::actions::Context::Task);
    assert!(!app.tick(Duration::from_secs(1)));
    press(&mut app, "P ");
    assert!(!app.is_playing());
    press(&mut app, "$P");
    assert_eq!(place(&app).cursor, 0);
    app.tick(Duration::from_secs(1_000));
    assert!(!app.is_playing() && shows(&app, "This is the end of the window."));
}

#[test]
fn the_range_lies_between_the_mark_and_the_cursor() {
    let mut app = app(incident::recording(), 80, 24);
    let end: Ns = app.view().unwrap().opened.recording.window().end;
    assert_eq!(app.view().unwrap().range(), (0, end));
    press(&mut app, "g1s\nxg1.0012s\n");
    assert_eq!(app.view().unwrap().range(), (1_000_000_000, 1_001_200_000));
    assert!(shows(&app, "range 1.20 ms (1.000 000..1.001 200 s)"));
    press(&mut app, "g0.5s\n");
    assert_eq!(app.view().unwrap().range(), (500_000_000, 1_000_000_000));
    press(&mut app, "x");
    assert_eq!(app.view().unwrap().range(), (0, end));
    // The mark is part of the place: a step back brings it again.
    press(&mut app, "[");
    assert_eq!(place(&app).mark, Some(1_000_000_000));
}

#[test]
fn the_mouse_selects_drags_and_zooms() {
    let mut app = app(incident::recording(), 100, 30);
    press(&mut app, "2");
    let rows = lines(&buffer(&app));
    let row = rows.iter().position(|line| line.starts_with('▸')).unwrap() as u16;
    // The row below what the selected task is doing.
    app.click(10, row + 2);
    let selected = lines(&buffer(&app))
        .iter()
        .position(|line| line.starts_with('▸'));
    assert_eq!(selected, Some(usize::from(row) + 1));
    app.click(10, row + 1);
    assert_eq!(app.context(), super::super::actions::Context::Task);

    // A drag over the timeline of the task.
    let runs = lines(&buffer(&app))
        .iter()
        .position(|line| line.starts_with(" runs"))
        .unwrap() as u16;
    app.click(30, runs);
    let from = place(&app).cursor;
    app.drag(45);
    app.drag(60);
    app.release();
    app.drag(80);
    assert_eq!(place(&app).mark, Some(from));
    let (start, to) = app.view().unwrap().range();
    assert_eq!(start, from);
    assert_eq!(place(&app).span.cell(to, 91), Some(52));

    let before = place(&app).span;
    app.wheel(60, runs, super::super::input::Turn::Up);
    assert!(place(&app).span.length() < before.length());
    app.wheel(60, runs, super::super::input::Turn::Down);
    // The window has an odd number of nanoseconds.
    assert!(before.length() - place(&app).span.length() <= 1);

    // A click in the strip, and one on the name of a pane.
    app.click(1, 28);
    assert_eq!(place(&app).cursor, 0);
    app.click(14, 1);
    assert_eq!(app.context(), super::super::actions::Context::Tasks);
}

#[test]
fn what_is_copied_is_shown_whole() {
    let mut app = app(incident::recording(), 80, 24);
    press(&mut app, "3++xlllf");
    press(&mut app, "state=runnable or state=running\n3");
    press(&mut app, "y");
    let screen = lines(&buffer(&app));
    let first = screen.iter().position(|line| line == " copied:").unwrap();
    // Below it are the strip and the keys.
    let shown: Vec<&str> = screen[first + 1..screen.len() - 2]
        .iter()
        .map(|line| line.trim().trim_end_matches(" \\"))
        .collect();
    assert_eq!(shown.join(" "), app.command_line(app.view().unwrap()));
    press(&mut app, "j");
    assert!(!shows(&app, "copied"));

    // A finding is copied with its evidence.
    press(&mut app, "1");
    let finding = &app.view().unwrap().opened.facts.findings[0];
    let text = app.selection(app.view().unwrap());
    assert!(
        text.contains(&finding.message) && text.contains(&finding.suggestion),
        "{text}"
    );
    assert!(text.contains(&finding.evidence[0].text), "{text}");
}

#[test]
fn the_cursor_hides_no_digit_of_the_times_above_a_life() {
    for width in [80, 120] {
        let mut app = app(incident::recording(), width, 40);
        press(&mut app, "3z0");
        for _ in 0..width {
            let screen = lines(&buffer(&app));
            let axis = screen
                .iter()
                .find(|line| line.starts_with(" time"))
                .unwrap();
            assert!(
                axis.contains('▼')
                    && axis.matches("0.000 000 s").count() == 1
                    && axis.matches(" s").count() == 2
                    && axis.contains("3.000 000 s"),
                "{axis}"
            );
            press(&mut app, "l");
        }
    }
}
