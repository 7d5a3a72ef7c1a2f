//! The dial9 dump file: encoder and decoder, without tokio and without a terminal.
//!
//! A dump is a preamble and then frames, each with its own checksum, so that a damaged or truncated file
//! still gives up everything that is intact. `FORMAT.md` beside this crate specifies it byte by byte.
//!
//! ```
//! use dial9_format::{ChunkBuilder, ChunkInfo, DumpReader, DumpWriter, Event, Frame, Piece};
//!
//! # fn main() -> Result<(), Box<dyn std::error::Error>> {
//! let mut writer = DumpWriter::new(Vec::new())?;
//! let mut chunk = ChunkBuilder::new(ChunkInfo::default());
//! chunk.push(0, &Event::Terminate { at: 17, task: 4 });
//! writer.events(&chunk)?;
//! let bytes = writer.finish()?;
//!
//! let mut seen = Vec::new();
//! for piece in DumpReader::new(&bytes)? {
//!     match piece {
//!         Piece::Frame(_, Frame::Events(chunk)) => {
//!             for event in chunk.events() {
//!                 seen.push(event?);
//!             }
//!         }
//!         Piece::Frame(..) => {}
//!         Piece::Loss(loss) => panic!("{loss:?}"),
//!     }
//! }
//! assert_eq!(seen, [(0, Event::Terminate { at: 17, task: 4 })]);
//! # Ok(())
//! # }
//! ```

mod chunk;
mod columns;
mod error;
mod event;
mod events;
mod frame;
mod pack;
mod reader;
mod records;
mod writer;

pub use chunk::{ChunkBuilder, ChunkInfo};
pub use error::{ChunkError, OpenError, ReadLoss, ReadLossKind};
pub use event::*;
pub use events::{EventChunk, Events, VisitEvents};
pub use frame::{MAX_PAYLOAD, VERSION};
pub use pack::Unpacker;
pub use reader::{DumpReader, Frame, Piece};
pub use records::*;
pub use writer::DumpWriter;
