//! Bad input through the real program: its exit code, and exactly one line on standard error.

mod common;

use std::{
    io::{Read as _, Write as _},
    process::{Command, Output, Stdio},
};

use common::{Dump, file, poll, spawn};
use dial9_format::{DumpWriter, PollOutcome};

fn program() -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_dial9-tui"));
    command.stdin(Stdio::null());
    command
}

fn run(args: &[&str]) -> Output {
    program().args(args).output().unwrap()
}

/// A directory for what a test names on its command line.
fn path(name: &str, bytes: &[u8]) -> String {
    file(name, bytes).to_str().unwrap().to_owned()
}

fn refused(args: &[&str], code: i32, part: &str) {
    let output = run(args);
    let said = String::from_utf8(output.stderr).unwrap();
    assert_eq!(output.status.code(), Some(code), "{args:?}: {said}");
    assert_eq!(said.lines().count(), 1, "{args:?}: {said}");
    assert!(
        said.ends_with('\n') && said.contains(part),
        "{args:?}: {said}"
    );
    assert!(
        !said.trim_end().chars().any(char::is_control),
        "{args:?}: {said:?}"
    );
    assert!(output.stdout.is_empty(), "{args:?}");
}

fn incident() -> Dump {
    let mut dump = Dump::new();
    let location = dump.string("src/slow.rs:1:1");
    dump.header.as_mut().unwrap().window_end += 999_000_000;
    dump.worker_chunk(
        0,
        0,
        0,
        &[
            spawn(7, 10, None, location),
            poll(7, 1_000, 200_001_000, PollOutcome::Pending),
        ],
    );
    dump
}

#[test]
fn what_is_no_recording_is_refused_in_one_sentence() {
    refused(
        &["report", "no/such/file.dial9"],
        1,
        "no/such/file.dial9: there is no such file",
    );
    refused(&["no/such/file.dial9"], 1, "there is no such file");
    refused(
        &["report", concat!(env!("CARGO_MANIFEST_DIR"), "/src")],
        1,
        "is a directory",
    );
    refused(&["report", &path("empty.dial9", b"")], 1, "is empty");
    refused(
        &["report", &path("image.dial9", b"\x89PNG\r\n\x1a\n0000IHDR")],
        1,
        "is a PNG image",
    );
    refused(&["report", &path("notes.dial9", b"hello\n")], 1, "is text");
    refused(
        &["report", &path("noise.dial9", b"\x00\xff\x13\x37")],
        1,
        "binary data",
    );
    refused(
        &["report", &path("upstream.bin", b"TRC\0\x01....")],
        1,
        "nothing in it can be read (it breaks off at byte 5)",
    );
    refused(
        &["report", &path("upstream.bin.gz", b"\x1f\x8b\x08....")],
        1,
        "compressed with gzip and holds no dial9 trace",
    );
    refused(
        &["report", &path("console.json", b"{\"v\":1}\n")],
        1,
        "nothing in it can be read (it has a first line, and no events)",
    );
    refused(
        &[
            "report",
            &path("cut.json", b"{\"v\":1}\n{\"Spawn\":{\"id\":"),
        ],
        1,
        "line 2 at byte 8",
    );
    refused(
        &["report", &path("newer.json", b"{\"v\":2}\n{}\n")],
        1,
        "of version 2, and this program reads version 1",
    );
}

#[test]
fn a_newer_major_version_says_so() {
    let mut bytes = DumpWriter::new(Vec::new()).unwrap().finish().unwrap();
    // Bytes 8 and 9 of the preamble are the major version, 12 to 15 its checksum.
    bytes[8..10].copy_from_slice(&9u16.to_le_bytes());
    let crc = crc32(&bytes[..12]);
    bytes[12..16].copy_from_slice(&crc.to_le_bytes());
    refused(
        &["report", &path("newer.dial9", &bytes)],
        1,
        "dump format 9, and this program reads up to 1",
    );
}

/// CRC-32 as zip has it, bit by bit.
fn crc32(bytes: &[u8]) -> u32 {
    !bytes.iter().fold(!0u32, |crc, byte| {
        (0..8).fold(crc ^ u32::from(*byte), |crc, _| {
            (crc >> 1) ^ (0xedb8_8320 & 0u32.wrapping_sub(crc & 1))
        })
    })
}

#[test]
fn file_names_cannot_steer_the_terminal() {
    refused(
        &["report", "evil\u{1b}]0;owned\u{7}\nname"],
        1,
        "evil␛]0;owned␇␊name",
    );
}

#[test]
fn wrong_usage_is_exit_2() {
    refused(&["report"], 2, "--help");
    refused(&["report", ""], 2, "--help");
    refused(&[""], 2, "--help");
    refused(&["report", "x", "--format", "yaml"], 2, "yaml");
    refused(&["--nonsense"], 2, "--nonsense");
    refused(
        &["report", "x", "--threshold", "nonsense=1ms"],
        2,
        "nonsense",
    );
}

#[test]
fn a_log_that_cannot_be_opened_is_an_error() {
    let dump = path("log.dial9", &incident().bytes());
    refused(
        &["--log", "no/such/directory/log", "report", &dump],
        1,
        "the log cannot be opened",
    );
    let log = file("explorer.log", b"");
    assert!(
        run(&["--log", log.to_str().unwrap(), "report", &dump])
            .status
            .success()
    );
    assert!(std::fs::read_to_string(log).unwrap().contains("opened"));
}

#[test]
fn fail_on_tells_by_the_exit_code() {
    let dump = path("fail-on.dial9", &incident().bytes());
    let code = |args: &[&str]| run(&[&["report", &dump], args].concat()).status.code();
    assert_eq!(code(&[]), Some(0));
    assert_eq!(code(&["--fail-on", "warning"]), Some(3));
    assert_eq!(
        code(&["--fail-on", "critical", "--format", "json"]),
        Some(3)
    );
    assert_eq!(
        code(&[
            "--fail-on",
            "critical",
            "--threshold",
            "slow-poll.critical=1s"
        ]),
        Some(0)
    );
    assert_eq!(
        code(&[
            "--fail-on",
            "warning",
            "--threshold",
            "slow-poll.critical=1s"
        ]),
        Some(3)
    );
}

#[test]
fn a_dump_in_which_nothing_could_be_looked_for_does_not_pass() {
    let mut dump = Dump::new();
    dump.tasks.rows.push(common::row(3));
    dump.losses.rows.push(dial9_format::LossRow {
        kind: dial9_format::LossKind::Unfolded,
        count: 2,
        from: None,
        to: None,
    });
    let dump = path("unread.dial9", &dump.bytes());
    let output = run(&["report", &dump]);
    assert!(output.status.success());
    let output = run(&["report", &dump, "--fail-on", "critical"]);
    assert_eq!(output.status.code(), Some(1));
    let said = String::from_utf8(output.stderr).unwrap();
    assert!(said.contains("nothing could be looked for"), "{said}");
    assert_eq!(said.lines().count(), 1, "{said}");
    assert!(!output.stdout.is_empty());
}

#[test]
fn a_dump_that_was_cut_short_is_reported_with_its_loss() {
    let bytes = incident().bytes();
    let output = run(&[
        "report",
        &path("cut.dial9", &bytes[..bytes.len() - 3]),
        "--format",
        "json",
    ]);
    assert_eq!(output.status.code(), Some(0));
    let report: serde_json::Value = serde_json::from_slice(&output.stdout).unwrap();
    assert_eq!(report["losses"][0]["kind"], "truncated");
    assert_eq!(report["findings"][0]["location"], "src/slow.rs:1:1");
}

#[test]
fn standard_input_and_no_terminal() {
    let mut child = program()
        .arg("-")
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    child
        .stdin
        .take()
        .unwrap()
        .write_all(&incident().bytes())
        .unwrap();
    let output = child.wait_with_output().unwrap();
    assert!(output.status.success());
    let text = String::from_utf8(output.stdout).unwrap();
    assert!(
        text.contains("standard input") && text.contains("src/slow.rs:1:1"),
        "{text}"
    );
    let sample = String::from_utf8(run(&[]).stdout).unwrap();
    assert!(sample.starts_with("SAMPLE"), "{sample}");
}

#[test]
fn a_closed_pipe_ends_quietly() {
    let mut child = program()
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    drop(child.stdout.take());
    let mut said = String::new();
    child
        .stderr
        .take()
        .unwrap()
        .read_to_string(&mut said)
        .unwrap();
    assert_eq!((child.wait().unwrap().code(), said.as_str()), (Some(0), ""));
}

#[test]
fn help_and_version_are_no_errors() {
    for flag in ["--help", "--version"] {
        let output = run(&[flag]);
        assert!(output.status.success() && output.stderr.is_empty());
        assert!(
            String::from_utf8(output.stdout)
                .unwrap()
                .contains("dial9-tui")
        );
    }
}
