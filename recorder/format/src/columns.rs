//! Columns of numbers: varints, each split into its first byte and the rest.
//!
//! A first byte says much (how long the number is, or all of a small one) and repeats; the bytes behind
//! it are close to noise. Kept apart, an entropy coder packs them a tenth better than mixed.

/// The columns of numbers of an event chunk, in the order of the file.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(usize)]
pub(crate) enum Column {
    /// From the end of the interval before to the start of this poll, signed.
    PollGap,
    PollLength,
    /// From the end of the interval before to the start of this park, signed.
    ParkGap,
    ParkLength,
    /// From the event before to this wake, signed.
    WakeTime,
    /// From the event before to this event of another kind, signed.
    OtherTime,
    /// From the task before, signed.
    Task,
    /// From the woken task to the waking one, signed.
    Waker,
    /// From the wait before, signed.
    Wait,
    /// What spawns and waits tell beside: string ids, runtime, size, parent.
    Fact,
    /// The thread of each event, in a shared chunk.
    Thread,
}

/// How many there are.
pub(crate) const COLUMNS: usize = Column::Thread as usize + 1;
/// The strings of bytes that they take: heads and tails of each.
pub(crate) const STRINGS: usize = 2 * COLUMNS;

/// Zeros that stand behind the columns when they are read, so that eight bytes may always be loaded.
pub(crate) const SLACK: usize = 8;

/// Zigzag: 0, -1, 1, -2, ...
#[inline(always)]
fn zigzag(from: u64, to: u64) -> u64 {
    let delta = to.wrapping_sub(from) as i64;
    ((delta << 1) ^ (delta >> 63)) as u64
}

/// A column being written.
#[derive(Clone, Debug, Default)]
pub(crate) struct Numbers {
    pub(crate) heads: Vec<u8>,
    pub(crate) tails: Vec<u8>,
}

impl Numbers {
    /// Appends `value`, seven bits a byte, low bits first; the top bit says that more follow.
    #[inline]
    pub(crate) fn put(&mut self, mut value: u64) {
        if value < 0x80 {
            self.heads.push(value as u8);
            return;
        }
        self.heads.push(value as u8 | 0x80);
        value >>= 7;
        while value >= 0x80 {
            self.tails.push(value as u8 | 0x80);
            value >>= 7;
        }
        self.tails.push(value as u8);
    }

    /// Appends the difference from `from` to `to`.
    #[inline]
    pub(crate) fn put_delta(&mut self, from: u64, to: u64) {
        self.put(zigzag(from, to));
    }

    pub(crate) fn clear(&mut self) {
        self.heads.clear();
        self.tails.clear();
    }
}

/// A place in a string of bytes, and its end.
#[derive(Clone, Copy, Debug, Default)]
struct Place {
    at: usize,
    end: usize,
}

/// A column being read. The bytes are handed in, since all columns lie in one piece of memory with
/// [`SLACK`] behind it.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Cursor {
    head: Place,
    tail: Place,
}

impl Cursor {
    /// A column whose heads begin at `from` and whose tails follow them.
    pub(crate) fn new(from: usize, heads: usize, tails: usize) -> Self {
        let middle = from + heads;
        Self {
            head: Place {
                at: from,
                end: middle,
            },
            tail: Place {
                at: middle,
                end: middle + tails,
            },
        }
    }

    /// Where the column ends.
    pub(crate) fn end(&self) -> usize {
        self.tail.end
    }

    /// Whether every byte was read.
    pub(crate) fn is_used_up(&self) -> bool {
        self.head.at == self.head.end && self.tail.at == self.tail.end
    }

    /// The next integer; `None` at the end of the column, and for one that does not fit 64 bits.
    #[inline(always)]
    pub(crate) fn next(&mut self, bytes: &[u8]) -> Option<u64> {
        if self.head.at >= self.head.end {
            return None;
        }
        let head = u64::from(*bytes.get(self.head.at)?);
        self.head.at += 1;
        if head < 0x80 {
            return Some(head);
        }
        self.tail(bytes, head & 0x7F)
    }

    /// The rest of an integer whose low seven bits are `low`.
    #[inline(always)]
    fn tail(&mut self, bytes: &[u8], low: u64) -> Option<u64> {
        const TOPS: u64 = 0x8080_8080_8080_8080;
        let eight = bytes.get(self.tail.at..self.tail.at + SLACK)?;
        let word = u64::from_le_bytes([
            eight[0], eight[1], eight[2], eight[3], eight[4], eight[5], eight[6], eight[7],
        ]);
        let last = !word & TOPS;
        if last == 0 {
            return self.long_tail(bytes, low);
        }
        // How long it is nobody could predict, so there is no branch on it: all eight bytes are joined
        // two by two, and what lies behind the last one is masked off before.
        let bits = last.trailing_zeros() + 1;
        let sevens = word & (u64::MAX >> (64 - bits)) & !TOPS;
        let twos = sevens & 0x007F_007F_007F_007F | (sevens & 0x7F00_7F00_7F00_7F00) >> 1;
        let fours = twos & 0x0000_3FFF_0000_3FFF | (twos & 0x3FFF_0000_3FFF_0000) >> 2;
        let high = fours & 0x0FFF_FFFF | (fours & 0x0FFF_FFFF_0000_0000) >> 4;
        self.tail.at += bits as usize / 8;
        (self.tail.at <= self.tail.end).then_some(high << 7 | low)
    }

    #[cold]
    fn long_tail(&mut self, bytes: &[u8], low: u64) -> Option<u64> {
        let mut value = low;
        for shift in (7..70).step_by(7) {
            if self.tail.at >= self.tail.end {
                return None;
            }
            let byte = *bytes.get(self.tail.at)?;
            self.tail.at += 1;
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
    pub(crate) fn next_delta(&mut self, bytes: &[u8], from: u64) -> Option<u64> {
        let coded = self.next(bytes)?;
        let delta = ((coded >> 1) as i64) ^ -((coded & 1) as i64);
        Some(from.wrapping_add(delta as u64))
    }

    /// The next integer, if it fits 32 bits.
    #[inline]
    pub(crate) fn next_u32(&mut self, bytes: &[u8]) -> Option<u32> {
        u32::try_from(self.next(bytes)?).ok()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn laid_out(numbers: &Numbers) -> (Vec<u8>, Cursor) {
        let mut bytes = [numbers.heads.as_slice(), &numbers.tails].concat();
        let cursor = Cursor::new(0, numbers.heads.len(), numbers.tails.len());
        bytes.resize(bytes.len() + SLACK, 0);
        (bytes, cursor)
    }

    fn one(heads: &[u8], tails: &[u8]) -> Option<u64> {
        let numbers = Numbers {
            heads: heads.to_vec(),
            tails: tails.to_vec(),
        };
        let (bytes, mut cursor) = laid_out(&numbers);
        cursor.next(&bytes)
    }

    proptest! {
        #[test]
        fn integers_come_back(values in proptest::collection::vec(prop_oneof![0_u64..300, 0_u64..1 << 30, any::<u64>()], 0..50)) {
            let mut numbers = Numbers::default();
            let mut last = 0;
            for &value in &values {
                numbers.put(value);
                numbers.put_delta(last, value);
                last = value;
            }
            let (bytes, mut cursor) = laid_out(&numbers);
            let mut last = 0;
            for &value in &values {
                prop_assert_eq!(cursor.next(&bytes), Some(value));
                prop_assert_eq!(cursor.next_delta(&bytes, last), Some(value));
                last = value;
            }
            prop_assert!(cursor.is_used_up());
            prop_assert_eq!(cursor.next(&bytes), None);
        }
    }

    #[test]
    fn an_integer_beyond_64_bits_is_refused() {
        assert_eq!(one(&[0xFF], &[0xFF; 9]), None);
        let mut tail = [0xFF; 9];
        tail[8] = 2;
        assert_eq!(one(&[0xFF], &tail), None);
        tail[8] = 1;
        assert_eq!(one(&[0xFF], &tail), Some(u64::MAX));
    }

    #[test]
    fn an_integer_does_not_borrow_from_what_lies_behind_its_column() {
        let bytes = [0x80, 0x80, 0x80, 0x01, 0, 0, 0, 0, 0, 0, 0, 0, 0];
        for tails in 0..3 {
            assert_eq!(Cursor::new(0, 1, tails).next(&bytes), None, "{tails}");
        }
        assert_eq!(Cursor::new(0, 1, 3).next(&bytes), Some(1 << 21));
        assert_eq!(Cursor::new(0, 0, 3).next(&bytes), None);
    }
}
