//! Whole screens of the Wakers pane.

use crate::{
    explorer::tests::{self, app, assert_screen, buffer, incident, lines, press},
    recording::Recording,
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
fn a_task_between_its_wakers_and_wakees() {
    snapshot("wakers_ego", "2/flush\n4", 80, 24);
    snapshot("wakers_ego", "2/flush\n4", 120, 40);
    snapshot("wakers_unfolded", "2/flush\n4u", 80, 24);
}

#[test]
fn its_neighbourhood() {
    snapshot("wakers_neighbourhood", "2/flush\n4v", 80, 24);
    snapshot("wakers_neighbourhood", "2/flush\n4v", 120, 40);
}

#[test]
fn the_table_of_its_edges() {
    snapshot("wakers_table", "2/flush\n4vv", 80, 24);
    snapshot("wakers_table", "2/flush\n4vvs", 120, 40);
}

#[test]
fn the_sample() {
    for (width, height) in [(80, 24), (120, 40)] {
        sample("wakers_sample_ego", "2/15\n4", width, height);
        sample("wakers_sample_neighbourhood", "2/15\n4v", width, height);
        sample("wakers_sample_table", "2/store\n4vvs", width, height);
    }
}

#[test]
fn enter_makes_a_neighbour_the_middle_and_back_returns() {
    let mut app = app(incident::recording(), 80, 24);
    press(&mut app, "2/flush\n4u");
    let before = lines(&buffer(&app));
    press(&mut app, "j\n");
    let text = lines(&buffer(&app)).join("\n");
    assert!(text.contains("wakers of 92 handle_ping"), "{text}");
    assert!(
        text.contains("└ 40 flush") || text.contains("─ 40 flush"),
        "{text}"
    );
    press(&mut app, "\x08k");
    // The note about the unfolding has gone by now.
    assert_eq!(lines(&buffer(&app))[..21], before[..21]);
}

#[test]
fn the_range_restricts_the_counts() {
    let mut app = app(incident::recording(), 80, 24);
    press(&mut app, "2/flush\n40x$4");
    let whole = lines(&buffer(&app)).join("\n");
    assert!(whole.contains("woken 114 times"), "{whole}");
    press(&mut app, "0");
    let none = lines(&buffer(&app)).join("\n");
    assert!(none.contains("woken 0 times"), "{none}");
}

#[test]
fn every_size_and_every_view_can_be_drawn() {
    for (width, height) in [(40, 8), (41, 9), (60, 13), (80, 24), (300, 12), (200, 60)] {
        let mut app = app(incident::recording(), width, height);
        press(&mut app, "2a4");
        for _ in 0..13 {
            for keys in ["v", "l", "h", "v", "s", "v", "u", "lGk", "2j4"] {
                press(&mut app, keys);
                buffer(&app);
            }
        }
    }
}
