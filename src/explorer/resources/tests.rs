//! The pane over the incident, over task dumps, and over a recording that knows of no wait.

use super::{Item, item_at, line_count, line_of};
use crate::{
    explorer::{
        actions::ActionId,
        app::App,
        place::Pane,
        tests::{app, assert_screen, buffer, incident, lines, press},
    },
    recording::{
        MILLISECOND, Outcome, Recording, SpawnFacts, SymbolFacts, TaskFacts, WaitState,
        testing::{batch, builder, runtime, spawn},
    },
};

fn snapshot(name: &str, recording: Recording, keys: &str, width: u16, height: u16) {
    let mut app = app(recording, width, height);
    press(&mut app, keys);
    assert_screen!(name, &app);
}

/// Two hundred tasks that wait for orders, some of which gave up, and two that a task dump saw elsewhere.
fn crowd() -> Recording {
    let mut builder = builder(1_000 * MILLISECOND);
    runtime(&mut builder, 1);
    let [orders, pool] = ["orders", "connection"].map(|name| builder.intern(name));
    let [here, there, file] = ["src/orders.rs:12:9", "src/pool.rs:40:20", "src/cache.rs"]
        .map(|text| builder.intern(text));
    let function = builder.intern("service::cache::Cache::refill::h0123456789abcdef");
    builder.symbol(SymbolFacts {
        address: 77,
        inline_depth: 0,
        name: function,
        file,
        line: 8,
    });
    let mut w0 = batch(0);
    for id in 1..=202u64 {
        builder.task(TaskFacts {
            id,
            spawn: SpawnFacts {
                location: here,
                ..spawn(0)
            },
            wakes_recorded: true,
            ended_at: None,
        });
        let at = i64::try_from(id).unwrap() * MILLISECOND;
        w0.poll(id, at, at + 1_000, Outcome::Pending);
        match id {
            201.. => w0.await_site(id, at + 2_000, &[77]),
            id if id % 50 == 0 => w0.wait_begin(id, id, at, pool, there),
            id => {
                w0.wait_begin(id, id, at, orders, here);
                if id % 3 == 0 {
                    w0.wait_end(id, id, at + 500 * MILLISECOND, WaitState::Abandoned);
                }
            }
        }
    }
    builder.batch(w0);
    builder.finish()
}

#[test]
fn who_waits_on_what() {
    snapshot("resources", incident::recording(), "6", 80, 24);
    snapshot("resources", incident::recording(), "6", 120, 40);
    snapshot("resources", incident::recording(), "6", 200, 60);
    snapshot("resources", incident::recording(), "6", 40, 8);
    snapshot("resources_crowd", crowd(), "6jj", 80, 24);
    snapshot("resources_crowd", crowd(), "6ss", 120, 40);
}

#[test]
fn a_recording_without_waits_says_so() {
    let mut builder = builder(1_000);
    runtime(&mut builder, 1);
    let mut w0 = batch(0);
    w0.poll(1, 10, 20, Outcome::Pending);
    builder.batch(w0);
    snapshot("resources_nothing", builder.finish(), "6", 80, 24);
}

fn item(app: &App) -> Item {
    app.view().unwrap().place.resources.item
}

#[test]
fn every_line_is_reached_and_seen_and_waiters_lead_to_their_tasks() {
    for (recording, size) in [
        (crowd as fn() -> Recording, (80, 24)),
        (crowd, (40, 8)),
        (incident::recording, (120, 40)),
    ] {
        let mut app = app(recording(), size.0, size.1);
        press(&mut app, "6");
        let mut last = None;
        let mut waiters = 0;
        while last != Some(item(&app)) {
            last = Some(item(&app));
            let screen = lines(&buffer(&app));
            assert!(
                screen.iter().any(|line| line.starts_with('▸')),
                "{last:?} {screen:?}"
            );
            if let Item::Waiter(_, number) = item(&app) {
                waiters += 1;
                let before = app.view().unwrap().place;
                let wanted = app.view().unwrap().resources.waiters[number].waiter.task;
                app.act(ActionId::Open);
                let there = app.view().unwrap().place;
                assert_eq!((there.pane, there.task), (Pane::Task, Some(wanted)));
                assert_eq!(there.cursor, before.cursor);
                app.act(ActionId::Back);
                assert_eq!(app.view().unwrap().place, before);
            }
            app.act(ActionId::Down);
        }
        assert!(waiters > 0);
        app.act(ActionId::First);
        assert!(matches!(item(&app), Item::Group(_)));
    }
}

#[test]
fn lines_and_items_agree() {
    let mut app = app(crowd(), 80, 24);
    press(&mut app, "6j");
    let view = app.view().unwrap();
    for line in 0..line_count(view) {
        if let Some(item) = item_at(view, line) {
            assert_eq!(line_of(view, item), line);
        }
    }
    assert_eq!(item_at(view, line_count(view)), None);
}

#[test]
fn the_cursor_decides_who_waits() {
    let mut app = app(incident::recording(), 120, 40);
    press(&mut app, "6");
    let waiting = |app: &App| -> usize {
        app.view()
            .unwrap()
            .resources
            .rows
            .iter()
            .map(|row| row.now)
            .sum()
    };
    let now = waiting(&app);
    press(&mut app, "$");
    assert!(waiting(&app) < now);
    // The one that waits since before the window still does.
    assert_eq!(waiting(&app), 1);
}

#[test]
fn a_range_counts_what_began_in_it() {
    let mut app = app(crowd(), 120, 40);
    press(&mut app, "60x$");
    let count = |app: &App| -> usize {
        let state = &app.view().unwrap().resources;
        state
            .figures
            .as_ref()
            .unwrap()
            .1
            .iter()
            .map(|figures| figures.count)
            .sum()
    };
    assert_eq!(count(&app), 202);
    press(&mut app, "0");
    assert_eq!(count(&app), 0);
    assert!(
        lines(&buffer(&app))
            .join("\n")
            .contains("begun in the range")
    );
}
