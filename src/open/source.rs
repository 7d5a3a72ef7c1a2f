//! The bytes of one input, readable from any place and by several threads: a file stays where it is, and what cannot be
//! read twice (a pipe, standard input) is in memory.

use std::{
    fs::File,
    io::{self, Read},
    os::unix::fs::FileExt as _,
    sync::Arc,
};

use super::Progress;

/// Where the bytes of an input are.
#[derive(Clone, Debug)]
pub(super) enum Source {
    /// A file, and its length when it was opened: one that is still written may have grown since.
    File(Arc<File>, u64),
    /// Memory.
    Bytes(Arc<Vec<u8>>),
}

impl Source {
    /// How many bytes there are.
    pub(super) fn len(&self) -> u64 {
        match self {
            Self::File(_, len) => *len,
            Self::Bytes(bytes) => bytes.len() as u64,
        }
    }

    /// The first bytes, `most` of them if there are as many.
    pub(super) fn beginning(&self, most: usize) -> io::Result<Vec<u8>> {
        let mut bytes = Vec::new();
        self.reader().take(most as u64).read_to_end(&mut bytes)?;
        Ok(bytes)
    }

    /// A reader of its own, from the first byte on.
    pub(super) fn reader(&self) -> SourceReader {
        SourceReader {
            source: self.clone(),
            at: 0,
        }
    }
}

/// Reads a [`Source`] in order. Others may read it at the same time.
#[derive(Debug)]
pub(super) struct SourceReader {
    source: Source,
    at: u64,
}

impl SourceReader {
    /// Goes on behind the next `bytes` bytes.
    pub(super) fn skip(&mut self, bytes: u64) {
        self.at = self.at.saturating_add(bytes);
    }
}

impl Read for SourceReader {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let read = match &self.source {
            Source::File(file, len) => {
                let room = usize::try_from(len.saturating_sub(self.at)).unwrap_or(usize::MAX);
                let most = buffer.len().min(room);
                file.read_at(&mut buffer[..most], self.at)?
            }
            Source::Bytes(bytes) => {
                let at = usize::try_from(self.at).unwrap_or(usize::MAX);
                bytes.get(at..).unwrap_or_default().read(buffer)?
            }
        };
        self.at += read as u64;
        Ok(read)
    }
}

/// A reader that tells how far it has come.
pub(super) struct Counted<'p, R> {
    pub(super) reader: R,
    pub(super) progress: &'p Progress,
}

impl<R: Read> Read for Counted<'_, R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let read = self.reader.read(buffer)?;
        self.progress.advance(read as u64);
        Ok(read)
    }
}

#[cfg(test)]
mod tests {
    use std::io::Write as _;

    use super::*;

    #[test]
    fn readers_of_one_file_do_not_move_each_other() {
        let mut file = tempfile::tempfile().unwrap();
        file.write_all(b"0123456789").unwrap();
        let bytes = Source::Bytes(Arc::new(b"01234567".to_vec()));
        // The last two bytes came after it was opened.
        for source in [Source::File(Arc::new(file), 8), bytes] {
            let (mut one, mut two) = (source.reader(), source.reader());
            two.skip(3);
            let mut text = String::new();
            one.by_ref().take(4).read_to_string(&mut text).unwrap();
            two.read_to_string(&mut text).unwrap();
            one.read_to_string(&mut text).unwrap();
            assert_eq!(text, "0123345674567");
            assert_eq!(source.beginning(2).unwrap(), b"01");
            assert_eq!(source.len(), 8);
        }
    }
}
