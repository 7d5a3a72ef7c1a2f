//! Writing a dump, frame by frame.

use std::io::{self, Write};

use serde::Serialize;

use crate::chunk::ChunkBuilder;
use crate::error::WriteError;
use crate::frame::{self, Kind};
use crate::records::{End, Header, Losses, Strings, Tasks, Workers};

/// Writes a dump to `W`, which should buffer little: a frame is written at once.
///
/// A header comes first; string ids are defined before they are used; [`DumpWriter::finish`] ends the
/// file, and one without it reads as truncated.
pub struct DumpWriter<W> {
    out: W,
    raw: Vec<u8>,
    compressed: Vec<u8>,
    frame: Vec<u8>,
    frames: u64,
    events: u64,
}

impl<W: Write> DumpWriter<W> {
    /// Writes the preamble.
    ///
    /// # Errors
    ///
    /// Those of `out`.
    pub fn new(mut out: W) -> io::Result<Self> {
        out.write_all(&frame::preamble())?;
        Ok(Self {
            out,
            raw: Vec::new(),
            compressed: Vec::new(),
            frame: Vec::new(),
            frames: 0,
            events: 0,
        })
    }

    /// Writes the header frame.
    ///
    /// # Errors
    ///
    /// Those of the writer below, and `InvalidData` for a record larger than
    /// [`crate::MAX_PAYLOAD`]; so for every other frame.
    pub fn header(&mut self, header: &Header) -> io::Result<()> {
        self.frame(Kind::Header, header)
    }

    /// Writes a run of strings.
    ///
    /// # Errors
    ///
    /// As [`DumpWriter::header`].
    pub fn strings(&mut self, strings: &Strings) -> io::Result<()> {
        self.frame(Kind::Strings, strings)
    }

    /// Writes a part of the history.
    ///
    /// # Errors
    ///
    /// As [`DumpWriter::header`].
    pub fn tasks(&mut self, tasks: &Tasks) -> io::Result<()> {
        self.frame(Kind::Tasks, tasks)
    }

    /// Writes runtimes, workers and threads.
    ///
    /// # Errors
    ///
    /// As [`DumpWriter::header`].
    pub fn workers(&mut self, workers: &Workers) -> io::Result<()> {
        self.frame(Kind::Workers, workers)
    }

    /// Writes an event chunk.
    ///
    /// # Errors
    ///
    /// As [`DumpWriter::header`].
    pub fn events(&mut self, chunk: &ChunkBuilder) -> io::Result<()> {
        self.events += chunk.len() as u64;
        self.frame(Kind::Events, &chunk.payload())
    }

    /// Writes what the recorder lost.
    ///
    /// # Errors
    ///
    /// As [`DumpWriter::header`].
    pub fn losses(&mut self, losses: &Losses) -> io::Result<()> {
        self.frame(Kind::Losses, losses)
    }

    /// Writes the end frame and gives the writer below back.
    ///
    /// # Errors
    ///
    /// As [`DumpWriter::header`].
    pub fn finish(mut self) -> io::Result<W> {
        let end = End {
            frames: self.frames,
            events: self.events,
        };
        self.frame(Kind::End, &end)?;
        Ok(self.out)
    }

    fn frame(&mut self, kind: Kind, record: &impl Serialize) -> io::Result<()> {
        self.raw.clear();
        self.raw =
            postcard::to_extend(record, std::mem::take(&mut self.raw)).map_err(WriteError::from)?;
        frame::build(kind, &self.raw, &mut self.compressed, &mut self.frame)?;
        self.out.write_all(&self.frame)?;
        self.frames += 1;
        Ok(())
    }
}
