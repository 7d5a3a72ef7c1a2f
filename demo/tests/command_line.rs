//! The demo as a person runs it: what it writes, what it refuses, and what it never touches.

use std::fs;
use std::path::Path;
use std::process::{Command, Output};

fn demo(arguments: &[&str], out: &Path) -> Output {
    Command::new(env!("CARGO_BIN_EXE_dial9-demo"))
        .args(arguments)
        .arg("--out")
        .arg(out)
        .output()
        .expect("the demo starts")
}

fn says(output: &Output) -> String {
    String::from_utf8_lossy(&output.stderr).into_owned()
}

#[test]
fn a_dump_gives_way_to_a_new_one_only_when_told_to() {
    let directory = tempfile::tempdir().expect("a directory");
    let out = directory.path().join("run.dial9");
    let first = demo(&["deadlock"], &out);
    assert!(first.status.success(), "{}", says(&first));
    assert!(first.stdout.is_empty());
    let written = fs::read(&out).expect("a dump");

    let again = demo(&["deadlock"], &out);
    assert_eq!(again.status.code(), Some(1), "{}", says(&again));
    assert_eq!(says(&again).lines().count(), 1, "{}", says(&again));
    assert!(fs::read(&out).expect("the same dump") == written);

    let forced = demo(&["deadlock", "--force"], &out);
    assert!(forced.status.success(), "{}", says(&forced));
    assert!(fs::read(&out).expect("another dump") != written);
}

#[test]
fn force_removes_nothing_that_is_not_a_file() {
    let directory = tempfile::tempdir().expect("a directory");
    let refused = demo(&["deadlock", "--force"], directory.path());
    assert_eq!(refused.status.code(), Some(1), "{}", says(&refused));
    assert!(directory.path().is_dir());

    #[cfg(unix)]
    {
        let target = directory.path().join("precious");
        fs::write(&target, "kept").expect("a file");
        let link = directory.path().join("link.dial9");
        std::os::unix::fs::symlink(&target, &link).expect("a link");
        let refused = demo(&["deadlock", "--force"], &link);
        assert_eq!(refused.status.code(), Some(1), "{}", says(&refused));
        assert_eq!(fs::read_to_string(&target).expect("a file"), "kept");
        assert!(fs::symlink_metadata(&link).expect("a link").is_symlink());
    }
}

#[test]
fn wrong_usage_is_told_from_failure() {
    let directory = tempfile::tempdir().expect("a directory");
    let out = directory.path().join("run.dial9");
    for wrong in [&["no-such-scenario"][..], &["service", "--seconds", "0"]] {
        assert_eq!(demo(wrong, &out).status.code(), Some(2), "{wrong:?}");
    }
    let nowhere = directory.path().join("missing").join("run.dial9");
    let failed = demo(&["deadlock"], &nowhere);
    assert_eq!(failed.status.code(), Some(1), "{}", says(&failed));
    assert!(!out.exists());
}
