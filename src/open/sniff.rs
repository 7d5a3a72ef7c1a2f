//! What a file is, by its first bytes, never by its name.

use dial9_format::{DumpReader, OpenError};

/// What the first bytes say.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Sniffed {
    /// A dump of our recorder, or its beginning.
    Dump,
    /// An upstream dial9 trace.
    Upstream,
    /// Something compressed with gzip, as upstream writes its traces.
    Gzip,
    /// A tokio-console recording.
    Console,
    /// Nothing that this program reads; what it looks like.
    Other(&'static str),
}

impl Sniffed {
    /// Whether it is a trace of upstream dial9, or compressed as those are.
    pub(super) fn is_trace(self) -> bool {
        matches!(self, Self::Upstream | Self::Gzip)
    }
}

/// The most bytes that [`sniff`] looks at.
pub(super) const LOOKED_AT: usize = 512;

/// Known beginnings of files that people name by mistake.
const OTHERS: [(&[u8], &str); 12] = [
    (b"\x89PNG\r\n\x1a\n", "a PNG image"),
    (b"\xff\xd8\xff", "a JPEG image"),
    (b"GIF8", "a GIF image"),
    (b"%PDF", "a PDF document"),
    (b"PK\x03\x04", "a zip archive"),
    (b"\x28\xb5\x2f\xfd", "a file compressed with zstd"),
    (b"\xfd7zXZ\0", "a file compressed with xz"),
    (b"BZh", "a file compressed with bzip2"),
    (b"\x7fELF", "a program"),
    (b"perf.data", "a recording of perf"),
    (b"PERFILE2", "a recording of perf"),
    (b"SQLite format 3\0", "a SQLite database"),
];

/// What the file that begins with `bytes` is; `bytes` is not empty.
pub(super) fn sniff(bytes: &[u8]) -> Sniffed {
    if !matches!(
        DumpReader::new(bytes),
        Err(OpenError::NotADump | OpenError::Empty)
    ) {
        return Sniffed::Dump;
    }
    if bytes.starts_with(b"TRC\0") {
        return Sniffed::Upstream;
    }
    if bytes.starts_with(b"\x1f\x8b") {
        return Sniffed::Gzip;
    }
    if is_console(bytes) {
        return Sniffed::Console;
    }
    if let Some((_, what)) = OTHERS
        .iter()
        .find(|(beginning, _)| bytes.starts_with(beginning))
    {
        return Sniffed::Other(what);
    }
    if is_text(bytes) {
        Sniffed::Other("text")
    } else {
        Sniffed::Other("binary data of an unknown kind")
    }
}

/// The first line is `{"v":1}`, give or take blanks and the version.
fn is_console(bytes: &[u8]) -> bool {
    let line = bytes
        .split(|byte| *byte == b'\n')
        .next()
        .unwrap_or_default();
    let line: Vec<u8> = line
        .iter()
        .copied()
        .filter(|byte| !byte.is_ascii_whitespace())
        .collect();
    let version = line
        .strip_prefix(b"{\"v\":")
        .and_then(|rest| rest.strip_suffix(b"}"));
    version.is_some_and(|version| !version.is_empty() && version.iter().all(u8::is_ascii_digit))
}

fn is_text(bytes: &[u8]) -> bool {
    // The last character may be cut.
    let valid = match std::str::from_utf8(bytes) {
        Ok(text) => text,
        Err(error) if error.error_len().is_none() => {
            std::str::from_utf8(&bytes[..error.valid_up_to()]).unwrap_or_default()
        }
        Err(_) => return false,
    };
    !valid.is_empty() && valid.chars().all(|c| !c.is_control() || c.is_whitespace())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn content_decides() {
        let dump = dial9_format::DumpWriter::new(Vec::new())
            .and_then(dial9_format::DumpWriter::finish)
            .unwrap();
        for bytes in 1..dump.len() {
            assert_eq!(sniff(&dump[..bytes]), Sniffed::Dump);
        }
        assert_eq!(sniff(b"TRC\0\x01rest"), Sniffed::Upstream);
        assert_eq!(sniff(b"\x1f\x8b\x08"), Sniffed::Gzip);
        assert_eq!(sniff(b"{\"v\":1}\n{\"Spawn\":{}}"), Sniffed::Console);
        assert_eq!(sniff(b"{ \"v\": 1 }"), Sniffed::Console);
        assert_eq!(sniff(b"{\"version\":1}"), Sniffed::Other("text"));
        assert_eq!(
            sniff(b"\x89PNG\r\n\x1a\n...."),
            Sniffed::Other("a PNG image")
        );
        assert_eq!(sniff("hello, wörld\n".as_bytes()), Sniffed::Other("text"));
        assert_eq!(
            sniff(&"ö".as_bytes()[..1]),
            Sniffed::Other("binary data of an unknown kind")
        );
        assert_eq!(
            sniff(b"\x00\x01\x02"),
            Sniffed::Other("binary data of an unknown kind")
        );
    }
}
