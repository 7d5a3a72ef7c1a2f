//! Frames whose checksums are right and whose contents lie.

mod common;

use common::{ZSTD, contents, file, frame, plain, read, write};
use dial9_format::{
    ChunkInfo, Event, LossKind, LossRow, Losses, MAX_PAYLOAD, ReadLossKind, Strings, TaskRow, Tasks,
};
use serde::Serialize;

const STRINGS: u8 = 2;
const TASKS: u8 = 3;
const EVENTS: u8 = 6;
const LOSSES: u8 = 8;

/// The payload of an event chunk, field by field, as `FORMAT.md` has it.
#[derive(Clone, Debug, Serialize)]
struct Payload {
    stream: u32,
    shared: bool,
    runtime: Option<u32>,
    worker: Option<u32>,
    first_seq: u64,
    folded: u64,
    count: u64,
    first_time: u64,
    min_time: u64,
    max_time: u64,
    lengths: [u32; 22],
    packed: bool,
    columns: Vec<u8>,
}

/// Two terminates, at 100 and 110, of the tasks 5 and 4.
fn two() -> Payload {
    let mut lengths = [0; 22];
    lengths[10] = 2; // other times
    lengths[12] = 2; // tasks
    Payload {
        stream: 7,
        shared: false,
        runtime: None,
        worker: None,
        first_seq: 0,
        folded: 0,
        count: 2,
        first_time: 100,
        min_time: 100,
        max_time: 110,
        lengths,
        packed: false,
        columns: vec![3, 3, 0, 20, 10, 1],
    }
}

fn encoded(payload: &Payload) -> Vec<u8> {
    plain(EVENTS, &postcard::to_allocvec(payload).expect("encodes"))
}

/// How many events came out before the first error, and how many errors of either kind there were.
fn outcome(payload: &Payload) -> (usize, usize, usize) {
    let reading = read(&file(&[encoded(payload)], payload.count)).expect("a dump");
    assert!(
        reading
            .losses
            .iter()
            .all(|loss| loss.kind == ReadLossKind::Malformed)
    );
    (
        reading.events(),
        reading.broken_chunks,
        reading.losses.len(),
    )
}

fn changed(change: impl FnOnce(&mut Payload)) -> (usize, usize, usize) {
    let mut payload = two();
    change(&mut payload);
    outcome(&payload)
}

const WHOLE: (usize, usize, usize) = (2, 0, 0);
const REFUSED: (usize, usize, usize) = (0, 0, 1);

/// All of the columns of `payload`, with the given ones instead.
fn with(payload: &mut Payload, column: usize, heads: &[u8], tails: &[u8]) {
    let mut strings = Vec::new();
    let mut from = payload.count as usize;
    for &length in &payload.lengths {
        strings.push(payload.columns[from..from + length as usize].to_vec());
        from += length as usize;
    }
    strings[2 * column] = heads.to_vec();
    strings[2 * column + 1] = tails.to_vec();
    payload.columns.truncate(payload.count as usize);
    for (length, string) in payload.lengths.iter_mut().zip(&strings) {
        *length = string.len() as u32;
        payload.columns.extend(string);
    }
}

#[test]
fn the_honest_chunk_is_read() {
    assert_eq!(outcome(&two()), WHOLE);
}

#[test]
fn a_head_that_contradicts_itself_is_refused() {
    assert_eq!(changed(|p| p.count = 3), REFUSED);
    assert_eq!(changed(|p| p.count = 1), REFUSED);
    assert_eq!(changed(|p| p.count = u64::MAX), REFUSED);
    assert_eq!(changed(|p| p.folded = 3), REFUSED);
    assert_eq!(changed(|p| p.folded = u64::MAX), REFUSED);
    assert_eq!(changed(|p| p.first_seq = u64::MAX - 1), REFUSED);
    assert_eq!(changed(|p| p.first_seq = u64::MAX - 2), WHOLE);
    assert_eq!(changed(|p| p.columns.push(0)), REFUSED);
    assert_eq!(changed(|p| p.columns.truncate(5)), REFUSED);
    assert_eq!(changed(|p| p.lengths = [u32::MAX; 22]), REFUSED);
    assert_eq!(
        changed(|p| with(p, 10, &[1, 1], &[])),
        REFUSED,
        "threads in a private chunk"
    );
}

#[test]
fn columns_that_are_too_short_or_too_long_break_the_chunk_off() {
    const OTHER: usize = 5;
    const TASK: usize = 6;
    assert_eq!(changed(|p| with(p, TASK, &[10], &[])), (1, 1, 0));
    assert_eq!(changed(|p| with(p, TASK, &[], &[])), (0, 1, 0));
    assert_eq!(changed(|p| with(p, TASK, &[10, 0x80], &[])), (1, 1, 0));
    assert_eq!(changed(|p| with(p, TASK, &[10, 0x80], &[0x80])), (1, 1, 0));
    assert_eq!(
        changed(|p| with(p, TASK, &[10, 1], &[1])),
        (2, 1, 0),
        "leftover tail"
    );
    assert_eq!(
        changed(|p| with(p, TASK, &[10, 1, 0], &[])),
        (2, 1, 0),
        "leftover head"
    );
    assert_eq!(
        changed(|p| with(p, 0, &[0], &[])),
        (2, 1, 0),
        "leftover column"
    );
    assert_eq!(
        changed(|p| with(p, OTHER, &[0x80, 0], &[0xFF; 9])),
        (0, 1, 0),
        "over 64 bits"
    );
    let most = [0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0x01];
    assert_eq!(
        changed(|p| with(p, TASK, &[10, 0xFF], &most)),
        WHOLE,
        "64 bits"
    );
}

#[test]
fn kinds_with_details_that_do_not_exist_break_the_chunk_off() {
    for (kind, most) in [
        (0, 4),
        (1, 3),
        (2, 5),
        (3, 0),
        (4, 0),
        (5, 0),
        (6, 1),
        (7, 0),
    ] {
        for detail in 0..32_u8 {
            let mut payload = two();
            // Enough of everything.
            for column in 0..10 {
                with(&mut payload, column, &[1; 20], &[]);
            }
            payload.columns[0] = detail << 3 | kind;
            let (events, broken, losses) = outcome(&payload);
            assert_eq!(
                (broken, losses),
                (1, 0),
                "too much is left over, at the least"
            );
            assert_eq!(events > 0, detail <= most, "kind {kind} detail {detail}");
        }
    }
}

#[test]
fn times_outside_of_what_the_head_says_are_an_error_after_the_last_event() {
    assert_eq!(changed(|p| p.min_time = 99), (2, 1, 0));
    assert_eq!(changed(|p| p.max_time = 111), (2, 1, 0));
    assert_eq!(changed(|p| p.first_time = 90), (2, 1, 0));
}

#[test]
fn an_interval_that_ends_after_the_end_of_time_breaks_the_chunk_off() {
    let park = |gap: &[u8], length: &[u8]| {
        let mut payload = two();
        payload.columns = vec![4];
        payload.count = 1;
        payload.lengths = [0; 22];
        (payload.min_time, payload.max_time) = (100, 100);
        with(&mut payload, 2, &gap[..1], &gap[1..]);
        with(&mut payload, 3, &length[..1], &length[1..]);
        outcome(&payload)
    };
    // From 100, 100 back to 0 and 100 long.
    assert_eq!(park(&[0xC7, 1], &[100]), (1, 0, 0));
    // One before 0 is the end of time; from there on nothing is left.
    assert_eq!(park(&[0xC9, 1], &[1]), (0, 1, 0));
    let most = [0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0x01];
    assert_eq!(park(&[0], &most), (0, 1, 0));
}

#[test]
fn the_largest_numbers_are_only_numbers() {
    let chunk = common::Part::Events(common::Chunk {
        info: ChunkInfo {
            stream: u32::MAX,
            shared: true,
            runtime: Some(u32::MAX),
            worker: Some(u32::MAX),
            first_seq: u64::MAX - 2,
        },
        folded: 2,
        events: vec![
            (
                u32::MAX,
                Event::Terminate {
                    at: u64::MAX,
                    task: u64::MAX,
                },
            ),
            (0, Event::Terminate { at: 0, task: 0 }),
        ],
    });
    let bytes = write(std::slice::from_ref(&chunk));
    assert_eq!(common::read_whole(&bytes)[0], chunk);
    // A thread's number has 32 bits.
    let mut payload = two();
    payload.shared = true;
    with(&mut payload, 10, &[0xFF, 0], &[0xFF, 0xFF, 0xFF, 0x0F]);
    assert_eq!(outcome(&payload), WHOLE);
    with(&mut payload, 10, &[0xFF, 0], &[0xFF, 0xFF, 0xFF, 0x1F]);
    assert_eq!(outcome(&payload), (0, 1, 0));
}

fn zstd(raw: &[u8]) -> Vec<u8> {
    let mut packed = Vec::with_capacity(zstd_safe::compress_bound(raw.len()));
    zstd_safe::compress(&mut packed, raw, 1).expect("packs");
    packed
}

#[test]
fn packed_columns_that_are_not_what_was_promised_break_the_chunk_off() {
    let honest = two();
    let packed = |columns: Vec<u8>| {
        changed(|p| {
            p.packed = true;
            p.columns = columns;
        })
    };
    assert_eq!(packed(zstd(&honest.columns)), WHOLE);
    assert_eq!(
        packed(honest.columns.clone()),
        (0, 1, 0),
        "not packed at all"
    );
    assert_eq!(packed(Vec::new()), (0, 1, 0));
    assert_eq!(packed(zstd(&honest.columns[1..])), (0, 1, 0), "less");
    assert_eq!(packed(zstd(&[0; 4 << 20])), (0, 1, 0), "far more");
    let mut cut = zstd(&honest.columns);
    cut.pop();
    assert_eq!(packed(cut), (0, 1, 0));
    let mut twice = zstd(&honest.columns);
    twice.extend(zstd(&honest.columns));
    assert_eq!(packed(twice), (0, 1, 0), "two frames");
}

#[test]
fn a_frame_that_unpacks_to_something_else_than_it_says_is_malformed() {
    let raw = postcard::to_allocvec(&Losses::default()).expect("encodes");
    let packed = zstd(&raw);
    let honest = file(&[frame(LOSSES, 1, ZSTD, &packed, raw.len())], 0);
    assert!(read(&honest).expect("a dump").is_whole());
    let bomb = zstd(&vec![0; MAX_PAYLOAD]);
    assert!(bomb.len() < 1_000);
    for (frame, kind) in [
        (
            frame(LOSSES, 1, ZSTD, &packed, raw.len() + 1),
            ReadLossKind::Malformed,
        ),
        (frame(LOSSES, 1, ZSTD, &packed, 0), ReadLossKind::Malformed),
        (frame(LOSSES, 1, ZSTD, b"", 0), ReadLossKind::Malformed),
        (frame(LOSSES, 1, ZSTD, &bomb, 1), ReadLossKind::Malformed),
        (
            frame(LOSSES, 1, ZSTD, &bomb, MAX_PAYLOAD),
            ReadLossKind::Malformed,
        ),
        (
            frame(LOSSES, 1, 0, &raw, raw.len() + 1),
            ReadLossKind::Malformed,
        ),
        (
            frame(LOSSES, 1, ZSTD, &bomb, MAX_PAYLOAD + 1),
            ReadLossKind::Damaged,
        ),
        (frame(LOSSES, 1, 0, &raw, usize::MAX), ReadLossKind::Damaged),
        (frame(LOSSES, 1, 2, &raw, raw.len()), ReadLossKind::Unknown),
        (
            frame(EVENTS, 1, ZSTD, &packed, raw.len()),
            ReadLossKind::Unknown,
        ),
    ] {
        let reading = read(&file(&[frame], 0)).expect("a dump");
        assert_eq!(reading.losses[0].kind, kind, "{:?}", reading.losses);
        assert_eq!(reading.parts.len(), 1);
    }
}

#[test]
fn unknown_kinds_and_newer_versions_are_stepped_over_and_counted() {
    let tiny = write(&contents::tiny());
    let borders = common::borders(&tiny);
    for stranger in [
        plain(5, b"resources"),
        plain(0, b""),
        plain(255, &[7; 999]),
        frame(3, 2, 9, b"", 4),
    ] {
        let mut bytes = tiny[..borders[1]].to_vec();
        bytes.extend(&stranger);
        bytes.extend(&tiny[borders[1]..borders[3]]);
        bytes.extend(common::end(4, 4));
        let reading = read(&bytes).expect("a dump");
        assert_eq!(reading.parts[..3], contents::tiny()[..3]);
        assert_eq!(reading.parts.len(), 4);
        assert_eq!(reading.losses.len(), 1);
        let loss = &reading.losses[0];
        assert_eq!(
            (loss.kind, loss.offset, loss.bytes),
            (ReadLossKind::Unknown, borders[1], stranger.len())
        );
    }
}

#[test]
fn rows_that_are_promised_and_not_there_are_malformed() {
    // Lengths of lists, as varints: 5, 2^32 - 1, 2^63.
    for count in [
        &[5][..],
        &[0xFF, 0xFF, 0xFF, 0xFF, 0x0F],
        &[0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x01],
    ] {
        for kind in [1, STRINGS, TASKS, 4, LOSSES] {
            for before in 0..3 {
                let payload = [&vec![1; before], count].concat();
                let reading = read(&file(&[plain(kind, &payload)], 0)).expect("a dump");
                assert_eq!(
                    reading.losses[0].kind,
                    ReadLossKind::Malformed,
                    "kind {kind}"
                );
            }
        }
    }
}

#[test]
fn bytes_behind_a_record_make_it_malformed() {
    let mut payload = postcard::to_allocvec(&Losses {
        rows: vec![LossRow {
            kind: LossKind::Waits,
            count: 1,
            from: None,
            to: None,
        }],
    })
    .expect("encodes");
    assert!(
        read(&file(&[plain(LOSSES, &payload)], 0))
            .expect("a dump")
            .is_whole()
    );
    payload.push(0);
    assert!(
        !read(&file(&[plain(LOSSES, &payload)], 0))
            .expect("a dump")
            .is_whole()
    );
}

#[test]
fn strings_whose_lengths_do_not_fit_are_malformed() {
    let accepted = |first_id: u32, lengths: &[u32], blob: &str| {
        let strings = Strings {
            first_id,
            lengths: lengths.to_vec(),
            blob: blob.to_owned(),
        };
        let payload = postcard::to_allocvec(&strings).expect("encodes");
        read(&file(&[plain(STRINGS, &payload)], 0))
            .expect("a dump")
            .is_whole()
    };
    assert!(accepted(1, &[1, 2], "abc"));
    assert!(accepted(1, &[], ""));
    assert!(accepted(1, &[0, 0], ""));
    assert!(accepted(u32::MAX, &[3], "abc"), "the last id there is");
    assert!(!accepted(u32::MAX, &[1, 2], "abc"), "an id beyond it");
    assert!(!accepted(0, &[3], "abc"), "the id that means none");
    assert!(!accepted(1, &[1, 1], "abc"));
    assert!(!accepted(1, &[1, 3], "abc"));
    assert!(!accepted(1, &[u32::MAX, u32::MAX, 5], "abc"));
    assert!(!accepted(1, &[1, 1], "é!"), "the middle of a character");
}

#[test]
fn text_that_is_not_utf_8_is_malformed() {
    // First id 1, one length of 2, a blob of two bytes.
    let payload = [1, 1, 2, 2, 0xC3, 0x28];
    assert!(
        !read(&file(&[plain(STRINGS, &payload)], 0))
            .expect("a dump")
            .is_whole()
    );
}

#[test]
fn rows_beyond_the_limit_are_left_out() {
    // 24 bytes of zeros are a task, and all of them the same task: packed, next to nothing.
    let rows = 1_000;
    let mut raw = vec![rows as u8 | 0x80, (rows >> 7) as u8];
    raw.resize(raw.len() + rows * 24 + 1, 0);
    let (tasks, rest): (Tasks, _) = postcard::take_from_bytes(&raw).expect("tasks");
    assert_eq!((tasks.rows.len(), rest.len()), (rows, 0));
    let packed = frame(TASKS, 1, ZSTD, &zstd(&raw), raw.len());
    assert!(packed.len() < 100);
    let bytes = file(&vec![packed; 10], 0);
    let limit = 4 * rows * size_of::<TaskRow>();
    let (mut kept, mut refused) = (0, 0);
    for piece in dial9_format::DumpReader::new(&bytes)
        .expect("a dump")
        .record_limit(limit)
    {
        match piece {
            dial9_format::Piece::Frame(_, dial9_format::Frame::Tasks(_)) => kept += 1,
            dial9_format::Piece::Frame(..) => {}
            dial9_format::Piece::Loss(loss) => {
                assert_eq!(loss.kind, ReadLossKind::Malformed);
                refused += 1;
            }
        }
    }
    assert_eq!((kept, refused), (4, 6));
}
