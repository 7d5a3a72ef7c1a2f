//! Questions about stacks: what samples spent their time in, and how a frame is called.

use std::collections::HashMap;

use super::label;
use crate::recording::{FrameIx, Recording, SampleIx, SampleKind, StackIx};

/// What a set of samples spent its time in.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Folded {
    /// The frames, those first in which most samples ended.
    pub frames: Vec<FrameShare>,
    /// The stacks, the most frequent first.
    pub stacks: Vec<(StackIx, usize)>,
    /// How many samples there were.
    pub samples: usize,
}

/// How often a frame was seen in a set of samples. Frames of one function and line count as one.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct FrameShare {
    /// The frame; of several addresses of one line, one of them.
    pub frame: FrameIx,
    /// Samples of which it was the leaf.
    pub leaf: usize,
    /// Samples in whose stacks it was, once each however often it stood there.
    pub inside: usize,
}

/// Folds those of `samples` that are of this kind, or all of them: heaviest leaf first.
#[must_use]
pub fn fold(
    recording: &Recording,
    samples: impl IntoIterator<Item = SampleIx>,
    kind: Option<SampleKind>,
) -> Folded {
    let mut stacks: HashMap<StackIx, usize> = HashMap::new();
    for sample in samples {
        let sample = recording.sample(sample);
        if kind.is_none_or(|kind| kind == sample.kind) {
            *stacks.entry(sample.stack).or_default() += 1;
        }
    }
    let mut stacks: Vec<(StackIx, usize)> = stacks.into_iter().collect();
    stacks.sort_unstable_by_key(|(stack, count)| (std::cmp::Reverse(*count), *stack));

    let mut shares: HashMap<_, (FrameShare, StackIx)> = HashMap::new();
    for (stack, count) in &stacks {
        let frames = recording.stack(*stack);
        for (place, frame) in frames.iter().enumerate() {
            let facts = recording.frame(*frame);
            // Without a symbol, only the address tells frames apart.
            let address = (!facts.name.is_some()).then_some(facts.address);
            let key = (facts.name, facts.file, facts.line, address);
            let new = FrameShare {
                frame: *frame,
                leaf: 0,
                inside: 0,
            };
            let (share, seen_in) = shares.entry(key).or_insert((new, StackIx::new(usize::MAX)));
            if *seen_in != *stack {
                share.inside += count;
                *seen_in = *stack;
            }
            if place + 1 == frames.len() {
                share.leaf += count;
            }
        }
    }
    let mut frames: Vec<FrameShare> = shares.into_values().map(|(share, _)| share).collect();
    frames.sort_unstable_by_key(|share| {
        (
            std::cmp::Reverse(share.leaf),
            std::cmp::Reverse(share.inside),
            share.frame,
        )
    });
    Folded {
        frames,
        samples: stacks.iter().map(|(_, count)| count).sum(),
        stacks,
    }
}

/// The function of a frame without the hash that the compiler appends, or its address where no symbol is known.
#[must_use]
pub fn function(recording: &Recording, frame: FrameIx) -> String {
    let facts = recording.frame(frame);
    match recording.str(facts.name) {
        "" => format!("{:#x}", facts.address),
        name => without_hash(name).to_owned(),
    }
}

/// `src/a.rs:12` of a frame; nothing where no file is known.
#[must_use]
pub fn place(recording: &Recording, frame: FrameIx) -> String {
    let facts = recording.frame(frame);
    let file = label::source(recording.str(facts.file));
    if file.is_empty() || facts.line == 0 {
        return file.to_owned();
    }
    format!("{file}:{}", facts.line)
}

/// `service::flush src/flush.rs:12`.
#[must_use]
pub fn frame(recording: &Recording, frame: FrameIx) -> String {
    let (function, place) = (function(recording, frame), place(recording, frame));
    if place.is_empty() {
        function
    } else {
        format!("{function} {place}")
    }
}

/// The leaf of a stack, as [`frame`] writes it; `None` of an empty one.
#[must_use]
pub fn leaf(recording: &Recording, stack: StackIx) -> Option<String> {
    let leaf = recording.stack(stack).last()?;
    Some(frame(recording, *leaf))
}

fn without_hash(name: &str) -> &str {
    match name.rsplit_once("::h") {
        Some((path, hash)) if hash.len() == 16 && hash.bytes().all(|b| b.is_ascii_hexdigit()) => {
            path
        }
        _ => name,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::recording::{
        Outcome, PollIx, SymbolFacts,
        testing::{batch, builder},
    };

    #[test]
    fn samples_fold_to_their_leaves_and_to_what_stands_above() {
        let mut builder = builder(1_000);
        for (address, name) in [
            (1, "main"),
            (2, "work::h0123456789abcdef"),
            (4, "work::h0123456789abcdef"),
        ] {
            let name = builder.intern(name);
            builder.symbol(SymbolFacts {
                address,
                inline_depth: 0,
                name,
                file: crate::recording::StrId::NONE,
                line: 0,
            });
        }
        let mut w0 = batch(0);
        w0.poll(7, 100, 200, Outcome::Pending);
        w0.sample(110, SampleKind::OnCpu, &[2, 1]);
        w0.sample(120, SampleKind::OnCpu, &[4, 1]); // another address of the same function
        w0.sample(130, SampleKind::OnCpu, &[9, 2, 2, 1]); // recursion counts once
        w0.sample(140, SampleKind::OffCpu, &[1]);
        w0.sample(500, SampleKind::OnCpu, &[1]); // in no poll
        builder.batch(w0);
        let recording = builder.finish();
        let samples = recording.samples_in(PollIx::new(0)).to_vec();
        assert_eq!(samples.len(), 4);
        let folded = fold(&recording, samples, Some(SampleKind::OnCpu));
        assert_eq!(folded.samples, 3);
        let shares: Vec<(String, usize, usize)> = folded
            .frames
            .iter()
            .map(|share| (function(&recording, share.frame), share.leaf, share.inside))
            .collect();
        assert_eq!(
            shares,
            [
                ("work".to_owned(), 2, 3),
                ("0x9".to_owned(), 1, 1),
                ("main".to_owned(), 0, 3)
            ]
        );
    }
}
