//! Whole screens.

use super::{app, assert_screen, buffer, incident, lines, press, sample};
use crate::{explorer::place::PANES, recording::Recording};

/// The snapshot `name` of what is seen after `keys`, at that size.
fn snapshot(name: &str, keys: &str, width: u16, height: u16) {
    snapshot_of(incident::recording(), name, keys, width, height);
}

fn snapshot_of(recording: Recording, name: &str, keys: &str, width: u16, height: u16) {
    let mut app = app(recording, width, height);
    press(&mut app, keys);
    assert_screen!(name, &app);
}

/// Every pane over a dump that the demo recorded: the one that ships.
#[test]
fn every_pane_over_the_sample() {
    for entry in PANES {
        for (width, height) in [(80, 24), (120, 40)] {
            let key = entry.action.row().keys.last().expect("a key").to_string();
            let name = format!("sample_{}", entry.title.to_lowercase());
            snapshot_of(sample(), &name, &key, width, height);
        }
    }
}

#[test]
fn landing() {
    snapshot("tasks", "", 80, 24);
    snapshot("tasks", "", 120, 40);
    snapshot("tasks", "", 200, 60);
    snapshot("tasks", "", 40, 8);
}

#[test]
fn the_culprit() {
    snapshot("task_culprit", "e", 80, 24);
    snapshot("task_culprit", "e", 120, 40);
}

#[test]
fn who_woke_it() {
    snapshot("task_woken", "ew", 80, 24);
}

#[test]
fn a_victim() {
    snapshot("task_victim", "/ping\n\nn", 80, 24);
}

#[test]
fn one_whose_past_only_the_history_knows() {
    snapshot("task_stuck", "/12\n\n", 80, 24);
}

#[test]
fn layers() {
    snapshot("find", "/rep", 80, 24);
    snapshot("palette", ":slow", 80, 24);
    snapshot("about", "i", 80, 24);
    snapshot("help", "?", 80, 24);
    snapshot("help", "?", 120, 40);
}

#[test]
fn all_tasks_by_longest_poll() {
    snapshot("tasks_by_longest", "asssssss", 120, 40);
}

#[test]
fn the_way_to_who_woke_the_slow_poll_takes_two_keys() {
    let mut app = app(incident::recording(), 80, 24);
    press(&mut app, "e");
    let text = lines(&buffer(&app)).join("\n");
    assert!(
        text.contains("polled for 79.9 ms") && text.contains("woken by thread \"releaser\""),
        "{text}"
    );
    press(&mut app, "w");
    let text = lines(&buffer(&app)).join("\n");
    assert!(text.contains("woken   by thread \"releaser\""), "{text}");
}

#[test]
fn a_small_window_says_so_and_recovers() {
    let mut app = app(incident::recording(), 80, 24);
    let before = lines(&buffer(&app));
    app.resize(ratatui::layout::Size::new(20, 5));
    assert_eq!(
        lines(&buffer(&app))[..3],
        ["  window too small", "     need 40x8", "     have 20x5"]
    );
    for (width, height) in [(1, 1), (0, 0), (5, 100), (300, 2)] {
        app.resize(ratatui::layout::Size::new(width, height));
        buffer(&app);
    }
    app.resize(ratatui::layout::Size::new(80, 24));
    assert_eq!(lines(&buffer(&app)), before);
}
