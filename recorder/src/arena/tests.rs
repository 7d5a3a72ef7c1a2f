//! Tests of the module above.

use super::*;
use crate::codec::{Decoder, RawEvent, encode, encode_poll};
use dial9_format::{PollOutcome, Waker};
use std::sync::Arc;
use std::sync::atomic::AtomicBool;

const WORKER: Owner = Owner {
    stream: 0,
    worker: 0,
    shared: false,
};

fn write(writer: &Writer, arena: &Arena, owner: Owner, event: &RawEvent) -> Result<bool, NoChunk> {
    let rolled = writer.make_room(arena, owner, event.at())?;
    let mut base = writer.base();
    let encoded = encode(&mut base, event);
    writer.append(arena, &encoded, base, true, owner.shared.then_some(7));
    Ok(rolled)
}

fn poll(end: u64) -> RawEvent {
    RawEvent::Poll {
        start: end.saturating_sub(3),
        end,
        task: end % 91,
        outcome: PollOutcome::Pending,
    }
}

fn read_all(arena: &Arena) -> Vec<RawEvent> {
    let mut copies = Vec::new();
    for index in 0..arena.chunks() {
        let mut bytes = Vec::new();
        if let Some(copy) = arena.copy(index, 0, 0, &mut bytes) {
            copies.push((copy, bytes));
        }
    }
    copies.sort_by_key(|(copy, _)| copy.age);
    let mut events = Vec::new();
    for (copy, bytes) in &copies {
        let mut decoder = Decoder::new(
            bytes,
            0,
            Base {
                time: copy.first_time,
                task: 0,
            },
            copy.shared(),
        );
        while let Some((event, _)) = decoder.next_event() {
            events.push(event);
        }
        assert_eq!(decoder.position().0, bytes.len(), "whole events only");
    }
    events
}

#[test]
fn geometry_keeps_to_the_bytes_that_were_asked_for() {
    assert_eq!(Arena::geometry(4 << 20), Some((16 << 10, 256)));
    assert_eq!(Arena::geometry(512 << 10), Some((2 << 10, 256)));
    assert_eq!(Arena::geometry(64 << 10), Some((1 << 10, 64)));
    assert_eq!(Arena::geometry(1 << 30), Some((16 << 10, 65_536)));
    assert_eq!(Arena::geometry(4 << 10), None);
    for bytes in [64 << 10, 1_000_000, 4 << 20, 7 << 20] {
        assert!(Arena::new(bytes).expect("large enough").bytes() <= bytes);
    }
    assert_eq!(size_of::<ChunkHeader>(), HEADER_BYTES);
}

#[test]
fn events_come_back_in_order_across_chunks() {
    let arena = Arena::new(64 << 10).expect("large enough");
    let writer = Writer::new();
    let events: Vec<_> = (1..=2_000).map(poll).collect();
    for event in &events {
        write(&writer, &arena, WORKER, event).expect("a chunk");
    }
    assert_eq!(read_all(&arena), events);
    assert_eq!(arena.window_start(), 0, "nothing was reclaimed");
}

#[test]
fn shared_chunks_name_the_thread_of_each_event() {
    let arena = Arena::new(64 << 10).expect("large enough");
    let writer = Writer::new();
    let owner = Owner {
        stream: SHARED_STREAM,
        worker: NO_WORKER,
        shared: true,
    };
    let wake = RawEvent::Wake {
        at: 5,
        task: 9,
        waker: Waker::Outside,
    };
    write(&writer, &arena, owner, &wake).expect("a chunk");
    let mut bytes = Vec::new();
    let copy = (0..arena.chunks())
        .find_map(|index| arena.copy(index, 0, 0, &mut bytes))
        .expect("one chunk");
    let mut decoder = Decoder::new(
        &bytes,
        0,
        Base {
            time: copy.first_time,
            task: 0,
        },
        copy.shared(),
    );
    assert_eq!(decoder.next_event(), Some((wake, 7)));
}

#[test]
fn the_oldest_chunk_goes_first_and_the_window_says_so() {
    let arena = Arena::new(64 << 10).expect("large enough");
    let writer = Writer::new();
    for end in 1..=50_000 {
        write(&writer, &arena, WORKER, &poll(end)).expect("a chunk");
    }
    let kept = read_all(&arena);
    let first = kept[0].at();
    assert_eq!(kept.last().map(RawEvent::at), Some(50_000));
    assert_eq!(
        kept.len() as u64,
        50_000 - first + 1,
        "one unbroken run of the latest events"
    );
    assert_eq!(arena.window_start(), first - 1);
    assert_eq!(arena.others_start(), 0);
    let lost = arena.unfolded.count.load(Ordering::Relaxed);
    assert_eq!(lost, first - 1, "nobody folded, so all that went is a loss");
}

#[test]
fn folded_chunks_are_no_loss_and_pinned_ones_stay() {
    let arena = Arena::new(64 << 10).expect("large enough");
    let writer = Writer::new();
    let mut bytes = Vec::new();
    for end in 1..=50_000 {
        if write(&writer, &arena, WORKER, &poll(end)).expect("a chunk") {
            for index in 0..arena.chunks() {
                if let Some(glance) = arena.glance(index) {
                    arena.set_folded(index, glance.generation, glance.length);
                }
            }
        }
    }
    assert_eq!(arena.unfolded.count.load(Ordering::Relaxed), 0);
    let pinned = &arena.headers[3];
    arena.pin(pinned).expect("in use");
    let copy = arena.copy(3, 0, 0, &mut bytes).expect("in use");
    for end in 50_001..=100_000 {
        write(&writer, &arena, WORKER, &poll(end)).expect("a chunk");
    }
    let mut again = Vec::new();
    let later = arena
        .copy(3, copy.generation, 0, &mut again)
        .expect("still in use");
    assert_eq!((later.generation, again), (copy.generation, bytes));
}

#[test]
fn when_every_chunk_is_pinned_the_event_is_given_up() {
    let arena = Arena::new(64 << 10).expect("large enough");
    let writers: Vec<_> = (0..arena.chunks()).map(|_| Writer::new()).collect();
    for writer in &writers {
        write(writer, &arena, WORKER, &poll(1)).expect("a chunk each");
    }
    assert_eq!(
        write(&Writer::new(), &arena, WORKER, &poll(1)),
        Err(NoChunk)
    );
}

#[test]
fn readers_never_see_torn_events_while_writers_recycle() {
    let arena = Arc::new(Arena::new(64 << 10).expect("large enough"));
    let stop = Arc::new(AtomicBool::new(false));
    let threads: Vec<_> = (0..2_u32)
        .map(|stream| {
            let (arena, stop) = (Arc::clone(&arena), Arc::clone(&stop));
            std::thread::spawn(move || {
                let writer = Writer::new();
                let owner = Owner {
                    stream,
                    worker: u64::from(stream),
                    shared: false,
                };
                let mut now = 0;
                while !stop.load(Ordering::Relaxed) {
                    now += 10;
                    if writer.make_room(&arena, owner, now).is_ok() {
                        let mut base = writer.base();
                        // Task and length follow from the time, so a torn event shows.
                        let fields = encode_poll(
                            &mut base,
                            now - now % 97,
                            now,
                            now * 3,
                            PollOutcome::Ready,
                        );
                        writer.append_fields(&arena, &fields, base);
                    }
                }
            })
        })
        .collect();
    let mut seen = 0_u64;
    while seen < 300_000 {
        for index in 0..arena.chunks() {
            let mut bytes = Vec::new();
            let Some(copy) = arena.copy(index, 0, 0, &mut bytes) else {
                continue;
            };
            let mut decoder = Decoder::new(
                &bytes,
                0,
                Base {
                    time: copy.first_time,
                    task: 0,
                },
                false,
            );
            while let Some((event, _)) = decoder.next_event() {
                let RawEvent::Poll {
                    start,
                    end,
                    task,
                    outcome,
                } = event
                else {
                    panic!("{event:?}")
                };
                assert_eq!(
                    (start, task, outcome),
                    (end - end % 97, end * 3, PollOutcome::Ready)
                );
                seen += 1;
            }
            assert_eq!(decoder.position().0, bytes.len());
        }
    }
    stop.store(true, Ordering::Relaxed);
    for thread in threads {
        thread.join().expect("the writer");
    }
}
