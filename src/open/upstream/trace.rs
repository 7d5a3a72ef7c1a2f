//! One file of a trace: what it is, and a reader of its decompressed bytes.

use std::io::{self, Read};

use flate2::read::MultiGzDecoder;

use super::super::{
    OpenError, Progress,
    source::{Counted, Source},
};

/// How a trace begins.
const MAGIC: &[u8] = b"TRC\0";
/// How a compressed file does.
const GZIP: &[u8] = b"\x1f\x8b";
/// The version of the trace format that this program reads.
const VERSION: u8 = 1;

/// Traces shrink to a third or a tenth. What grows further than this is no trace.
const MOST_GROWTH: u64 = 50;
/// Small files may grow to this whatever their size: they are no danger.
const ALWAYS: u64 = 64 << 20;
/// The most bytes of one file after decompression.
const CAP: u64 = 16 << 30;

/// One file of a trace, compressed or not.
#[derive(Debug)]
pub(super) struct TraceFile {
    /// Its path, safe to print.
    pub(super) name: String,
    source: Source,
    packed: bool,
}

/// Whether what is compressed here begins as a trace does.
pub(in crate::open) fn holds_trace(packed: &[u8]) -> bool {
    let mut bytes = Vec::new();
    // What cannot be decompressed shows nothing, and nothing is no trace.
    let _ = MultiGzDecoder::new(packed).take(64).read_to_end(&mut bytes);
    bytes.starts_with(MAGIC)
}

impl TraceFile {
    /// The trace that `source` holds.
    pub(super) fn new(name: String, source: Source) -> Result<Self, OpenError> {
        let packed = match source.beginning(GZIP.len()) {
            Ok(beginning) => beginning == GZIP,
            Err(error) => return Err(OpenError::Io { path: name, error }),
        };
        let file = Self {
            name,
            source,
            packed,
        };
        let mut beginning = Vec::new();
        // What cannot be decompressed so far is none.
        let _ = file
            .reader()
            .take(MAGIC.len() as u64 + 1)
            .read_to_end(&mut beginning);
        let path = || file.name.clone();
        if packed && !beginning.starts_with(MAGIC) {
            return Err(OpenError::NotARecording {
                path: path(),
                looks_like: "compressed with gzip and holds no dial9 trace".to_owned(),
            });
        }
        match beginning.get(MAGIC.len()) {
            Some(&VERSION) => Ok(file),
            version => Err(OpenError::Unreadable {
                path: path(),
                first: version.map_or_else(
                    || "it ends within its header".to_owned(),
                    |version| {
                        format!("its trace format is {version}, and this program reads {VERSION}")
                    },
                ),
            }),
        }
    }

    /// Its length as it lies on the disk.
    pub(super) fn len(&self) -> u64 {
        self.source.len()
    }

    /// How many bytes it holds decompressed, where that is known beforehand.
    pub(super) fn holds(&self) -> Option<u64> {
        (!self.packed).then(|| self.len())
    }

    /// The most bytes that are read of it: a bomb cannot pass.
    pub(super) fn cap(&self) -> u64 {
        if self.packed {
            self.len().saturating_mul(MOST_GROWTH).clamp(ALWAYS, CAP)
        } else {
            CAP
        }
    }

    /// Its decompressed bytes, from the first on.
    pub(super) fn reader(&self) -> Box<dyn Read + Send> {
        let reader = self.source.reader();
        if self.packed {
            Box::new(MultiGzDecoder::new(reader))
        } else {
            Box::new(reader)
        }
    }

    /// The same, telling how much of the file was read.
    pub(super) fn counted<'p>(&self, progress: &'p Progress) -> Box<dyn Read + Send + 'p> {
        let reader = Counted {
            reader: self.source.reader(),
            progress,
        };
        if self.packed {
            Box::new(MultiGzDecoder::new(reader))
        } else {
            Box::new(reader)
        }
    }

    /// Its decompressed bytes from `from` on.
    pub(super) fn reader_from(&self, from: usize) -> io::Result<Box<dyn Read + Send>> {
        if self.packed {
            let mut reader = self.reader();
            io::copy(&mut reader.by_ref().take(from as u64), &mut io::sink())?;
            Ok(reader)
        } else {
            let mut reader = self.source.reader();
            reader.skip(from as u64);
            Ok(Box::new(reader))
        }
    }
}
