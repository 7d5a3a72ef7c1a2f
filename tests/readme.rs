//! The README's key table is the program's own.

#[test]
fn the_readme_has_the_keys_of_the_action_table() {
    let readme = std::fs::read_to_string(concat!(env!("CARGO_MANIFEST_DIR"), "/README.md"))
        .expect("the README");
    let (_, rest) = readme.split_once("<!-- keys -->\n").expect("the table's start");
    let (table, _) = rest.split_once("<!-- /keys -->").expect("the table's end");
    let expected = dial9_tui::explorer::keys_markdown();
    assert_eq!(table.trim(), expected.trim(), "put this into the README:\n{expected}");
}
