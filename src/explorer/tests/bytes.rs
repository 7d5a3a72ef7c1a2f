//! How many bytes a change of the screen takes: over ssh they are what a person waits for.

use super::{app, incident, press, sample};
use crate::explorer::{app::App, screen::Screen};

/// The bytes that each of `keys` takes, the screen being what it is.
fn cost(app: &mut App, screen: &mut Screen, keys: &str) -> usize {
    press(app, keys);
    let size = app.size();
    screen
        .frame(&mut Vec::new(), size, app.later(), |buffer| {
            app.draw(buffer);
        })
        .unwrap()
}

/// The most that one of `steps` takes after `before`.
fn most(before: &str, steps: &[&str]) -> usize {
    let mut app = app(incident::recording(), 120, 40);
    let mut screen = Screen::new(app.size());
    cost(&mut app, &mut screen, before);
    steps
        .iter()
        .map(|keys| cost(&mut app, &mut screen, keys))
        .max()
        .unwrap_or(0)
}

#[test]
fn a_change_of_the_screen_takes_few_bytes() {
    for (what, before, steps, budget) in [
        ("selection in Findings", "1", &["j", "j", "k"][..], 1_024),
        (
            "selection in Tasks",
            "2a",
            &["j", "j", "j", "j", "k", "k"],
            1_024,
        ),
        ("selection in Task", "e3", &["j", "j", "j", "k", "k"], 1_024),
        ("selection in Wakers", "4", &["j", "j", "k"], 1_024),
        ("selection in Resources", "6", &["j", "j", "k"], 1_024),
        ("selection in Causes", "e7", &["j", "j", "k"], 1_024),
        ("scroll in Tasks", "2a", &[" ", " "], 8_192),
        ("scroll in Task", "/acc\n\n", &[" ", " ", " "], 8_192),
        (
            "panes",
            "",
            &["1", "2", "3", "4", "5", "6", "7", "2", "5", "3"],
            16_384,
        ),
        ("zoom", "3", &["+", "+", "+", "-", "z"], 16_384),
        ("zoom of workers", "5", &["+", "+", "+", "-", "z"], 16_384),
    ] {
        let bytes = most(before, steps);
        assert!(bytes <= budget, "{what}: {bytes} bytes");
    }
}

/// The steps of one selection after `before`, each of which takes at most `budget` bytes.
fn walk(before: &str, budget: usize) {
    let mut app = app(sample(), 120, 40);
    let mut screen = Screen::new(app.size());
    cost(&mut app, &mut screen, before);
    // Down through the list and up again; whoever rests gets the rest of the screen.
    for key in "jjjjjjjjjkkkkjjkjkkkkkkkk".chars() {
        let top = app.scrolled();
        let bytes = cost(&mut app, &mut screen, &key.to_string());
        assert!(
            bytes <= budget || app.scrolled() != top,
            "{bytes} bytes of {key} after {before:?}"
        );
    }
}

/// What a selection move may take is 1 KB; no recording is as bad as the next, so the one that ships stays well below.
#[test]
fn every_move_of_a_selection_takes_few_bytes() {
    const BUDGET: usize = 900;
    for before in [
        "1", "2", "2a", "2s", "2ss", "2o", "3", "3b", "e3", "4", "4v", "4vv", "6", "e6", "7", "e7",
    ] {
        walk(before, BUDGET);
    }
    // In the Scheduler, lanes of workers in every colour and of tasks in every order, from the whole window to
    // nanoseconds, at the incident and elsewhere.
    for lanes in ["5", "5C", "5CC", "5t", "5ts", "5tss", "5tsss"] {
        for zoom in ["", "++++", "++++++++++++", "++++++++++++++++++++++++++++++"] {
            for at in ["e", "0", "$", "0LLL"] {
                walk(&format!("{at}{lanes}{zoom}"), BUDGET);
            }
        }
    }
}
