//! A walk through the whole explorer by script, without a terminal: what each kind of step costs in time and in bytes.
//!
//! `cargo bench -p dial9-tui --bench walk [-- PATH...]`. Without a path it walks recordings of its own: one of many
//! events, one of a million tasks. Each step is a key press: what its action does, drawing the frame, finding what is
//! different, and encoding that for the terminal. The time on the CPU stands beside it, where the system tells (Linux):
//! on a machine that is busy otherwise, that is what the explorer itself took. Budgets: a frame takes at most 16 ms at p99; at 120x40 the output of
//! moving the selection takes at most 1 KB, scrolling 8 KB, another pane or zoom 16 KB.
#![allow(clippy::print_stdout, reason = "printing is what a benchmark does")]

use std::{
    collections::BTreeMap,
    path::PathBuf,
    time::{Duration, Instant},
};

use dial9_tui::{
    explorer::walk::{Cost, Prepared, Walker},
    open::{Progress, Request, open},
    recording::{
        Batch, Format, Ns, Outcome, Recording, RecordingBuilder, Runtime, SeatKey, Source,
        SpawnFacts, StrId, TaskFacts, TaskKind, WakerKey, Window,
    },
};

/// The time that a frame may take at p99.
const FRAME: Duration = Duration::from_millis(16);

fn main() {
    let paths: Vec<PathBuf> = std::env::args_os()
        .skip(1)
        .filter(|argument| argument != "--bench")
        .map(PathBuf::from)
        .collect();
    if paths.is_empty() {
        walk("20 M events of 4,000 tasks", || busy(20_000_000, 4_000));
        walk("1 M tasks", || short_lived(1_000_000));
    }
    for path in paths {
        let title = path.display().to_string();
        walk(&title, || {
            let request = Request {
                paths: vec![path],
                process: None,
            };
            open(&request, &Progress::default()).expect("the recording opens")
        });
    }
}

/// Opens a recording and walks it in two sizes of window.
fn walk(title: &str, open: impl FnOnce() -> Recording) {
    let begin = Instant::now();
    let recording = open();
    let opened = begin.elapsed();
    println!(
        "\n{title}: {} events, {} tasks; read and indexed in {:.2} s",
        recording.counts().total,
        recording.task_count(),
        opened.as_secs_f64()
    );
    let begin = Instant::now();
    let prepared = Prepared::new(recording);
    println!(
        "what is computed once, before it is shown: {:.2} s",
        begin.elapsed().as_secs_f64()
    );
    for (width, height) in [(120, 40), (200, 60)] {
        let mut steps = Steps::default();
        let (mut walker, first) = Walker::new(&prepared, width, height);
        steps.take(&mut walker, "open", |_| Some(first));
        script(&mut walker, &mut steps);
        steps.print(width, height);
    }
}

/// The walk itself.
fn script(walker: &mut Walker, steps: &mut Steps) {
    steps.act(walker, "pane", "tasks");
    tasks(walker, steps);
    for pane in ["scheduler", "task"] {
        steps.act(walker, "pane", pane);
        timeline(walker, steps);
    }
    scheduler(walker, steps);
    for pane in ["findings", "wakers", "resources", "causes"] {
        steps.act(walker, "pane", pane);
        lines(walker, steps);
        steps.act(walker, "jump", "open");
        steps.act(walker, "jump", "back");
        cursor(walker, steps, 10);
    }
    for _ in 0..30 {
        for jump in [
            "next-slow-poll",
            "who-woke",
            "next-finding",
            "parent",
            "longest-poll",
        ] {
            steps.act(walker, "jump", jump);
        }
    }
    for _ in 0..60 {
        steps.act(walker, "jump", "back");
    }
    steps.act(walker, "pane", "tasks");
}

/// What only the Scheduler can do: lanes of tasks in every order, and colours for the polls.
fn scheduler(walker: &mut Walker, steps: &mut Steps) {
    steps.act(walker, "pane", "scheduler");
    for _colouring in 0..3 {
        steps.act(walker, "colours", "lane-colours");
        for _ in 0..12 {
            steps.act(walker, "zoom", "zoom-in");
        }
        cursor(walker, steps, 2);
        steps.act(walker, "zoom", "zoom-all");
    }
    steps.act(walker, "lanes", "task-lanes");
    timeline(walker, steps);
    for _order in 0..4 {
        steps.act(walker, "sort", "sort-next");
        lines(walker, steps);
    }
    steps.act(walker, "lanes", "task-lanes");
}

/// The table: every order, all tasks or those alive, a search, and the cursor.
fn tasks(walker: &mut Walker, steps: &mut Steps) {
    steps.act(walker, "pane", "tasks");
    for all in 0..2 {
        for _sort in 0..11 {
            steps.act(walker, "sort", "sort-next");
            lines(walker, steps);
            cursor(walker, steps, 6);
        }
        steps.act(walker, "sort", "sort-reverse");
        steps.act(walker, "sort", "sort-reverse");
        search(walker, steps);
        if all == 0 {
            steps.act(walker, "list", "show-all");
        }
    }
    steps.act(walker, "list", "show-all");
    for _ in 0..2 {
        steps.act(walker, "list", "overview");
        lines(walker, steps);
        cursor(walker, steps, 6);
    }
    filter(walker, steps);
    // Totals of a range whose end moves.
    steps.act(walker, "cursor", "cursor-start");
    steps.act(walker, "range", "mark");
    for _ in 0..12 {
        steps.act(walker, "range", "cursor-far-right");
    }
    steps.act(walker, "range", "mark");
}

fn search(walker: &mut Walker, steps: &mut Steps) {
    steps.act(walker, "find", "find");
    for c in "main 12".chars() {
        steps.take(walker, "find", |walker| Some(walker.key(c)));
    }
    steps.take(walker, "find", |walker| Some(walker.enter()));
    lines(walker, steps);
    steps.act(walker, "find", "clear-find");
}

fn filter(walker: &mut Walker, steps: &mut Steps) {
    steps.act(walker, "filter", "filter");
    for c in "polls>2 and delay.p99>1us".chars() {
        steps.take(walker, "filter", |walker| Some(walker.key(c)));
    }
    steps.take(walker, "filter", |walker| Some(walker.enter()));
    lines(walker, steps);
    cursor(walker, steps, 2);
    steps.act(walker, "filter", "clear-find");
}

/// Up and down a list by lines and by pages, to its end and back.
fn lines(walker: &mut Walker, steps: &mut Steps) {
    for (kind, action, times) in [
        ("move", "down", 12),
        ("move", "up", 4),
        ("scroll", "page-down", 12),
        ("scroll", "page-up", 4),
        ("scroll", "last", 1),
        ("scroll", "page-up", 4),
        ("move", "up", 4),
        ("scroll", "first", 1),
    ] {
        for _ in 0..times {
            steps.act(walker, kind, action);
        }
    }
}

fn cursor(walker: &mut Walker, steps: &mut Steps, times: usize) {
    for action in [
        "cursor-left",
        "cursor-far-left",
        "cursor-start",
        "cursor-far-right",
        "cursor-right",
        "cursor-far-right",
        "cursor-end",
        "cursor-far-left",
    ] {
        for _ in 0..times {
            steps.act(walker, "cursor", action);
        }
    }
}

/// From the whole window to nanoseconds and back, at several places.
fn timeline(walker: &mut Walker, steps: &mut Steps) {
    for _place in 0..4 {
        for _ in 0..34 {
            steps.act(walker, "zoom", "zoom-in");
            steps.act(walker, "cursor", "cursor-right");
        }
        lines(walker, steps);
        cursor(walker, steps, 3);
        for _ in 0..34 {
            steps.act(walker, "zoom", "zoom-out");
            steps.act(walker, "cursor", "cursor-left");
        }
        steps.act(walker, "zoom", "zoom-all");
        for _ in 0..3 {
            steps.act(walker, "cursor", "cursor-far-left");
        }
    }
}

/// What one step cost, and how long its thread was on a CPU meanwhile.
#[derive(Clone, Copy)]
struct Step {
    cost: Cost,
    cpu: Duration,
}

/// How long this thread has been on a CPU; always 0 where the system does not tell.
fn on_cpu() -> Duration {
    let stat = std::fs::read_to_string("/proc/thread-self/schedstat").unwrap_or_default();
    let nanoseconds = stat.split_whitespace().next();
    Duration::from_nanos(nanoseconds.and_then(|ns| ns.parse().ok()).unwrap_or(0))
}

/// What the steps of each kind cost.
#[derive(Default)]
struct Steps {
    costs: BTreeMap<(&'static str, &'static str), Vec<Step>>,
    /// How long the answers of work off the drawing thread were waited for, beyond the frame.
    waits: Vec<(Duration, &'static str, &'static str)>,
}

impl Steps {
    /// Does the action of that name.
    fn act(&mut self, walker: &mut Walker, kind: &'static str, action: &str) {
        self.take(walker, kind, |walker| walker.act(action));
    }

    /// A step that does not apply where it was tried costs nothing and tells nothing.
    fn take(
        &mut self,
        walker: &mut Walker,
        kind: &'static str,
        step: impl FnOnce(&mut Walker) -> Option<Cost>,
    ) {
        let top = walker.scrolled();
        let before = on_cpu();
        let cost = step(walker);
        let cpu = on_cpu().saturating_sub(before);
        let cost = cost.map(|cost| Step { cost, cpu });
        let pane = walker.pane();
        // At the end of a list, moving the selection scrolls it.
        let kind = match kind {
            "move" if walker.scrolled() != top => "scroll",
            kind => kind,
        };
        self.costs.entry((pane, kind)).or_default().extend(cost);
        let before = on_cpu();
        if let Some((waited, cost)) = walker.wait() {
            let cpu = on_cpu().saturating_sub(before);
            let answer = Step { cost, cpu };
            self.waits.push((waited, pane, kind));
            self.costs.entry((pane, "answer")).or_default().push(answer);
        }
    }

    fn print(&self, width: u16, height: u16) {
        println!("\n{width}x{height}");
        println!(
            "pane      step       times   p50 ms   p99 ms   max ms  p99 cpu  p50 bytes  max bytes"
        );
        for ((pane, kind), costs) in &self.costs {
            row(pane, kind, costs, width);
        }
        let all: Vec<Step> = self.costs.values().flatten().copied().collect();
        row("all", "", &all, width);
        let longest = self.waits.iter().max();
        if let Some((longest, pane, kind)) = longest {
            println!(
                "{} times an answer came after the frame, {:.0} ms later at most: {pane}, {kind}",
                self.waits.len(),
                longest.as_secs_f64() * 1e3
            );
        }
    }
}

fn row(pane: &str, kind: &str, costs: &[Step], width: u16) {
    if costs.is_empty() {
        println!("{pane:<9} {kind:<8} was never possible");
        return;
    }
    let mut times: Vec<Duration> = costs.iter().map(|step| step.cost.time).collect();
    let mut cpu: Vec<Duration> = costs.iter().map(|step| step.cpu).collect();
    let mut bytes: Vec<usize> = costs.iter().map(|step| step.cost.bytes).collect();
    times.sort_unstable();
    cpu.sort_unstable();
    bytes.sort_unstable();
    let rank = |percent: usize| (costs.len() * percent).div_ceil(100).max(1) - 1;
    let ms = |time: Duration| time.as_secs_f64() * 1e3;
    let most = match kind {
        "move" => 1_024,
        "scroll" => 8_192,
        _ => 16_384,
    };
    let mut over = String::new();
    if times[rank(99)] > FRAME {
        over.push_str("  over 16 ms");
    }
    // The budget for bytes is stated for this size.
    if width == 120 && bytes[costs.len() - 1] > most {
        over.push_str(&format!("  over {most} bytes"));
    }
    println!(
        "{pane:<9} {kind:<8} {:>7} {:>8.2} {:>8.2} {:>8.2} {:>8.2} {:>10} {:>10}{over}",
        costs.len(),
        ms(times[rank(50)]),
        ms(times[rank(99)]),
        ms(times[costs.len() - 1]),
        ms(cpu[rank(99)]),
        bytes[rank(50)],
        bytes[costs.len() - 1],
    );
}

/// The same numbers in each run.
struct Random(u64);

impl Random {
    fn below(&mut self, limit: u64) -> u64 {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        self.0 % limit
    }
}

const WORKERS: u32 = 4;

fn builder(end: Ns) -> RecordingBuilder {
    let source = Source {
        format: Format::Dial9Dump,
        paths: vec!["walk.dial9".to_owned()],
        bytes: 1,
        sample: false,
    };
    let window = Window {
        end,
        others_start: 0,
        wall_start: None,
    };
    let mut builder = RecordingBuilder::new(source, window);
    builder.runtime(Runtime {
        id: 0,
        name: StrId::NONE,
        workers: WORKERS,
        current_thread: false,
        attached_at: None,
        dropped_at: None,
    });
    builder
}

fn worker(number: u32) -> Batch {
    let mut batch = Batch::new(number);
    batch.seat(SeatKey {
        worker: Some((0, number)),
        thread: number,
    });
    batch
}

fn spawn(builder: &mut RecordingBuilder, id: u64, at: Ns, ended_at: Option<Ns>) {
    let name = builder.intern(["flush", "handle", "accept loop", ""][(id % 4) as usize]);
    let location = builder.intern(&format!("src/service/part{}.rs:{}:9", id % 3, id % 10 * 31));
    builder.task(TaskFacts {
        id,
        spawn: SpawnFacts {
            at: Some(at),
            parent: (id > 1).then_some(1),
            location,
            name,
            runtime: Some(0),
            kind: TaskKind::Async,
            size: Some(256),
        },
        wakes_recorded: true,
        ended_at,
    });
}

/// A busy service: polls of a few hundred nanoseconds, each of which wakes another task; some are slow.
fn busy(events: u64, tasks: u64) -> Recording {
    let mut random = Random(0x9e37_79b9_7f4a_7c15);
    let mut builder = builder((events * 300) as Ns);
    for id in 1..=tasks {
        spawn(&mut builder, id, 0, None);
    }
    for number in 0..WORKERS {
        let mut batch = worker(number);
        let mut now: Ns = 0;
        for round in 0..events / 2 / u64::from(WORKERS) {
            let task = random.below(tasks) + 1;
            let start = now + 300 + random.below(500) as Ns;
            let length = match round % 1_000_000 {
                777_777 => 80_000_000,
                _ => 400 + random.below(1_500) as Ns,
            };
            batch.wake(random.below(tasks) + 1, start + 100, WakerKey::Task(task));
            batch.poll(task, start, start + length, Outcome::Pending);
            now = start + length;
        }
        builder.batch(batch);
    }
    builder.finish()
}

/// Many short lives: three polls each. A tenth of them never ends.
fn short_lived(tasks: u64) -> Recording {
    let mut random = Random(0x2545_f491_4f6c_dd1d);
    let mut builder = builder(tasks as Ns * 2_000);
    let mut batches: Vec<Batch> = (0..WORKERS).map(worker).collect();
    for id in 1..=tasks {
        let spawned = id as Ns * 1_900;
        let mut at = spawned;
        let number = (id % u64::from(WORKERS)) as usize;
        for poll in 0..3 {
            at += 2_000 + random.below(50_000) as Ns;
            if poll > 0 {
                batches[number].wake(id, at - 1_000, WakerKey::Runtime);
            }
            batches[number].poll(id, at, at + 500, Outcome::Pending);
        }
        spawn(
            &mut builder,
            id,
            spawned,
            (id % 10 > 0).then_some(at + 10_000),
        );
    }
    batches.into_iter().for_each(|batch| builder.batch(batch));
    builder.finish()
}
