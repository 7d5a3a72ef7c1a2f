//! One dump file taken apart: its frames by kind, and what could not be read of it.

use dial9_format::{
    DumpReader, EventChunk, Frame, Header, Losses, Piece, ReadLoss, ReadLossKind, Strings, Tasks,
    VERSION, Workers,
};

use super::{Input, OpenError, Progress};
use crate::recording::{Loss, LossKind, sanitise};

/// The frames of one file.
pub(super) struct Pieces<'a> {
    pub(super) name: &'a str,
    pub(super) header: Option<Header>,
    pub(super) strings: Vec<Strings>,
    pub(super) tasks: Vec<Tasks>,
    pub(super) workers: Vec<Workers>,
    pub(super) recorder_losses: Vec<Losses>,
    pub(super) chunks: Vec<EventChunk<'a>>,
    pub(super) losses: Vec<Loss>,
}

/// Reads the frames of `input`.
pub(super) fn take_apart<'a>(
    input: &'a Input,
    progress: &Progress,
) -> Result<Pieces<'a>, OpenError> {
    let reader = DumpReader::new(&input.bytes).map_err(|error| refused(&input.name, &error))?;
    let mut pieces = Pieces {
        name: &input.name,
        header: None,
        strings: Vec::new(),
        tasks: Vec::new(),
        workers: Vec::new(),
        recorder_losses: Vec::new(),
        chunks: Vec::new(),
        losses: Vec::new(),
    };
    let mut end = None;
    let mut frames = 0u64;
    for piece in reader {
        progress.check()?;
        match piece {
            Piece::Frame(_, frame) => {
                frames += 1;
                match frame {
                    // Of two headers, which no recorder writes, the first counts.
                    Frame::Header(header) => pieces.header = pieces.header.or(Some(*header)),
                    Frame::Strings(strings) => pieces.strings.push(strings),
                    Frame::Tasks(tasks) => pieces.tasks.push(tasks),
                    Frame::Workers(workers) => pieces.workers.push(workers),
                    Frame::Events(chunk) => pieces.chunks.push(chunk),
                    Frame::Losses(losses) => pieces.recorder_losses.push(losses),
                    Frame::End(totals) => end = Some(totals),
                    // A kind that a newer version of the format crate decodes.
                    _ => {}
                }
            }
            Piece::Loss(loss) => pieces.losses.push(loss_of(&input.name, &loss)),
        }
    }
    if frames == 0 {
        let mut first = pieces
            .losses
            .first()
            .map_or_else(|| "it ends at once".to_owned(), |loss| loss.detail.clone());
        if let Some(rest) = first.strip_prefix(&format!("{}: ", input.name)) {
            first = rest.to_owned();
        }
        return Err(OpenError::Unreadable {
            path: input.name.clone(),
            first,
        });
    }
    let events: u64 = pieces.chunks.iter().map(|chunk| chunk.len() as u64).sum();
    if let Some(missing) = end
        .and_then(|end| end.events.checked_sub(events))
        .filter(|missing| *missing > 0)
    {
        pieces.losses.push(Loss {
            kind: LossKind::MissingEvents,
            count: missing,
            detail: format!(
                "{}: events that the file once held and that could not be read",
                input.name
            ),
            range: None,
        });
    }
    Ok(pieces)
}

fn loss_of(name: &str, loss: &ReadLoss) -> Loss {
    let kind = match loss.kind {
        ReadLossKind::Truncated => LossKind::Truncated,
        ReadLossKind::Malformed => LossKind::Malformed,
        ReadLossKind::Unknown => LossKind::UnknownKind,
        _ => LossKind::Damaged,
    };
    let detail = format!(
        "{name}: {}, at byte {} ({} B)",
        sanitise(&loss.detail),
        loss.offset,
        loss.bytes
    );
    Loss {
        kind,
        count: 1,
        detail,
        range: None,
    }
}

fn refused(name: &str, error: &dial9_format::OpenError) -> OpenError {
    let path = name.to_owned();
    match error {
        dial9_format::OpenError::Empty => OpenError::Empty { path },
        dial9_format::OpenError::NewerMajor { major, .. } => OpenError::Newer {
            path,
            major: *major,
            reads: VERSION.0,
        },
        dial9_format::OpenError::NotADump => OpenError::NotARecording {
            path,
            looks_like: "something unknown".to_owned(),
        },
        other => OpenError::Unreadable {
            path,
            first: sanitise(&other.to_string()),
        },
    }
}
