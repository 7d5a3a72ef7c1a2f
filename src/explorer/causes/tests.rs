//! Whole screens of the Causes pane.

use crate::explorer::tests::{app, incident, picture, press};

/// The snapshot `name` of what is seen after `keys`, at that size.
fn snapshot(name: &str, keys: &str, width: u16, height: u16) {
    let mut app = app(incident::recording(), width, height);
    press(&mut app, keys);
    let mut settings = insta::Settings::clone_current();
    settings.set_prepend_module_to_snapshot(false);
    settings.set_omit_expression(true);
    settings.set_snapshot_path("snapshots");
    settings.bind(|| insta::assert_snapshot!(format!("{name}_{width}x{height}"), picture(&app)));
}

#[test]
fn a_request_that_came_late() {
    snapshot("causes_late", "/ping\nc", 80, 24);
    snapshot("causes_late", "/ping\nc", 120, 40);
    snapshot("causes_late", "/ping\nc", 200, 60);
}

#[test]
fn the_culprit_and_whom_it_delayed() {
    snapshot("causes_culprit", "ec", 80, 24);
    snapshot("causes_culprit", "ec", 120, 40);
}
