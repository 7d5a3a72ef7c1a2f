//! The delta encoding of events inside a chunk: a two-byte head that names the lengths of the fields
//! behind it, then the fields, little endian, without their leading zero bytes.
//!
//! ```text
//! head   bits 0-3 kind, 4-6 detail, 7-9 length of dt, 10-12 length of a, 13-15 length of b
//! dt     ticks since the previous event of the chunk
//! a, b   what the kind says; task ids as zigzag deltas against the chunk's last task
//! tail   of the rare kinds: fixed-width fields
//! ```
//!
//! An event is assembled in a register and stored as whole words, see `arena`.

use dial9_format::{PollOutcome, TaskKind, WaitOutcome, Waker};

/// No event takes more bytes than this, the thread number of a shared chunk included.
pub(crate) const MAX_EVENT_BYTES: usize = 64;

/// An event as the recorder holds it: like [`dial9_format::Event`], but in ticks and with the
/// recorder's own string numbers.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum RawEvent {
    Poll {
        start: u64,
        end: u64,
        task: u64,
        outcome: PollOutcome,
    },
    Wake {
        at: u64,
        task: u64,
        waker: Waker,
    },
    Spawn {
        at: u64,
        task: u64,
        parent: Option<u64>,
        location: u32,
        name: u32,
        runtime: u32,
        kind: TaskKind,
        size: u32,
        /// The facts found no row: whoever folds this event is to find them one.
        rowless: bool,
    },
    Terminate {
        at: u64,
        task: u64,
    },
    Park {
        start: u64,
        end: u64,
    },
    WaitBegin {
        at: u64,
        task: u64,
        wait: u64,
        name: u32,
        location: u32,
    },
    WaitEnd {
        at: u64,
        task: u64,
        wait: u64,
        outcome: WaitOutcome,
    },
    Unwakeable {
        at: u64,
        task: u64,
    },
    /// From here on the task's wakes are recorded. Only for the history; never in a dump.
    Covered {
        at: u64,
        task: u64,
        name: u32,
        size: u32,
    },
}

impl RawEvent {
    pub(crate) fn at(&self) -> u64 {
        match *self {
            Self::Poll { end, .. } | Self::Park { end, .. } => end,
            Self::Wake { at, .. }
            | Self::Spawn { at, .. }
            | Self::Terminate { at, .. }
            | Self::WaitBegin { at, .. }
            | Self::WaitEnd { at, .. }
            | Self::Unwakeable { at, .. }
            | Self::Covered { at, .. } => at,
        }
    }

    /// The same event, no earlier than `floor`: a chunk's times do not run backwards, while the clocks
    /// of two cores may disagree by a few ticks.
    pub(crate) fn not_before(&self, floor: u64) -> Self {
        let mut event = *self;
        match &mut event {
            Self::Poll { end: at, .. }
            | Self::Park { end: at, .. }
            | Self::Wake { at, .. }
            | Self::Spawn { at, .. }
            | Self::Terminate { at, .. }
            | Self::WaitBegin { at, .. }
            | Self::WaitEnd { at, .. }
            | Self::Unwakeable { at, .. }
            | Self::Covered { at, .. } => *at = (*at).max(floor),
        }
        event
    }

    /// Whether a dump shows this event, and so whether it takes a sequence number.
    #[inline(always)]
    pub(crate) fn is_exported(&self) -> bool {
        !matches!(self, Self::Covered { .. })
    }
}

const POLL: u64 = 0;
const WAKE: u64 = 1;
const SPAWN: u64 = 2;
const TERMINATE: u64 = 3;
const PARK: u64 = 4;
const WAIT_BEGIN: u64 = 5;
const WAIT_END: u64 = 6;
const UNWAKEABLE: u64 = 7;
const COVERED: u64 = 8;

/// What the deltas of a chunk refer to. Writer and reader move it in the same way.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Base {
    pub(crate) time: u64,
    pub(crate) task: u64,
}

/// An encoded event: up to three pieces of at most 16 bytes, each in a register.
pub(crate) struct Encoded {
    pieces: [(u128, u32); 4],
    used: usize,
}

impl Encoded {
    #[inline(always)]
    fn push(&mut self, bits: u128, bytes: u32) {
        self.pieces[self.used] = (bits, bytes);
        self.used += 1;
    }

    #[inline(always)]
    pub(crate) fn pieces(&self) -> &[(u128, u32)] {
        &self.pieces[..self.used]
    }
}

/// Bytes that `value` needs without its leading zero bytes, at most 7: nothing that is stored so
/// reaches 2^56 (ticks of years, task ids, see [`crate::wrap`] for the synthetic ones).
#[inline(always)]
fn length(value: u64) -> u64 {
    u64::from((71 - value.leading_zeros()) / 8).min(7)
}

#[inline(always)]
fn zigzag(from: u64, to: u64) -> u64 {
    let delta = to.wrapping_sub(from) as i64;
    ((delta << 1) ^ (delta >> 63)) as u64
}

#[inline(always)]
fn unzigzag(from: u64, coded: u64) -> u64 {
    let delta = ((coded >> 1) as i64) ^ -((coded & 1) as i64);
    from.wrapping_add(delta as u64)
}

/// An event's head and its up to three fields.
pub(crate) struct Fields {
    head: u64,
    dt: u64,
    a: u64,
    b: u64,
    /// Bytes of `dt`, `a` and `b`.
    lengths: [u64; 3],
}

#[inline(always)]
fn head(kind: u64, detail: u64, dt: u64, a: u64, b: u64) -> Fields {
    let lengths = [length(dt), length(a), length(b)];
    let head = kind | detail << 4 | lengths[0] << 7 | lengths[1] << 10 | lengths[2] << 13;
    Fields {
        head,
        dt,
        a,
        b,
        lengths,
    }
}

impl Fields {
    /// Bits and bytes of the event where it fits one word, as it nearly always does.
    #[inline(always)]
    pub(crate) fn word(&self) -> Option<(u64, u32)> {
        let [n_dt, n_a, n_b] = self.lengths;
        if n_dt + n_a + n_b > 6 {
            return None;
        }
        // A shift by 64 can only be one of zero, so it may wrap.
        let bits = self.head
            | self.dt << 16
            | self.a.wrapping_shl((16 + 8 * n_dt) as u32)
            | self.b.wrapping_shl((16 + 8 * (n_dt + n_a)) as u32);
        Some((bits, (2 + n_dt + n_a + n_b) as u32))
    }

    /// The event as pieces, whatever its length.
    pub(crate) fn pieces(&self) -> Encoded {
        let [n_dt, n_a, n_b] = self.lengths;
        let (dt, a, b) = (u128::from(self.dt), u128::from(self.a), u128::from(self.b));
        let mut encoded = Encoded {
            pieces: [(0, 0); 4],
            used: 0,
        };
        if let Some((bits, bytes)) = self.word() {
            encoded.push(u128::from(bits), bytes);
        } else if n_dt + n_a + n_b <= 14 {
            let fields = dt | a << (8 * n_dt) | (b << (8 * n_a)) << (8 * n_dt);
            encoded.push(
                u128::from(self.head) | fields << 16,
                (2 + n_dt + n_a + n_b) as u32,
            );
        } else {
            encoded.push(u128::from(self.head) | dt << 16, (2 + n_dt) as u32);
            encoded.push(a | b << (8 * n_a), (n_a + n_b) as u32);
        }
        encoded
    }
}

/// Encodes a finished poll, the commonest event, and moves `base`.
#[inline(always)]
pub(crate) fn encode_poll(
    base: &mut Base,
    start: u64,
    end: u64,
    task: u64,
    outcome: PollOutcome,
) -> Fields {
    let encoded = head(
        POLL,
        outcome as u64,
        end.wrapping_sub(base.time),
        end.saturating_sub(start),
        zigzag(base.task, task),
    );
    *base = Base { time: end, task };
    encoded
}

/// Encodes a wake, the second commonest. The waker becomes the chunk's last task: its poll comes next.
#[inline(always)]
pub(crate) fn encode_wake(base: &mut Base, at: u64, task: u64, waker: Waker) -> Fields {
    let (detail, waker_delta, last) = match waker {
        Waker::Task(id) => (0, zigzag(task, id), id),
        Waker::Runtime => (1, 0, task),
        Waker::Blocking => (2, 0, task),
        Waker::Outside => (3, 0, task),
    };
    let encoded = head(
        WAKE,
        detail,
        at.wrapping_sub(base.time),
        zigzag(base.task, task),
        waker_delta,
    );
    *base = Base {
        time: at,
        task: last,
    };
    encoded
}

/// Encodes any event and moves `base`. The caller has made sure that times do not run backwards.
#[inline]
pub(crate) fn encode(base: &mut Base, event: &RawEvent) -> Encoded {
    let dt = event.at().wrapping_sub(base.time);
    match *event {
        RawEvent::Poll {
            start,
            end,
            task,
            outcome,
        } => return encode_poll(base, start, end, task, outcome).pieces(),
        RawEvent::Wake { at, task, waker } => {
            return encode_wake(base, at, task, waker).pieces();
        }
        _ => {}
    }
    let (encoded, task) = match *event {
        RawEvent::Poll { .. } | RawEvent::Wake { .. } => unreachable!("encoded above"),
        RawEvent::Spawn {
            task,
            parent,
            location,
            name,
            runtime,
            kind,
            size,
            rowless,
            ..
        } => {
            let detail = u64::from(parent.is_some()) | (kind as u64) << 1;
            let mut encoded = head(
                SPAWN,
                detail,
                dt,
                zigzag(base.task, task),
                parent.map_or(0, |id| zigzag(task, id)),
            )
            .pieces();
            // String numbers stay below 2^16, so there is a bit to spare.
            encoded.push(
                u128::from(location)
                    | u128::from(rowless) << 31
                    | u128::from(name) << 32
                    | u128::from(runtime) << 64
                    | u128::from(size) << 96,
                16,
            );
            (encoded, task)
        }
        RawEvent::Terminate { task, .. } => (
            head(TERMINATE, 0, dt, zigzag(base.task, task), 0).pieces(),
            task,
        ),
        RawEvent::Park { start, end } => (
            head(PARK, 0, dt, end.saturating_sub(start), 0).pieces(),
            base.task,
        ),
        RawEvent::WaitBegin {
            task,
            wait,
            name,
            location,
            ..
        } => {
            let mut encoded = head(WAIT_BEGIN, 0, dt, zigzag(base.task, task), wait).pieces();
            encoded.push(u128::from(name) | u128::from(location) << 32, 8);
            (encoded, task)
        }
        RawEvent::WaitEnd {
            task,
            wait,
            outcome,
            ..
        } => (
            head(WAIT_END, outcome as u64, dt, zigzag(base.task, task), wait).pieces(),
            task,
        ),
        RawEvent::Unwakeable { task, .. } => (
            head(UNWAKEABLE, 0, dt, zigzag(base.task, task), 0).pieces(),
            task,
        ),
        RawEvent::Covered {
            task, name, size, ..
        } => {
            let mut encoded = head(COVERED, 0, dt, zigzag(base.task, task), 0).pieces();
            encoded.push(u128::from(name) | u128::from(size) << 32, 8);
            (encoded, task)
        }
    };
    *base = Base {
        time: event.at(),
        task,
    };
    encoded
}

/// Reads the events of one chunk, in order.
pub(crate) struct Decoder<'a> {
    bytes: &'a [u8],
    offset: usize,
    base: Base,
    shared: bool,
}

impl<'a> Decoder<'a> {
    /// Starts at `offset`, where the deltas refer to `base`.
    pub(crate) fn new(bytes: &'a [u8], offset: usize, base: Base, shared: bool) -> Self {
        Self {
            bytes,
            offset,
            base,
            shared,
        }
    }

    /// Where the next event begins, and what its deltas refer to.
    pub(crate) fn position(&self) -> (usize, Base) {
        (self.offset, self.base)
    }

    #[inline(always)]
    fn take(&mut self, length: usize) -> Option<u64> {
        let from = self.offset;
        let field = self.bytes.get(from..from + length)?;
        self.offset += length;
        let mut word = [0; 8];
        if let Some(eight) = self.bytes.get(from..from + 8) {
            word.copy_from_slice(eight);
            let mask = if length == 8 {
                u64::MAX
            } else {
                (1 << (8 * length)) - 1
            };
            return Some(u64::from_le_bytes(word) & mask);
        }
        word[..length].copy_from_slice(field);
        Some(u64::from_le_bytes(word))
    }

    /// Head and fields of the next event.
    #[inline(always)]
    fn fields(&mut self) -> Option<[u64; 4]> {
        let Some(bytes) = self.bytes.get(self.offset..self.offset + 10) else {
            return self.last_fields();
        };
        let head = u64::from(u16::from_le_bytes([bytes[0], bytes[1]]));
        let (n_dt, n_a, n_b) = (head >> 7 & 7, head >> 10 & 7, head >> 13 & 7);
        if n_dt + n_a + n_b > 8 {
            return self.last_fields();
        }
        // Nearly always all fields lie in one word.
        let word = u64::from_le_bytes([
            bytes[2], bytes[3], bytes[4], bytes[5], bytes[6], bytes[7], bytes[8], bytes[9],
        ]);
        self.offset += (2 + n_dt + n_a + n_b) as usize;
        // A shift by 64 can only be one for a field without bytes, whose mask is 0.
        let field = |before: u64, bytes: u64| {
            word.wrapping_shr((8 * before) as u32) & ((1 << (8 * bytes)) - 1)
        };
        Some([
            head,
            field(0, n_dt),
            field(n_dt, n_a),
            field(n_dt + n_a, n_b),
        ])
    }

    /// The same where the chunk's bytes end soon, and for fields of more than a word in all.
    #[cold]
    fn last_fields(&mut self) -> Option<[u64; 4]> {
        let head = self.take(2)?;
        let dt = self.take((head >> 7 & 7) as usize)?;
        let a = self.take((head >> 10 & 7) as usize)?;
        let b = self.take((head >> 13 & 7) as usize)?;
        Some([head, dt, a, b])
    }

    /// The next event and, in a shared chunk, its thread. `None` at the end, and where the bytes
    /// make no sense (which only a defect of the recorder could cause).
    // Inlined by force: returned through memory, an event costs more than its decoding.
    #[inline(always)]
    pub(crate) fn next_event(&mut self) -> Option<(RawEvent, u32)> {
        let [head, dt, a, b] = self.fields()?;
        let detail = head >> 4 & 7;
        let at = self.base.time.wrapping_add(dt);
        let task = unzigzag(self.base.task, a);
        let mut last = task;
        let event = match head & 15 {
            POLL => {
                let task = unzigzag(self.base.task, b);
                last = task;
                RawEvent::Poll {
                    start: at.saturating_sub(a),
                    end: at,
                    task,
                    outcome: poll_outcome(detail),
                }
            }
            WAKE => {
                let waker = match detail {
                    0 => Waker::Task(unzigzag(task, b)),
                    1 => Waker::Runtime,
                    2 => Waker::Blocking,
                    _ => Waker::Outside,
                };
                if let Waker::Task(id) = waker {
                    last = id;
                }
                RawEvent::Wake { at, task, waker }
            }
            SPAWN => {
                let (strings, rest) = (self.take(8)?, self.take(8)?);
                RawEvent::Spawn {
                    at,
                    task,
                    parent: (detail & 1 == 1).then(|| unzigzag(task, b)),
                    location: strings as u32 & 0x7FFF_FFFF,
                    name: (strings >> 32) as u32,
                    runtime: rest as u32,
                    kind: task_kind(detail >> 1),
                    size: (rest >> 32) as u32,
                    rowless: strings >> 31 & 1 == 1,
                }
            }
            TERMINATE => RawEvent::Terminate { at, task },
            PARK => {
                last = self.base.task;
                RawEvent::Park {
                    start: at.saturating_sub(a),
                    end: at,
                }
            }
            WAIT_BEGIN => {
                let strings = self.take(8)?;
                RawEvent::WaitBegin {
                    at,
                    task,
                    wait: b,
                    name: strings as u32,
                    location: (strings >> 32) as u32,
                }
            }
            WAIT_END => {
                let outcome = if detail == 0 {
                    WaitOutcome::Done
                } else {
                    WaitOutcome::Abandoned
                };
                RawEvent::WaitEnd {
                    at,
                    task,
                    wait: b,
                    outcome,
                }
            }
            UNWAKEABLE => RawEvent::Unwakeable { at, task },
            COVERED => {
                let fields = self.take(8)?;
                RawEvent::Covered {
                    at,
                    task,
                    name: fields as u32,
                    size: (fields >> 32) as u32,
                }
            }
            _ => return None,
        };
        let thread = if self.shared { self.take(4)? as u32 } else { 0 };
        self.base = Base {
            time: at,
            task: last,
        };
        Some((event, thread))
    }
}

fn poll_outcome(detail: u64) -> PollOutcome {
    match detail {
        1 => PollOutcome::Pending,
        2 => PollOutcome::Ready,
        3 => PollOutcome::Cancelled,
        4 => PollOutcome::Panicked,
        _ => PollOutcome::Ended,
    }
}

fn task_kind(detail: u64) -> TaskKind {
    match detail {
        1 => TaskKind::Local,
        2 => TaskKind::Blocking,
        _ => TaskKind::Async,
    }
}

#[cfg(test)]
mod tests;
