//! The event memory: one allocation of chunks, appended to by one writer each, reclaimed by global age.
//!
//! There is no unsafe code here: a chunk's bytes are atomic words, stored relaxed and published by a
//! release store of the length. A reader that sees a length sees every byte below it, and those bytes
//! do not change until the chunk is recycled, which a reader's pin prevents.
//!
//! A chunk's life is one atomic word, `generation << 32 | pins << 2 | phase`:
//!
//! ```text
//!            claim (CAS)           header reset           close
//!   Free ------------------> Claimed ----------> Open ----------> Closed
//!                               ^                                   |
//!                               +--- claim (CAS), only pins == 0 ---+
//! ```
//!
//! A claim of a closed chunk and a reader's pin are compare-and-swaps of the same word, so exactly
//! one of them wins; nobody pins a chunk while its header is being reset, and the generation tells a
//! slow reader that a chunk lived again.

use crate::codec::{Base, Encoded, Fields, MAX_EVENT_BYTES};
use crate::sync::{AtomicU32, AtomicU64, Ordering};

/// Smallest and largest chunk, bytes, its header included.
const CHUNK_BYTES: std::ops::RangeInclusive<usize> = 1024..=16 * 1024;
/// Chunks that the smallest arena has: enough for a few workers, the shared appenders and some past.
const MIN_CHUNKS: usize = 32;
/// Bytes of a chunk's header; [`ChunkHeader`] is that large.
const HEADER_BYTES: usize = 64;
/// How many chunks a writer looks at before it gives an event up.
const MAX_TRIES: usize = 256;
/// How many chunks it looks at for one that is folded, before it takes an unfolded one.
const FOLDED_TRIES: usize = 48;
/// Words behind the last event that a store of three whole words may touch.
const SLACK_WORDS: usize = 3;

/// No chunk.
pub(crate) const NO_CHUNK: u32 = u32::MAX;
/// The worker key of a thread that is no worker.
pub(crate) const NO_WORKER: u64 = u64::MAX;

const FREE: u64 = 0;
const OPEN: u64 = 1;
const CLOSED: u64 = 2;
const CLAIMED: u64 = 3;
const PHASE: u64 = 3;
const PIN: u64 = 1 << 2;
const PINS: u64 = 0xFFFF_FFFC;
const GENERATION: u64 = 1 << 32;

/// What is known of a chunk beside its bytes.
#[repr(align(64))]
pub(crate) struct ChunkHeader {
    state: AtomicU64,
    /// Bytes of whole events. Release-stored by the writer.
    length: AtomicU32,
    /// Bytes already folded into the history. Written by the folding thread alone.
    folded: AtomicU32,
    /// Time that the first event's delta refers to.
    first_time: AtomicU64,
    /// Time of the last event; valid once closed.
    last_time: AtomicU64,
    /// Who writes: a thread's number, or a shared appender's.
    stream: AtomicU32,
    /// Events written; valid once closed.
    events: AtomicU32,
    /// `runtime << 32 | worker`, or [`NO_WORKER`].
    worker: AtomicU64,
    /// Sequence number of the first event within its stream.
    first_seq: AtomicU64,
    /// Order of claiming, for reading newest first.
    age: AtomicU64,
}

/// Who a chunk belongs to while it is open.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Owner {
    pub(crate) stream: u32,
    pub(crate) worker: u64,
    pub(crate) shared: bool,
}

/// Streams of shared appenders are numbered from here.
pub(crate) const SHARED_STREAM: u32 = 0x8000_0000;

/// A reader's copy of one chunk.
pub(crate) struct ChunkCopy {
    pub(crate) generation: u64,
    pub(crate) age: u64,
    pub(crate) stream: u32,
    pub(crate) worker: u64,
    pub(crate) first_time: u64,
    pub(crate) first_seq: u64,
    /// Bytes of the chunk that were already folded when it was copied.
    pub(crate) folded: usize,
    /// Offset in the chunk of the first copied byte.
    pub(crate) from: usize,
    /// Offset in the chunk behind the last copied byte.
    pub(crate) to: usize,
}

impl ChunkCopy {
    pub(crate) fn shared(&self) -> bool {
        self.stream >= SHARED_STREAM
    }
}

/// What a look at a chunk's state, without a copy, tells the folding thread.
pub(crate) struct Glance {
    pub(crate) generation: u64,
    pub(crate) length: usize,
    pub(crate) first_time: u64,
}

/// The arena.
pub(crate) struct Arena {
    headers: Box<[ChunkHeader]>,
    words: Box<[AtomicU64]>,
    words_per_chunk: usize,
    /// The clock hand: counts claims attempted; the chunk under it is the oldest.
    hand: AtomicU64,
    /// Latest event time in any reclaimed chunk of a worker, and of anybody else.
    reclaimed_workers: AtomicU64,
    reclaimed_others: AtomicU64,
    /// Events reclaimed before they were folded, and their time range.
    pub(crate) unfolded: LossRange,
}

/// A counted loss with the time range that it concerns.
pub(crate) struct LossRange {
    pub(crate) count: AtomicU64,
    pub(crate) from: AtomicU64,
    pub(crate) to: AtomicU64,
}

impl LossRange {
    fn new() -> Self {
        Self {
            count: AtomicU64::new(0),
            from: AtomicU64::new(u64::MAX),
            to: AtomicU64::new(0),
        }
    }

    fn add(&self, count: u64, from: u64, to: u64) {
        self.count.fetch_add(count, Ordering::Relaxed);
        self.from.fetch_min(from, Ordering::Relaxed);
        self.to.fetch_max(to, Ordering::Relaxed);
    }
}

impl Arena {
    /// How an arena of `bytes` is cut: bytes per chunk and number of chunks; `None` when it is too small.
    pub(crate) fn geometry(bytes: usize) -> Option<(usize, usize)> {
        let chunk = (bytes / 256).clamp(*CHUNK_BYTES.start(), *CHUNK_BYTES.end()) / 64 * 64;
        let chunks = bytes / chunk;
        (chunks >= MIN_CHUNKS && chunks < NO_CHUNK as usize).then_some((chunk, chunks))
    }

    /// Allocates and prefaults an arena of `bytes`, headers included. `None` when `bytes` is too
    /// small, or the memory is not to be had.
    pub(crate) fn new(bytes: usize) -> Option<Self> {
        let (chunk, chunks) = Self::geometry(bytes)?;
        Self::with_chunks(chunks, (chunk - HEADER_BYTES) / 8)
    }

    fn with_chunks(chunks: usize, words_per_chunk: usize) -> Option<Self> {
        let mut headers = Vec::new();
        headers.try_reserve_exact(chunks).ok()?;
        headers.resize_with(chunks, ChunkHeader::new);
        let mut words = Vec::new();
        words.try_reserve_exact(chunks * words_per_chunk).ok()?;
        // Writing every word is what maps the pages now rather than in somebody's poll.
        words.resize_with(chunks * words_per_chunk, || AtomicU64::new(0));
        Some(Self {
            headers: headers.into_boxed_slice(),
            words: words.into_boxed_slice(),
            words_per_chunk,
            hand: AtomicU64::new(0),
            reclaimed_workers: AtomicU64::new(0),
            reclaimed_others: AtomicU64::new(0),
            unfolded: LossRange::new(),
        })
    }

    pub(crate) fn chunks(&self) -> usize {
        self.headers.len()
    }

    /// Bytes that this arena takes, all told.
    pub(crate) fn bytes(&self) -> usize {
        self.headers.len() * size_of::<ChunkHeader>() + self.words.len() * 8
    }

    /// Chunks claimed so far.
    pub(crate) fn claims(&self) -> u64 {
        self.hand.load(Ordering::Relaxed)
    }

    /// From this tick on every event of every worker is still there.
    pub(crate) fn window_start(&self) -> u64 {
        self.reclaimed_workers.load(Ordering::Acquire)
    }

    /// From this tick on every event of the threads that are no workers is still there.
    pub(crate) fn others_start(&self) -> u64 {
        self.reclaimed_others.load(Ordering::Acquire)
    }

    /// Claims a chunk for `owner`: a free one, else the oldest folded one that nobody reads, else an
    /// unfolded one, which is counted as a loss. `None` after a bounded number of tries.
    fn claim(&self, owner: Owner, now: u64, first_seq: u64) -> Option<u32> {
        let chunks = self.headers.len() as u64;
        for attempt in 0..MAX_TRIES.min(2 * self.headers.len() + FOLDED_TRIES) {
            let age = self.hand.fetch_add(1, Ordering::Relaxed);
            let index = (age % chunks) as usize;
            let header = &self.headers[index];
            let state = header.state.load(Ordering::Acquire);
            if matches!(state & PHASE, OPEN | CLAIMED) || state & PINS != 0 {
                continue;
            }
            let length = header.length.load(Ordering::Acquire);
            let folded = header.folded.load(Ordering::Acquire);
            let is_folded = state & PHASE == FREE || folded >= length;
            if !is_folded && attempt < FOLDED_TRIES.min(self.headers.len()) {
                continue;
            }
            let claimed = (state & !(PHASE | PINS)).wrapping_add(GENERATION) | CLAIMED;
            // Acquire: what the chunk's last life wrote is visible before it is written over. A failure
            // means that a reader pinned it, or another writer took it: go on with the next one.
            if header
                .state
                .compare_exchange(state, claimed, Ordering::AcqRel, Ordering::Relaxed)
                .is_err()
            {
                continue;
            }
            if state & PHASE == CLOSED {
                self.count_reclaimed(header, is_folded, length, folded);
            }
            header.length.store(0, Ordering::Relaxed);
            header.folded.store(0, Ordering::Relaxed);
            header.first_time.store(now, Ordering::Relaxed);
            header.stream.store(owner.stream, Ordering::Relaxed);
            header.worker.store(owner.worker, Ordering::Relaxed);
            header.first_seq.store(first_seq, Ordering::Relaxed);
            header.age.store(age, Ordering::Relaxed);
            // Nobody else changes a claimed chunk's state, so a store will do. Release: a reader that
            // pins the open chunk sees its new header, the length 0 above all.
            header
                .state
                .store(claimed - CLAIMED + OPEN, Ordering::Release);
            return Some(index as u32);
        }
        None
    }

    fn count_reclaimed(&self, header: &ChunkHeader, is_folded: bool, length: u32, folded: u32) {
        let last_time = header.last_time.load(Ordering::Relaxed);
        let others = header.stream.load(Ordering::Relaxed) >= SHARED_STREAM;
        let floor = if others {
            &self.reclaimed_others
        } else {
            &self.reclaimed_workers
        };
        floor.fetch_max(last_time, Ordering::AcqRel);
        if !is_folded {
            // The events behind the folded mark, estimated by bytes: nobody may decode them any more.
            let events = u64::from(header.events.load(Ordering::Relaxed));
            let lost = (events * u64::from(length - folded)).div_ceil(u64::from(length.max(1)));
            self.unfolded
                .add(lost, header.first_time.load(Ordering::Relaxed), last_time);
        }
    }

    fn close(&self, index: u32, last_time: u64, events: u32) {
        let header = &self.headers[index as usize];
        header.last_time.store(last_time, Ordering::Relaxed);
        header.events.store(events, Ordering::Relaxed);
        // Open -> Closed is + 1 on a word whose pins others may be changing. Release: whoever claims
        // the chunk sees the two stores above.
        header.state.fetch_add(CLOSED - OPEN, Ordering::Release);
    }

    /// The state of a chunk in use, or `None` while it is free or being claimed.
    pub(crate) fn glance(&self, index: usize) -> Option<Glance> {
        let header = &self.headers[index];
        let state = header.state.load(Ordering::Acquire);
        if matches!(state & PHASE, FREE | CLAIMED) {
            return None;
        }
        Some(Glance {
            generation: state / GENERATION,
            length: header.length.load(Ordering::Acquire) as usize,
            first_time: header.first_time.load(Ordering::Relaxed),
        })
    }

    /// Waits, bounded, until no claim is half done, so that [`Self::window_start`] accounts for every
    /// chunk that a reader has missed.
    pub(crate) fn settle(&self) {
        for header in &self.headers {
            for _ in 0..1_000 {
                if header.state.load(Ordering::Acquire) & PHASE != CLAIMED {
                    break;
                }
                std::thread::yield_now();
            }
        }
    }

    /// Appends the bytes of chunk `index` from offset `from` on to `into` and describes them. `None`
    /// when the chunk is free, was claimed anew, or has nothing behind `from`.
    ///
    /// `from` counts for `generation` only; a chunk in a later life is read from its start.
    pub(crate) fn copy(
        &self,
        index: usize,
        generation: u64,
        from: usize,
        into: &mut Vec<u8>,
    ) -> Option<ChunkCopy> {
        let header = &self.headers[index];
        let state = self.pin(header)?;
        let current = state / GENERATION;
        let from = if current == generation { from } else { 0 };
        let length = header.length.load(Ordering::Acquire) as usize;
        let copy = (length > from).then(|| {
            self.copy_words(index, from, length, into);
            ChunkCopy {
                generation: current,
                age: header.age.load(Ordering::Relaxed),
                stream: header.stream.load(Ordering::Relaxed),
                worker: header.worker.load(Ordering::Relaxed),
                first_time: header.first_time.load(Ordering::Relaxed),
                first_seq: header.first_seq.load(Ordering::Relaxed),
                folded: header.folded.load(Ordering::Relaxed) as usize,
                from,
                to: length,
            }
        });
        // Release: the reads above happen before whoever claims the chunk next writes to it.
        header.state.fetch_sub(PIN, Ordering::Release);
        copy
    }

    /// Pins a chunk in use, so that it is not reclaimed, and tells the state that was pinned.
    fn pin(&self, header: &ChunkHeader) -> Option<u64> {
        let mut state = header.state.load(Ordering::Acquire);
        loop {
            if matches!(state & PHASE, FREE | CLAIMED) {
                return None;
            }
            match header.state.compare_exchange_weak(
                state,
                state + PIN,
                Ordering::AcqRel,
                Ordering::Acquire,
            ) {
                Ok(_) => return Some(state),
                Err(now) => state = now,
            }
        }
    }

    #[inline(always)]
    fn words_of(&self, chunk: usize) -> &[AtomicU64] {
        &self.words[chunk * self.words_per_chunk..][..self.words_per_chunk]
    }

    fn copy_words(&self, index: usize, from: usize, to: usize, into: &mut Vec<u8>) {
        let base = index * self.words_per_chunk;
        let start = into.len();
        let words = &self.words[base + from / 8..base + to.div_ceil(8)];
        into.resize(start + words.len() * 8, 0);
        for (bytes, word) in into[start..].chunks_exact_mut(8).zip(words) {
            bytes.copy_from_slice(&word.load(Ordering::Relaxed).to_le_bytes());
        }
        into.drain(start..start + from % 8);
        into.truncate(start + to - from);
    }

    /// Says that chunk `index` of `generation` is folded up to `offset`. For the folding thread.
    pub(crate) fn set_folded(&self, index: usize, generation: u64, offset: usize) {
        let header = &self.headers[index];
        // A chunk that was claimed anew in between must not inherit the old offset, so the store is
        // made under a pin of the right generation.
        let Some(state) = self.pin(header) else {
            return;
        };
        if state / GENERATION == generation {
            header.folded.store(offset as u32, Ordering::Release);
        }
        header.state.fetch_sub(PIN, Ordering::Release);
    }
}

impl ChunkHeader {
    fn new() -> Self {
        Self {
            state: AtomicU64::new(FREE),
            length: AtomicU32::new(0),
            folded: AtomicU32::new(0),
            first_time: AtomicU64::new(0),
            last_time: AtomicU64::new(0),
            stream: AtomicU32::new(0),
            events: AtomicU32::new(0),
            worker: AtomicU64::new(NO_WORKER),
            first_seq: AtomicU64::new(0),
            age: AtomicU64::new(0),
        }
    }
}

/// Why an event was not written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct NoChunk;

/// The place where one thread, or the holder of a shared appender's lock, writes.
///
/// Only the owner calls the methods that append; the fields are atomics because the writer lies in
/// shared memory, and all are accessed relaxed: what readers need goes through the chunk's header.
pub(crate) struct Writer {
    chunk: AtomicU32,
    /// Bytes written to the chunk.
    position: AtomicU32,
    /// The last word as far as it is filled.
    tail: AtomicU64,
    base_time: AtomicU64,
    base_task: AtomicU64,
    /// Events in the chunk, and exported events in the whole stream.
    events: AtomicU32,
    seq: AtomicU64,
}

impl Writer {
    pub(crate) fn new() -> Self {
        Self {
            chunk: AtomicU32::new(NO_CHUNK),
            position: AtomicU32::new(0),
            tail: AtomicU64::new(0),
            base_time: AtomicU64::new(0),
            base_task: AtomicU64::new(0),
            events: AtomicU32::new(0),
            seq: AtomicU64::new(0),
        }
    }

    /// The time of the last event written to the open chunk.
    #[inline(always)]
    pub(crate) fn last_time(&self) -> u64 {
        self.base_time.load(Ordering::Relaxed)
    }

    /// Whether the next event may need a new chunk.
    #[inline(always)]
    fn is_full(&self, arena: &Arena) -> bool {
        // One comparison for "no chunk" and "no room": without a chunk the position is at the end.
        self.chunk.load(Ordering::Relaxed) == NO_CHUNK
            || self.position.load(Ordering::Relaxed) as usize + MAX_EVENT_BYTES
                > (arena.words_per_chunk - SLACK_WORDS) * 8
    }

    /// Makes room for one event that is written at `now`. Tells whether a chunk was claimed.
    #[inline(always)]
    pub(crate) fn make_room(&self, arena: &Arena, owner: Owner, now: u64) -> Result<bool, NoChunk> {
        if self.is_full(arena) {
            self.roll(arena, owner, now).map(|()| true)
        } else {
            Ok(false)
        }
    }

    #[cold]
    fn roll(&self, arena: &Arena, owner: Owner, now: u64) -> Result<(), NoChunk> {
        self.close(arena);
        let index = arena
            .claim(owner, now, self.seq.load(Ordering::Relaxed))
            .ok_or(NoChunk)?;
        self.chunk.store(index, Ordering::Relaxed);
        self.position.store(0, Ordering::Relaxed);
        self.tail.store(0, Ordering::Relaxed);
        self.base_time.store(now, Ordering::Relaxed);
        self.base_task.store(0, Ordering::Relaxed);
        self.events.store(0, Ordering::Relaxed);
        Ok(())
    }

    /// Gives the open chunk back, if there is one.
    pub(crate) fn close(&self, arena: &Arena) {
        let chunk = self.chunk.swap(NO_CHUNK, Ordering::Relaxed);
        if chunk != NO_CHUNK {
            arena.close(
                chunk,
                self.base_time.load(Ordering::Relaxed),
                self.events.load(Ordering::Relaxed),
            );
        }
    }

    /// What the next event's deltas refer to.
    #[inline(always)]
    pub(crate) fn base(&self) -> Base {
        Base {
            time: self.base_time.load(Ordering::Relaxed),
            task: self.base_task.load(Ordering::Relaxed),
        }
    }

    /// Writes an event for which [`Self::make_room`] made room, and publishes it. The way of polls and
    /// wakes: what fits a word never leaves the registers.
    #[inline(always)]
    pub(crate) fn append_fields(&self, arena: &Arena, fields: &Fields, base: Base) {
        let Some((bits, bytes)) = fields.word() else {
            return self.append_long(arena, fields, base);
        };
        let chunk = self.chunk.load(Ordering::Relaxed) as usize;
        let position = self.position.load(Ordering::Relaxed);
        let tail = self.tail.load(Ordering::Relaxed);
        let tail = store_word(arena.words_of(chunk), position, tail, bits, bytes);
        self.publish(arena, chunk, position + bytes, tail, base, true);
    }

    #[cold]
    fn append_long(&self, arena: &Arena, fields: &Fields, base: Base) {
        self.append(arena, &fields.pieces(), base, true, None);
    }

    /// The same for any event. `thread` is given in shared chunks.
    pub(crate) fn append(
        &self,
        arena: &Arena,
        encoded: &Encoded,
        base: Base,
        exported: bool,
        thread: Option<u32>,
    ) {
        let chunk = self.chunk.load(Ordering::Relaxed) as usize;
        let words = arena.words_of(chunk);
        let mut position = self.position.load(Ordering::Relaxed);
        let mut tail = self.tail.load(Ordering::Relaxed);
        for &(bits, bytes) in encoded.pieces() {
            tail = store(words, position, tail, bits, bytes);
            position += bytes;
        }
        if let Some(thread) = thread {
            tail = store(words, position, tail, u128::from(thread), 4);
            position += 4;
        }
        self.publish(arena, chunk, position, tail, base, exported);
    }

    #[inline(always)]
    fn publish(
        &self,
        arena: &Arena,
        chunk: usize,
        position: u32,
        tail: u64,
        base: Base,
        exported: bool,
    ) {
        self.position.store(position, Ordering::Relaxed);
        self.tail.store(tail, Ordering::Relaxed);
        self.base_time.store(base.time, Ordering::Relaxed);
        self.base_task.store(base.task, Ordering::Relaxed);
        self.events
            .store(self.events.load(Ordering::Relaxed) + 1, Ordering::Relaxed);
        if exported {
            self.seq
                .store(self.seq.load(Ordering::Relaxed) + 1, Ordering::Relaxed);
        }
        // Release: whoever sees this length sees the words below it.
        arena.headers[chunk]
            .length
            .store(position, Ordering::Release);
    }
}

/// Stores up to 16 bytes behind byte `position`, whose word is filled as far as `tail` says, as whole
/// words. Returns the new tail. A word that is stored again keeps the bytes that it had.
#[inline(always)]
fn store(words: &[AtomicU64], position: u32, tail: u64, bits: u128, bytes: u32) -> u64 {
    let word = (position / 8) as usize;
    let shift = 8 * (position % 8);
    let first = tail | (bits as u64) << shift;
    // `shift` is below 64, so this shift stays below 128 bits.
    let rest = bits >> (64 - shift);
    let filled = [first, rest as u64, (rest >> 64) as u64];
    let room = &words[word..word + 3];
    room[0].store(filled[0], Ordering::Relaxed);
    room[1].store(filled[1], Ordering::Relaxed);
    room[2].store(filled[2], Ordering::Relaxed);
    filled[((position + bytes) / 8) as usize - word]
}

/// The same for up to 8 bytes, which most events take.
#[inline(always)]
fn store_word(words: &[AtomicU64], position: u32, tail: u64, bits: u64, bytes: u32) -> u64 {
    let word = (position / 8) as usize;
    let shift = 8 * (position % 8);
    let first = tail | bits << shift;
    let rest = bits >> 1 >> (63 - shift);
    let room = &words[word..word + 2];
    room[0].store(first, Ordering::Relaxed);
    room[1].store(rest, Ordering::Relaxed);
    if (position % 8) + bytes >= 8 {
        rest
    } else {
        first
    }
}

#[cfg(all(test, not(dial9_loom)))]
mod tests;

#[cfg(all(test, dial9_loom))]
mod models;
