//! A recording of any size, with the proportions of a busy service: channels, timers, resources, tasks that come and go.

use std::{
    error::Error,
    fs::File,
    io::{BufWriter, Write},
    path::Path,
};

/// Tasks alive at a time.
const TASKS: usize = 2_000;
/// Polls of a task before it ends.
const POLLS: u64 = 400;

/// Writes at least `megabytes` MB into `file`.
pub fn generate(file: &Path, megabytes: u64) -> Result<(), Box<dyn Error>> {
    let mut writer = Writer {
        out: BufWriter::with_capacity(1 << 20, File::create(file)?),
        bytes: 0,
        lines: 0,
        now: 1_750_000_000_000_000_000,
    };
    writer.line("{\"v\":1}")?;
    let mut random = 0x9e37_79b9_7f4a_7c15_u64;
    let mut next = move || {
        random ^= random << 13;
        random ^= random >> 7;
        random ^= random << 17;
        random
    };
    let mut tasks = Vec::with_capacity(TASKS);
    let mut spawned = 0;
    for _ in 0..TASKS {
        tasks.push(writer.spawn(&mut spawned)?);
    }
    while writer.bytes < megabytes << 20 {
        writer.now += next() % 2_000;
        let place = next() as usize % TASKS;
        let (span, left) = tasks[place];
        if left == 0 {
            // The future is dropped inside its span.
            writer.event("Enter", span)?;
            writer.event("Exit", span)?;
            writer.event("Close", span)?;
            tasks[place] = writer.spawn(&mut spawned)?;
            continue;
        }
        tasks[place].1 -= 1;
        let own = next() % 50 == 0;
        writer.wake(span, own, next() % 2 == 0)?;
        writer.event("Enter", span)?;
        if next() % 2 == 0 {
            writer.op(span, "\"Clone\"")?;
        }
        if next() % 3 == 0 {
            let resource = (1 << 40) | (next() % 4_096);
            writer.event("Enter", resource)?;
            writer.now += next() % 500;
            writer.event("Exit", resource)?;
        }
        writer.now += 200 + next() % 3_000;
        writer.event("Exit", span)?;
        if next() % 2 == 0 {
            writer.op(span, "\"Drop\"")?;
        }
    }
    writer.out.flush()?;
    println!(
        "{}: {} bytes, {} lines, {spawned} tasks",
        file.display(),
        writer.bytes,
        writer.lines
    );
    Ok(())
}

struct Writer {
    out: BufWriter<File>,
    bytes: u64,
    lines: u64,
    /// Nanoseconds since the Unix epoch.
    now: u64,
}

impl Writer {
    fn line(&mut self, line: &str) -> std::io::Result<()> {
        self.out.write_all(line.as_bytes())?;
        self.out.write_all(b"\n")?;
        self.bytes += line.len() as u64 + 1;
        self.lines += 1;
        Ok(())
    }

    fn at(&mut self) -> String {
        self.now += 60;
        format!(
            "\"at\":{{\"secs_since_epoch\":{},\"nanos_since_epoch\":{}}}",
            self.now / 1_000_000_000,
            self.now % 1_000_000_000
        )
    }

    /// A new task: its span, and how many polls it has left. Spans have numbers such as tracing's registry gives them.
    fn spawn(&mut self, spawned: &mut u64) -> std::io::Result<(u64, u64)> {
        *spawned += 1;
        let span = 2_252_074_691_592_193 + *spawned * 17;
        let at = self.at();
        let fields = format!(
            "[{{\"name\":\"kind\",\"value\":\"task\"}},{{\"name\":\"task.name\",\"value\":\"\"}},\
             {{\"name\":\"task.id\",\"value\":{spawned}}},{{\"name\":\"size.bytes\",\"value\":256}}]"
        );
        self.line(&format!(
            "{{\"Spawn\":{{\"id\":{span},{at},\"fields\":{fields}}}}}"
        ))?;
        Ok((span, POLLS))
    }

    fn event(&mut self, kind: &str, span: u64) -> std::io::Result<()> {
        let at = self.at();
        self.line(&format!("{{\"{kind}\":{{\"id\":{span},{at}}}}}"))
    }

    fn wake(&mut self, span: u64, own: bool, by_ref: bool) -> std::io::Result<()> {
        let name = if by_ref { "WakeByRef" } else { "Wake" };
        self.op(span, &format!("{{\"{name}\":{{\"self_wake\":{own}}}}}"))
    }

    fn op(&mut self, span: u64, op: &str) -> std::io::Result<()> {
        let at = self.at();
        self.line(&format!("{{\"Waker\":{{\"id\":{span},\"op\":{op},{at}}}}}"))
    }
}
