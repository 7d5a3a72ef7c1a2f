//! Packing: one zstd frame, its blocks cut where the writer says that other data begins.

use std::fmt;

use zstd_safe::{CCtx, CParameter, DCtx, InBuffer, OutBuffer, ResetDirective, zstd_sys};

/// The fastest level: the numbers are near their entropy by the time they get here, and the levels above
/// find next to nothing more.
const LEVEL: i32 = 1;
/// Below this a block of its own costs more than it saves.
const LEAST_BLOCK: usize = 48;

/// Packs, with memory that is kept from one time to the next.
#[derive(Default)]
pub(crate) struct Packer {
    context: Option<CCtx<'static>>,
    out: Vec<u8>,
}

impl Packer {
    /// Packs `raw`, each of its pieces, which end at `cuts`, in blocks of its own: a block has its own
    /// code table, and what one column's bytes look like says nothing of the next. `None` where that
    /// fails, or makes nothing smaller.
    pub(crate) fn pack(&mut self, raw: &[u8], cuts: &[usize]) -> Option<&[u8]> {
        if self.context.is_none() {
            let mut context = CCtx::try_create()?;
            context
                .set_parameter(CParameter::CompressionLevel(LEVEL))
                .ok()?;
            self.context = Some(context);
        }
        let context = self.context.as_mut()?;
        context.reset(ResetDirective::SessionOnly).ok()?;
        context.set_pledged_src_size(Some(raw.len() as u64)).ok()?;
        self.out.clear();
        // What does not fit into the raw size is of no use.
        self.out.resize(raw.len(), 0);
        let mut out = OutBuffer::around(self.out.as_mut_slice());
        let mut from = 0;
        for &cut in cuts {
            if cut - from >= LEAST_BLOCK && raw.len() - cut >= LEAST_BLOCK {
                let directive = zstd_sys::ZSTD_EndDirective::ZSTD_e_flush;
                step(context, &mut out, raw.get(from..cut)?, directive)?;
                from = cut;
            }
        }
        let directive = zstd_sys::ZSTD_EndDirective::ZSTD_e_end;
        step(context, &mut out, &raw[from..], directive)?;
        let length = out.pos();
        (length < raw.len()).then(|| &self.out[..length])
    }
}

/// Compresses all of `piece`; `None` when `out` is full.
fn step(
    context: &mut CCtx<'static>,
    out: &mut OutBuffer<'_, [u8]>,
    piece: &[u8],
    directive: zstd_sys::ZSTD_EndDirective,
) -> Option<()> {
    let mut input = InBuffer::around(piece);
    loop {
        let left = context.compress_stream2(out, &mut input, directive).ok()?;
        if left == 0 && input.pos() == piece.len() {
            return Some(());
        }
        if out.pos() == out.capacity() {
            return None;
        }
    }
}

/// Unpacks, with memory that is kept from one time to the next: making it anew costs about as much as
/// unpacking a chunk of events.
#[derive(Default)]
pub struct Unpacker {
    context: Option<DCtx<'static>>,
    kept: Vec<u8>,
}

impl Unpacker {
    /// Exactly `length` bytes, with `slack` zeros behind them; `None` when `packed` is not that.
    pub(crate) fn unpack(&mut self, packed: &[u8], length: usize, slack: usize) -> Option<Vec<u8>> {
        // A frame says how much it holds, so a false claim costs no memory.
        if zstd_safe::get_frame_content_size(packed).ok()? != Some(length as u64) {
            return None;
        }
        if self.context.is_none() {
            self.context = Some(DCtx::try_create()?);
        }
        let context = self.context.as_mut()?;
        let mut raw = std::mem::take(&mut self.kept);
        // What was there before is overwritten.
        raw.resize(length + slack, 0);
        raw[length..].fill(0);
        match context.decompress(&mut raw[..length], packed) {
            Ok(unpacked) if unpacked == length => Some(raw),
            _ => {
                self.kept = raw;
                None
            }
        }
    }

    /// A copy of `bytes` with `slack` zeros behind them.
    pub(crate) fn copy(&mut self, bytes: &[u8], slack: usize) -> Vec<u8> {
        let mut raw = std::mem::take(&mut self.kept);
        raw.clear();
        raw.reserve(bytes.len() + slack);
        raw.extend_from_slice(bytes);
        raw.resize(bytes.len() + slack, 0);
        raw
    }

    /// Takes memory back that it gave.
    pub(crate) fn keep(&mut self, raw: Vec<u8>) {
        self.kept = raw;
    }
}

impl fmt::Debug for Unpacker {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Unpacker")
            .field("kept", &self.kept.capacity())
            .finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_was_packed_comes_back_wherever_it_was_cut() {
        let raw: Vec<u8> = (0..20_000_u32)
            .map(|i| (i.wrapping_mul(2_654_435_761) >> 28) as u8 + u8::from(i > 9_000) * 100)
            .collect();
        let mut packer = Packer::default();
        for cuts in [&[][..], &[9_000], &[0, 1, 9_000, 19_999, 20_000]] {
            let packed = packer.pack(&raw, cuts).expect("packs").to_vec();
            let mut unpacker = Unpacker::default();
            // What an earlier use left behind must not show.
            unpacker.keep(vec![7; raw.len() * 2]);
            assert_eq!(unpacker.unpack(&packed, raw.len(), 0).as_ref(), Some(&raw));
            assert_eq!(unpacker.unpack(&packed, raw.len() + 1, 0), None);
            let short = &packed[..packed.len() - 1];
            assert_eq!(unpacker.unpack(short, raw.len(), 0), None);
            let mut slack = unpacker.unpack(&packed, raw.len(), 8).expect("unpacks");
            assert_eq!(slack.split_off(raw.len()), [0; 8]);
            unpacker.keep(vec![7; 40]);
            assert_eq!(unpacker.copy(b"abc", 2), *b"abc\0\0");
        }
    }

    #[test]
    fn what_does_not_become_smaller_is_left_as_it_is() {
        assert_eq!(Packer::default().pack(&[], &[]), None);
        assert_eq!(Packer::default().pack(b"abc", &[1, 3]), None);
    }
}
