//! Ten million events through a 4 MB recorder, beside one task that is stuck from the start.

mod common;

use std::alloc::{GlobalAlloc, Layout, System};
use std::cell::Cell;
use std::future::pending;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use common::{Directory, Dump};
use dial9_format::LossKind;
use dial9_recorder::{FlightRecorder, MIB, prelude::*};
use tokio::sync::{Barrier, mpsc, oneshot};

/// What the history may take beside the event memory.
const HISTORY_CAP: usize = 8 * MIB;
const EVENTS: u64 = 10_000_000;

/// Counts bytes in use, and allocations while a thread says that it makes none.
struct Counting;

static IN_USE: AtomicUsize = AtomicUsize::new(0);
static HIGHEST: AtomicUsize = AtomicUsize::new(0);
static ON_HOT_PATH: AtomicUsize = AtomicUsize::new(0);

thread_local! {
    static HOT: Cell<bool> = const { Cell::new(false) };
}

fn note_allocation(bytes: usize) {
    let in_use = IN_USE.fetch_add(bytes, Ordering::Relaxed) + bytes;
    HIGHEST.fetch_max(in_use, Ordering::Relaxed);
    if HOT.with(Cell::get) {
        ON_HOT_PATH.fetch_add(1, Ordering::Relaxed);
    }
}

// SAFETY: every call goes to the system's allocator with the arguments that came; the counters allocate
// nothing.
unsafe impl GlobalAlloc for Counting {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        note_allocation(layout.size());
        // SAFETY: the caller's contract is passed on.
        unsafe { System.alloc(layout) }
    }

    unsafe fn dealloc(&self, pointer: *mut u8, layout: Layout) {
        IN_USE.fetch_sub(layout.size(), Ordering::Relaxed);
        // SAFETY: the caller's contract is passed on.
        unsafe { System.dealloc(pointer, layout) }
    }

    unsafe fn realloc(&self, pointer: *mut u8, layout: Layout, new_size: usize) -> *mut u8 {
        IN_USE.fetch_sub(layout.size(), Ordering::Relaxed);
        note_allocation(new_size);
        // SAFETY: the caller's contract is passed on.
        unsafe { System.realloc(pointer, layout, new_size) }
    }
}

#[global_allocator]
static ALLOCATOR: Counting = Counting;

/// Two tasks that pass a ball to and fro: each pass is one wake and one poll. None ends before all have
/// played, since a task that has ended leaves the history once the window is past it.
async fn player(mut balls: mpsc::Receiver<u32>, other: mpsc::Sender<u32>, all: Arc<Barrier>) {
    while let Some(ball) = balls.recv().await {
        // The last pass reaches both: one gets the 0, the other has sent it.
        if ball == 0 || other.send(ball - 1).await.is_err() || ball == 1 {
            break;
        }
    }
    all.wait().await;
}

/// Counts what this task's thread allocates from here on: its first poll has set the wrapper up, and
/// the hooks that follow each poll run under the flag as well.
async fn hot(task: impl Future<Output = ()>) {
    HOT.with(|hot| hot.set(true));
    task.await;
}

#[test]
fn a_stuck_task_is_still_known_after_ten_million_events() {
    let before = IN_USE.load(Ordering::Relaxed);
    let recorder = FlightRecorder::builder()
        .memory(4 * MIB)
        .build()
        .expect("a recorder");
    let after_build = IN_USE.load(Ordering::Relaxed);
    assert!(
        after_build - before <= 4 * MIB + HISTORY_CAP,
        "{} bytes for 4 MiB of events and the history",
        after_build - before
    );

    // Nothing is allocated between a task's polls: whatever is, while a worker runs, is the recorder's
    // or the task's, and these tasks allocate nothing once they run.
    let runtime = recorder
        .attach(
            tokio::runtime::Builder::new_multi_thread()
                .worker_threads(2)
                .enable_all(),
        )
        .expect("a runtime");
    let (parent, stuck) = runtime.block_on(async {
        let (tell, told) = oneshot::channel();
        let child = recorder.clone();
        let parent = recorder.task("parent").spawn(async move {
            let stuck = child.task("stuck").spawn(async move {
                tell.send(()).expect("the test waits");
                pending::<()>().awaiting("a reply that never comes").await;
            });
            stuck.id().to_string().parse::<u64>().expect("a number")
        });
        told.await.expect("it is polled");
        let number = parent.id().to_string().parse::<u64>().expect("a number");
        (number, parent.await.expect("it ends"))
    });

    // A pass is a wake and a poll, but for a few at either end.
    let passes = EVENTS / 2 / 4 + 10_000;
    let idle_before = IN_USE.load(Ordering::Relaxed);
    HIGHEST.store(idle_before, Ordering::Relaxed);
    runtime.block_on(async {
        let all = Arc::new(Barrier::new(8));
        let players: Vec<_> = (0..4)
            .flat_map(|_| {
                let (to_left, left) = mpsc::channel(1);
                let (to_right, right) = mpsc::channel(1);
                to_left
                    .try_send(u32::try_from(passes).expect("it fits"))
                    .expect("room for one");
                [
                    recorder.spawn(hot(player(left, to_right, Arc::clone(&all)))),
                    recorder.spawn(hot(player(right, to_left, Arc::clone(&all)))),
                ]
            })
            .collect();
        for player in players {
            player.await.expect("it ends");
        }
    });
    let grown = HIGHEST.load(Ordering::Relaxed) - idle_before;
    assert!(
        grown < 256 * 1024,
        "{grown} bytes were allocated while {EVENTS} events went by"
    );

    let directory = Directory::new("memory");
    let path = directory.join("it.dial9");
    recorder.dump_blocking(&path).expect("a dump");
    // Setting eight wrappers up and ending eight tasks allocates a little on these threads; ten million
    // events would show.
    let on_hot_path = ON_HOT_PATH.load(Ordering::Relaxed);
    assert!(
        on_hot_path < 200,
        "{on_hot_path} allocations on the workers"
    );

    let dump = Dump::read(&path);
    let polls: u64 = dump.tasks.keys().map(|&id| dump.polls(id)).sum();
    let wakes: u64 = dump.tasks.keys().map(|&id| dump.wakes(id)).sum();
    let unfolded: u64 = dump
        .losses
        .iter()
        .filter(|loss| loss.kind == LossKind::Unfolded)
        .map(|loss| loss.count)
        .sum();
    assert!(
        polls + wakes + unfolded >= EVENTS,
        "{polls} polls and {wakes} wakes are known, {unfolded} events were lost"
    );

    let row = &dump.tasks[&stuck];
    assert_eq!(dump.text(row.name), "stuck");
    assert!(
        dump.text(row.location)
            .starts_with("recorder/tests/memory.rs:")
    );
    assert_eq!(row.parent, Some(parent));
    assert_eq!(row.polls, 1);
    assert!(row.longest_poll_ns > 0 && row.longest_poll_start == row.last_poll_start);
    assert!(row.spawned_at.is_some() && row.terminated_at.is_none());
    assert!(
        row.unwakeable_at
            .is_some_and(|at| at >= row.last_poll_start)
    );
    assert_eq!(row.last_waker_kind, 0, "nobody ever woke it");
    let wait = dump
        .open_waits
        .iter()
        .find(|wait| wait.task == stuck)
        .expect("what it waits for");
    assert_eq!(dump.text(wait.name), "a reply that never comes");
    assert!(
        dump.header.window_start > row.last_poll_end,
        "its own events are long gone"
    );
    assert!(dump.events_of(stuck).is_empty());
}
