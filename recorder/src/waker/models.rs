//! Models of the module above, checked by loom under every interleaving.

use super::*;
use loom::sync::Arc;
use loom::sync::atomic::{AtomicBool, AtomicU32};

/// A task that was polled once hands its only clone to a thread, which drops it while the task is
/// in its next poll, or after it: exactly one of the two notices that nobody is left.
#[test]
fn a_clone_dropped_beside_a_poll_is_noticed_once() {
    loom::model(|| {
        let state = Arc::new(State::new());
        let noticed = Arc::new(AtomicU32::new(0));
        state.begin_poll();
        state.clone_reference();
        assert!(!state.end_poll());
        let dropper = {
            let (state, noticed) = (Arc::clone(&state), Arc::clone(&noticed));
            loom::thread::spawn(move || {
                let (last, lost) = state.release(None, || ());
                assert!(!last);
                if lost.is_some() {
                    noticed.fetch_add(1, Ordering::SeqCst);
                }
            })
        };
        state.begin_poll();
        if state.end_poll() {
            noticed.fetch_add(1, Ordering::SeqCst);
        }
        dropper.join().expect("no panic");
        // Dropped before the poll and noticed there, and noticed again by the poll, is right, too.
        assert!(noticed.load(Ordering::SeqCst) >= 1);
    });
}

/// A clone that wakes before it goes leaves no unwakeable task behind, unless the poll that the
/// wake caused has run and left no clone.
#[test]
fn a_wake_by_value_raises_no_alarm() {
    loom::model(|| {
        let state = Arc::new(State::new());
        state.begin_poll();
        state.clone_reference();
        assert!(!state.end_poll());
        let waker = {
            let state = Arc::clone(&state);
            loom::thread::spawn(move || {
                let epoch = state.epoch();
                let (_, lost) = state.release(Some(epoch), || ());
                assert!(lost.is_none(), "woken and not polled since");
            })
        };
        waker.join().expect("no panic");
        state.begin_poll();
        state.clone_reference();
        assert!(!state.end_poll());
    });
}

/// A poll that begins with nobody else about takes no locked step; a clone made in it and dropped on
/// another thread, before or after its end, is still noticed.
#[test]
fn a_clone_made_in_a_lonely_poll_is_noticed_wherever_it_goes() {
    loom::model(|| {
        let state = Arc::new(State::new());
        let noticed = Arc::new(AtomicU32::new(0));
        state.begin_poll();
        state.clone_reference();
        let dropper = {
            let (state, noticed) = (Arc::clone(&state), Arc::clone(&noticed));
            loom::thread::spawn(move || {
                let (last, lost) = state.release(None, || ());
                assert!(!last);
                noticed.fetch_add(u32::from(lost.is_some()), Ordering::SeqCst);
            })
        };
        let at_the_end = state.end_poll();
        dropper.join().expect("no panic");
        let noticed = noticed.load(Ordering::SeqCst) + u32::from(at_the_end);
        assert_eq!(
            noticed, 1,
            "by the dropper or by the poll's end, and not by both"
        );
        assert_eq!(state.clones(), 0);
    });
}

/// Whoever releases last frees, and nobody else does.
#[test]
fn the_last_reference_frees_once() {
    loom::model(|| {
        let state = Arc::new(State::new());
        let freed = Arc::new(AtomicBool::new(false));
        state.clone_reference();
        state.clone_reference();
        let release = |state: &State, freed: &AtomicBool| {
            if state.release(None, || ()).0 {
                assert!(!freed.swap(true, Ordering::SeqCst));
            }
        };
        let threads: Vec<_> = (0..2)
            .map(|_| {
                let (state, freed) = (Arc::clone(&state), Arc::clone(&freed));
                loom::thread::spawn(move || release(&state, &freed))
            })
            .collect();
        release(&state, &freed);
        for thread in threads {
            thread.join().expect("no panic");
        }
        assert!(freed.load(Ordering::SeqCst));
    });
}
