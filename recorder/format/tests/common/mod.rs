//! What the tests share: two dumps of known content, everything that a reader says of some bytes, and
//! frames put together by hand.
#![allow(
    dead_code,
    missing_docs,
    unreachable_pub,
    reason = "every test file uses its own part of this"
)]

pub mod contents;

use dial9_format::{
    ChunkBuilder, ChunkInfo, DumpReader, DumpWriter, End, Event, Frame, Header, Losses, OpenError,
    Piece, ReadLoss, Strings, Tasks, Unpacker, VisitEvents, Workers,
};

/// A frame as a test compares it: an event chunk with its events.
#[derive(Clone, Debug, PartialEq)]
pub enum Part {
    Header(Box<Header>),
    Strings(Strings),
    Tasks(Tasks),
    Workers(Workers),
    Events(Chunk),
    Losses(Losses),
    End(End),
}

/// An event chunk, decoded.
#[derive(Clone, Debug, PartialEq)]
pub struct Chunk {
    pub info: ChunkInfo,
    pub folded: u64,
    pub events: Vec<(u32, Event)>,
}

/// All that was read of a file.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Reading {
    pub parts: Vec<Part>,
    pub losses: Vec<ReadLoss>,
    /// Chunks that broke off.
    pub broken_chunks: usize,
}

impl Reading {
    pub fn is_whole(&self) -> bool {
        self.losses.is_empty() && self.broken_chunks == 0
    }

    pub fn events(&self) -> usize {
        let chunks = self.parts.iter().map(|part| match part {
            Part::Events(chunk) => chunk.events.len(),
            _ => 0,
        });
        chunks.sum()
    }
}

/// The events of a chunk as they are visited.
#[derive(Default)]
struct Visited(Vec<(u32, Event)>);

impl VisitEvents for Visited {
    fn event(&mut self, thread: u32, event: Event) {
        self.0.push((thread, event));
    }
}

/// Reads everything there is.
pub fn read(bytes: &[u8]) -> Result<Reading, OpenError> {
    let mut reading = Reading::default();
    let mut unpacker = Unpacker::default();
    for piece in DumpReader::new(bytes)? {
        let frame = match piece {
            Piece::Frame(_, frame) => frame,
            Piece::Loss(loss) => {
                assert!(loss.offset + loss.bytes <= bytes.len(), "{loss:?}");
                reading.losses.push(loss);
                continue;
            }
        };
        reading.parts.push(match frame {
            Frame::Header(header) => Part::Header(header),
            Frame::Strings(strings) => Part::Strings(strings),
            Frame::Tasks(tasks) => Part::Tasks(tasks),
            Frame::Workers(workers) => Part::Workers(workers),
            Frame::Losses(losses) => Part::Losses(losses),
            Frame::End(end) => Part::End(end),
            Frame::Events(chunk) => {
                let mut events = Vec::new();
                let mut sound = true;
                for event in chunk.events() {
                    match event {
                        Ok(event) => events.push(event),
                        Err(error) => {
                            assert_eq!(error.index, events.len() as u64);
                            reading.broken_chunks += 1;
                            sound = false;
                        }
                    }
                }
                // Both ways of reading say the same, with memory of other chunks, too.
                let mut visited = Visited::default();
                let end = chunk.visit(&mut unpacker, &mut visited);
                assert_eq!(visited.0, events);
                assert_eq!(end.is_ok(), sound);
                Part::Events(Chunk {
                    info: chunk.info(),
                    folded: chunk.folded(),
                    events,
                })
            }
            other => panic!("a kind that the tests do not know: {other:?}"),
        });
    }
    Ok(reading)
}

/// Reads what has to be whole.
pub fn read_whole(bytes: &[u8]) -> Vec<Part> {
    let reading = read(bytes).expect("a dump");
    assert!(reading.is_whole(), "{reading:?}");
    reading.parts
}

/// Writes `parts`, the end frame by itself.
pub fn write(parts: &[Part]) -> Vec<u8> {
    let mut writer = DumpWriter::new(Vec::new()).expect("writes");
    for part in parts {
        match part {
            Part::Header(header) => writer.header(header),
            Part::Strings(strings) => writer.strings(strings),
            Part::Tasks(tasks) => writer.tasks(tasks),
            Part::Workers(workers) => writer.workers(workers),
            Part::Losses(losses) => writer.losses(losses),
            Part::End(_) => Ok(()),
            Part::Events(chunk) => {
                let mut builder = ChunkBuilder::new(chunk.info);
                for (thread, event) in &chunk.events {
                    builder.push(*thread, event);
                }
                builder.set_folded(chunk.folded);
                writer.events(&builder)
            }
        }
        .expect("writes");
    }
    writer.finish().expect("writes")
}

/// Begins a file of this version.
pub fn preamble(major: u16, minor: u16) -> Vec<u8> {
    let mut bytes = b"DIAL9\r\n\x1a".to_vec();
    bytes.extend(major.to_le_bytes());
    bytes.extend(minor.to_le_bytes());
    bytes.extend(crc32fast::hash(&bytes).to_le_bytes());
    bytes
}

pub const SYNC: [u8; 4] = [0xD9, 0xF7, 0x1E, 0x9C];
pub const ZSTD: u16 = 1;

/// A frame with a right checksum, whatever else it says.
pub fn frame(kind: u8, version: u8, flags: u16, payload: &[u8], raw: usize) -> Vec<u8> {
    let mut bytes = SYNC.to_vec();
    bytes.extend([kind, version]);
    bytes.extend(flags.to_le_bytes());
    bytes.extend((payload.len() as u32).to_le_bytes());
    bytes.extend((raw as u32).to_le_bytes());
    let mut hasher = crc32fast::Hasher::new();
    hasher.update(&bytes);
    hasher.update(payload);
    bytes.extend(hasher.finalize().to_le_bytes());
    bytes.extend(payload);
    bytes
}

/// A frame whose payload is not packed.
pub fn plain(kind: u8, payload: &[u8]) -> Vec<u8> {
    frame(kind, 1, 0, payload, payload.len())
}

/// An end frame.
pub fn end(frames: u64, events: u64) -> Vec<u8> {
    plain(
        9,
        &postcard::to_allocvec(&End { frames, events }).expect("encodes"),
    )
}

/// A file of these frames and an end frame that counts them.
pub fn file(frames: &[Vec<u8>], events: u64) -> Vec<u8> {
    let mut bytes = preamble(1, 0);
    bytes.extend(frames.concat());
    bytes.extend(end(frames.len() as u64, events));
    bytes
}

/// Where the frames of a whole file begin, and where it ends.
pub fn borders(bytes: &[u8]) -> Vec<usize> {
    let pieces = DumpReader::new(bytes)
        .expect("a dump")
        .map(|piece| match piece {
            Piece::Frame(offset, _) => offset,
            Piece::Loss(loss) => panic!("{loss:?}"),
        });
    pieces.chain([bytes.len()]).collect()
}
