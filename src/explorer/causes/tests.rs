//! Whole screens of the Causes pane.

use crate::{
    explorer::tests::{self, app, assert_screen, buffer, incident, lines, press},
    recording::{Cause, MILLISECOND, Outcome, Recording, SpawnFacts, WakerKey, testing},
};

/// The snapshot `name` of what is seen of the small incident after `keys`, at that size.
fn snapshot(name: &str, keys: &str, width: u16, height: u16) {
    of(incident::recording(), name, keys, width, height);
}

/// The same of the incident that ships with the program.
fn sample(name: &str, keys: &str, width: u16, height: u16) {
    of(tests::sample(), name, keys, width, height);
}

fn of(recording: Recording, name: &str, keys: &str, width: u16, height: u16) {
    let mut app = app(recording, width, height);
    press(&mut app, keys);
    assert_screen!(name, &app);
}

#[test]
fn a_request_that_came_late() {
    snapshot("causes_late", "2/ping\nc", 80, 24);
    snapshot("causes_late", "2/ping\nc", 120, 40);
    snapshot("causes_late", "2/ping\nc", 200, 60);
}

#[test]
fn the_culprit_and_whom_it_delayed() {
    snapshot("causes_culprit", "ec", 80, 24);
    snapshot("causes_culprit", "ec", 120, 40);
}

#[test]
fn the_sample() {
    for (width, height) in [(80, 24), (120, 40)] {
        sample("causes_sample_late", "2jjjc", width, height);
        sample("causes_sample_culprit", "2c", width, height);
        sample("causes_sample_store", "2/store\nc", width, height);
    }
}

/// On one screen: how long after its wake it ran, how late that wake may have been, who was polling where.
#[test]
fn the_verdict_is_on_the_first_screen() {
    let mut app = app(incident::recording(), 80, 24);
    press(&mut app, "2/ping\nc");
    let text = lines(&buffer(&app)).join("\n");
    for told in [
        "It ran 12.0 µs after the runtime woke it.",
        "may have come up to 80.1 ms late",
        "worker 0 in 87 handle_report  src/service.rs:118",
        "worker 1 in 88 handle_report  src/service.rs:118",
    ] {
        assert!(text.contains(told), "{told:?} in\n{text}");
    }
}

#[test]
fn enter_leads_to_the_event_of_the_line_and_back_returns() {
    let mut app = app(incident::recording(), 80, 24);
    press(&mut app, "2/ping\nc");
    let before = lines(&buffer(&app));
    // The third line after the first: the poll on worker 0.
    press(&mut app, "jjj\n");
    let text = lines(&buffer(&app)).join("\n");
    assert!(
        text.contains("task 87 handle_report") && text.contains("polled for 79.9 ms"),
        "{text}"
    );
    press(&mut app, "\x08kkk");
    assert_eq!(lines(&buffer(&app)), before);
}

/// The cursor may lie long before the poll that is told of: `w` goes to the wake that is on the screen.
#[test]
fn who_woke_goes_to_the_wake_that_is_shown() {
    let mut app = app(incident::recording(), 80, 24);
    press(&mut app, "2/ping\nc");
    let view = app.view().expect("an open recording");
    let poll = super::shown_poll(view).expect("a poll");
    let recording = std::sync::Arc::clone(&view.opened);
    let Some(Cause::Wake(wake)) = recording.recording.cause(poll) else {
        panic!("somebody woke it");
    };
    assert!(view.place.cursor < recording.recording.wake_at(wake));
    press(&mut app, "w");
    let place = app.view().expect("an open recording").place;
    assert_eq!(place.cursor, recording.recording.wake_at(wake));
    assert_eq!(place.task, Some(recording.recording.task_of(poll)));
}

#[test]
fn every_size_and_every_task_can_be_drawn() {
    for (width, height) in [(40, 8), (41, 9), (60, 13), (80, 24), (300, 12), (200, 60)] {
        let mut app = app(incident::recording(), width, height);
        press(&mut app, "2a");
        for _ in 0..13 {
            press(&mut app, "cGk\x082j");
            buffer(&app);
        }
    }
}

/// Two tasks wake each other at once for a while, and then one of them has to wait for its turn.
#[test]
fn a_game_of_ping_pong_is_told_by_its_last_wake() {
    let mut builder = testing::builder(50 * MILLISECOND);
    testing::runtime(&mut builder, 1);
    let mut w0 = testing::batch(0);
    for id in 1..=3 {
        w0.spawn(id, testing::spawn(0));
    }
    let mut at = 1_000;
    w0.wake(1, at, WakerKey::Runtime);
    for round in 0..40 {
        let (task, other) = (1 + round % 2, 2 - round % 2);
        w0.poll(task, at + 200, at + 400, Outcome::Pending);
        w0.wake(other, at + 390, WakerKey::Task(task));
        at += 390;
    }
    let begin = at + 100;
    w0.poll(3, begin, begin + 8 * MILLISECOND, Outcome::Pending);
    let late = begin + 9 * MILLISECOND;
    w0.poll(1, late, late + 100, Outcome::Pending);
    builder.batch(w0);
    let mut app = app(builder.finish(), 100, 30);
    press(&mut app, "2a/1\n$c");
    let text = lines(&buffer(&app)).join("\n");
    for told in [
        "It ran 9.00 ms after 2 woke it.",
        "What led to that goes back 9.01 ms, to when 2 was spawned.",
        "99 % of it: 1 was runnable behind 2 polls of worker 0.",
        "quick steps of 1 and 2",
    ] {
        assert!(text.contains(told), "{told:?} in\n{text}");
    }
    // The line of quick steps leads to the latest of them.
    press(&mut app, "jjjjj\n");
    let text = lines(&buffer(&app)).join("\n");
    assert!(text.contains("▸    0.000 016 s  poll    200 ns"), "{text}");
}

/// Both workers are still inside polls at the end; a task that was woken meanwhile is ready for ever.
fn stuck() -> Recording {
    let mut builder = testing::builder(400 * MILLISECOND);
    testing::runtime(&mut builder, 2);
    let names: Vec<_> = ["reindex", "export", "health check"]
        .into_iter()
        .zip([
            "src/search.rs:31:9",
            "src/export.rs:12:5",
            "src/health.rs:8:5",
        ])
        .map(|(name, location)| SpawnFacts {
            name: builder.intern(name),
            location: builder.intern(location),
            ..testing::spawn(MILLISECOND)
        })
        .collect();
    let mut workers = [testing::batch(0), testing::batch(1)];
    for (id, facts) in (7..).zip(names) {
        workers[0].spawn(id, facts);
    }
    workers[0].poll(9, 2 * MILLISECOND, 3 * MILLISECOND, Outcome::Pending);
    workers[0].poll(
        7,
        50 * MILLISECOND,
        400 * MILLISECOND,
        Outcome::StillRunning,
    );
    workers[1].poll(
        8,
        60 * MILLISECOND,
        400 * MILLISECOND,
        Outcome::StillRunning,
    );
    workers[0].wake(9, 90 * MILLISECOND, WakerKey::Task(7));
    for worker in workers {
        builder.batch(worker);
    }
    builder.finish()
}

#[test]
fn a_task_that_is_ready_and_never_polled() {
    of(stuck(), "causes_never_polled", "2/health\nc", 80, 24);
    of(stuck(), "causes_stuck", "2/reindex\nc", 80, 24);
}
