//! Whole screens of the Wakers pane.

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
fn a_task_between_its_wakers_and_wakees() {
    snapshot("wakers_ego", "/flush\n4", 80, 24);
    snapshot("wakers_ego", "/flush\n4", 120, 40);
    snapshot("wakers_unfolded", "/flush\n4u", 80, 24);
}

#[test]
fn its_neighbourhood() {
    snapshot("wakers_neighbourhood", "/flush\n4v", 80, 24);
    snapshot("wakers_neighbourhood", "/flush\n4v", 120, 40);
}

#[test]
fn the_table_of_its_edges() {
    snapshot("wakers_table", "/flush\n4vv", 80, 24);
    snapshot("wakers_table", "/flush\n4vvs", 120, 40);
}
