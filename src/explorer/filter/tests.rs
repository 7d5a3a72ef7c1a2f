//! Typing a filter, as a person does.

use crossterm::event::KeyCode;

use crate::explorer::{
    app::App,
    keys::Key,
    tests::{app, assert_screen, buffer, incident, lines, press},
};

fn type_keys(app: &mut App, keys: &str) {
    for key in keys.chars() {
        match key {
            '\t' => _ = app.key(Key::code(KeyCode::Tab)),
            '↓' => _ = app.key(Key::code(KeyCode::Down)),
            '←' => _ = app.key(Key::code(KeyCode::Left)),
            key => press(app, &key.to_string()),
        }
    }
}

fn snapshot(name: &str, keys: &str, width: u16, height: u16) {
    let mut app = app(incident::recording(), width, height);
    type_keys(&mut app, keys);
    assert_screen!(name, &app);
}

#[test]
fn the_line_offers_what_may_come() {
    snapshot("filter_empty", "f", 80, 24);
    snapshot("filter_values", "fstate=idle and wait=", 120, 40);
    snapshot("filter_chosen", "fst\t\tr↓↓", 80, 24);
}

#[test]
fn what_is_wrong_is_pointed_at() {
    snapshot("filter_wrong", "fname=ping and dealy>5ms", 80, 24);
    snapshot("filter_wrong", "fstate=asleep", 120, 40);
}

#[test]
fn the_table_says_that_it_is_filtered() {
    snapshot("filtered", "fspawned_by=19 not state=done\n", 80, 24);
    snapshot("filtered", "fspawned_by=19 not state=done\n", 120, 40);
    snapshot("filtered_out", "fname=nobody\n", 80, 24);
}

fn shown(app: &App, what: &str) -> bool {
    lines(&buffer(app)).iter().any(|line| line.contains(what))
}

#[test]
fn tabs_alone_make_a_filter() {
    let mut app = app(incident::recording(), 80, 24);
    type_keys(&mut app, "fsta\t\trunna\t");
    assert!(shown(&app, "filter: state=runnable▏"));
    type_keys(&mut app, "\n");
    assert!(shown(&app, "filter state=runnable"));
}

#[test]
fn a_word_that_may_become_a_field_empties_no_table() {
    let mut app = app(incident::recording(), 80, 24);
    type_keys(&mut app, "fname~ping and wai");
    assert!(shown(&app, "handle_ping"));
    type_keys(&mut app, "\n");
    assert!(shown(&app, "No task matches"));
}

#[test]
fn the_caret_goes_where_the_mistake_is() {
    let mut app = app(incident::recording(), 80, 24);
    type_keys(&mut app, "fstate=runable←←←←n");
    assert!(shown(&app, "filter: state=runn▏able"));
    assert!(shown(&app, "of 12 tasks match"));
}

#[test]
fn esc_gives_up_what_was_typed_and_later_what_was_kept() {
    let mut app = app(incident::recording(), 80, 24);
    let before = lines(&buffer(&app));
    type_keys(&mut app, "fname=flush\x1b");
    assert_eq!(lines(&buffer(&app)), before);
    type_keys(&mut app, "fname=flush\n");
    assert!(shown(&app, "filter name=flush"));
    type_keys(&mut app, "fid=87\x1b");
    assert!(shown(&app, "filter name=flush"));
    type_keys(&mut app, "\x1b");
    assert!(!shown(&app, "filter name=flush"));
}

#[test]
fn a_filter_that_is_wrong_is_not_kept() {
    let mut app = app(incident::recording(), 80, 24);
    type_keys(&mut app, "fname=flush\n");
    type_keys(&mut app, "f and (\n");
    assert!(shown(&app, "filter: name=flush and (▏"));
    assert!(shown(&app, "this parenthesis is not closed"));
}

#[test]
fn a_long_filter_keeps_its_caret_in_sight() {
    let mut app = app(incident::recording(), 40, 8);
    type_keys(&mut app, &format!("f{}", "name=漢字 or ".repeat(20)));
    assert!(shown(&app, "▏"));
    for _ in 0..300 {
        type_keys(&mut app, "←");
        assert!(shown(&app, "▏"));
    }
    assert!(shown(&app, "filter: ▏name="));
}

#[test]
fn what_matches_and_is_not_listed_is_told() {
    let mut app = app(incident::recording(), 120, 40);
    type_keys(&mut app, "2$fname~report");
    let told = lines(&buffer(&app)).join("\n");
    assert!(told.contains("not alive: a lists"), "{told}");
    type_keys(&mut app, "\n");
    assert!(shown(&app, "not alive: a lists"));
    type_keys(&mut app, "a");
    assert!(!shown(&app, "not alive: a lists"));
}

#[test]
fn a_search_begins_empty_and_the_old_one_comes_back() {
    let mut app = app(incident::recording(), 80, 24);
    type_keys(&mut app, "/ping\n/");
    assert!(app.view().unwrap().table.wish.find.is_empty());
    type_keys(&mut app, "flu");
    assert_eq!(app.view().unwrap().table.wish.find, "flu");
    app.key(Key::code(KeyCode::Esc));
    assert_eq!(app.view().unwrap().table.wish.find, "ping");
}
