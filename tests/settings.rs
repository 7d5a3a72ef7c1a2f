//! The config file, the manual page and the completions, as the real binary gives and takes them.

use std::{
    path::PathBuf,
    process::{Command, Output},
};

/// Runs the program where no config file lies about.
fn run(arguments: &[&str]) -> Output {
    let mut command = Command::new(env!("CARGO_BIN_EXE_dial9-tui"));
    command
        .args(arguments)
        .env("XDG_CONFIG_HOME", env!("CARGO_TARGET_TMPDIR"))
        .env_remove("HOME");
    command.output().unwrap()
}

fn text(bytes: &[u8]) -> String {
    String::from_utf8(bytes.to_vec()).unwrap()
}

fn file(name: &str, text: &str) -> PathBuf {
    let path = PathBuf::from(env!("CARGO_TARGET_TMPDIR")).join(name);
    std::fs::write(&path, text).unwrap();
    path
}

#[test]
fn the_config_that_is_printed_changes_nothing() {
    let printed = run(&["--print-config"]);
    assert!(printed.status.success());
    let config = file("printed.toml", &text(&printed.stdout));
    let plain = run(&[]);
    let with = run(&["--config", config.to_str().unwrap()]);
    assert!(plain.status.success() && with.status.success());
    assert_eq!(text(&plain.stdout), text(&with.stdout));
}

#[test]
fn a_threshold_of_the_file_yields_to_a_flag() {
    let config = file(
        "thresholds.toml",
        "[thresholds]\n\"slow-poll.info\" = \"1h\"\n\"slow-poll.warning\" = \"1h\"\n\"slow-poll.critical\" = \"1h\"\n\"slow-poll.blind-critical\" = \"1h\"\n",
    );
    let config = config.to_str().unwrap();
    let none = run(&["--config", config]);
    assert!(
        !text(&none.stdout).contains("slow-poll at"),
        "{}",
        text(&none.stdout)
    );
    let flags = [
        "slow-poll.info=1ms",
        "slow-poll.warning=10ms",
        "slow-poll.critical=50ms",
        "slow-poll.blind-critical=50ms",
    ];
    let mut arguments = vec!["--config", config];
    for flag in flags {
        arguments.extend(["--threshold", flag]);
    }
    let flag = run(&arguments);
    assert!(flag.status.success());
    assert!(text(&flag.stdout).contains("slow-poll"));
}

#[test]
fn what_is_wrong_with_a_config_is_one_sentence_with_its_line() {
    let config = file("wrong.toml", "mouse = true\n[keys]\nfind = [\"s\"]\n");
    let failed = run(&["--config", config.to_str().unwrap()]);
    assert_eq!(failed.status.code(), Some(1));
    let sentence = text(&failed.stderr);
    assert!(
        sentence.contains("wrong.toml, line 3: s would start both"),
        "{sentence}"
    );
    assert_eq!(sentence.trim_end().lines().count(), 1);

    let missing = run(&["--config", "/nowhere/config.toml"]);
    assert_eq!(missing.status.code(), Some(1));
    assert!(text(&missing.stderr).contains("cannot be read"));
}

/// The service's user often has a home that is no directory, or somebody else's.
#[test]
fn a_home_without_a_config_is_no_error() {
    for home in ["/nowhere", "/dev/null"] {
        let mut command = Command::new(env!("CARGO_BIN_EXE_dial9-tui"));
        command.env_remove("XDG_CONFIG_HOME").env("HOME", home);
        let output = command.output().unwrap();
        assert!(output.status.success(), "{home}: {}", text(&output.stderr));
    }
}

#[test]
fn the_manual_and_the_completions_are_printed() {
    let page = run(&["man"]);
    assert!(page.status.success() && text(&page.stdout).contains(".TH"));
    let script = run(&["completions", "bash"]);
    assert!(script.status.success() && text(&script.stdout).contains("dial9-tui"));
    assert_eq!(run(&["completions", "nonsense"]).status.code(), Some(2));
    let help = text(&run(&["--help"]).stdout);
    for flag in [
        "--at",
        "--pane",
        "--task",
        "--filter",
        "--span",
        "--mark",
        "--config",
        "--print-config",
        "--no-mouse",
        "completions",
        "man",
    ] {
        assert!(help.contains(flag), "{flag}");
    }
}
