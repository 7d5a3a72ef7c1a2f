//! Writing a dump, frame by frame.

use std::io::{self, Write};

use serde::Serialize;

use crate::chunk::ChunkBuilder;
use crate::error::WriteError;
use crate::frame::{self, FLAG_ZSTD, Kind, MAX_PAYLOAD};
use crate::pack::Packer;
use crate::records::{End, Header, Losses, Strings, Tasks, Workers};

/// Writes a dump to `W`, which should buffer little: a frame is written at once.
///
/// A header comes first; string ids are defined before they are used; [`DumpWriter::finish`] ends the
/// file, and one without it reads as truncated.
pub struct DumpWriter<W> {
    out: W,
    packer: Packer,
    raw: Vec<u8>,
    /// The payload of an event chunk.
    payload: Vec<u8>,
    cuts: Vec<usize>,
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
            packer: Packer::default(),
            raw: Vec::new(),
            payload: Vec::new(),
            cuts: Vec::new(),
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
        self.raw.clear();
        self.cuts.clear();
        chunk.lay_out(&mut self.raw, &mut self.cuts);
        // Only the columns are packed, so that a reader knows what a chunk holds before it unpacks it.
        let packed = self.packer.pack(&self.raw, &self.cuts);
        let record = chunk.payload(packed.unwrap_or(&self.raw), packed.is_some());
        self.payload.clear();
        self.payload = postcard::to_extend(&record, std::mem::take(&mut self.payload))
            .map_err(WriteError::from)?;
        if self.raw.len() > MAX_PAYLOAD {
            let bytes = self.raw.len();
            return Err(WriteError::TooLarge { bytes }.into());
        }
        frame::build(
            Kind::Events,
            0,
            &self.payload,
            self.payload.len(),
            &mut self.frame,
        )?;
        self.write()?;
        self.events += chunk.len() as u64;
        Ok(())
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
        let (flags, payload) = match self.packer.pack(&self.raw, &[]) {
            Some(packed) => (FLAG_ZSTD, packed),
            None => (0, self.raw.as_slice()),
        };
        frame::build(kind, flags, payload, self.raw.len(), &mut self.frame)?;
        self.write()
    }

    fn write(&mut self) -> io::Result<()> {
        self.out.write_all(&self.frame)?;
        self.frames += 1;
        Ok(())
    }
}
