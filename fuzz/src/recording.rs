//! Opens a file the way the explorer does, and asks the recording everything.

use dial9_tui::{
    analysis::Thresholds,
    open::{Progress, open_bytes},
    recording::{
        Band, CustomIx, EntryIx, Field, PollIx, Recording, SampleIx, SiteIx, SpanIx, StackIx,
        Window,
    },
    report::{Report, json, text},
};

/// The most rows of a kind that are asked for one by one: a campaign wants speed.
const MOST: usize = 1 << 12;

/// Opens `bytes` and holds the reader, and what it fills, to their promises.
///
/// # Panics
///
/// When one is broken: an error that is more than one printable line, counts that do not add up, numbers of rows that
/// lead nowhere, times that run backwards.
pub fn open_and_check(bytes: &[u8]) {
    match open_bytes("fuzz", bytes.to_vec(), &Progress::default()) {
        Ok(recording) => check(&recording),
        Err(error) => printable(&error.to_string()),
    }
}

fn check(recording: &Recording) {
    let counts = recording.counts();
    let rows = [
        counts.polls,
        counts.wakes,
        counts.spawns,
        counts.terminates,
        // The end of a park is an event of its own only for some recorders.
        counts.parks.max(counts.unparks),
        counts.customs,
        counts.span_steps,
        counts.samples,
        counts.await_sites,
        counts.allocations,
    ];
    assert!(rows.iter().sum::<u64>() <= counts.total, "{counts:?}");
    assert_eq!(counts.polls, recording.poll_count() as u64);
    assert_eq!(counts.customs, recording.custom_count() as u64);
    assert_eq!(counts.samples, recording.sample_count() as u64);
    for loss in recording.losses() {
        printable(&loss.detail);
    }
    let window = recording.window();
    assert!(window.end >= 0, "{window:?}");
    polls(recording);
    tasks(recording, window);
    totals(recording, window);
    extras(recording);
    report(recording);
}

/// What every task did over ranges: all rows are somebody's, and no row counts twice.
fn totals(recording: &Recording, window: Window) {
    let sums = |from: i64, to: i64| {
        let tally = recording
            .tally(from, to, &|| false)
            .expect("somebody wants it");
        let all = recording.tasks().map(|task| tally.totals(task));
        all.fold((0, 0), |(polls, wakes), totals| {
            assert!(totals.busy_ns >= 0 && totals.longest_ns >= 0, "{totals:?}");
            (polls + totals.polls, wakes + totals.wakes)
        })
    };
    let all = (recording.poll_count() as u64, recording.wake_count() as u64);
    assert_eq!(sums(i64::MIN, i64::MAX), all);
    let part = sums(window.end / 3, window.end / 2);
    assert!(part.0 <= all.0 && part.1 <= all.1, "{part:?} of {all:?}");
}

/// What is told of the recording without a terminal: all that is found in it.
fn report(recording: &Recording) {
    let report = Report::new(recording, &Thresholds::default());
    text(&report).lines().for_each(printable);
    let json = json(&report).expect("it has no maps whose keys are no strings");
    json.lines().for_each(printable);
}

fn polls(recording: &Recording) {
    let mut before = i64::MIN;
    for poll in (0..recording.poll_count().min(MOST)).map(PollIx::new) {
        let row = recording.poll(poll);
        assert!(row.start >= before && row.duration >= 0, "{row:?}");
        assert!(row.delay.is_none_or(|delay| delay >= 0), "{row:?}");
        before = row.start;
        let _ = recording.thread(row.thread);
        assert!(recording.polls_of(row.task).contains(&poll));
        assert!(recording.polls_on(row.lane).contains(&poll));
    }
    for lane in (0..recording.lanes().len()).map(dial9_tui::recording::LaneIx::new) {
        let parks = recording.parks_on(lane).iter().take(MOST);
        assert!(parks.is_sorted_by_key(|park| recording.park(*park).start));
        let entries = recording.entries_on(lane).iter().take(MOST);
        assert!(entries.is_sorted_by_key(|entry| recording.entry(*entry).begin));
    }
}

fn tasks(recording: &Recording, window: Window) {
    for task in recording.tasks().take(MOST) {
        let _ = recording.task_by_id(recording.task(task).id);
        if let Some(location) = recording.location(task) {
            printable(location);
        }
        for wake in recording.wakes_of(task).iter().take(MOST) {
            let row = recording.wake(*wake);
            assert_eq!(row.task, task);
            let _ = recording.waker_poll(*wake);
        }
        for at in [0, window.end / 2, window.end] {
            let site = recording.await_site_at(task, at);
            assert!(site.is_none_or(|site| recording.await_site(site).task == task));
            if let Some(poll) = recording.poll_at(task, at) {
                assert_eq!(recording.poll(poll).task, task);
            }
        }
        assert!(recording.children_of(task).len() <= recording.task_count());
        assert!(
            recording
                .last_poll(task)
                .is_none_or(|poll| poll.end >= poll.start)
        );
    }
}

fn extras(recording: &Recording) {
    let fields = |fields: &[Field]| {
        for field in fields {
            printable(&field.text(recording));
        }
    };
    for custom in (0..recording.custom_count().min(MOST)).map(CustomIx::new) {
        let row = recording.custom(custom);
        printable(recording.str(row.name));
        fields(recording.fields_of_custom(custom));
        let owned = match row.task {
            Some(task) => recording.customs_of(task),
            None => recording.taskless_customs(),
        };
        assert!(owned.contains(&custom));
    }
    for span in (0..recording.span_count().min(MOST)).map(SpanIx::new) {
        let row = recording.span(span);
        assert!(row.parent.is_none_or(|parent| parent < span), "{row:?}");
        assert!(
            row.closed.is_none_or(|closed| closed >= row.opened),
            "{row:?}"
        );
        fields(recording.fields_of_span(span));
        let entries: &[EntryIx] = recording.entries_of(span);
        for entry in entries
            .iter()
            .take(MOST)
            .map(|entry| recording.entry(*entry))
        {
            assert_eq!(entry.span, span);
            assert!(entry.end.is_none_or(|end| end >= entry.begin), "{entry:?}");
        }
    }
    for sample in (0..recording.sample_count().min(MOST)).map(SampleIx::new) {
        let row = recording.sample(sample);
        stack(recording, row.stack);
        if let Some(poll) = row.poll {
            assert!(recording.samples_in(poll).contains(&sample));
            assert!(recording.poll(poll).covers(row.at));
        }
    }
    for site in (0..recording.await_site_count().min(MOST)).map(SiteIx::new) {
        let row = recording.await_site(site);
        assert!(recording.await_sites_of(row.task).contains(&site));
        stack(recording, row.stack);
    }
    let mut bands = [Band::default(); 7];
    for series in recording.all_series() {
        printable(recording.str(recording.series(series).name));
        recording.cover_series(series, 0, recording.window().end.max(1), &mut bands);
        let sound = |band: &Band| !band.any || (band.min <= band.last && band.last <= band.max);
        assert!(bands.iter().all(sound), "{bands:?}");
    }
}

fn stack(recording: &Recording, stack: StackIx) {
    for frame in recording.stack(stack) {
        printable(recording.str(recording.frame(*frame).name));
    }
}

fn printable(text: &str) {
    assert!(!text.chars().any(char::is_control), "{text:?}");
}
