//! Dumps after a recipe: frames of any content, with checksums that are right.

/// The first bytes of a dump of version 1.0, without their checksum.
const PREAMBLE: [u8; 12] = *b"DIAL9\r\n\x1a\x01\0\0\0";
/// Begins every frame.
const SYNC: [u8; 4] = [0xD9, 0xF7, 0x1E, 0x9C];

/// The frames that `recipe` tells, with a preamble before them. Each takes from the recipe:
///
/// - one byte: its kind in the low four bits, whether its payload is packed in the fifth, whether the
///   raw length follows in the sixth, whether it is of a later version in the seventh;
/// - two bytes, little endian: how long its payload is, at most;
/// - four bytes, little endian, if they follow: the raw length that it claims; else the payload's own;
/// - the payload.
#[must_use]
pub fn dump_of_frames(mut recipe: &[u8]) -> Vec<u8> {
    let mut dump = PREAMBLE.to_vec();
    dump.extend(crc32fast::hash(&PREAMBLE).to_le_bytes());
    while let Some(frame) = next_frame(&mut recipe) {
        dump.extend(frame);
    }
    dump
}

/// The recipe of a dump that is whole, as a seed: its frames with a payload of less than 64 KiB.
#[must_use]
pub fn recipe_of_dump(dump: &[u8]) -> Vec<u8> {
    let mut recipe = Vec::new();
    let mut rest = dump.get(PREAMBLE.len() + 4..).unwrap_or_default();
    while let Some((head, behind)) = rest.split_first_chunk::<20>() {
        let [
            _,
            _,
            _,
            _,
            kind,
            _,
            flags,
            _,
            p0,
            p1,
            p2,
            p3,
            r0,
            r1,
            r2,
            r3,
            ..,
        ] = *head;
        let length = u32::from_le_bytes([p0, p1, p2, p3]) as usize;
        let Some((payload, next)) = behind.split_at_checked(length) else {
            break;
        };
        if let Ok(length) = u16::try_from(length) {
            recipe.push(kind | (flags & 1) << 4 | 0x20);
            recipe.extend(length.to_le_bytes());
            recipe.extend([r0, r1, r2, r3]);
            recipe.extend(payload);
        }
        rest = next;
    }
    recipe
}

fn next_frame(recipe: &mut &[u8]) -> Option<Vec<u8>> {
    let [what] = take(recipe)?;
    let claimed = usize::from(u16::from_le_bytes(take(recipe)?));
    let raw = if what & 0x20 == 0 {
        None
    } else {
        Some(u32::from_le_bytes(take(recipe)?))
    };
    let (payload, rest) = recipe.split_at(claimed.min(recipe.len()));
    *recipe = rest;
    let length = payload.len() as u32;

    let mut frame = SYNC.to_vec();
    frame.push(what & 0x0F);
    frame.push(1 + (what >> 6 & 1));
    frame.extend(u16::from(what >> 4 & 1).to_le_bytes());
    frame.extend(length.to_le_bytes());
    frame.extend(raw.unwrap_or(length).to_le_bytes());
    let mut crc = crc32fast::Hasher::new();
    crc.update(&frame);
    crc.update(payload);
    frame.extend(crc.finalize().to_le_bytes());
    frame.extend(payload);
    Some(frame)
}

fn take<const N: usize>(recipe: &mut &[u8]) -> Option<[u8; N]> {
    let (bytes, rest) = recipe.split_first_chunk::<N>()?;
    *recipe = rest;
    Some(*bytes)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_dump_comes_back_from_its_recipe() {
        for dump in [
            include_bytes!("../../recorder/format/tests/golden/tiny.dial9").as_slice(),
            include_bytes!("../../recorder/format/tests/golden/v1.dial9"),
        ] {
            assert_eq!(dump_of_frames(&recipe_of_dump(dump)), dump);
        }
    }
}
