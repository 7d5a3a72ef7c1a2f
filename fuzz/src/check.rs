//! Reads a file the way the explorer does, and holds the reader to its promises.

use dial9_format::{
    ChunkBuilder, DumpReader, DumpWriter, Event, EventChunk, Frame, Piece, ReadLossKind,
};

/// Events decoded of one input: a few packed bytes may stand for millions, and a campaign wants speed.
const MOST_EVENTS: usize = 1 << 16;

/// Reads `bytes` to the end.
///
/// # Panics
///
/// When the reader breaks a promise: it tells of places outside the file, goes back, is silent about a
/// missing end, or decodes what does not read the same once it is written again.
pub fn read_and_check(bytes: &[u8]) {
    let Ok(reader) = DumpReader::new(bytes) else {
        return;
    };
    let mut room = MOST_EVENTS;
    let mut behind = 0;
    let (mut ended, mut losses) = (false, 0_usize);
    for piece in reader {
        match piece {
            Piece::Frame(at, frame) => {
                assert!(!ended, "a frame behind the end frame");
                assert!(at >= behind && at < bytes.len(), "frame at {at}");
                behind = at + 1;
                ended = matches!(frame, Frame::End(_));
                check_frame(&frame, &mut room);
            }
            Piece::Loss(loss) => {
                losses += 1;
                let end = loss.offset.checked_add(loss.bytes);
                assert!(loss.offset >= behind || loss.offset == 0, "{loss:?}");
                assert!(end.is_some_and(|end| end <= bytes.len()), "{loss:?}");
                assert!(
                    loss.bytes > 0 || ended || loss.kind == ReadLossKind::Truncated,
                    "no way forward: {loss:?}"
                );
                behind = loss.offset;
            }
        }
    }
    assert!(ended || losses > 0, "silent about a missing end");
}

fn check_frame(frame: &Frame<'_>, room: &mut usize) {
    match frame {
        Frame::Strings(strings) => assert!(strings.iter().is_some(), "strings beyond their blob"),
        Frame::Events(chunk) => {
            if let Some(events) = decode(chunk, room) {
                check_again(chunk, &events);
            }
        }
        _ => {}
    }
}

/// All events of a chunk, if it is sound and not too long.
fn decode(chunk: &EventChunk<'_>, room: &mut usize) -> Option<Vec<(u32, Event)>> {
    assert!(chunk.folded() <= chunk.len() as u64);
    let mut events = Vec::new();
    let mut sound = true;
    for event in chunk.events() {
        assert!(sound, "an event behind an error");
        match event {
            Ok(event) => events.push(event),
            Err(error) => {
                assert_eq!(error.index, events.len() as u64);
                sound = false;
            }
        }
        *room = room.checked_sub(1)?;
    }
    assert!(events.len() <= chunk.len());
    if !sound {
        return None;
    }
    assert_eq!(events.len(), chunk.len());
    for (_, event) in &events {
        assert!((chunk.min_time()..=chunk.max_time()).contains(&event.at()));
    }
    Some(events)
}

/// Writes `events` again and reads them.
fn check_again(chunk: &EventChunk<'_>, events: &[(u32, Event)]) {
    let mut builder = ChunkBuilder::new(chunk.info());
    for (thread, event) in events {
        builder.push(*thread, event);
    }
    builder.set_folded(chunk.folded());
    let mut writer = DumpWriter::new(Vec::new()).expect("memory takes everything");
    writer.events(&builder).expect("it was in a dump already");
    let bytes = writer.finish().expect("memory takes everything");
    let again = DumpReader::new(&bytes)
        .expect("just written")
        .find_map(|piece| match piece {
            Piece::Frame(_, Frame::Events(chunk)) => Some(chunk),
            _ => None,
        })
        .expect("just written");
    assert_eq!(again.info(), chunk.info());
    assert_eq!(again.folded(), chunk.folded());
    let read: Result<Vec<_>, _> = again.events().collect();
    assert_eq!(read.as_deref(), Ok(events));
}
