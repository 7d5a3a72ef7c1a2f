//! Files that were written once and have to be read for ever.
//!
//! A change of the format that is not meant fails here. One that is meant gets a new file beside the
//! old ones. While version 1 is not released, `DIAL9_WRITE_GOLDEN=1 cargo test -p dial9-format --test
//! golden` writes the present ones anew; `FORMAT.md` shows one of them and has to follow.

mod common;

use std::path::PathBuf;

use common::{contents, read_whole, write};

fn path(name: &str) -> PathBuf {
    [env!("CARGO_MANIFEST_DIR"), "tests", "golden", name]
        .iter()
        .collect()
}

fn check(name: &str, contents: &[common::Part]) {
    let written = write(contents);
    if std::env::var_os("DIAL9_WRITE_GOLDEN").is_some() {
        std::fs::write(path(name), &written).expect("the golden file can be written");
    }
    let golden = std::fs::read(path(name)).expect("the golden file is there");
    assert_eq!(read_whole(&golden), contents);
    // Another release of zstd may pack `v1.dial9` otherwise. Then, and only then, it may be written anew.
    assert!(
        golden == written,
        "{name}: the encoder writes something else now"
    );
}

#[test]
fn the_tiny_file_is_what_it_was() {
    check("tiny.dial9", &contents::tiny());
}

#[test]
fn the_file_with_every_kind_is_what_it_was() {
    check("v1.dial9", &contents::every_kind());
}

#[test]
fn the_file_with_every_kind_is_small_and_has_packed_and_plain_parts() {
    let bytes = write(&contents::every_kind());
    assert!((800..3_000).contains(&bytes.len()), "{}", bytes.len());
    let mut chunks = Vec::new();
    for piece in dial9_format::DumpReader::new(&bytes).expect("a dump") {
        if let dial9_format::Piece::Frame(_, dial9_format::Frame::Events(chunk)) = piece {
            chunks.push(chunk.stored_bytes() < chunk.raw_bytes());
        }
    }
    assert_eq!(chunks, [false, true, false, false]);
}

#[test]
fn the_format_description_shows_the_tiny_file() {
    let text = include_str!("../FORMAT.md");
    let shown: Vec<u8> = text
        .lines()
        .skip_while(|line| *line != "<!-- tiny.dial9 -->")
        .take_while(|line| *line != "<!-- end of tiny.dial9 -->")
        .filter_map(|line| line.strip_prefix("    "))
        .flat_map(|line| {
            line.split_once("  ")
                .map_or(line, |(hex, _)| hex)
                .split(' ')
        })
        .map(|byte| u8::from_str_radix(byte, 16).expect("hex"))
        .collect();
    let golden = std::fs::read(path("tiny.dial9")).expect("the golden file is there");
    assert_eq!(shown, golden);
}
