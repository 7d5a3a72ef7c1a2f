//! The README's key table is the explorer's table of actions, word for word.

/// What stands around the table.
const MARKERS: [&str; 2] = ["<!-- keys -->", "<!-- /keys -->"];

#[test]
fn the_key_table_of_the_readme_is_the_programs() {
    let path = concat!(env!("CARGO_MANIFEST_DIR"), "/README.md");
    let readme = std::fs::read_to_string(path).unwrap();
    let (before, rest) = readme.split_once(MARKERS[0]).expect("a marker");
    let (table, after) = rest.split_once(MARKERS[1]).expect("the marker is closed");
    let right = dial9_tui::explorer::keys_markdown();
    if std::env::var_os("DIAL9_WRITE_README").is_some() {
        let [open, close] = MARKERS;
        let text = format!("{before}{open}\n{}\n{close}{after}", right.trim());
        std::fs::write(path, text).unwrap();
        return;
    }
    assert_eq!(
        table.trim(),
        right.trim(),
        "DIAL9_WRITE_README=1 cargo test --test readme writes it anew"
    );
}
