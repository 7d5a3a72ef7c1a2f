//! One dump file taken apart: its frames by kind, and what could not be read of it.

use dial9_format::{
    DumpReader, EventChunk, Frame, Header, Losses, Piece, ReadLossKind, Strings, Tasks, Workers,
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
                    Frame::Header(header) => pieces.header = pieces.header.or(Some(header)),
                    Frame::Strings(strings) => pieces.strings.push(strings),
                    Frame::Tasks(tasks) => pieces.tasks.push(tasks),
                    Frame::Workers(workers) => pieces.workers.push(workers),
                    Frame::Events(chunk) => pieces.chunks.push(chunk),
                    Frame::Losses(losses) => pieces.recorder_losses.push(losses),
                    Frame::End(totals) => end = Some(totals),
                }
            }
            Piece::Loss(loss) => pieces.losses.push(Loss {
                kind: kind_of(loss.kind),
                count: 1,
                detail: format!(
                    "{}: {} bytes at byte {}: {}",
                    input.name, loss.bytes, loss.offset, loss.detail
                ),
                range: None,
            }),
        }
    }
    if frames == 0 {
        let first = pieces.losses.first().map_or_else(
            || format!("it ends after {} bytes", input.bytes.len()),
            |loss| {
                loss.detail
                    .strip_prefix(&format!("{}: ", input.name))
                    .unwrap_or(&loss.detail)
                    .to_owned()
            },
        );
        return Err(OpenError::Unreadable {
            path: input.name.clone(),
            first: sanitise(&first),
        });
    }
    let events: u64 = pieces.chunks.iter().map(|chunk| chunk.len() as u64).sum();
    match end {
        None if !pieces
            .losses
            .iter()
            .any(|loss| loss.kind == LossKind::Truncated) =>
        {
            pieces.losses.push(Loss {
                kind: LossKind::Truncated,
                count: 1,
                detail: format!(
                    "{}: the file ends at byte {} before its end mark",
                    input.name,
                    input.bytes.len()
                ),
                range: None,
            });
        }
        Some(end) if end.events > events => pieces.losses.push(Loss {
            kind: LossKind::MissingEvents,
            count: end.events - events,
            detail: format!(
                "{}: events that its end mark counts and that could not be read",
                input.name
            ),
            range: None,
        }),
        _ => {}
    }
    Ok(pieces)
}
