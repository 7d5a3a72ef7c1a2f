//! Variable-length integers of the event columns: LEB128, and zigzag for what may be negative.

/// Appends `value`, seven bits a byte, low bits first; the top bit says that more follow.
#[inline]
pub(crate) fn put(out: &mut Vec<u8>, mut value: u64) {
    while value >= 0x80 {
        out.push(value as u8 | 0x80);
        value >>= 7;
    }
    out.push(value as u8);
}

/// Appends the difference from `from` to `to`, as zigzag: 0, -1, 1, -2, ...
#[inline]
pub(crate) fn put_delta(out: &mut Vec<u8>, from: u64, to: u64) {
    let delta = to.wrapping_sub(from) as i64;
    put(out, ((delta << 1) ^ (delta >> 63)) as u64);
}

/// Reads a column.
#[derive(Clone, Debug)]
pub(crate) struct Column<'a> {
    bytes: &'a [u8],
    at: usize,
}

impl<'a> Column<'a> {
    pub(crate) fn new(bytes: &'a [u8]) -> Self {
        Self { bytes, at: 0 }
    }

    #[cfg(test)]
    pub(crate) fn is_empty(&self) -> bool {
        self.at >= self.bytes.len()
    }

    /// The next integer; `None` at the end of the column, and for one that does not fit 64 bits.
    #[inline(always)]
    pub(crate) fn next(&mut self) -> Option<u64> {
        // Most integers take one to three bytes, so eight at once hold nearly all of them.
        if let Some(eight) = self.bytes.get(self.at..self.at + 8) {
            let word = u64::from_le_bytes([
                eight[0], eight[1], eight[2], eight[3], eight[4], eight[5], eight[6], eight[7],
            ]);
            if word & 0x80 == 0 {
                self.at += 1;
                return Some(word & 0x7F);
            }
            if word & 0x8000 == 0 {
                self.at += 2;
                return Some((word & 0x7F) | (word >> 1 & 0x3F80));
            }
            if word & 0x80_0000 == 0 {
                self.at += 3;
                return Some((word & 0x7F) | (word >> 1 & 0x3F80) | (word >> 2 & 0x1F_C000));
            }
        }
        self.next_slow()
    }

    #[cold]
    fn next_slow(&mut self) -> Option<u64> {
        let mut value = 0_u64;
        for shift in (0..70).step_by(7) {
            let byte = *self.bytes.get(self.at)?;
            self.at += 1;
            let bits = u64::from(byte & 0x7F);
            if shift == 63 && bits > 1 {
                return None;
            }
            value |= bits << shift;
            if byte & 0x80 == 0 {
                return Some(value);
            }
        }
        None
    }

    /// The next difference, applied to `from`.
    #[inline(always)]
    pub(crate) fn next_delta(&mut self, from: u64) -> Option<u64> {
        let coded = self.next()?;
        let delta = ((coded >> 1) as i64) ^ -((coded & 1) as i64);
        Some(from.wrapping_add(delta as u64))
    }

    /// The next integer, if it fits 32 bits.
    #[inline]
    pub(crate) fn next_u32(&mut self) -> Option<u32> {
        u32::try_from(self.next()?).ok()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn integers_come_back(values in proptest::collection::vec(prop_oneof![0_u64..300, any::<u64>()], 0..50)) {
            let mut bytes = Vec::new();
            let mut last = 0;
            for &value in &values {
                put(&mut bytes, value);
                put_delta(&mut bytes, last, value);
                last = value;
            }
            let mut column = Column::new(&bytes);
            let mut last = 0;
            for &value in &values {
                prop_assert_eq!(column.next(), Some(value));
                prop_assert_eq!(column.next_delta(last), Some(value));
                last = value;
            }
            prop_assert!(column.is_empty());
            prop_assert_eq!(column.next(), None);
        }
    }

    #[test]
    fn an_integer_beyond_64_bits_is_refused() {
        assert_eq!(Column::new(&[0xFF; 10]).next(), None);
        assert_eq!(
            Column::new(&[0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0x02]).next(),
            None
        );
        assert_eq!(
            Column::new(&[0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0x01]).next(),
            Some(u64::MAX)
        );
    }
}
