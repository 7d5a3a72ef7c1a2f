//! The order of things: aborts, ends, waits, nested runtimes, blocking jobs. History and window have to
//! agree with what happened, with no zombies and nothing twice.

mod common;

use std::future::{Future, pending, poll_fn};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::task::Poll;
use std::time::Duration;

use common::{Directory, Dump};
use dial9_format::{Event, PollOutcome, TaskKind, Waker};
use dial9_recorder::{FlightRecorder, Level, MIB, prelude::*};
use tokio::runtime::{Builder, Runtime};
use tokio::sync::{mpsc, oneshot};
use tokio::task::{JoinSet, LocalSet, yield_now};

fn recorder() -> FlightRecorder {
    FlightRecorder::builder()
        .memory(MIB)
        .build()
        .expect("a recorder")
}

fn multi_thread(recorder: &FlightRecorder) -> Runtime {
    recorder
        .attach(Builder::new_multi_thread().worker_threads(2).enable_all())
        .expect("a runtime")
}

fn current_thread(recorder: &FlightRecorder) -> Runtime {
    recorder
        .attach(Builder::new_current_thread().enable_all())
        .expect("a runtime")
}

fn dump(recorder: &FlightRecorder, name: &str) -> Dump {
    let directory = Directory::new(name);
    let path = directory.join("it.dial9");
    recorder.dump_blocking(&path).expect("a dump");
    let dump = Dump::read(&path);
    dump.assert_sound();
    dump
}

/// Returns pending `times` times, woken by itself.
async fn yields(times: usize) {
    for _ in 0..times {
        yield_now().await;
    }
}

/// Waits until the future in `handle`'s task was polled for the first time.
fn announcing<F: Future>(future: F) -> (impl Future<Output = F::Output>, oneshot::Receiver<()>) {
    let (tell, told) = oneshot::channel();
    let mut future = Box::pin(future);
    let mut tell = Some(tell);
    let announced = poll_fn(move |cx| {
        let result = future.as_mut().poll(cx);
        if let Some(tell) = tell.take() {
            let _ = tell.send(());
        }
        result
    });
    (announced, told)
}

#[test]
fn polls_wakes_and_spawns_are_counted_as_they_happened() {
    let recorder = recorder();
    let runtime = current_thread(&recorder);
    runtime.block_on(async {
        recorder
            .task("wrapped")
            .spawn(yields(5))
            .await
            .expect("it ends");
        tokio::spawn(yields(7)).await.expect("it ends");
    });
    let dump = dump(&recorder, "counts");
    let wrapped = dump.task_named("wrapped");
    assert_eq!((dump.polls(wrapped.id), dump.wakes(wrapped.id)), (6, 5));
    assert!(wrapped.wakes_recorded);
    assert!(wrapped.size > 0);
    let mut outcomes = vec![PollOutcome::Pending; 5];
    outcomes.push(PollOutcome::Ready);
    assert_eq!(dump.outcomes(wrapped.id), outcomes);
    assert!(
        dump.text(wrapped.location)
            .starts_with("recorder/tests/order.rs:")
    );
    assert!(wrapped.terminated_at.is_some());

    let plain = dump
        .tasks
        .values()
        .find(|row| !row.wakes_recorded)
        .expect("the other task");
    assert_eq!(dump.polls(plain.id), 8);
    assert_eq!(dump.wakes(plain.id), 0, "hooks see no wakes");
    assert_eq!(dump.outcomes(plain.id).last(), Some(&PollOutcome::Ended));
    assert!(
        dump.text(plain.location)
            .starts_with("recorder/tests/order.rs:")
    );
    assert_eq!(dump.tasks.len(), 2);
}

#[test]
fn a_task_aborted_while_pending_was_not_polled_again() {
    for wrapped in [true, false] {
        let recorder = recorder();
        let runtime = current_thread(&recorder);
        let id = runtime.block_on(async {
            let (future, polled) = announcing(pending::<()>());
            let handle = if wrapped {
                recorder.spawn(future)
            } else {
                tokio::spawn(future)
            };
            polled.await.expect("it is polled");
            handle.abort();
            let id = handle.id();
            assert!(handle.await.expect_err("aborted").is_cancelled());
            id.to_string().parse().expect("a number")
        });
        let dump = dump(&recorder, &format!("abort-{wrapped}"));
        assert_eq!(dump.ends(id), 1);
        assert!(dump.tasks[&id].terminated_at.is_some());
        if wrapped {
            assert_eq!(
                dump.outcomes(id),
                [PollOutcome::Pending, PollOutcome::Cancelled]
            );
            assert_eq!((dump.polls(id), dump.window_polls(id)), (1, 1));
        } else {
            assert_eq!(
                dump.outcomes(id),
                [PollOutcome::Pending, PollOutcome::Ended],
                "hooks cannot tell"
            );
        }
    }
}

#[test]
fn a_task_aborted_before_its_first_poll_was_never_polled() {
    let recorder = recorder();
    let runtime = current_thread(&recorder);
    runtime.block_on(async {
        let handle = recorder.task("never").spawn(async {});
        handle.abort();
        assert!(handle.await.expect_err("aborted").is_cancelled());
    });
    let dump = dump(&recorder, "abort-first");
    let row = dump.task_named("never");
    assert_eq!(dump.polls(row.id), 0);
    assert_eq!(dump.outcomes(row.id), [PollOutcome::Cancelled]);
    assert!(row.terminated_at.is_some());
}

#[test]
fn a_panicking_task_has_panicked() {
    let recorder = recorder();
    let runtime = current_thread(&recorder);
    runtime.block_on(async {
        let handle = recorder.task("panics").spawn(async {
            yield_now().await;
            panic!("as planned");
        });
        assert!(handle.await.expect_err("panicked").is_panic());
    });
    let dump = dump(&recorder, "panicked");
    let row = dump.task_named("panics");
    assert_eq!(
        dump.outcomes(row.id),
        [PollOutcome::Pending, PollOutcome::Panicked]
    );
    assert!(row.terminated_at.is_some());
}

#[test]
fn a_spawn_on_a_runtime_that_is_gone_leaves_no_zombie() {
    let recorder = recorder();
    let runtime = multi_thread(&recorder);
    let handle = runtime.handle().clone();
    runtime.shutdown_timeout(Duration::from_secs(5));
    // The runtime ends such a task before it tells of its spawn.
    let late = recorder.task("late").spawn_on(async {}, &handle);
    drop(late);
    let dump = dump(&recorder, "late-spawn");
    let row = dump.task_named("late");
    assert!(row.terminated_at.is_some(), "{row:?}");
    assert_eq!(dump.polls(row.id), 0);
}

#[test]
fn waits_open_and_close_with_their_futures() {
    let recorder = recorder();
    let runtime = multi_thread(&recorder);
    let (sender, mut receiver) = mpsc::channel::<u32>(1);
    let (stuck, waiting) = announcing(async move {
        let abandoned = tokio::time::timeout(
            Duration::from_millis(5),
            pending::<()>().awaiting("nothing at all"),
        );
        assert!(abandoned.await.is_err());
        while receiver.recv().awaiting("orders").await.is_some() {}
        pending::<()>().awaiting("the end of time").await;
    });
    runtime.block_on(async {
        recorder.task("waiter").spawn(stuck);
        waiting.await.expect("it is polled");
        for order in 0..50 {
            sender.send(order).await.expect("it receives");
        }
        drop(sender);
    });
    // The waiter reaches its last wait on its own time.
    let last = loop {
        let seen = dump(&recorder, "waits");
        if seen
            .open_waits
            .iter()
            .any(|wait| seen.text(wait.name) == "the end of time")
        {
            break seen;
        }
    };
    let row = last.task_named("waiter");
    let open: Vec<_> = last
        .open_waits
        .iter()
        .map(|wait| (wait.task, last.text(wait.name)))
        .collect();
    assert_eq!(open, [(row.id, "the end of time")]);
    let mut begun = 0;
    let mut abandoned = 0;
    for event in last.events_of(row.id) {
        match event.event {
            Event::WaitBegin { name, location, .. } => {
                assert!(!last.text(name).is_empty());
                assert!(last.text(location).starts_with("recorder/tests/order.rs:"));
                begun += 1;
            }
            Event::WaitEnd {
                outcome: dial9_format::WaitOutcome::Abandoned,
                ..
            } => abandoned += 1,
            _ => {}
        }
    }
    assert_eq!(row.waits, begun);
    assert_eq!(abandoned, 1);
}

#[test]
fn a_runtime_inside_block_in_place_nests() {
    let recorder = recorder();
    let outer = multi_thread(&recorder);
    outer.block_on(async {
        let inner_recorder = recorder.clone();
        let outer_task = recorder.task("outer").spawn(async move {
            yield_now().await;
            tokio::task::block_in_place(|| {
                let inner = current_thread(&inner_recorder);
                inner.block_on(async {
                    inner_recorder
                        .task("inner")
                        .spawn(yields(3))
                        .await
                        .expect("it ends");
                });
            });
            yield_now().await;
        });
        outer_task.await.expect("it ends");
    });
    let dump = dump(&recorder, "nested");
    let (outer, inner) = (dump.task_named("outer"), dump.task_named("inner"));
    assert_eq!((dump.polls(outer.id), dump.polls(inner.id)), (3, 4));
    assert_eq!(
        inner.parent,
        Some(outer.id),
        "spawned from inside the outer task's poll"
    );
    assert_ne!(inner.runtime, outer.runtime);
    // By their starts: a poll's end is noted after the runtime let the task go, when its next poll may
    // already have begun on another worker.
    let polls = |id: u64| {
        let events = dump.events_of(id).into_iter();
        let mut polls: Vec<_> = events
            .filter_map(|event| match event.event {
                Event::Poll { start, end, .. } => Some((start, end)),
                _ => None,
            })
            .collect();
        polls.sort_unstable();
        polls
    };
    let (outer_start, outer_end) = polls(outer.id)[1];
    let inner_polls = polls(inner.id);
    assert_eq!(inner_polls.len(), 4);
    for (start, end) in inner_polls {
        assert!(
            outer_start < start && end < outer_end,
            "the inner polls lie inside the outer one"
        );
    }
}

#[test]
fn threads_that_were_workers_for_a_while_give_their_chunks_back() {
    // Every block_in_place hands its worker to another thread. With an arena of 64 chunks, threads that
    // kept one each would soon leave nothing to write to.
    let recorder = FlightRecorder::builder()
        .memory(64 << 10)
        .build()
        .expect("a recorder");
    let runtime = multi_thread(&recorder);
    runtime.block_on(async {
        let mut set = JoinSet::new();
        for _ in 0..200 {
            set.spawn(
                async {
                    tokio::task::block_in_place(|| std::thread::sleep(Duration::from_millis(20)));
                }
                .recorded(),
            );
        }
        while set.join_next().await.is_some() {}
        recorder
            .task("after all that")
            .spawn(yields(100))
            .await
            .expect("it ends");
    });
    let directory = Directory::new("handed-over");
    let path = directory.join("it.dial9");
    recorder.dump_blocking(&path).expect("a dump");
    let dump = Dump::read(&path);
    assert_eq!(
        dump.polls(dump.task_named("after all that").id),
        101,
        "{:?}",
        dump.losses
    );
}

#[test]
fn a_blocking_job_is_no_task_and_its_wakes_are_its_own() {
    let recorder = recorder();
    let runtime = multi_thread(&recorder);
    runtime.block_on(async {
        let (tell, told) = oneshot::channel();
        let (future, polled) = announcing(async move { told.await.expect("told") });
        let waiter = recorder.task("waiter").spawn(future);
        polled.await.expect("it is polled");
        tokio::task::spawn_blocking(move || tell.send(()).expect("it waits"))
            .await
            .expect("it ends");
        waiter.await.expect("it ends");
    });
    let dump = dump(&recorder, "blocking");
    let waiter = dump.task_named("waiter");
    assert_eq!(dump.wakers(waiter.id), [Waker::Blocking]);
    assert_eq!(dump.tasks.len(), 1, "{:?}", dump.tasks);
}

#[test]
fn every_kind_of_waker_is_told_apart() {
    let recorder = recorder();
    let runtime = multi_thread(&recorder);
    let (to_task, from_task) = oneshot::channel::<()>();
    let (to_thread, from_thread) = oneshot::channel::<()>();
    runtime.block_on(async {
        let (by_task, task_polled) = announcing(from_task);
        let by_task = recorder.task("by a task").spawn(by_task);
        let (by_thread, thread_polled) = announcing(from_thread);
        let by_thread = recorder.task("by a thread").spawn(by_thread);
        let by_timer = recorder
            .task("by the timer")
            // Begun in the task itself: a sleep that is over by its first poll needs no wake.
            .spawn(async { tokio::time::sleep(Duration::from_millis(100)).await });
        task_polled.await.expect("polled");
        thread_polled.await.expect("polled");
        let waker = recorder
            .task("waker")
            .spawn(async move { to_task.send(()).expect("it waits") });
        std::thread::Builder::new()
            .name("outsider".to_owned())
            .spawn(move || to_thread.send(()).expect("it waits"))
            .expect("a thread")
            .join()
            .expect("no panic");
        waker.await.expect("it ends");
        by_task.await.expect("it ends").expect("told");
        by_thread.await.expect("it ends").expect("told");
        by_timer.await.expect("it ends");
    });
    let dump = dump(&recorder, "wakers");
    let waker = dump.task_named("waker").id;
    assert_eq!(
        dump.wakers(dump.task_named("by a task").id),
        [Waker::Task(waker)]
    );
    assert_eq!(
        dump.wakers(dump.task_named("by a thread").id),
        [Waker::Outside]
    );
    assert_eq!(
        dump.wakers(dump.task_named("by the timer").id),
        [Waker::Runtime]
    );
    let outsider = dump
        .events_of(dump.task_named("by a thread").id)
        .into_iter()
        .find(|event| matches!(event.event, Event::Wake { .. }))
        .expect("its wake");
    let thread = dump
        .threads
        .iter()
        .find(|row| row.id == outsider.thread)
        .expect("its thread");
    assert_eq!(dump.text(thread.name), "outsider");
}

#[test]
fn tasks_of_a_join_set_are_covered_when_wrapped() {
    let recorder = recorder();
    let runtime = multi_thread(&recorder);
    runtime.block_on(async {
        let mut set = JoinSet::new();
        for _ in 0..20 {
            set.spawn(yields(10).recorded());
            set.spawn(recorder.task("named").wrap(yields(10)));
            set.spawn(yields(10));
        }
        while let Some(result) = set.join_next().await {
            result.expect("it ends");
        }
    });
    // Whoever joins a task is told before the task's end is: the runtime's end waits for both.
    drop(runtime);
    let dump = dump(&recorder, "join-set");
    assert_eq!(dump.tasks.len(), 60);
    assert_eq!(
        dump.tasks.values().filter(|row| row.wakes_recorded).count(),
        40
    );
    assert_eq!(
        dump.tasks
            .values()
            .filter(|row| dump.text(row.name) == "named")
            .count(),
        20
    );
    for row in dump.tasks.values() {
        assert_eq!(dump.polls(row.id), 11);
        assert_eq!(dump.wakes(row.id), if row.wakes_recorded { 10 } else { 0 });
        assert_eq!(dump.ends(row.id), 1);
    }
}

#[test]
fn a_runtime_dropped_with_live_tasks_ends_them() {
    let recorder = recorder();
    let runtime = multi_thread(&recorder);
    runtime.block_on(async {
        for _ in 0..10 {
            let (future, polled) = announcing(pending::<()>().awaiting("for ever"));
            recorder.spawn(future);
            polled.await.expect("polled");
        }
    });
    let before = dump(&recorder, "before-drop");
    assert_eq!(
        before
            .tasks
            .values()
            .filter(|row| row.terminated_at.is_none())
            .count(),
        10
    );
    assert_eq!(before.open_waits.len(), 10);
    drop(runtime);
    let after = dump(&recorder, "after-drop");
    assert_eq!(after.tasks.len(), 10);
    for row in after.tasks.values() {
        assert!(row.terminated_at.is_some());
        assert_eq!(after.polls(row.id), 1, "being dropped is no poll");
        assert_eq!(after.ends(row.id), 1);
    }
    assert!(
        after.open_waits.is_empty(),
        "who has ended waits for nothing"
    );
}

#[test]
fn a_local_set_is_recorded_by_its_wrappers() {
    let recorder = recorder();
    let runtime = current_thread(&recorder);
    let local = LocalSet::new();
    runtime.block_on(local.run_until(async {
        recorder
            .task("local")
            .spawn_local(yields(4))
            .await
            .expect("it ends");
    }));
    let dump = dump(&recorder, "local");
    let row = dump.task_named("local");
    assert_eq!(row.kind, TaskKind::Local as u8);
    assert_eq!((dump.polls(row.id), dump.wakes(row.id)), (5, 4));
    assert_eq!(dump.outcomes(row.id).last(), Some(&PollOutcome::Ready));
    assert!(row.terminated_at.is_some());
    assert!(
        dump.text(row.location)
            .starts_with("recorder/tests/order.rs:")
    );
}

#[test]
fn a_local_set_inside_a_task_is_not_that_task() {
    let recorder = recorder();
    let runtime = multi_thread(&recorder);
    let inside = recorder.clone();
    runtime.block_on(async {
        let outer = recorder.task("outer").spawn(async move {
            tokio::task::block_in_place(|| {
                let local = LocalSet::new();
                tokio::runtime::Handle::current().block_on(local.run_until(async {
                    inside
                        .task("local")
                        .spawn_local(yields(4))
                        .await
                        .expect("it ends");
                    tokio::task::spawn_local(yields(2).recorded())
                        .await
                        .expect("it ends");
                }));
            });
        });
        outer.await.expect("it ends");
    });
    let dump = dump(&recorder, "local-inside");
    assert_eq!(dump.polls(dump.task_named("local").id), 5);
    assert_eq!(dump.polls(dump.task_named("outer").id), 1);
    assert_eq!(
        dump.wakes(dump.task_named("outer").id),
        0,
        "the local tasks' wakes are not its own"
    );
}

#[test]
fn a_dropped_waker_makes_a_task_unwakeable_and_a_kept_one_does_not() {
    let recorder = recorder();
    let runtime = multi_thread(&recorder);
    let kept = Arc::new(std::sync::Mutex::new(None));
    let keep = Arc::clone(&kept);
    runtime.block_on(async {
        let (lost, lost_polled) = announcing(pending::<()>());
        recorder.task("lost").spawn(lost);
        let (waits, waits_polled) = announcing(poll_fn(move |cx| {
            *keep.lock().expect("no panic") = Some(cx.waker().clone());
            Poll::<()>::Pending
        }));
        recorder.task("waits").spawn(waits);
        let (later, later_polled) = announcing(async {
            let (tell, told) = oneshot::channel::<()>();
            std::mem::forget(tell);
            told.await
        });
        recorder.task("leaked").spawn(later);
        lost_polled.await.expect("polled");
        waits_polled.await.expect("polled");
        later_polled.await.expect("polled");
    });
    let unwakeable = |dump: &Dump, name: &str| {
        let row = dump.task_named(name);
        row.unwakeable_at
            .is_some_and(|at| at >= row.last_poll_start)
    };
    // A poll's end is recorded a moment after the future announced itself.
    let first = loop {
        let seen = dump(&recorder, "unwakeable");
        if ["lost", "waits", "leaked"]
            .iter()
            .all(|name| seen.window_polls(seen.task_named(name).id) == 1)
        {
            break seen;
        }
    };
    assert!(unwakeable(&first, "lost"));
    assert!(!unwakeable(&first, "waits"));
    assert!(
        !unwakeable(&first, "leaked"),
        "a leaked waker could still be called"
    );
    let waker = kept.lock().expect("no panic").take().expect("it was kept");
    std::thread::spawn(move || drop(waker))
        .join()
        .expect("no panic");
    let second = dump(&recorder, "unwakeable-later");
    assert!(
        unwakeable(&second, "waits"),
        "the last clone went while the task was idle"
    );
}

#[test]
fn level_hooks_sees_polls_and_marks_but_no_wakes() {
    let recorder = FlightRecorder::builder()
        .memory(MIB)
        .level(Level::Hooks)
        .build()
        .expect("a recorder");
    let runtime = current_thread(&recorder);
    runtime.block_on(async {
        recorder
            .task("plain")
            .spawn(yields(3).awaiting("its turn"))
            .await
            .expect("it ends");
    });
    let dump = dump(&recorder, "hooks");
    let row = dump.task_named("plain");
    assert_eq!(dump.polls(row.id), 4);
    assert_eq!(dump.wakes(row.id), 0);
    assert!(!row.wakes_recorded);
    assert_eq!(row.waits, 1);
}

#[test]
fn the_users_own_hooks_are_still_called() {
    let calls = Arc::new([const { AtomicBool::new(false) }; 8]);
    let noting = |index: usize| {
        let calls = Arc::clone(&calls);
        move || calls[index].store(true, Ordering::Relaxed)
    };
    let (spawn, before, after, terminate) = (noting(4), noting(5), noting(6), noting(7));
    let recorder = FlightRecorder::builder()
        .memory(MIB)
        .on_thread_start(noting(0))
        .on_thread_stop(noting(1))
        .on_thread_park(noting(2))
        .on_thread_unpark(noting(3))
        .on_task_spawn(move |_| spawn())
        .on_before_task_poll(move |_| before())
        .on_after_task_poll(move |_| after())
        .on_task_terminate(move |_| terminate())
        .build()
        .expect("a recorder");
    let runtime = multi_thread(&recorder);
    runtime.block_on(async {
        tokio::spawn(tokio::time::sleep(Duration::from_millis(5)))
            .await
            .expect("it ends");
    });
    drop(runtime);
    for (index, called) in calls.iter().enumerate() {
        assert!(called.load(Ordering::Relaxed), "hook {index}");
    }
}

#[test]
fn several_runtimes_share_one_recorder() {
    let recorder = recorder();
    let (one, two) = (multi_thread(&recorder), current_thread(&recorder));
    one.block_on(async {
        recorder
            .task("one")
            .spawn(yields(2))
            .await
            .expect("it ends");
    });
    two.block_on(async {
        recorder
            .task("two")
            .spawn(yields(2))
            .await
            .expect("it ends");
    });
    let dump = dump(&recorder, "two-runtimes");
    assert_ne!(
        dump.task_named("one").runtime,
        dump.task_named("two").runtime
    );
    for name in ["one", "two"] {
        assert_eq!(dump.polls(dump.task_named(name).id), 3);
    }
}

#[test]
fn two_recorders_keep_out_of_each_others_way() {
    let (first, second) = (recorder(), recorder());
    let (one, two) = (current_thread(&first), current_thread(&second));
    // The same thread polls for both, in turns.
    for _ in 0..3 {
        one.block_on(async { first.spawn(yields(2)).await.expect("it ends") });
        two.block_on(async { second.spawn(yields(4)).await.expect("it ends") });
    }
    let (first, second) = (dump(&first, "first"), dump(&second, "second"));
    assert_eq!(
        first
            .tasks
            .keys()
            .map(|&id| first.polls(id))
            .collect::<Vec<_>>(),
        [3, 3, 3]
    );
    assert_eq!(
        second
            .tasks
            .keys()
            .map(|&id| second.polls(id))
            .collect::<Vec<_>>(),
        [5, 5, 5]
    );
}
