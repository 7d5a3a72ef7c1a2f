//! Which process wrote which file of a trace: segments of two are never one recording.
//!
//! Upstream gives each process a directory of its own, named after four letters and its number, and puts what the service
//! says of itself into the metadata at the beginning of each file.

use std::{collections::BTreeMap, io::Read as _, path::Path};

use dial9_trace_format::{
    decoder::{Decoder, RawEvent},
    types::{FieldValueRef, StringMapRef},
};

use super::{
    super::{OpenError, Progress},
    trace::TraceFile,
};
use crate::recording::{Loss, LossKind, sanitise};

/// The most bytes, and events, of a file that are looked through for its metadata: it comes first.
const LOOKED_AT: u64 = 64 << 10;
const MOST_EVENTS: usize = 4_096;
/// The most files that are named one by one.
const MOST_NAMED: usize = 20;

/// A process, as far as its files tell.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Identity {
    /// What upstream calls this run of it: `abcd-1234`.
    pub(super) run: Option<String>,
    /// Its number.
    pub(super) pid: Option<u32>,
    /// Where its files lie.
    directory: String,
    service: Option<String>,
    host: Option<String>,
}

impl Identity {
    /// The process that wrote the file of this name, which has this metadata.
    fn new(name: &str, metadata: &BTreeMap<String, String>) -> Self {
        let directory = Path::new(name)
            .parent()
            .map_or_else(String::new, |path| path.to_string_lossy().into_owned());
        let text = |key: &str| metadata.get(key).filter(|text| !text.is_empty()).cloned();
        let named = Path::new(&directory)
            .file_name()
            .map(|name| name.to_string_lossy().into_owned());
        let run = text("boot_id").or_else(|| named.filter(|name| pid_of(name).is_some()));
        let pid = text("process.pid").and_then(|pid| pid.parse().ok());
        Self {
            pid: pid.or_else(|| pid_of(run.as_deref()?)),
            run,
            directory,
            service: text("service"),
            host: text("cpu.profile.machine_hostname"),
        }
    }

    /// Whether both lie in one place: one run's files, or one directory's where nothing names a run.
    fn is_beside(&self, other: &Self) -> bool {
        match (&self.run, &other.run) {
            (None, None) => self.directory == other.directory,
            (one, other) => one == other,
        }
    }

    fn is_same(&self, other: &Self) -> bool {
        self.is_beside(other)
            && (&self.service, &self.host, self.pid) == (&other.service, &other.host, other.pid)
    }

    /// Whether somebody who asks for `asked` means this process.
    fn answers_to(&self, asked: &str) -> bool {
        let directory = Path::new(&self.directory);
        self.pid.is_some_and(|pid| pid.to_string() == asked)
            || [&self.run, &self.service]
                .into_iter()
                .flatten()
                .any(|name| name == asked)
            || (!self.directory.is_empty()
                && (directory == Path::new(asked)
                    || directory.file_name().is_some_and(|name| name == asked)))
    }

    fn describe(&self) -> String {
        let mut facts: Vec<String> = Vec::new();
        if let Some(pid) = self.pid {
            facts.push(format!("pid {pid}"));
        }
        if let Some(host) = &self.host {
            facts.push(format!("on {host}"));
        }
        let directory = Path::new(&self.directory).file_name();
        if let Some(directory) = directory {
            facts.push(format!("in {}", directory.to_string_lossy()));
        }
        let name = self.service.as_deref().or(self.run.as_deref());
        let text = match (name, facts.is_empty()) {
            (Some(name), true) => name.to_owned(),
            (Some(name), false) => format!("{name} ({})", facts.join(", ")),
            (None, true) => "one without a name".to_owned(),
            (None, false) => format!("one without a name ({})", facts.join(", ")),
        };
        sanitise(&text)
    }
}

/// The number in what upstream calls a run of a process.
fn pid_of(run: &str) -> Option<u32> {
    let (letters, pid) = run.split_once('-')?;
    let is_one = letters.len() == 4 && letters.bytes().all(|byte| byte.is_ascii_lowercase());
    is_one.then(|| pid.parse().ok()).flatten()
}

/// Keeps the files of one process, the one that was asked for or the only one, and says who it is. Files that do not say
/// which of several processes they come from are a loss.
pub(super) fn choose(
    files: &mut Vec<TraceFile>,
    asked: Option<&str>,
    progress: &Progress,
) -> Result<(Identity, Option<Loss>), OpenError> {
    let mut identities = Vec::with_capacity(files.len());
    for file in files.iter() {
        progress.check()?;
        let metadata = metadata(file);
        identities.push((Identity::new(&file.name, &metadata), metadata.is_empty()));
    }
    let (groups, mut processes) = group(&identities);
    if let Some(asked) = asked {
        let all = processes.clone();
        processes.retain(|process| process.answers_to(asked));
        if processes.is_empty() {
            return Err(OpenError::NoSuchProcess {
                asked: sanitise(asked),
                processes: all.iter().map(Identity::describe).collect(),
            });
        }
    }
    let [process] = processes.as_slice() else {
        return Err(OpenError::Processes {
            processes: processes.iter().map(Identity::describe).collect(),
        });
    };
    let mut nobodys: Vec<String> = Vec::new();
    let mut groups = groups.iter();
    files.retain(|file| {
        let owner = groups.next().and_then(Option::as_ref);
        if owner.is_none() {
            nobodys.push(file.name.clone());
        }
        owner == Some(process)
    });
    let count = nobodys.len() as u64;
    nobodys.truncate(MOST_NAMED);
    let loss = (count > 0).then(|| Loss {
        kind: LossKind::UnknownKind,
        count,
        detail: format!(
            "files that do not say which of the processes they come from were left out: {}",
            nobodys.join(", ")
        ),
        range: None,
    });
    Ok((process.clone(), loss))
}

/// Each file's process, where that is certain, and all processes. A file without metadata belongs to the only process
/// whose files lie beside it.
fn group(files: &[(Identity, bool)]) -> (Vec<Option<Identity>>, Vec<Identity>) {
    let mut processes: Vec<Identity> = Vec::new();
    for (identity, _) in files.iter().filter(|(_, silent)| !silent) {
        if !processes.iter().any(|process| process.is_same(identity)) {
            processes.push(identity.clone());
        }
    }
    for (identity, _) in files.iter().filter(|(_, silent)| *silent) {
        if !processes.iter().any(|process| process.is_beside(identity)) {
            processes.push(identity.clone());
        }
    }
    let owner = |(identity, silent): &(Identity, bool)| {
        let mut own = processes.iter().filter(|process| {
            if *silent {
                process.is_beside(identity)
            } else {
                process.is_same(identity)
            }
        });
        own.next().filter(|_| own.next().is_none()).cloned()
    };
    (files.iter().map(owner).collect(), processes)
}

/// What the first bytes of a file say of who wrote it.
fn metadata(file: &TraceFile) -> BTreeMap<String, String> {
    let mut bytes = Vec::new();
    // What cannot be read says nothing here, and is a loss when it is read in earnest.
    let _ = file.reader().take(LOOKED_AT).read_to_end(&mut bytes);
    let mut found = BTreeMap::new();
    let mut left = MOST_EVENTS;
    if let Some(mut decoder) = Decoder::new(&bytes) {
        let _ = decoder.try_for_each_event(|event| {
            left -= 1;
            if event.name == "SegmentMetadataEvent" {
                found = entries(&event);
            }
            if found.is_empty() && left > 0 {
                Ok(())
            } else {
                Err(())
            }
        });
    }
    found
}

fn entries(event: &RawEvent<'_, '_>) -> BTreeMap<String, String> {
    let map = event.fields.iter().find_map(|field| match field {
        FieldValueRef::StringMap(entries) => Some(entries),
        _ => None,
    });
    map.into_iter()
        .flat_map(StringMapRef::iter)
        .map(|(key, value)| (key.to_owned(), value.to_owned()))
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn identity(name: &str, entries: &[(&str, &str)]) -> (Identity, bool) {
        let metadata: BTreeMap<String, String> = entries
            .iter()
            .map(|(key, value)| ((*key).to_owned(), (*value).to_owned()))
            .collect();
        (Identity::new(name, &metadata), metadata.is_empty())
    }

    #[test]
    fn segments_of_one_run_belong_together_and_others_do_not() {
        let files = [
            identity("t/abcd-7/trace.0.bin", &[("service", "a")]),
            identity("t/abcd-7/trace.1.bin", &[("service", "a")]),
            identity("t/abcd-7/trace.2.bin.active", &[]),
            identity("t/efgh-8/trace.0.bin", &[("service", "a")]),
            // Downloaded to another place.
            identity("x/1.gz", &[("service", "a"), ("boot_id", "efgh-8")]),
            identity("y/1.gz", &[("service", "b")]),
            identity("y/2.gz", &[("service", "c")]),
            // Nobody knows whose it is.
            identity("y/3.gz", &[]),
        ];
        let (owners, processes) = group(&files);
        assert_eq!(processes.len(), 4);
        let numbers: Vec<Option<usize>> = owners
            .iter()
            .map(|owner| processes.iter().position(|one| Some(one) == owner.as_ref()))
            .collect();
        assert_eq!(
            numbers,
            [
                Some(0),
                Some(0),
                Some(0),
                Some(1),
                Some(1),
                Some(2),
                Some(3),
                None
            ]
        );
        assert_eq!(processes[0].describe(), "a (pid 7, in abcd-7)");
        assert_eq!(processes[2].describe(), "b (in y)");
        for (asked, process) in [("7", 0), ("efgh-8", 1), ("b", 2), ("c", 3)] {
            let meant: Vec<usize> = (0..4)
                .filter(|one| processes[*one].answers_to(asked))
                .collect();
            assert_eq!(meant, [process], "{asked}");
        }
        assert!(processes[0].answers_to("a") && processes[1].answers_to("a"));
    }
}
