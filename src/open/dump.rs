//! Dumps of our recorder to a recording: one file or several of one process.

use super::{
    Input, OpenError, Progress, Stage,
    decode::{Clock, Context, Located, decode},
    facts,
    pieces::{Pieces, take_apart},
    select::{Chunk, Part, select},
};
use crate::recording::{Loss, LossKind, Ns, Recording, RecordingBuilder, Source, Window, time};

/// The most events that are loaded: what row numbers of 32 bits can count.
const MOST_EVENTS: u64 = 1 << 31;

/// How many events a byte of a file may stand for, beyond the first million. Real ones take a byte or more each; a file
/// that unpacks to a thousand times its size is made to fill the memory.
const MOST_EVENTS_PER_BYTE: u64 = 16;

/// Reads `inputs` into one recording.
pub(super) fn read(
    inputs: &[Input],
    source: Source,
    losses: Vec<Loss>,
    process: Option<&str>,
    progress: &Progress,
) -> Result<Recording, OpenError> {
    let mut files: Vec<Pieces<'_>> = Vec::with_capacity(inputs.len());
    for input in inputs {
        files.push(take_apart(input, progress)?);
    }
    choose(&mut files, process)?;
    // From the oldest to the newest: where dumps disagree, the newest is right.
    files.sort_by_key(|file| file.header.as_ref().map(|header| header.window_end));
    let Some(newest) = files.len().checked_sub(1) else {
        return Err(OpenError::Empty {
            path: source.paths.join(", "),
        });
    };

    let span = span(&mut files);
    let mut builder = RecordingBuilder::new(source, span.window);
    for loss in losses {
        builder.loss(loss);
    }
    let contexts: Vec<Context> = files
        .iter()
        .zip(&span.clocks)
        .map(|(file, clock)| Context {
            clock: *clock,
            strings: facts::strings(&mut builder, file),
        })
        .collect();
    facts::all(&mut builder, &files, &contexts);

    let mut chunks: Vec<Located<'_>> = Vec::new();
    for (number, file) in files.iter_mut().enumerate() {
        chunks.extend(file.chunks.drain(..).map(|chunk| Located {
            chunk,
            file: number,
        }));
        for loss in file.losses.drain(..) {
            builder.loss(loss);
        }
    }
    let described = chunks.iter().enumerate().map(|(index, located)| {
        let info = located.chunk.info();
        Chunk {
            stream: info.stream,
            first_seq: info.first_seq,
            len: located.chunk.len() as u64,
            folded: located.chunk.folded(),
            file: located.file,
            index,
        }
    });
    let mut parts = select(described.collect(), newest);
    let bytes = inputs.iter().map(|input| input.bytes.len() as u64).sum();
    cap(&mut parts, bytes, &mut builder);
    for loss in holes(&parts, &chunks, &contexts) {
        builder.loss(loss);
    }

    progress.enter(Stage::Decoding, parts.iter().map(|part| part.take).sum());
    let (batches, losses) = decode(&chunks, &parts, &contexts, progress)?;
    drop(chunks);
    for batch in batches {
        builder.batch(batch);
    }
    for loss in losses {
        builder.loss(loss);
    }
    progress.enter(Stage::Indexing, 1);
    let recording = progress.finish(builder)?;
    progress.enter(Stage::Done, 1);
    Ok(recording)
}

/// Keeps the files of one process: of the one that was asked for, or of the only one.
fn choose(files: &mut Vec<Pieces<'_>>, asked: Option<&str>) -> Result<(), OpenError> {
    if let (Some(file), true) = (
        files.iter().find(|file| file.header.is_none()),
        files.len() > 1,
    ) {
        return Err(OpenError::Headless {
            path: file.name.to_owned(),
        });
    }
    if let Some(asked) = asked {
        let processes = processes(files);
        files.retain(|file| {
            let header = file.header.as_ref();
            header.is_some_and(|header| {
                header.pid.to_string() == asked
                    || header.process_start_wall_ns.to_string() == asked
                    || header.process == asked
            })
        });
        if files.is_empty() {
            let asked = crate::recording::sanitise(asked);
            return Err(OpenError::NoSuchProcess { asked, processes });
        }
    }
    let processes = processes(files);
    if processes.len() > 1 {
        Err(OpenError::Processes { processes })
    } else {
        Ok(())
    }
}

/// One description for every process that the files come from.
fn processes(files: &[Pieces<'_>]) -> Vec<String> {
    let mut known: Vec<(u64, String)> = Vec::new();
    for header in files.iter().filter_map(|file| file.header.as_ref()) {
        if known
            .iter()
            .any(|(start, _)| *start == header.process_start_wall_ns)
        {
            continue;
        }
        let start = header.process_start_wall_ns;
        let since = i64::try_from(start)
            .ok()
            .and_then(time::rfc3339)
            .unwrap_or_else(|| start.to_string());
        let name = crate::recording::sanitise(&header.process);
        known.push((
            start,
            format!(
                "{name} (pid {}, recorded since {since}, id {start})",
                header.pid
            ),
        ));
    }
    known.into_iter().map(|(_, text)| text).collect()
}

/// The window of all files together, and each file's clock.
struct Span {
    window: Window,
    clocks: Vec<Clock>,
}

/// The window reaches back from the newest dump as far as one dump's window reaches into the next one's.
fn span(files: &mut [Pieces<'_>]) -> Span {
    let Some(newest) = files.last().and_then(|file| file.header.clone()) else {
        return headless(files);
    };
    // Times of one process have one base; two recorders' may differ.
    let base =
        |mono: u64| i64::try_from(i128::from(mono) - i128::from(newest.base_mono_ns)).unwrap_or(0);
    let clocks: Vec<Clock> = files
        .iter()
        .map(|file| Clock {
            offset: file
                .header
                .as_ref()
                .map_or(0, |header| base(header.base_mono_ns)),
        })
        .collect();
    let newest_clock = Clock { offset: 0 };
    let mut start = newest_clock.ns(newest.window_start);
    let mut others = newest_clock.ns(newest.others_start).max(start);
    let end = newest_clock.ns(newest.window_end).max(start);
    let mut gaps = Vec::new();
    for (file, clock) in files.iter().zip(&clocks).rev().skip(1) {
        let Some(header) = &file.header else { continue };
        let window_end = clock.ns(header.window_end);
        if window_end < start {
            gaps.push((window_end, start));
            break;
        }
        if window_end >= others {
            others = others.min(clock.ns(header.others_start));
        }
        start = start.min(clock.ns(header.window_start));
    }
    for (from, to) in gaps {
        files[0].losses.push(Loss {
            kind: LossKind::Gap,
            count: 1,
            detail: format!(
                "no dump covers {} before the window; what is older is incomplete",
                time::duration(to - from)
            ),
            range: Some((from - start, 0)),
        });
    }
    let anchor = newest
        .anchors
        .iter()
        .min_by_key(|anchor| newest_clock.ns(anchor.at).abs_diff(start));
    let wall_start = anchor.and_then(|anchor| {
        let wall = i64::try_from(anchor.wall_ns).ok()?;
        wall.checked_add(start - newest_clock.ns(anchor.at))
    });
    Span {
        window: Window {
            end: end - start,
            others_start: others.max(start) - start,
            wall_start,
        },
        clocks: clocks
            .into_iter()
            .map(|clock| Clock {
                offset: clock.offset.saturating_sub(start),
            })
            .collect(),
    }
}

/// Without a header the events themselves say from when to when.
fn headless(files: &[Pieces<'_>]) -> Span {
    let chunks = || {
        files
            .iter()
            .flat_map(|file| &file.chunks)
            .filter(|chunk| !chunk.is_empty())
    };
    let clock = Clock { offset: 0 };
    let start: Ns = clock.ns(chunks()
        .map(dial9_format::EventChunk::min_time)
        .min()
        .unwrap_or(0));
    let end: Ns = clock
        .ns(chunks()
            .map(dial9_format::EventChunk::max_time)
            .max()
            .unwrap_or(0))
        .max(start);
    Span {
        window: Window {
            end: end - start,
            others_start: 0,
            wall_start: None,
        },
        clocks: vec![Clock { offset: -start }; files.len()],
    }
}

fn cap(parts: &mut Vec<Part>, bytes: u64, builder: &mut RecordingBuilder) {
    let most = (bytes.saturating_mul(MOST_EVENTS_PER_BYTE))
        .saturating_add(1 << 20)
        .min(MOST_EVENTS);
    let mut room = most;
    let mut dropped = 0u64;
    parts.retain(|part| {
        let fits = part.take <= room;
        if fits {
            room -= part.take;
        } else {
            dropped = dropped.saturating_add(part.take);
        }
        fits
    });
    if dropped > 0 {
        let shown = most - room;
        builder.loss(Loss {
            kind: LossKind::OverCap,
            count: dropped,
            detail: format!(
                "showing {shown} of {} events",
                shown.saturating_add(dropped)
            ),
            range: None,
        });
    }
}

/// Sequence numbers that no chunk has, inside the window. Before it, holes are how the recorder forgets.
fn holes(parts: &[Part], chunks: &[Located<'_>], contexts: &[Context]) -> Vec<Loss> {
    let last = |part: &Part| {
        let located = &chunks[part.index];
        contexts[located.file].clock.ns(located.chunk.max_time())
    };
    let first = |part: &Part| {
        let located = &chunks[part.index];
        contexts[located.file].clock.ns(located.chunk.min_time())
    };
    parts
        .windows(2)
        .filter(|pair| pair[1].gap > 0 && pair[0].stream == pair[1].stream && last(&pair[0]) >= 0)
        .map(|pair| Loss {
            kind: LossKind::MissingEvents,
            count: pair[1].gap,
            detail: format!("events of stream {} between two chunks", pair[1].stream),
            range: Some((last(&pair[0]), first(&pair[1]).max(last(&pair[0])))),
        })
        .collect()
}
