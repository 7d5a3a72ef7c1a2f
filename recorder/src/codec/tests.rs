//! Tests of the module above.

use super::*;
use proptest::prelude::*;

fn any_event() -> impl Strategy<Value = RawEvent> {
    let id = prop_oneof![1_u64..200, 1_u64..1 << 48];
    let time = prop_oneof![0_u64..100_000, 0_u64..1 << 55];
    let waker = prop_oneof![
        (1_u64..1 << 48).prop_map(Waker::Task),
        Just(Waker::Runtime),
        Just(Waker::Blocking),
        Just(Waker::Outside)
    ];
    prop_oneof![
        (time.clone(), 0_u64..1 << 40, id.clone(), 0_u64..5).prop_map(
            |(end, length, task, outcome)| {
                RawEvent::Poll {
                    start: end.saturating_sub(length),
                    end,
                    task,
                    outcome: poll_outcome(outcome),
                }
            }
        ),
        (time.clone(), id.clone(), waker).prop_map(|(at, task, waker)| RawEvent::Wake {
            at,
            task,
            waker
        }),
        (
            time.clone(),
            id.clone(),
            proptest::option::of(id.clone()),
            any::<[u16; 2]>(),
            any::<[u32; 2]>(),
            0_u64..3
        )
            .prop_map(
                |(at, task, parent, [location, name], [runtime, size], kind)| RawEvent::Spawn {
                    at,
                    task,
                    parent,
                    location: location.into(),
                    name: name.into(),
                    runtime,
                    kind: task_kind(kind),
                    size,
                    rowless: size % 2 == 1,
                }
            ),
        (time.clone(), id.clone()).prop_map(|(at, task)| RawEvent::Terminate { at, task }),
        (time.clone(), 0_u64..1 << 40).prop_map(|(end, length)| RawEvent::Park {
            start: end.saturating_sub(length),
            end
        }),
        (time.clone(), id.clone(), 0_u64..1 << 48, any::<[u16; 2]>()).prop_map(
            |(at, task, wait, [name, location])| {
                RawEvent::WaitBegin {
                    at,
                    task,
                    wait,
                    name: name.into(),
                    location: location.into(),
                }
            }
        ),
        (time.clone(), id.clone(), 0_u64..1 << 48, any::<bool>()).prop_map(
            |(at, task, wait, done)| {
                let outcome = if done {
                    WaitOutcome::Done
                } else {
                    WaitOutcome::Abandoned
                };
                RawEvent::WaitEnd {
                    at,
                    task,
                    wait,
                    outcome,
                }
            }
        ),
        (time.clone(), id.clone()).prop_map(|(at, task)| RawEvent::Unwakeable { at, task }),
        (time, id, any::<u16>(), any::<u32>()).prop_map(|(at, task, name, size)| {
            RawEvent::Covered {
                at,
                task,
                name: name.into(),
                size,
            }
        }),
    ]
}

fn bytes_of(encoded: &Encoded, into: &mut Vec<u8>) {
    for &(bits, count) in encoded.pieces() {
        assert!(
            count == 16 || bits >> (8 * count) == 0,
            "bits beyond the piece's length"
        );
        into.extend_from_slice(&bits.to_le_bytes()[..count as usize]);
    }
}

proptest! {
    #[test]
    fn every_sequence_of_events_comes_back(mut events in proptest::collection::vec(any_event(), 0..60), shared: bool) {
        events.sort_by_key(RawEvent::at);
        let mut base = Base::default();
        let mut bytes = Vec::new();
        for (index, event) in events.iter().enumerate() {
            let from = bytes.len();
            bytes_of(&encode(&mut base, event), &mut bytes);
            if shared {
                bytes.extend_from_slice(&(index as u32).to_le_bytes());
            }
            prop_assert!(bytes.len() - from <= MAX_EVENT_BYTES);
        }
        let mut decoder = Decoder::new(&bytes, 0, Base::default(), shared);
        for (index, event) in events.iter().enumerate() {
            let (decoded, thread) = decoder.next_event().expect("as many events as were written");
            prop_assert_eq!(&decoded, event);
            prop_assert_eq!(thread, if shared { index as u32 } else { 0 });
        }
        prop_assert!(decoder.next_event().is_none());
        prop_assert_eq!(decoder.position(), (bytes.len(), base));
    }

    #[test]
    fn arbitrary_bytes_never_panic(bytes in proptest::collection::vec(any::<u8>(), 0..200), shared: bool) {
        let mut decoder = Decoder::new(&bytes, 0, Base::default(), shared);
        while decoder.next_event().is_some() {}
    }
}

#[test]
fn a_ping_pong_takes_at_most_eight_bytes_an_event() {
    let mut base = Base {
        time: 1_000_000,
        task: 17,
    };
    let mut bytes = Vec::new();
    let mut now = base.time;
    for round in 0..100_u64 {
        let (from, to) = if round % 2 == 0 { (17, 18) } else { (18, 17) };
        now += 300;
        bytes_of(
            &encode_wake(&mut base, now, to, Waker::Task(from)).pieces(),
            &mut bytes,
        );
        now += 120;
        bytes_of(
            &encode_poll(&mut base, now - 350, now, from, PollOutcome::Pending).pieces(),
            &mut bytes,
        );
    }
    assert!(
        bytes.len() <= 200 * 8,
        "{} bytes for 200 events",
        bytes.len()
    );
}
