//! Bytes to lines, a block at a time: however large the file, no more than one block of it is in memory.

use std::io::{self, ErrorKind, Read};

/// Bytes of a block, and so of the longest line that is read. Spawns have some hundred bytes, few have thousands.
pub(super) const BLOCK: usize = 1 << 20;

/// Reads blocks; the caller takes lines from the front.
pub(super) struct Lines<R> {
    reader: R,
    block: Vec<u8>,
    /// Where the bytes that were not taken yet begin, and where they end.
    from: usize,
    to: usize,
    /// Bytes taken so far.
    offset: u64,
    /// Lines taken so far.
    taken: u64,
    at_end: bool,
    skips: bool,
}

impl<R: Read> Lines<R> {
    /// Reads from `reader`, in blocks of `size` bytes.
    pub(super) fn new(reader: R, size: usize) -> Self {
        Self {
            reader,
            block: vec![0; size.max(1)],
            from: 0,
            to: 0,
            offset: 0,
            taken: 0,
            at_end: false,
            skips: false,
        }
    }

    /// Reads on. Returns how many bytes came: 0 at the end of the file, or while the block is full.
    pub(super) fn fill(&mut self) -> io::Result<usize> {
        if self.from > 0 {
            self.block.copy_within(self.from..self.to, 0);
            (self.from, self.to) = (0, self.to - self.from);
        }
        if self.at_end || self.to == self.block.len() {
            return Ok(0);
        }
        loop {
            match self.reader.read(&mut self.block[self.to..]) {
                Ok(0) => {
                    self.at_end = true;
                    return Ok(0);
                }
                Ok(bytes) => {
                    self.to += bytes;
                    return Ok(bytes);
                }
                Err(error) if error.kind() == ErrorKind::Interrupted => {}
                Err(error) => return Err(error),
            }
        }
    }

    /// The bytes that were read and not taken.
    pub(super) fn rest(&self) -> &[u8] {
        &self.block[self.from..self.to]
    }

    /// Whether they are all that is left of the file.
    pub(super) fn at_end(&self) -> bool {
        self.at_end
    }

    /// Whether no more can be read before some are taken.
    pub(super) fn is_full(&self) -> bool {
        self.to - self.from == self.block.len()
    }

    /// Takes one line, or the piece of one, of that many bytes.
    pub(super) fn take(&mut self, bytes: usize, ends_line: bool) {
        let bytes = bytes.min(self.to - self.from);
        self.from += bytes;
        self.offset += bytes as u64;
        self.taken += u64::from(ends_line);
    }

    /// Gives up the line that comes next, whatever its length.
    pub(super) fn skip_line(&mut self) {
        self.skips = true;
        self.go_on_skipping();
    }

    /// Takes what was read of a line that was given up.
    pub(super) fn go_on_skipping(&mut self) {
        if !self.skips {
            return;
        }
        let rest = self.rest();
        match rest.iter().position(|byte| *byte == b'\n') {
            Some(end) => {
                self.skips = false;
                self.take(end + 1, true);
            }
            None => self.take(rest.len(), false),
        }
    }

    /// The line that comes next, counted from 1, and where in the file it begins.
    pub(super) fn place(&self) -> Place {
        Place {
            line: self.taken + 1,
            byte: self.offset,
        }
    }
}

/// A place in the file.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Place {
    /// Counted from 1.
    pub(super) line: u64,
    /// Counted from 0.
    pub(super) byte: u64,
}

impl std::fmt::Display for Place {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "line {} at byte {}", self.line, self.byte)
    }
}
