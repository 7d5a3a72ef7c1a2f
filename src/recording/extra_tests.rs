//! Facts that only some recorders know, on recordings of a few rows.

use super::{
    testing::{batch, builder, runtime, seat, spawn},
    *,
};

fn field(builder: &mut RecordingBuilder, name: &str, value: Value, unit: &str) -> Field {
    Field {
        name: builder.intern(name),
        value,
        unit: builder.intern(unit),
    }
}

#[test]
fn custom_events_belong_to_the_task_that_they_name_or_to_the_poll_around_them() {
    let mut builder = builder(1_000);
    let name = builder.intern("rejected");
    let late = field(&mut builder, "late", Value::U64(2_500_000), "ns");
    let path = builder.intern("/a");
    let path = field(&mut builder, "path", Value::Str(path), "");
    let size = field(&mut builder, "size", Value::I64(-4), "bytes");
    let mut w0 = batch(0);
    w0.poll(7, 100, 200, Outcome::Pending);
    w0.custom(300, name, None, &[]); // in no poll
    w0.custom(150, name, None, &[late, path]);
    w0.custom(160, name, Some(9), &[]);
    w0.nobody();
    w0.custom(170, name, None, &[size]);
    let mut w1 = batch(1);
    w1.custom(155, name, None, &[size]);
    builder.batch(w0);
    builder.batch(w1);
    let recording = builder.finish();
    assert_eq!(
        (recording.custom_count(), recording.counts().customs),
        (5, 5)
    );
    let (seven, nine) = (
        recording.task_by_id(7).unwrap(),
        recording.task_by_id(9).unwrap(),
    );
    let of_seven = recording.customs_of(seven);
    assert_eq!(of_seven.len(), 1);
    assert_eq!(recording.customs_of(nine).len(), 1);
    let text: Vec<String> = recording
        .fields_of_custom(of_seven[0])
        .iter()
        .map(|field| field.text(&recording))
        .collect();
    assert_eq!(text, ["late=2.50 ms", "path=\"/a\""]);
    let taskless: Vec<(Ns, bool)> = recording
        .taskless_customs()
        .iter()
        .map(|custom| recording.custom(*custom))
        .map(|custom| (custom.at, custom.lane.is_some()))
        .collect();
    assert_eq!(taskless, [(155, true), (170, false), (300, true)]);
    let moved = recording.fields_of_custom(recording.taskless_customs()[0]);
    assert_eq!(moved[0].text(&recording), "size=-4 bytes");
    let history = recording.history(seven);
    assert_eq!(
        history.get(1).map(|event| event.what),
        Some(Happening::Custom(of_seven[0]))
    );
    assert_eq!(history.find(150, Happening::Custom(of_seven[0])), Some(1));
}

#[test]
fn spans_nest_in_the_polls_of_their_task() {
    let mut builder = builder(1_000);
    let (request, query) = (builder.intern("request"), builder.intern("query"));
    let facts = |id, name| SpanFacts {
        id,
        parent: None,
        name,
        target: StrId::NONE,
    };
    let mut w0 = batch(0);
    w0.poll(7, 100, 200, Outcome::Pending);
    w0.span_enter(110, facts(1, request), None, &[]);
    w0.span_enter(120, facts(2, query), None, &[]);
    w0.span_exit(130, 2);
    w0.span_exit(190, 1);
    let mut w1 = batch(1);
    w1.poll(7, 300, 400, Outcome::Pending);
    w1.span_enter(310, facts(1, request), None, &[]);
    w1.span_close(320, 2);
    w1.span_exit(330, 1);
    w1.span_close(330, 1);
    builder.batch(w1);
    builder.batch(w0);
    let recording = builder.finish();
    let task = recording.task_by_id(7).unwrap();
    let spans = recording.spans_of(task);
    assert_eq!(spans.len(), 2);
    let (outer, inner) = (recording.span(spans[0]), recording.span(spans[1]));
    assert_eq!(
        (outer.opened, outer.closed, outer.depth),
        (110, Some(330), 0)
    );
    assert_eq!(
        (inner.parent, inner.closed, inner.depth),
        (Some(spans[0]), Some(320), 1)
    );
    assert_eq!(recording.entries_of(spans[0]).len(), 2);
    assert_eq!(recording.entries_of_task(task).len(), 3);
    let on_one: Vec<_> = recording
        .entries_on(LaneIx::new(1))
        .iter()
        .map(|entry| recording.entry(*entry))
        .map(|entry| (entry.begin, entry.end, entry.depth))
        .collect();
    assert_eq!(on_one, [(310, Some(330), 0)]);
    let lines: Vec<Happening> = recording
        .history(task)
        .lines(0)
        .map(|line| line.what)
        .collect();
    assert_eq!(lines[1], Happening::SpanOpened(spans[0]));
    assert_eq!(
        lines[4..],
        [
            Happening::SpanClosed(spans[1]),
            Happening::SpanClosed(spans[0])
        ]
    );
}

#[test]
fn samples_and_allocations_fall_into_the_poll_of_their_thread() {
    let mut builder = builder(1_000);
    let mut w0 = batch(0);
    w0.poll(1, 100, 200, Outcome::Pending);
    w0.sample(150, SampleKind::OnCpu, &[3, 2, 1]);
    w0.sample(250, SampleKind::OffCpu, &[1]);
    w0.allocation(160, 4_096, None);
    w0.deallocation(170, 4_096, None);
    w0.allocation(500, 64, None);
    // The same worker on another thread meanwhile, and a thread of which only its number is known.
    w0.seat(SeatKey {
        worker: Some((0, 0)),
        thread: 9,
    });
    w0.poll(2, 140, 300, Outcome::Pending);
    w0.seat(SeatKey {
        worker: None,
        thread: 9,
    });
    w0.sample(155, SampleKind::OnCpu, &[3, 2, 1]);
    builder.batch(w0);
    let recording = builder.finish();
    let of = |id: u64| recording.samples_of(recording.task_by_id(id).unwrap());
    assert_eq!(
        (of(1).len(), of(2).len(), recording.sample_count()),
        (1, 1, 3)
    );
    let sample = recording.sample(of(2)[0]);
    assert_eq!(
        sample.poll.map(|poll| recording.poll(poll).start),
        Some(140)
    );
    assert_eq!(sample.stack, recording.sample(of(1)[0]).stack);
    assert_eq!(recording.stack(sample.stack).len(), 3);
    assert_eq!(recording.samples_in(sample.poll.unwrap()), of(2));
    assert_eq!(recording.samples_from(200).index(), 2);
    let one = recording.allocations_of(recording.task_by_id(1).unwrap());
    assert_eq!((one.count, one.bytes, one.freed), (1, 4_096, 1));
    assert_eq!(recording.allocations().count, 2);
}

#[test]
fn an_await_site_holds_until_the_next_poll() {
    let mut builder = builder(1_000);
    let mut w0 = batch(0);
    w0.poll(1, 100, 200, Outcome::Pending);
    w0.await_site(1, 190, &[5]);
    w0.poll(1, 600, 700, Outcome::Pending);
    builder.batch(w0);
    let recording = builder.finish();
    let task = recording.task_by_id(1).unwrap();
    assert_eq!(recording.await_site_at(task, 189), None);
    let site = recording.await_site_at(task, 900).unwrap();
    assert!(recording.site_holds(site, 599) && !recording.site_holds(site, 600));
    assert_eq!(recording.history(task).len(), 3);
}

#[test]
fn series_are_told_apart_by_whose_they_are() {
    let mut builder = builder(1_000);
    runtime(&mut builder, 2);
    let name = builder.intern("global_queue");
    let key = |scope| PointKey {
        name,
        unit: StrId::NONE,
        scope,
    };
    let mut w0 = batch(0);
    w0.poll(1, 10, 20, Outcome::Pending);
    w0.local_queue(3);
    w0.point(100, key(PointScope::Runtime(44)), 5);
    w0.point(50, key(PointScope::Runtime(44)), 9);
    w0.point(70, key(PointScope::Writer), 1);
    w0.point(70, key(PointScope::Process), 2);
    w0.renumber_runtimes(|_| 0);
    w0.poll(1, 30, 40, Outcome::Pending);
    builder.batch(w0);
    let recording = builder.finish();
    assert_eq!(recording.all_series().len(), 3);
    let of_runtime = recording
        .series_named("global_queue", Scope::Runtime(RuntimeIx::new(0)))
        .unwrap();
    assert_eq!(recording.value_at(of_runtime, 49), None);
    assert_eq!(recording.value_at(of_runtime, 99), Some(9));
    let mut bands = [Band::default(); 4];
    recording.cover_series(of_runtime, 0, 200, &mut bands);
    let bands: Vec<_> = bands
        .iter()
        .map(|band| (band.any, band.min, band.max, band.last))
        .collect();
    assert_eq!(
        bands,
        [
            (false, 0, 0, 0),
            (true, 9, 9, 9),
            (true, 5, 5, 5),
            (true, 5, 5, 5)
        ]
    );
    assert!(
        recording
            .series_named("global_queue", Scope::Lane(LaneIx::new(0)))
            .is_some()
    );
    let queues: Vec<Option<u8>> = (0..2)
        .map(|poll| recording.poll(PollIx::new(poll)).queue)
        .collect();
    assert_eq!(queues, [Some(3), None]);
}

#[test]
fn a_recording_without_them_has_none() {
    let mut builder = builder(1_000);
    let mut w0 = batch(0);
    w0.spawn(1, spawn(5));
    builder.batch(w0);
    builder.running(seat(0), Some(1), 10);
    let recording = builder.finish();
    let task = recording.task_by_id(1).unwrap();
    assert!(recording.customs_of(task).is_empty() && recording.spans_of(task).is_empty());
    assert!(
        recording.samples_in(PollIx::new(0)).is_empty() && recording.samples_of(task).is_empty()
    );
    assert_eq!(recording.await_site_at(task, 500), None);
    assert_eq!(recording.all_series().len(), 0);
    assert_eq!(recording.poll(PollIx::new(0)).queue, None);
}
