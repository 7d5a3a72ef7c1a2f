//! Files to a recording. The only rooms of this program that know a file format.

mod console;
mod decode;
mod dump;
mod error;
mod facts;
mod gather;
mod input;
mod pieces;
mod progress;
mod select;
mod sniff;
mod source;
mod upstream;

pub use error::OpenError;
pub use progress::{Progress, Stage};

use std::{path::PathBuf, sync::Arc};

use self::{sniff::Sniffed, source::Source};
use crate::recording::{self, Format, Loss, Recording, sanitise};

/// The incident that ships inside the binary.
const SAMPLE: &[u8] = include_bytes!("../../assets/sample.dial9");

/// What to open.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Request {
    /// The files, or directories that hold recordings; `-` is standard input. None: the built-in sample.
    pub paths: Vec<PathBuf>,
    /// Which process to show where the files come from several: its pid, its name, or whatever else an error message
    /// calls it by.
    pub process: Option<String>,
}

/// Bytes of one input, and what to call it.
#[derive(Debug)]
pub(crate) struct Input {
    /// Its path, safe to print.
    pub(crate) name: String,
    pub(crate) bytes: Vec<u8>,
}

/// Opens what `request` names.
///
/// `progress` may be read, and cancelled, from another thread meanwhile. What cannot be read of a file is a loss of the
/// recording; an error is what leaves nothing to show.
///
/// # Errors
/// See [`OpenError`]: each is one sentence that says what, where, and what to do.
pub fn open(request: &Request, progress: &Progress) -> Result<Recording, OpenError> {
    let (paths, left_out) = gather::expand(&request.paths, progress)?;
    let mut begun = input::distinct(&paths)
        .into_iter()
        .map(|path| input::begin(path))
        .collect::<Result<Vec<_>, _>>()?;
    if let [one] = begun.as_slice()
        && one.what == Sniffed::Console
        && let Some(one) = begun.pop()
    {
        let (name, expected) = (one.name.clone(), one.expected());
        return console::read(&name, one.into_stream(), expected, left_out, progress).inspect(tell);
    }
    refuse_mixed(&begun)?;
    let process = request.process.as_deref();
    if begun.iter().any(|begun| begun.what.is_trace()) {
        let sources = begun.into_iter().map(|begun| begun.into_source(progress));
        let sources = sources.collect::<Result<Vec<_>, _>>()?;
        return upstream::read(sources, left_out, process, progress).inspect(tell);
    }
    let sample = begun.is_empty();
    progress.enter(
        Stage::Reading,
        begun.iter().map(input::Begun::expected).sum(),
    );
    let inputs = begun
        .into_iter()
        .map(|begun| begun.finish(progress))
        .collect::<Result<Vec<_>, _>>()?;
    if sample {
        let inputs = [Input {
            name: "SAMPLE".to_owned(),
            bytes: SAMPLE.to_vec(),
        }];
        return recording_of(&inputs, true, left_out, None, progress);
    }
    recording_of(&inputs, false, left_out, process, progress)
}

/// Refuses files that cannot be one recording.
fn refuse_mixed(begun: &[input::Begun]) -> Result<(), OpenError> {
    if let Some(console) = begun.iter().find(|begun| begun.what == Sniffed::Console) {
        return Err(OpenError::Alone {
            path: console.name.clone(),
            what: "a tokio-console recording",
        });
    }
    let trace = begun.iter().find(|begun| begun.what.is_trace());
    let other = begun.iter().find(|begun| !begun.what.is_trace());
    match (trace, other) {
        (Some(trace), Some(other)) => Err(OpenError::Mixed {
            trace: trace.name.clone(),
            other: other.name.clone(),
        }),
        _ => Ok(()),
    }
}

/// Opens a file that is in memory already; `name` is what the recording calls it.
///
/// # Errors
/// As [`open`].
pub fn open_bytes(name: &str, bytes: Vec<u8>, progress: &Progress) -> Result<Recording, OpenError> {
    let name = sanitise(name);
    match input::refuse(&name, &bytes)? {
        Sniffed::Console => {
            let expected = bytes.len() as u64;
            console::read(&name, bytes.as_slice(), expected, Vec::new(), progress).inspect(tell)
        }
        Sniffed::Upstream | Sniffed::Gzip => {
            let source = Source::Bytes(Arc::new(bytes));
            upstream::read(vec![(name, source)], Vec::new(), None, progress).inspect(tell)
        }
        _ => recording_of(&[Input { name, bytes }], false, Vec::new(), None, progress),
    }
}

fn recording_of(
    inputs: &[Input],
    sample: bool,
    losses: Vec<Loss>,
    process: Option<&str>,
    progress: &Progress,
) -> Result<Recording, OpenError> {
    let source = recording::Source {
        format: Format::Dial9Dump,
        paths: inputs.iter().map(|input| input.name.clone()).collect(),
        bytes: inputs.iter().map(|input| input.bytes.len() as u64).sum(),
        sample,
    };
    dump::read(inputs, source, losses, process, progress).inspect(tell)
}

fn tell(recording: &Recording) {
    tracing::info!(
        events = recording.counts().total,
        tasks = recording.task_count(),
        losses = recording.losses().len(),
        "opened"
    );
}
