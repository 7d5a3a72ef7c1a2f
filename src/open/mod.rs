//! Files to a recording. The only rooms of this program that know a file format.

mod console;
mod decode;
mod dump;
mod error;
mod facts;
mod input;
mod pieces;
mod progress;
mod select;
mod sniff;
mod upstream;

pub use error::OpenError;
pub use progress::{Progress, Stage};

use std::path::PathBuf;

use self::sniff::Sniffed;
use crate::recording::{Format, Recording, Source, sanitise};

/// The incident that ships inside the binary.
const SAMPLE: &[u8] = include_bytes!("../../assets/sample.dial9");

/// What to open.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Request {
    /// The files, or directories of traces; `-` is standard input. None: the built-in sample.
    pub paths: Vec<PathBuf>,
    /// Which process to show where the files come from several: its pid, or its start as an error message gives it.
    pub process: Option<u64>,
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
    let (paths, left_out) = upstream::expand(&request.paths)?;
    let paths = input::distinct(&paths);
    let inputs = match paths.as_slice() {
        [] => vec![Input {
            name: "SAMPLE".to_owned(),
            bytes: SAMPLE.to_vec(),
        }],
        [path] => {
            let begun = input::begin(path)?;
            if begun.what == Sniffed::Console {
                let (name, expected) = (begun.name.clone(), begun.expected);
                return console::read(&name, begun.into_stream(), expected, progress).inspect(tell);
            }
            progress.enter(Stage::Reading, begun.expected);
            vec![begun.finish(progress)?]
        }
        several => input::read_all(several, progress)?,
    };
    if inputs
        .iter()
        .any(|input| upstream::looks_like_one(&input.bytes))
    {
        return upstream::read(inputs, left_out, progress).inspect(tell);
    }
    recording_of(&inputs, paths.is_empty(), request.process, progress)
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
            console::read(&name, bytes.as_slice(), expected, progress).inspect(tell)
        }
        Sniffed::Upstream | Sniffed::Gzip => {
            upstream::read(vec![Input { name, bytes }], Vec::new(), progress).inspect(tell)
        }
        _ => recording_of(&[Input { name, bytes }], false, None, progress),
    }
}

fn recording_of(
    inputs: &[Input],
    sample: bool,
    process: Option<u64>,
    progress: &Progress,
) -> Result<Recording, OpenError> {
    let source = Source {
        format: Format::Dial9Dump,
        paths: inputs.iter().map(|input| input.name.clone()).collect(),
        bytes: inputs.iter().map(|input| input.bytes.len() as u64).sum(),
        sample,
    };
    dump::read(inputs, source, process, progress).inspect(tell)
}

fn tell(recording: &Recording) {
    tracing::info!(
        events = recording.counts().total,
        tasks = recording.task_count(),
        losses = recording.losses().len(),
        "opened"
    );
}
