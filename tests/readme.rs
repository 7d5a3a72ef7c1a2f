//! The README's key table is the explorer's table of actions, word for word.

#[test]
fn the_key_table_of_the_readme_is_the_programs() {
    let readme = include_str!("../README.md");
    let Some((_, rest)) = readme.split_once("<!-- keys -->") else {
        // Without the marker there is no table that could be wrong.
        return;
    };
    let (table, _) = rest
        .split_once("<!-- /keys -->")
        .expect("the marker is closed");
    assert_eq!(
        table.trim(),
        dial9_tui::explorer::keys_markdown().trim(),
        "paste what `dial9_tui::explorer::keys_markdown()` returns between the markers"
    );
}
