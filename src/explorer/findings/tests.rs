//! The pane over an incident, a healthy recording and a panic.

use super::{Item, items};
use crate::{
    explorer::{
        actions::ActionId,
        app::App,
        place::Pane,
        tests::{app, assert_screen, buffer, incident, lines, press},
    },
    recording::{
        Happening, Loss, LossKind, MILLISECOND, Outcome, Recording, SpawnFacts, TaskFacts, Trigger,
        TriggerKind, WakerKey,
        testing::{batch, builder, runtime, spawn},
    },
};

fn snapshot(name: &str, recording: Recording, keys: &str, width: u16, height: u16) {
    let mut app = app(recording, width, height);
    press(&mut app, keys);
    assert_screen!(name, &app);
}

/// Two tasks that wake each other, and one that nobody woke for long.
fn healthy(trigger: Option<Trigger>) -> Recording {
    let mut builder = builder(1_000 * MILLISECOND);
    runtime(&mut builder, 2);
    if let Some(trigger) = trigger {
        let detail = "task 2 on thread worker-1 panicked at src/pong.rs:12:5: called `Option::unwrap()` on a `None` value";
        let detail = builder.intern(detail);
        builder.trigger(Trigger { detail, ..trigger });
    }
    let names = ["ping", "pong", "signals"].map(|name| builder.intern(name));
    let location = builder.intern("src/pong.rs:3:5");
    for (id, name) in (1..).zip(names) {
        let spawn = SpawnFacts {
            name,
            location,
            ..spawn(0)
        };
        builder.task(TaskFacts {
            id,
            spawn,
            wakes_recorded: true,
            ended_at: None,
        });
    }
    let mut w0 = batch(0);
    let mut w1 = batch(1);
    w0.poll(3, 5_000, 9_000, Outcome::Pending);
    for round in 0..90 {
        let at = round * 11 * MILLISECOND;
        w0.poll(1, at + 20_000, at + 60_000 + round * 100, Outcome::Pending);
        w0.wake(2, at + 50_000, WakerKey::Task(1));
        w1.poll(2, at + 58_000, at + 99_000, Outcome::Pending);
        w1.wake(1, at + 98_000, WakerKey::Task(2));
    }
    for batch in [w0, w1] {
        builder.batch(batch);
    }
    builder.finish()
}

#[test]
fn what_was_found() {
    snapshot("findings", incident::recording(), "1", 80, 24);
    snapshot("findings", incident::recording(), "1", 120, 40);
    snapshot("findings", incident::recording(), "1", 200, 60);
    snapshot("findings", incident::recording(), "1", 40, 8);
    snapshot("findings_idle", incident::recording(), "1G", 80, 24);
}

#[test]
fn nothing_found() {
    snapshot("findings_healthy", healthy(None), "1jj", 80, 24);
    snapshot("findings_healthy", healthy(None), "1jj", 120, 40);
}

fn panic(task: Option<u64>) -> Recording {
    healthy(Some(Trigger {
        kind: TriggerKind::Panic(task),
        at: 990 * MILLISECOND,
        detail: crate::recording::StrId::NONE,
    }))
}

#[test]
fn a_panic_comes_first_and_leads_to_its_task() {
    snapshot("findings_panic", panic(Some(2)), "1", 80, 24);
    let mut app = app(panic(Some(2)), 80, 24);
    press(&mut app, "1\n");
    let view = app.view().unwrap();
    assert_eq!(view.place.pane, Pane::Task);
    let task = view.place.task.unwrap();
    assert_eq!(view.opened.recording.task(task).id, 2);
    assert!(matches!(
        view.opened
            .recording
            .history(task)
            .get(view.place.event)
            .unwrap()
            .what,
        Happening::Polled(_)
    ));
    // A thread that is no task has nothing to go to.
    let mut app = self::app(panic(None), 80, 24);
    press(&mut app, "1");
    assert_ne!(app.view().unwrap().place.findings.item, Item::Panic);
}

fn item(app: &App) -> Item {
    app.view().unwrap().place.findings.item
}

#[test]
fn every_item_is_reached_seen_and_leads_somewhere() {
    for (recording, size) in [
        (incident::recording as fn() -> Recording, (80, 24)),
        (incident::recording, (40, 8)),
        (|| healthy(None), (120, 40)),
        (|| panic(Some(1)), (60, 12)),
    ] {
        let mut app = app(recording(), size.0, size.1);
        press(&mut app, "1");
        let mut last = None;
        while last != Some(item(&app)) {
            last = Some(item(&app));
            let screen = lines(&buffer(&app));
            assert!(
                screen.iter().any(|line| line.starts_with('▸')),
                "{last:?} {screen:?}"
            );
            let before = app.view().unwrap().place;
            app.act(ActionId::Open);
            let there = app.view().unwrap().place;
            assert_ne!(there.pane, Pane::Findings, "{last:?}");
            app.act(ActionId::Back);
            assert_eq!(app.view().unwrap().place, before);
            app.act(ActionId::Down);
        }
        let view = app.view().unwrap();
        let all = items(&view.opened, view.place.findings.open);
        assert_eq!(all.last().copied(), last);
        press(&mut app, "k");
        app.act(ActionId::First);
        assert_eq!(item(&app), all[0]);
    }
}

#[test]
fn evidence_leads_to_its_event() {
    let mut app = app(incident::recording(), 120, 40);
    press(&mut app, "1");
    let findings = app.view().unwrap().opened.facts.findings.clone();
    for evidence in &findings[0].evidence {
        press(&mut app, "j");
        let place = app.view().unwrap().place;
        assert_eq!(place.cursor, evidence.at);
        press(&mut app, "\n");
        let place = app.view().unwrap().place;
        match evidence.task {
            Some(task) => {
                assert_eq!((place.pane, place.task), (Pane::Task, Some(task)));
                let recording = &app.view().unwrap().opened.recording;
                let event = recording.history(task).get(place.event).unwrap();
                assert_eq!(event.at, evidence.at);
            }
            None => assert_eq!(place.pane, Pane::Scheduler),
        }
        app.act(ActionId::Back);
    }
}

#[test]
fn a_click_selects_and_a_second_one_opens() {
    let mut app = app(incident::recording(), 80, 24);
    press(&mut app, "1");
    let row = |app: &App, what: &str| {
        let found = lines(&buffer(app))
            .iter()
            .position(|line| line.contains(what));
        u16::try_from(found.unwrap()).unwrap()
    };
    let there = row(&app, "was polled on worker 1");
    app.click(20, there);
    assert!(matches!(item(&app), Item::Evidence(0, _)));
    let there = row(&app, "was polled on worker 1");
    app.click(20, there);
    assert_eq!(app.view().unwrap().place.pane, Pane::Task);
}

#[test]
fn a_task_that_starves_is_no_sign_of_health() {
    let starving = |polled: i64, hole: bool| {
        let mut builder = builder(1_000 * MILLISECOND);
        runtime(&mut builder, 1);
        let mut w0 = batch(0);
        w0.poll(1, MILLISECOND, 2 * MILLISECOND, Outcome::Pending);
        w0.wake(1, 5 * MILLISECOND, WakerKey::Runtime);
        w0.poll(1, polled, polled + MILLISECOND, Outcome::Pending);
        builder.batch(w0);
        if hole {
            builder.loss(Loss {
                kind: LossKind::Truncated,
                count: 1,
                detail: "the file ends".to_owned(),
                range: None,
            });
        }
        builder.finish()
    };
    let said = |polled: i64, hole: bool| {
        let mut app = app(starving(polled, hole), 100, 30);
        press(&mut app, "1");
        lines(&buffer(&app)).join("\n")
    };
    let healthy = said(50 * MILLISECOND, false);
    assert!(healthy.contains("○ Nothing was found."), "{healthy}");
    let mut starving = app(starving(205 * MILLISECOND, false), 100, 30);
    press(&mut starving, "2");
    let screen = lines(&buffer(&starving)).join("\n");
    let banner = "● a task was ready and not polled for 200 ms: e goes there";
    assert!(screen.contains(banner), "{screen}");
    press(&mut starving, "e");
    let screen = lines(&buffer(&starving)).join("\n");
    assert!(
        screen.contains("this task was ready and not polled for 200 ms"),
        "{screen}"
    );
    assert_eq!(
        starving.view().unwrap().place.cursor,
        205 * MILLISECOND,
        "{screen}"
    );
    let late = said(205 * MILLISECOND, false);
    assert!(late.contains("ready and not polled for 200 ms"), "{late}");
    assert!(
        late.contains("the longest schedule delay was 200 ms"),
        "{late}"
    );
    // Where events are missing it may have been polled long before.
    let unsure = said(205 * MILLISECOND, true);
    for told in [
        "○ Nothing was found.",
        "though not in what is",
        "unless a poll before it is lost",
    ] {
        assert!(unsure.contains(told), "{told:?} in\n{unsure}");
    }
}

/// The longest poll is a passer-by's, and somebody else is the task to look at first.
#[test]
fn what_is_asked_first_is_asked_about_the_marked_item() {
    let mut builder = builder(1_000 * MILLISECOND);
    runtime(&mut builder, 2);
    let (mut w0, mut w1) = (batch(0), batch(1));
    for task in [1, 2] {
        w0.spawn(task, spawn(0));
    }
    for round in 0..90 {
        let at = round * 11 * MILLISECOND;
        w0.poll(1, at + 20_000, at + 60_000, Outcome::Pending);
        w0.wake(1, at + 10 * MILLISECOND, WakerKey::Runtime);
    }
    w1.poll(2, 5_000, 5 * MILLISECOND, Outcome::Ready);
    w1.terminate(2, 5 * MILLISECOND);
    for batch in [w0, w1] {
        builder.batch(batch);
    }
    let recording = builder.finish();
    let [one, two] = [1, 2].map(|id| recording.task_by_id(id));
    let mut app = app(recording, 120, 40);
    app.begin_in(Pane::Findings);
    let place = |app: &App| app.view().expect("an open recording").place;
    assert_eq!(place(&app).findings.item, Item::Longest);
    assert_eq!(place(&app).task, one);
    press(&mut app, "c");
    assert_eq!((place(&app).pane, place(&app).task), (Pane::Causes, two));
    // Whom somebody has chosen stays chosen.
    press(&mut app, "2k1c");
    assert_eq!(place(&app).pane, Pane::Causes);
    press(&mut app, "2");
    let chosen = place(&app).task;
    press(&mut app, "1c");
    assert_eq!(place(&app).task, chosen);
}
