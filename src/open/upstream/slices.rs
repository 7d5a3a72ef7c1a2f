//! A trace cut into pieces that can be decoded independently.
//!
//! A trace is a concatenation of batches, each with a header and schemas of its own. Nothing but the header marks where a
//! batch begins, so every place that looks like one is a *candidate*; [`super::walk`] finds out which are real.

/// How a batch of the version that this program reads begins.
const HEADER: &[u8; 5] = b"TRC\0\x01";
/// Bytes of consecutive batches that are decoded together, so that many tiny ones cost no more than a large one.
const UNIT_BYTES: usize = 512 << 10;

/// One file of a trace, decompressed.
pub(super) struct TraceFile {
    /// Its path, safe to print.
    pub(super) name: String,
    pub(super) bytes: Vec<u8>,
    /// Where batches may begin, ascending.
    pub(super) candidates: Vec<usize>,
}

/// Consecutive candidates of one file.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Unit {
    pub(super) file: usize,
    /// The first byte.
    pub(super) from: usize,
    /// The byte behind the last.
    pub(super) to: usize,
}

impl TraceFile {
    pub(super) fn new(name: String, bytes: Vec<u8>) -> Self {
        let candidates = candidates(&bytes);
        Self {
            name,
            bytes,
            candidates,
        }
    }

    /// The first candidate at or behind `at`; the end of the file where there is none.
    pub(super) fn candidate_from(&self, at: usize) -> usize {
        let next = self.candidates.partition_point(|candidate| *candidate < at);
        self.candidates
            .get(next)
            .copied()
            .unwrap_or(self.bytes.len())
    }
}

fn candidates(bytes: &[u8]) -> Vec<usize> {
    let mut found = Vec::new();
    let mut from = 0;
    // The zero is rarer in traces than letters and small numbers, but not rare enough to look for it alone.
    while let Some(place) = bytes[from..].iter().position(|byte| *byte == HEADER[0]) {
        let at = from + place;
        if bytes[at..].starts_with(HEADER) {
            found.push(at);
            from = at + HEADER.len();
        } else {
            from = at + 1;
        }
    }
    found
}

/// Cuts the files into units of work.
pub(super) fn units(files: &[TraceFile]) -> Vec<Unit> {
    let mut units = Vec::new();
    for (file, trace) in files.iter().enumerate() {
        let mut from = None;
        for &candidate in &trace.candidates {
            match from {
                None => from = Some(candidate),
                Some(begun) if candidate - begun >= UNIT_BYTES => {
                    units.push(Unit {
                        file,
                        from: begun,
                        to: candidate,
                    });
                    from = Some(candidate);
                }
                Some(_) => {}
            }
        }
        if let Some(from) = from {
            let to = trace.bytes.len();
            units.push(Unit { file, from, to });
        }
    }
    units
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn units_cover_every_byte_from_the_first_header_on() {
        let mut bytes = Vec::new();
        for size in [10usize, 600 << 10, 0, 0, 100, 700 << 10, 3] {
            bytes.extend_from_slice(HEADER);
            bytes.extend(std::iter::repeat_n(b'T', size));
        }
        let len = bytes.len();
        let file = TraceFile::new("a".to_owned(), bytes);
        assert_eq!(file.candidates.len(), 7);
        let units = units(std::slice::from_ref(&file));
        assert!(units.len() > 1);
        assert_eq!(units[0].from, 0);
        assert_eq!(units[units.len() - 1].to, len);
        assert!(units.windows(2).all(|pair| pair[0].to == pair[1].from));
        assert_eq!(file.candidate_from(1), 15);
        assert_eq!(file.candidate_from(len - 1), len);
    }
}
