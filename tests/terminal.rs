//! The real binary in a pseudo-terminal: it shows what it should, and gives the terminal back on every way out.
#![cfg(unix)]

use std::{
    io::{Read, Write},
    path::Path,
    process::Command,
    sync::mpsc::{Receiver, RecvTimeoutError, channel},
    thread,
    time::{Duration, Instant},
};

use portable_pty::{Child, CommandBuilder, ExitStatus, MasterPty, PtySize, native_pty_system};

/// Nothing takes so long, on whatever machine: what is waited for in vain shall fail, and show the screen, not hang.
const FOR_EVER: Duration = Duration::from_secs(180);

/// A terminal with the explorer in it.
struct Terminal {
    master: Box<dyn MasterPty + Send>,
    child: Box<dyn Child + Send + Sync>,
    keyboard: Box<dyn Write + Send>,
    output: Receiver<Vec<u8>>,
    screen: vt100::Parser,
    /// Every byte that the explorer has written.
    bytes: Vec<u8>,
    /// How the terminal's line was set before the explorer came, in `stty`'s words.
    line: String,
}

/// How the line of the terminal at `path` is set.
fn line_of(path: &Path) -> String {
    let script = ["-c", "exec stty -a < \"$0\""];
    let stty = Command::new("sh").args(script).arg(path).output().unwrap();
    let text = String::from_utf8(stty.stdout).unwrap();
    // The first line tells the window's size, which may have changed.
    text.lines().skip(1).collect::<Vec<_>>().join("\n")
}

fn size(width: u16, height: u16) -> PtySize {
    PtySize {
        rows: height,
        cols: width,
        pixel_width: 0,
        pixel_height: 0,
    }
}

impl Terminal {
    /// Starts the explorer over the built-in sample.
    fn start(arguments: &[&str], environment: &[(&str, &str)]) -> Self {
        let pty = native_pty_system().openpty(size(80, 24)).unwrap();
        let mut command = CommandBuilder::new(env!("CARGO_BIN_EXE_dial9-tui"));
        command.args(arguments);
        for name in ["NO_COLOR", "COLORTERM", "LC_ALL", "LC_CTYPE", "LANG"] {
            command.env_remove(name);
        }
        command.env("TERM", "xterm-256color");
        for (name, value) in environment {
            command.env(name, value);
        }
        let tty = pty.master.tty_name().unwrap();
        let line = line_of(&tty);
        let child = pty.slave.spawn_command(command).unwrap();
        drop(pty.slave);
        let keyboard = pty.master.take_writer().unwrap();
        let mut reader = pty.master.try_clone_reader().unwrap();
        let (sender, output) = channel();
        thread::spawn(move || {
            let mut chunk = [0; 4096];
            while let Ok(read @ 1..) = reader.read(&mut chunk) {
                if sender.send(chunk[..read].to_vec()).is_err() {
                    break;
                }
            }
        });
        let screen = vt100::Parser::new(24, 80, 0);
        Self {
            master: pty.master,
            child,
            keyboard,
            output,
            screen,
            bytes: Vec::new(),
            line,
        }
    }

    /// Starts it, and waits for the Tasks pane.
    fn opened(arguments: &[&str], environment: &[(&str, &str)]) -> Self {
        let mut terminal = Self::start(arguments, environment);
        terminal.wait_for("busy   cursor");
        terminal.press("2");
        terminal.wait_for("alive at the cursor");
        terminal
    }

    fn press(&mut self, keys: &str) {
        self.keyboard.write_all(keys.as_bytes()).unwrap();
        self.keyboard.flush().unwrap();
    }

    fn resize(&mut self, width: u16, height: u16) {
        self.screen.screen_mut().set_size(height, width);
        self.master.resize(size(width, height)).unwrap();
    }

    /// Reads until `done` says so, or the program ends, or nothing can be hoped for any more.
    fn wait(&mut self, what: &str, done: impl Fn(&vt100::Screen) -> bool) {
        let begin = Instant::now();
        while !done(self.screen.screen()) {
            if let Err(why) = self.read(begin) {
                panic!("{why} before: {what}; the screen was\n{}", self.shown());
            }
        }
    }

    /// Reads what comes next.
    fn read(&mut self, begin: Instant) -> Result<(), &'static str> {
        let left = FOR_EVER.saturating_sub(begin.elapsed());
        match self.output.recv_timeout(left) {
            Ok(chunk) => {
                self.take(&chunk);
                Ok(())
            }
            Err(RecvTimeoutError::Disconnected) => Err("the program ended"),
            Err(RecvTimeoutError::Timeout) => Err("the time was up"),
        }
    }

    fn shown(&self) -> String {
        self.screen.screen().contents()
    }

    fn take(&mut self, chunk: &[u8]) {
        self.screen.process(chunk);
        self.bytes.extend_from_slice(chunk);
    }

    fn wait_for(&mut self, text: &str) {
        let shown = text.to_owned();
        self.wait(text, move |screen| screen.contents().contains(&shown));
    }

    fn signal(&self, signal: &str) {
        let pid = self.child.process_id().unwrap().to_string();
        assert!(
            Command::new("kill")
                .args([signal, &pid])
                .status()
                .unwrap()
                .success()
        );
    }

    /// The terminal is given back just before the process stops.
    fn wait_until_stopped(&self) {
        let pid = self.child.process_id().unwrap().to_string();
        let state = || {
            Command::new("ps")
                .args(["-o", "state=", "-p", &pid])
                .output()
                .unwrap()
                .stdout
        };
        let begin = Instant::now();
        while !state().starts_with(b"T") {
            assert!(begin.elapsed() < FOR_EVER, "it goes on: {}", self.shown());
            thread::yield_now();
        }
    }

    /// Reads what is left, and returns how the program ended. The terminal must be as it was found.
    fn ended(mut self) -> (ExitStatus, Vec<u8>) {
        let begin = Instant::now();
        let why = loop {
            if let Err(why) = self.read(begin) {
                break why;
            }
        };
        if why != "the program ended" {
            let shown = self.shown();
            self.child.kill().unwrap();
            panic!("the program does not end; the screen was\n{shown}");
        }
        let status = self.child.wait().unwrap();
        assert_given_back(self.screen.screen());
        assert_eq!(line_of(&self.master.tty_name().unwrap()), self.line);
        assert!(
            self.bytes.windows(4).all(|window| window != b"\x1b[6n"),
            "it asked for the cursor's position"
        );
        (status, self.bytes)
    }
}

fn assert_given_back(screen: &vt100::Screen) {
    assert!(!screen.alternate_screen(), "still on the alternate screen");
    assert!(!screen.hide_cursor(), "the cursor is hidden");
    assert_eq!(screen.mouse_protocol_mode(), vt100::MouseProtocolMode::None);
}

#[test]
fn the_sample_can_be_walked_and_left() {
    let mut terminal = Terminal::opened(&[], &[]);
    assert!(terminal.screen.screen().alternate_screen());
    assert!(terminal.screen.screen().contents().contains("SAMPLE"));
    terminal.press("3");
    terminal.wait_for("a cell");
    terminal.press("2");
    terminal.wait_for("alive at the cursor");
    terminal.press("?");
    terminal.wait_for("Go to what is selected");
    terminal.press("q:qqq");
    terminal.wait_for("No action matches.");
    terminal.press("\x1b");
    terminal.wait("the palette is gone", |screen| {
        !screen.contents().contains("commands")
    });
    terminal.press("q");
    assert_eq!(terminal.ended().0.exit_code(), 0);
}

#[test]
fn a_window_too_small_says_so_and_recovers() {
    let mut terminal = Terminal::opened(&[], &[]);
    terminal.resize(20, 5);
    terminal.wait_for("window too small");
    terminal.resize(120, 40);
    terminal.wait_for("alive at the cursor");
    terminal.resize(80, 24);
    terminal.wait_for("alive at the cursor");
    terminal.press("q");
    assert_eq!(terminal.ended().0.exit_code(), 0);
}

#[test]
fn signals_end_it_and_the_terminal_is_given_back() {
    for (signal, name) in [
        ("-TERM", "Terminated"),
        ("-HUP", "Hangup"),
        ("-INT", "Interrupt"),
    ] {
        let terminal = Terminal::opened(&[], &[]);
        terminal.signal(signal);
        let (status, _) = terminal.ended();
        assert!(!status.success());
        assert!(
            status.signal().is_some_and(|text| text.contains(name)),
            "{status:?}"
        );
    }
}

#[test]
fn ctrl_c_leaves_it() {
    let mut terminal = Terminal::opened(&[], &[]);
    terminal.press("\x03");
    assert_eq!(terminal.ended().0.exit_code(), 0);
}

#[test]
fn it_can_be_stopped_and_goes_on() {
    let mut terminal = Terminal::opened(&[], &[]);
    for stop in ["key", "signal"] {
        match stop {
            "key" => terminal.press("\x1a"),
            _ => terminal.signal("-TSTP"),
        }
        terminal.wait("the terminal is given back", |screen| {
            !screen.alternate_screen()
                && !screen.hide_cursor()
                && screen.mouse_protocol_mode() == vt100::MouseProtocolMode::None
        });
        terminal.wait_until_stopped();
        terminal.resize(100, 30);
        terminal.signal("-CONT");
        terminal.wait("it goes on", |screen| {
            screen.alternate_screen() && screen.contents().contains("alive at the cursor")
        });
        let screen = terminal.screen.screen();
        assert!(screen.hide_cursor());
        assert_eq!(
            screen.mouse_protocol_mode(),
            vt100::MouseProtocolMode::ButtonMotion
        );
        terminal.resize(80, 24);
        terminal.wait_for("alive at the cursor");
    }
    terminal.press("q");
    assert_eq!(terminal.ended().0.exit_code(), 0);
}

#[test]
fn no_color_keeps_the_selection_visible() {
    let mut terminal = Terminal::opened(&[], &[("NO_COLOR", "1")]);
    let row = (0..24)
        .find(|row| {
            terminal
                .screen
                .screen()
                .cell(*row, 0)
                .is_some_and(|cell| cell.contents() == "▸")
        })
        .unwrap();
    for column in 0..80 {
        assert!(
            terminal
                .screen
                .screen()
                .cell(row, column)
                .unwrap()
                .inverse(),
            "column {column}"
        );
    }
    for cell in (0..24).flat_map(|row| (0..80).map(move |column| (row, column))) {
        let cell = terminal.screen.screen().cell(cell.0, cell.1).unwrap();
        assert_eq!(
            (cell.fgcolor(), cell.bgcolor()),
            (vt100::Color::Default, vt100::Color::Default)
        );
    }
    terminal.press("q");
    assert_eq!(terminal.ended().0.exit_code(), 0);
}

#[test]
fn a_flag_outranks_no_color() {
    let mut terminal = Terminal::opened(&["--colors", "16"], &[("NO_COLOR", "1")]);
    let screen = terminal.screen.screen();
    let colored = |cell: &vt100::Cell| matches!(cell.fgcolor(), vt100::Color::Idx(..16));
    assert!((0..24).any(|row| (0..80).any(|column| screen.cell(row, column).is_some_and(colored))));
    terminal.press("q");
    assert_eq!(terminal.ended().0.exit_code(), 0);
}

#[test]
fn ascii_is_nothing_but_ascii() {
    let mut terminal = Terminal::opened(&["--ascii"], &[]);
    terminal.press("3");
    terminal.wait_for("a cell");
    terminal.press("q");
    let (status, bytes) = terminal.ended();
    assert_eq!(status.exit_code(), 0);
    assert!(bytes.is_ascii());
}

#[test]
fn a_terminal_that_cannot_do_it_gets_one_sentence() {
    for term in ["dumb", ""] {
        let mut terminal = Terminal::start(&[], &[("TERM", term)]);
        terminal.wait_for("report");
        let (status, bytes) = terminal.ended();
        assert_eq!(status.exit_code(), 1);
        let text = String::from_utf8(bytes).unwrap();
        assert_eq!(text.trim_end().lines().count(), 1, "{text}");
        assert!(text.contains("TERM"), "{text}");
    }
}

#[test]
fn what_cannot_be_opened_leaves_the_terminal_alone() {
    let mut terminal = Terminal::start(&["/nowhere/at-all.dial9"], &[]);
    terminal.wait_for("there is no such file");
    let (status, bytes) = terminal.ended();
    assert_eq!(status.exit_code(), 1);
    assert_eq!(
        String::from_utf8(bytes).unwrap().trim_end().lines().count(),
        1
    );
}

/// The text of the last OSC 52 that was written, decoded.
fn clipboard(bytes: &[u8]) -> Option<String> {
    let text = String::from_utf8_lossy(bytes);
    let (_, rest) = text.rsplit_once("\x1b]52;c;")?;
    let encoded = rest.split(['\x07', '\x1b']).next()?;
    let digit = |c: u8| match c {
        b'A'..=b'Z' => Some(c - b'A'),
        b'a'..=b'z' => Some(c - b'a' + 26),
        b'0'..=b'9' => Some(c - b'0' + 52),
        b'+' => Some(62),
        b'/' => Some(63),
        _ => None,
    };
    let bits: Vec<u8> = encoded.bytes().filter_map(digit).collect();
    let mut decoded = Vec::new();
    for group in bits.chunks(4) {
        let word = group
            .iter()
            .fold(0u32, |word, six| word << 6 | u32::from(*six))
            << (6 * (4 - group.len()));
        decoded.extend_from_slice(&word.to_be_bytes()[1..group.len()]);
    }
    String::from_utf8(decoded).ok()
}

#[test]
fn every_pane_is_shown_by_its_key_at_every_size() {
    let mut terminal = Terminal::opened(&[], &[]);
    let titles = [
        "Findings",
        "Tasks",
        "Task",
        "Wakers",
        "Scheduler",
        "Resources",
        "Causes",
    ];
    for (width, height) in [(80, 24), (120, 40), (160, 50), (200, 60), (40, 8)] {
        terminal.resize(width, height);
        for (number, title) in (1..).zip(titles) {
            terminal.press(&number.to_string());
            let tab = format!("{number} {title}");
            terminal.wait(&tab, |screen| {
                // The chosen one is the one that is shown reversed; in a narrow window it may be cut off.
                let row = screen.rows(0, width).nth(1).unwrap_or_default();
                row.find(&tab).is_none_or(|column| {
                    screen
                        .cell(1, column as u16)
                        .is_some_and(vt100::Cell::inverse)
                })
            });
        }
    }
    terminal.press("q");
    assert_eq!(terminal.ended().0.exit_code(), 0);
}

#[test]
fn the_mouse_is_taken_and_given_back() {
    let mut terminal = Terminal::opened(&[], &[]);
    assert_eq!(
        terminal.screen.screen().mouse_protocol_mode(),
        vt100::MouseProtocolMode::ButtonMotion
    );
    // A click on the name of a pane.
    terminal.press("\x1b[<0;14;2M\x1b[<0;14;2m");
    terminal.press("3");
    terminal.wait_for("a cell");
    terminal.press("\x1b[<0;14;2M\x1b[<0;14;2m");
    terminal.wait_for("alive at the cursor");
    // A drag over the strip.
    terminal.press("\x1b[<0;10;23M\x1b[<32;20;23M\x1b[<32;30;23M\x1b[<0;30;23m");
    terminal.wait_for("range ");
    terminal.press("M");
    terminal.wait_for("The mouse is the terminal's");
    assert_eq!(
        terminal.screen.screen().mouse_protocol_mode(),
        vt100::MouseProtocolMode::None
    );
    terminal.press("M");
    terminal.wait_for("The mouse selects");
    terminal.press("q");
    assert_eq!(terminal.ended().0.exit_code(), 0);

    let mut terminal = Terminal::opened(&["--no-mouse"], &[]);
    assert_eq!(
        terminal.screen.screen().mouse_protocol_mode(),
        vt100::MouseProtocolMode::None
    );
    terminal.press("q");
    assert_eq!(terminal.ended().0.exit_code(), 0);
}

#[test]
fn the_command_line_that_is_copied_opens_the_same_screen() {
    let mut terminal = Terminal::opened(&[], &[]);
    terminal.press("3++");
    terminal.press("y");
    terminal.wait_for("dial9-tui --pane task --at ");
    let line = clipboard(&terminal.bytes).unwrap();
    terminal.press("k");
    terminal.wait("the note is gone", |screen| {
        !screen.contents().contains("copied")
    });
    terminal.press("j");
    let task = line
        .split(' ')
        .skip_while(|word| *word != "--task")
        .nth(1)
        .unwrap();
    let title = format!(" task {task} ");
    terminal.wait_for(&title);
    terminal.press("q");
    assert_eq!(terminal.ended().0.exit_code(), 0);

    let words: Vec<&str> = line.split(' ').skip(1).collect();
    let mut again = Terminal::start(&words, &[]);
    again.wait_for(&title);
    again.press("y");
    again.wait_for("copied:");
    assert_eq!(clipboard(&again.bytes).unwrap(), line);
    again.press("q");
    assert_eq!(again.ended().0.exit_code(), 0);
}

#[test]
fn what_is_not_in_the_recording_cannot_be_opened() {
    let mut terminal = Terminal::start(&["--task", "123456789"], &[]);
    terminal.wait_for("there is no task 123456789");
    let (status, bytes) = terminal.ended();
    assert_eq!(status.exit_code(), 1);
    assert!(!String::from_utf8_lossy(&bytes).contains("panicked"));

    let mut terminal = Terminal::start(&["--at", "1h"], &[]);
    terminal.wait_for("is after everything recorded");
    terminal.press("q");
    assert_eq!(terminal.ended().0.exit_code(), 0);
}

#[test]
fn a_panic_in_drawing_gives_the_terminal_back_and_leaves_its_message() {
    let terminal = Terminal::start(&[], &[("DIAL9_TUI_PANIC", "1")]);
    let (status, bytes) = terminal.ended();
    assert_eq!(status.exit_code(), 101);
    let text = String::from_utf8_lossy(&bytes);
    let (_, after) = text
        .rsplit_once("\x1b[?1049l")
        .expect("the alternate screen is left");
    assert!(after.contains("DIAL9_TUI_PANIC"), "{after}");
}

#[test]
fn it_plays_and_any_key_pauses() {
    let mut terminal = Terminal::opened(&[], &[]);
    terminal.press("0P");
    terminal.wait_for("any other key pauses");
    terminal.wait("time passes", |screen| {
        !screen.contents().contains("cursor 0.000 000 s")
    });
    terminal.press("P");
    terminal.wait("it pauses", |screen| {
        !screen.contents().contains("any other key pauses")
    });
    terminal.press("q");
    assert_eq!(terminal.ended().0.exit_code(), 0);
}

#[test]
fn the_life_beside_the_tasks_follows_once_the_keys_rest() {
    let mut terminal = Terminal::opened(&[], &[]);
    terminal.resize(120, 40);
    terminal.press("2jjj");
    terminal.wait("the life of the selected task", |screen| {
        let rows: Vec<String> = screen.rows(0, 120).collect();
        let selected = rows.iter().find_map(|row| row.strip_prefix('▸'));
        let id = selected.and_then(|row| row.split_whitespace().next());
        id.is_some_and(|id| {
            rows[20..]
                .iter()
                .any(|row| row.starts_with(&format!(" task {id} ")))
        })
    });
    terminal.press("q");
    assert_eq!(terminal.ended().0.exit_code(), 0);
}
