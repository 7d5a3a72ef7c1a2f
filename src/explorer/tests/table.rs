//! The rows of the Tasks pane against a slow and obvious listing; folded; and while their answer is on its way.

use std::sync::{
    Arc,
    mpsc::{Receiver, channel},
};

use ratatui::{layout::Size, style::Modifier};

use super::{app, assert_screen, buffer, incident, lines, press};
use crate::{
    analysis::Thresholds,
    explorer::{
        actions::ActionId,
        app::App,
        facts::Opened,
        input::Input,
        keymap::Keymap,
        keys::Key,
        table::{SORTS, Sort},
        theme::{Colors, Theme},
    },
    recording::{
        Ns, Recording, TaskFacts, TaskIx,
        testing::{batch, builder, runtime, spawn},
    },
};

/// What a row is sorted by, where that is a number.
fn number(app: &App, task: TaskIx) -> Ns {
    let view = app.view().unwrap();
    let figure = view.figures.of(&view.opened, task);
    match view.table.wish.sort {
        Sort::Trouble => view.opened.facts.trouble_rank(task).into(),
        Sort::Id => view.opened.recording.task(task).id.cast_signed(),
        Sort::State => view.opened.state_rank(task, view.place.cursor).0.into(),
        Sort::Polls => -figure.polls.cast_signed(),
        Sort::Busy => -figure.busy,
        Sort::Longest => -figure.longest,
        Sort::Delay => -figure.p99.unwrap_or(-1),
        Sort::Wakes => -figure.wakes.cast_signed(),
        Sort::Name | Sort::Location | Sort::Waiting => 0,
    }
}

/// What a row is sorted by, where that is a text.
fn text(app: &App, task: TaskIx) -> (bool, Option<String>) {
    let view = app.view().unwrap();
    let recording = &view.opened.recording;
    let text = match view.table.wish.sort {
        Sort::Name => recording.name(task).map(str::to_owned),
        Sort::Location => recording.location(task).map(str::to_owned),
        Sort::Waiting => view.opened.waiting_on(task, view.place.cursor),
        _ => None,
    };
    (text.is_none(), text)
}

fn check(app: &App) {
    let view = app.view().unwrap();
    let recording = &view.opened.recording;
    let wish = &view.table.wish;
    let mut expected: Vec<TaskIx> = recording
        .tasks()
        .filter(|task| {
            let alive = recording.is_alive(*task, view.place.cursor);
            alive || wish.all || view.place.task == Some(*task)
        })
        .collect();
    let mut rows = view.table.rows().to_vec();
    if wish.reverse {
        rows.reverse();
    }
    let key = |task: &TaskIx| {
        let rank = view.opened.facts.trouble_rank(*task);
        (number(app, *task), text(app, *task), rank)
    };
    if wish.sort != Sort::State {
        expected.sort_by_key(key);
        assert_eq!(rows, expected, "{wish:?}");
    } else {
        assert!(rows.is_sorted_by_key(|task| number(app, *task)));
        rows.sort();
        expected.sort();
        assert_eq!(rows, expected);
    }
    assert_eq!(
        view.row,
        view.place
            .task
            .and_then(|task| view.table.rows().iter().position(|row| *row == task))
    );
}

#[test]
fn the_rows_are_those_that_were_asked_for() {
    let mut app = app(incident::recording(), 120, 40);
    press(&mut app, "2");
    for mark in ["", "HHHxLLL", "x"] {
        press(&mut app, mark);
        for all in ["", "a"] {
            press(&mut app, all);
            for _ in SORTS {
                for keys in ["s", "H", "L", "r", "j", "H", "0", "$", "r"] {
                    press(&mut app, keys);
                    check(&app);
                }
            }
        }
        press(&mut app, "a");
    }
}

#[test]
fn totals_are_those_of_the_marked_range() {
    let mut app = app(incident::recording(), 120, 40);
    press(&mut app, "20x$");
    let view = app.view().unwrap();
    let recording = &view.opened.recording;
    for task in recording.tasks() {
        let figure = view.figures.of(&view.opened, task);
        let polls: Vec<Ns> = recording
            .polls_of(task)
            .iter()
            .map(|poll| recording.poll_duration(*poll))
            .collect();
        assert_eq!(figure.polls, polls.len() as u64);
        assert_eq!(figure.busy, polls.iter().sum::<Ns>());
        assert_eq!(figure.longest, polls.iter().copied().max().unwrap_or(0));
        assert_eq!(figure.p99, view.opened.facts.delay_p99(task));
    }
    // Between two instants inside the 80 ms, both culprits were busy all the time.
    press(&mut app, "x");
    app.act(ActionId::NextFinding);
    let start = app.view().unwrap().place.cursor;
    press(&mut app, "lx");
    let from = app.view().unwrap().place.cursor;
    press(&mut app, "lll");
    let view = app.view().unwrap();
    let to = view.place.cursor;
    assert!(start < from && from < to);
    let figure = view.figures.of(&view.opened, view.place.task.unwrap());
    // The poll that goes on there counts, whole as a poll and in part as time.
    assert_eq!((figure.polls, figure.busy), (1, to - from));
    assert_eq!(figure.longest, 79_988_000);
}

fn snapshot(name: &str, keys: &str, width: u16, height: u16) {
    let mut app = app(incident::recording(), width, height);
    press(&mut app, keys);
    assert_screen!(name, &app);
}

#[test]
fn tasks_are_folded_into_their_locations() {
    snapshot("overview", "2o", 80, 24);
    snapshot("overview", "2o", 120, 40);
    snapshot("overview_unfolded", "2ojj\n", 80, 24);
    let mut app = app(incident::recording(), 120, 40);
    press(&mut app, "2o");
    for _ in SORTS {
        for keys in ["s", "a", "r", "G", "a", "x", "H", "x"] {
            press(&mut app, keys);
            let view = app.view().unwrap();
            let row = view.row.unwrap();
            assert!(view.table.rows().is_empty() && row < view.table.groups().len());
        }
    }
    press(&mut app, "\n");
    let view = app.view().unwrap();
    assert!(!view.table.wish.folded && !view.table.rows().is_empty());
    press(&mut app, "\x1b");
    assert!(app.view().unwrap().table.wish.folded);
}

#[test]
fn lengths_stand_as_bars_instead_of_the_list_or_beside_it() {
    snapshot("task_lengths", "/91\n\nb", 80, 24);
    snapshot("task_lengths", "/91\n\n", 160, 50);
    // Of the range, where one is marked.
    snapshot("task_lengths_marked", "/91\n\n0xLLLb", 120, 40);
}

#[test]
fn children_are_one_key_away_one_after_the_other() {
    let mut app = app(incident::recording(), 120, 40);
    press(&mut app, "/19\n\n0");
    let id = |app: &App| {
        let view = app.view().unwrap();
        view.opened.recording.task(view.place.task.unwrap()).id
    };
    for child in [91, 92, 93] {
        press(&mut app, "K");
        assert_eq!(id(&app), child);
        press(&mut app, "p");
        assert_eq!(id(&app), 19);
    }
    press(&mut app, "KK");
    let note = app.view().unwrap().note.clone().unwrap();
    assert!(note.contains("spawned no task"), "{note}");
}

/// So many that nobody lists them between two frames.
fn many() -> Recording {
    let mut builder = builder(1_000_000);
    runtime(&mut builder, 1);
    let mut worker = batch(0);
    for id in 1..=30_000u64 {
        let at = id.cast_signed() * 10;
        let mut facts = spawn(at);
        facts.name = builder.intern(["one", "other"][id as usize % 2]);
        builder.task(TaskFacts {
            id,
            spawn: facts,
            wakes_recorded: true,
            ended_at: None,
        });
        let end = at + 5 + id.cast_signed() % 3;
        worker.poll(id, at, end, crate::recording::Outcome::Pending);
    }
    builder.batch(worker);
    builder.finish()
}

/// Takes answers until none is waited for.
fn answer(app: &mut App, inputs: &Receiver<Input>) {
    while app.waits() {
        let Ok(Input::Done(done)) = inputs.recv() else {
            panic!("an answer comes")
        };
        app.done(done);
    }
}

/// Whether the row above the selected one is dim.
fn is_dim(app: &App) -> bool {
    let buffer = buffer(app);
    let rows = lines(&buffer);
    let selected = rows.iter().position(|row| row.starts_with('▸')).unwrap();
    let cell = buffer.cell((3, selected as u16 - 1)).unwrap();
    cell.modifier.contains(Modifier::DIM)
}

#[test]
fn old_rows_are_dim_while_the_answer_is_on_its_way() {
    let (sender, inputs) = channel();
    let mut app = App::new(
        Size::new(100, 30),
        Theme::new(Colors::Sixteen),
        false,
        "many.dial9".to_owned(),
    );
    app.answer_through(sender);
    app.opened(Arc::new(Opened::new(many(), &Thresholds::default())));
    press(&mut app, "2");
    answer(&mut app, &inputs);
    press(&mut app, "Gk");
    answer(&mut app, &inputs);
    let before = app.view().unwrap().table.rows().to_vec();
    assert_eq!(before.len(), 30_000);
    assert!(!is_dim(&app));
    press(&mut app, "s");
    assert!(app.waits() && is_dim(&app));
    assert_eq!(app.view().unwrap().table.rows(), before);
    answer(&mut app, &inputs);
    assert!(!is_dim(&app));
    check(&app);
    // Of several requests the last one counts.
    press(&mut app, "sssrss");
    answer(&mut app, &inputs);
    check(&app);
    // What is typed selects the first row of what it finds, once that is found.
    press(&mut app, "/29999");
    assert!(app.waits());
    answer(&mut app, &inputs);
    let view = app.view().unwrap();
    assert_eq!(
        view.opened.recording.task(view.place.task.unwrap()).id,
        29_999
    );
    // Given up in the midst, it selects nothing.
    press(&mut app, "\n\x1b/3");
    press(&mut app, "\x1b");
    answer(&mut app, &inputs);
    let view = app.view().unwrap();
    assert_eq!(
        view.opened.recording.task(view.place.task.unwrap()).id,
        29_999
    );
    press(&mut app, "o");
    answer(&mut app, &inputs);
    assert_eq!(app.view().unwrap().table.groups().len(), 1);
}

#[test]
fn what_the_filter_hides_from_a_search_is_said_and_by_which_keys() {
    let mut app = app(incident::recording(), 120, 40);
    press(&mut app, "fname=flush\n/handle_report");
    let screen = lines(&buffer(&app)).join("\n");
    let said =
        "2 tasks match the search, but none of them the filter: f changes that, esc clears both.";
    assert!(screen.contains(said), "{screen}");
    press(&mut app, "zzzz");
    let screen = lines(&buffer(&app)).join("\n");
    assert!(
        screen.contains("No task matches the search: esc"),
        "{screen}"
    );

    // The keys are those that the person has chosen.
    let mut keys = Keymap::default();
    keys.set("filter", vec![Key::char('F')]).unwrap();
    let mut app = App::new(
        Size::new(120, 40),
        Theme::new(Colors::Sixteen),
        false,
        String::new(),
    );
    app.use_keys(keys);
    app.opened(Arc::new(Opened::new(
        incident::recording(),
        &Thresholds::default(),
    )));
    press(&mut app, "2Fname=flush\n/handle_report");
    let screen = lines(&buffer(&app)).join("\n");
    assert!(screen.contains("F changes that"), "{screen}");
}
