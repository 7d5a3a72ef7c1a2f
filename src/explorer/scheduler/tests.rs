//! Whole screens of the Scheduler, what its keys do, and its cells against what they should say.

use std::sync::Arc;

use proptest::prelude::*;
use ratatui::{layout::Size, style::Modifier};

use super::cells::{self, Colouring, Colours};
use crate::{
    analysis::Thresholds,
    explorer::{
        actions::ActionId,
        app::App,
        facts::Opened,
        screen::Screen,
        span::Span,
        tests::{app, assert_screen, buffer, incident, lines, press, sample},
    },
    recording::{
        Batch, GLOBAL_QUEUE, LaneIx, MILLISECOND, Ns, Outcome, PointKey, PointScope, Recording,
        SeatKey, StrId, Thread, testing,
    },
};

/// The snapshot `name` of what is seen of `recording` after `keys`, at that size.
fn snapshot(name: &str, recording: Recording, keys: &str, width: u16, height: u16) {
    let mut app = app(recording, width, height);
    press(&mut app, keys);
    assert_screen!(name, &app);
}

#[test]
fn the_whole_window() {
    snapshot("workers", incident::recording(), "5z", 80, 24);
    snapshot("workers", incident::recording(), "5z", 120, 40);
    snapshot("workers", incident::recording(), "5", 200, 60);
    snapshot("workers", incident::recording(), "5", 40, 8);
    snapshot("workers_sample", sample(), "5", 120, 40);
}

#[test]
fn the_incident_from_close() {
    snapshot("workers_zoomed", incident::recording(), "e5", 80, 24);
    snapshot("workers_zoomed", incident::recording(), "e5xLL", 120, 40);
    snapshot("workers_by_location", incident::recording(), "e5CC", 80, 24);
    snapshot("workers_sample_zoomed", sample(), "e5", 80, 24);
}

#[test]
fn lanes_of_tasks() {
    snapshot("tasks_lanes", incident::recording(), "e5t", 80, 24);
    snapshot("tasks_lanes", incident::recording(), "e5tss", 120, 40);
    snapshot("tasks_lanes_sample", sample(), "e5t", 120, 40);
}

fn text(app: &App) -> String {
    lines(&buffer(app)).join("\n")
}

#[test]
fn one_key_shows_who_blocked_which_worker() {
    let mut app = app(incident::recording(), 80, 24);
    press(&mut app, "5");
    let text = text(&app);
    for told in [
        "87 handle_report",
        "88 handle_report",
        "blind",
        "inside polls",
    ] {
        assert!(text.contains(told), "{told}: {text}");
    }
}

#[test]
fn enter_opens_the_poll_that_the_lane_is_in_and_back_returns_to_it() {
    let mut app = app(incident::recording(), 80, 24);
    press(&mut app, "5j");
    let here = app.view().unwrap().place;
    press(&mut app, "\n");
    let text = text(&app);
    assert!(text.contains("task 88 handle_report"), "{text}");
    assert!(text.contains("polled for 79.9 ms"), "{text}");
    press(&mut app, "\x08");
    assert_eq!(app.view().unwrap().place, here);
}

#[test]
fn steps_go_from_start_to_start_on_the_selected_lane() {
    let mut app = app(incident::recording(), 80, 24);
    press(&mut app, "5");
    let recording = incident::recording();
    let starts: Vec<Ns> = recording
        .polls_on(LaneIx::new(0))
        .iter()
        .map(|poll| recording.poll_start(*poll))
        .collect();
    press(&mut app, ".");
    let first = app.view().unwrap().place.cursor;
    let place = starts.iter().position(|start| *start == first).unwrap();
    press(&mut app, "...");
    assert_eq!(app.view().unwrap().place.cursor, starts[place + 3]);
    press(&mut app, ",,,,");
    assert_eq!(app.view().unwrap().place.cursor, starts[place - 1]);
    // What the lane polls there is selected.
    let view = app.view().unwrap();
    let poll = recording.polls_on(LaneIx::new(0))[place - 1];
    assert_eq!(view.selected_poll(), Some(poll));
}

#[test]
fn a_click_selects_the_lane_and_puts_the_cursor_into_its_longest_poll_there() {
    let mut app = app(incident::recording(), 80, 24);
    press(&mut app, "5z");
    let rows = lines(&buffer(&app));
    let row = rows.iter().position(|row| row.starts_with(" w1")).unwrap();
    let column = rows[row]
        .chars()
        .position(|glyph| "▃▄▅▆▇█".contains(glyph))
        .unwrap();
    app.click(column as u16, row as u16);
    let view = app.view().unwrap();
    assert_eq!(view.place.scheduler.lane, 1);
    let task = view.place.task.unwrap();
    assert_eq!(view.opened.recording.task(task).id, 88);
}

#[test]
fn zoom_goes_down_to_single_nanoseconds_and_back() {
    let mut app = app(incident::recording(), 80, 24);
    press(&mut app, "5");
    press(&mut app, &"+".repeat(40));
    let span = app.view().unwrap().place.span;
    assert!(span.length() < 60, "{span:?}");
    assert!(text(&app).contains("1ns a cell"), "{}", text(&app));
    press(&mut app, &"-".repeat(40));
    assert_eq!(
        app.view().unwrap().place.span.length(),
        3_000 * MILLISECOND + 1
    );
}

#[test]
fn what_is_selected_elsewhere_selects_its_lane() {
    let mut app = app(incident::recording(), 80, 24);
    for (id, lane) in [("88", 1), ("87", 0), ("88", 1)] {
        press(&mut app, &format!("2\x1b/{id}\n5"));
        assert_eq!(app.view().unwrap().place.scheduler.lane, lane, "{id}");
    }
}

#[test]
fn every_size_draws() {
    for keys in ["5", "5t", "5C", "e5x", "e5tx"] {
        for (width, height) in [
            (40, 8),
            (40, 60),
            (63, 9),
            (64, 10),
            (79, 13),
            (250, 12),
            (300, 90),
        ] {
            let mut app = app(incident::recording(), 120, 40);
            press(&mut app, keys);
            app.resize(Size::new(width, height));
            buffer(&app);
            press(&mut app, "jjhhL+");
            buffer(&app);
        }
    }
}

/// Six thousand tasks, each polled once; task 5000 had to wait for it longest.
fn many() -> Recording {
    let mut builder = testing::builder(60 * MILLISECOND);
    testing::runtime(&mut builder, 16);
    let mut batches: Vec<_> = (0..16).map(testing::batch).collect();
    for id in 1..=6_000u64 {
        let at = id as Ns * 10_000;
        let wait = if id == 5_000 {
            900_000
        } else {
            1_000 + id as Ns % 7
        };
        let batch = &mut batches[id as usize % 16];
        batch.spawn(id, testing::spawn(at - wait));
        batch.poll(id, at, at + 5_000, Outcome::Pending);
    }
    batches.into_iter().for_each(|batch| builder.batch(batch));
    builder.finish()
}

#[test]
fn of_many_tasks_a_sample_is_sorted_and_the_screen_says_so() {
    let mut app = app(many(), 120, 40);
    press(&mut app, "5zt");
    let text = text(&app);
    assert!(
        text.contains("of 6000, sorted among a sample of 4096"),
        "{text}"
    );
    let mut lanes = text.lines().filter(|line| line.contains(" runnable"));
    let first = lanes.next().unwrap();
    assert!(
        first.contains("5000") && first.contains("900µs runnable"),
        "{text}"
    );
    // From close, fewer of them are alive: no sample is needed.
    press(&mut app, &format!("0{}", "+".repeat(4)));
    assert!(!lines(&buffer(&app)).join("\n").contains("sample"));
}

#[test]
fn a_filter_leaves_only_the_lanes_of_those_that_match() {
    let mut app = app(incident::recording(), 120, 40);
    press(&mut app, "fname~ping\n5zt");
    let text = text(&app);
    let lanes = text
        .lines()
        .filter(|line| line.contains("runnable") && line.contains("handle_ping"));
    assert_eq!(lanes.count(), 6, "{text}");
    assert!(text.contains("1-6 of 6"), "{text}");
}

#[test]
fn lanes_that_do_not_fit_are_scrolled_to() {
    let mut app = app(many(), 80, 14);
    press(&mut app, "5z");
    assert!(!text(&app).contains("▸w15"));
    press(&mut app, "G");
    assert!(text(&app).contains("▸w15"), "{}", text(&app));
    press(&mut app, "kkkkkkkkkkkkkkk");
    assert!(text(&app).contains("▸w0 "), "{}", text(&app));
}

/// The bytes that the terminal gets for what `keys` change.
fn bytes(app: &mut App, keys: &str) -> usize {
    let mut screen = Screen::new(app.size());
    let mut out = Vec::new();
    screen
        .frame(&mut out, app.size(), None, |buffer| app.draw(buffer))
        .unwrap();
    press(app, keys);
    screen
        .frame(&mut out, app.size(), None, |buffer| app.draw(buffer))
        .unwrap()
}

#[test]
fn zooming_sixteen_lanes_in_many_colours_stays_within_the_budget() {
    for colouring in ["", "C", "CC", "t"] {
        let mut app = app(many(), 120, 40);
        press(&mut app, &format!("5z{colouring}"));
        for _ in 0..12 {
            let bytes = bytes(&mut app, "+h");
            assert!(bytes <= 16_384, "{bytes} of a zoom, {colouring}");
        }
    }
}

#[test]
fn selecting_another_lane_stays_within_the_budget() {
    for recording in [incident::recording(), sample(), many()] {
        let mut app = app(recording, 120, 40);
        press(&mut app, "5");
        for key in ["j", "k", "j"] {
            let bytes = bytes(&mut app, key);
            assert!(bytes <= 1_024, "{bytes} of a move");
        }
    }
}

/// How much of a cell polls take, by looking at every poll.
fn slow_cell(recording: &Recording, lane: LaneIx, from: Ns, to: Ns) -> (bool, Ns, Ns) {
    let (mut any, mut covered, mut longest) = (false, 0, 0);
    for poll in recording.polls_on(lane) {
        let poll = recording.poll(*poll);
        if poll.start < to && (poll.end() > from || poll.start >= from) {
            any = true;
            covered += (poll.end().min(to) - poll.start.max(from)).max(0);
            longest = longest.max(poll.duration);
        }
    }
    (any, covered, longest)
}

fn colours(by: Colouring, changes: usize) -> Colours<'static> {
    Colours {
        by,
        passing: None,
        changes,
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(32))]

    #[test]
    fn cells_say_what_the_polls_say(
        from in -100 * MILLISECOND..3_000 * MILLISECOND,
        length in 0u32..32,
        count in 1usize..150,
        changes in 0usize..40,
    ) {
        let opened = Arc::new(Opened::new(incident::recording(), &Thresholds::default()));
        let recording = &opened.recording;
        let span = Span::new(from, from + (1 << length));
        for lane in (0..recording.lanes().len()).map(LaneIx::new) {
            let plain = cells::cells(&opened, lane, span, count, colours(Colouring::Length, 0));
            for (number, cell) in plain.cells.iter().enumerate() {
                let (from, to) = (span.start_of(number, count), span.start_of(number + 1, count));
                if from == to {
                    continue;
                }
                let (any, covered, longest) = slow_cell(recording, lane, from, to);
                let busy = any.then(|| u16::try_from((covered * 1_000 / (to - from)).min(1_000)).unwrap());
                prop_assert_eq!(cell.busy, busy, "cell {} of {:?}", number, span);
                prop_assert_eq!(cell.slow, longest >= opened.facts.slow_poll);
            }
            for stretch in &plain.stretches {
                let poll = recording.poll(stretch.poll);
                prop_assert!(poll.duration >= opened.facts.slow_poll);
                prop_assert!(stretch.cells.0 < stretch.cells.1 && stretch.cells.1 <= count);
                prop_assert!(plain.cells[stretch.cells.0..stretch.cells.1].iter().all(|cell| cell.slow));
            }
            let coloured = cells::cells(&opened, lane, span, count, colours(Colouring::Task, changes));
            let hues = coloured.cells.windows(2).filter(|pair| pair[0].hue != pair[1].hue).count();
            prop_assert!(hues <= changes);
        }
    }
}

#[test]
fn every_action_of_the_pane_does_something_or_says_why_not() {
    for action in [
        ActionId::TaskLanes,
        ActionId::LaneColors,
        ActionId::SortNext,
    ] {
        let mut app = app(incident::recording(), 80, 24);
        press(&mut app, "5");
        let before = text(&app);
        app.act(action);
        assert_ne!(text(&app), before, "{action:?}");
    }
}

/// Polls of which nobody knows the worker, and two series that begin late.
fn nobodys_polls() -> Recording {
    let mut builder = testing::builder(40 * MILLISECOND);
    let unknown = builder.intern(Thread::UNKNOWN);
    builder.thread(Thread {
        id: 0,
        name: unknown,
        tid: None,
        worker: false,
        exited: false,
    });
    let names = [GLOBAL_QUEUE, "sockets"].map(|name| builder.intern(name));
    let mut batch = Batch::new(0);
    batch.seat(SeatKey {
        worker: None,
        thread: 0,
    });
    for task in [1, 2] {
        batch.spawn(task, testing::spawn(0));
        batch.wakes_recorded(task);
    }
    batch.poll(1, MILLISECOND, 25 * MILLISECOND, Outcome::Pending);
    batch.poll(2, 2 * MILLISECOND, 4 * MILLISECOND, Outcome::Ready);
    for (number, name) in names.into_iter().enumerate() {
        let unit = StrId::NONE;
        let scope = PointScope::Process;
        for at in [20, 30] {
            batch.point(
                at * MILLISECOND,
                PointKey { name, unit, scope },
                at + number as i64,
            );
        }
    }
    builder.batch(batch);
    builder.finish()
}

#[test]
fn what_was_not_recorded_is_said() {
    snapshot("unknown_thread", nobodys_polls(), "50", 80, 24);
    let mut app = app(nobodys_polls(), 120, 40);
    press(&mut app, "50");
    let early = text(&app);
    assert!(early.contains("busy: not recorded"), "{early}");
    assert!(early.contains("first at 0.020 s"), "{early}");
    press(&mut app, "$");
    let late = text(&app);
    assert!(!late.contains("first at"), "{late}");
    assert!(late.contains("30  max 30  sampled 10.0ms ago"), "{late}");
}

#[test]
fn who_is_not_counted_yet_is_not_called_dead() {
    let mut app = app(incident::recording(), 120, 40);
    press(&mut app, "e5");
    let task = app.view().unwrap().place.task.unwrap();
    let spent = |app: &App| super::tasks::spent(app.view().unwrap(), task);
    // Nobody has looked at the lanes of tasks yet, so nothing was counted.
    assert_eq!(spent(&app), "counting the time in each state");
    press(&mut app, "t");
    assert!(spent(&app).contains("running"), "{}", spent(&app));
}

#[test]
fn polls_of_tasks_that_the_filter_does_not_list_are_dim() {
    let mut app = app(incident::recording(), 120, 40);
    press(&mut app, "fname=flush\n5z");
    let dim = |app: &App| -> Vec<bool> {
        let buffer = buffer(app);
        let cells = (6..14).flat_map(|y| (8..85).map(move |x| (x, y)));
        let polls = cells
            .map(|at| &buffer[at])
            .filter(|cell| "▁▂▃▄▅▆▇█".contains(cell.symbol()));
        polls
            .map(|cell| cell.modifier.contains(Modifier::DIM))
            .collect()
    };
    let seen = dim(&app);
    assert!(seen.contains(&true) && seen.contains(&false), "{seen:?}");
    let screen = lines(&buffer(&app)).join("\n");
    assert!(screen.contains("not in the filter"), "{screen}");
    assert_screen!("workers_filtered", &app);

    press(&mut app, "2\x1b5");
    assert!(!dim(&app).contains(&true));
}
