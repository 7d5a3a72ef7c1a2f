//! Models of the module above, checked by loom under every interleaving.

use super::*;
use crate::codec::{Decoder, encode_poll};
use dial9_format::PollOutcome;
use loom::sync::Arc;

const OWNER: Owner = Owner {
    stream: 0,
    worker: 0,
    shared: false,
};

/// Room for one event, then the chunk is full.
fn tiny_arena(chunks: usize) -> Arena {
    Arena::with_chunks(chunks, MAX_EVENT_BYTES / 8 + SLACK_WORDS).expect("memory")
}

fn write(writer: &Writer, arena: &Arena, now: u64) {
    if writer.make_room(arena, OWNER, now).is_ok() {
        let mut base = writer.base();
        let fields = encode_poll(&mut base, now - 1, now, now * 3, PollOutcome::Ready);
        writer.append_fields(arena, &fields, base);
    }
}

/// Whatever a reader copies decodes to whole events of one life of the chunk.
fn assert_whole(arena: &Arena) {
    for index in 0..arena.chunks() {
        let mut bytes = Vec::new();
        let Some(copy) = arena.copy(index, 0, 0, &mut bytes) else {
            continue;
        };
        let base = Base {
            time: copy.first_time,
            task: 0,
        };
        let mut decoder = Decoder::new(&bytes, 0, base, false);
        while let Some((event, _)) = decoder.next_event() {
            let at = event.at();
            let expected = crate::codec::RawEvent::Poll {
                start: at - 1,
                end: at,
                task: at * 3,
                outcome: PollOutcome::Ready,
            };
            assert_eq!(event, expected);
        }
        assert_eq!(decoder.position().0, bytes.len());
    }
}

#[test]
fn a_copy_beside_a_writer_that_recycles_is_never_torn() {
    loom::model(|| {
        let arena = Arc::new(tiny_arena(2));
        let writer = {
            let arena = Arc::clone(&arena);
            loom::thread::spawn(move || {
                let writer = Writer::new();
                // The third event takes the first one's chunk, unless the reader holds it.
                for now in 1..=3 {
                    write(&writer, &arena, now * 100);
                }
            })
        };
        assert_whole(&arena);
        writer.join().expect("no panic");
        assert_whole(&arena);
    });
}

#[test]
fn two_writers_never_share_a_chunk() {
    loom::model(|| {
        let arena = Arc::new(tiny_arena(2));
        let other = {
            let arena = Arc::clone(&arena);
            loom::thread::spawn(move || write(&Writer::new(), &arena, 100))
        };
        write(&Writer::new(), &arena, 200);
        other.join().expect("no panic");
        assert_whole(&arena);
        let in_use = (0..arena.chunks())
            .filter(|&index| arena.glance(index).is_some())
            .count();
        assert_eq!(in_use, 2);
    });
}
