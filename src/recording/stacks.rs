//! Stacks: addresses become frames by the file's symbols, and each stack is kept once.
//!
//! Every stack of a recording runs from its outermost frame to its leaf: leaf last. A frame that the compiler inlined
//! follows the one that it was inlined into.

use std::collections::HashMap;

use super::{FrameIx, StackIx, StrId, batch::IdHashing};

/// One frame of a stack.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Frame {
    /// Its address.
    pub address: u64,
    /// The function's name, or [`StrId::NONE`] where the file has no symbol for the address.
    pub name: StrId,
    /// The source file, or [`StrId::NONE`].
    pub file: StrId,
    /// The line in it; 0 where it is not known.
    pub line: u32,
    /// Whether the compiler inlined it into the frame before it.
    pub inlined: bool,
}

/// What a file says of one address.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct SymbolFacts {
    /// The address, as it stands in callchains.
    pub address: u64,
    /// 0 for the function itself, 1 for what was inlined into it, 2 for what was inlined into that.
    pub inline_depth: u32,
    /// The function's name.
    pub name: StrId,
    /// The source file, or [`StrId::NONE`].
    pub file: StrId,
    /// The line in it; 0 where it is not known.
    pub line: u32,
}

/// All frames and stacks.
#[derive(Debug, Default)]
pub(crate) struct Stacks {
    frames: Vec<Frame>,
    /// Where each stack's frames begin; one more entry than stacks, or none.
    starts: Vec<u32>,
    members: Vec<FrameIx>,
}

impl Stacks {
    /// Makes stacks of `chains`, leaf first, and gives the number of each.
    pub(crate) fn build(
        chains: Vec<Vec<Box<[u64]>>>,
        mut symbols: Vec<SymbolFacts>,
    ) -> (Self, Vec<Vec<StackIx>>) {
        symbols.sort_by_key(|symbol| (symbol.address, symbol.inline_depth));
        symbols.dedup_by_key(|symbol| (symbol.address, symbol.inline_depth));
        let mut stacks = Self::default();
        let mut by_address: HashMap<u64, (u32, u32), IdHashing> = HashMap::default();
        let mut numbers: HashMap<Box<[u64]>, StackIx, IdHashing> = HashMap::default();
        let mut maps = Vec::with_capacity(chains.len());
        for chains in chains {
            let mut map = Vec::with_capacity(chains.len());
            for chain in chains {
                let number = match numbers.get(&chain) {
                    Some(number) => *number,
                    None => {
                        let number = stacks.push(&chain, &symbols, &mut by_address);
                        numbers.insert(chain, number);
                        number
                    }
                };
                map.push(number);
            }
            maps.push(map);
        }
        stacks.members.shrink_to_fit();
        (stacks, maps)
    }

    fn push(
        &mut self,
        chain: &[u64],
        symbols: &[SymbolFacts],
        by_address: &mut HashMap<u64, (u32, u32), IdHashing>,
    ) -> StackIx {
        if self.starts.is_empty() {
            self.starts.push(0);
        }
        for address in chain.iter().rev() {
            let (from, to) = *by_address
                .entry(*address)
                .or_insert_with(|| frames_of(*address, symbols, &mut self.frames));
            self.members
                .extend((from..to).map(|frame| FrameIx::new(frame as usize)));
        }
        self.starts.push(self.members.len() as u32);
        StackIx::new(self.starts.len() - 2)
    }

    pub(crate) fn frame(&self, frame: FrameIx) -> Frame {
        self.frames[frame.index()]
    }

    pub(crate) fn frame_count(&self) -> usize {
        self.frames.len()
    }

    pub(crate) fn get(&self, stack: StackIx) -> &[FrameIx] {
        let place = stack.index();
        match (self.starts.get(place), self.starts.get(place + 1)) {
            (Some(&from), Some(&to)) => &self.members[from as usize..to as usize],
            _ => &[],
        }
    }

    pub(crate) fn len(&self) -> usize {
        self.starts.len().saturating_sub(1)
    }
}

/// Adds the frames of one address, and says which they are.
fn frames_of(address: u64, symbols: &[SymbolFacts], frames: &mut Vec<Frame>) -> (u32, u32) {
    let from = frames.len() as u32;
    let first = symbols.partition_point(|symbol| symbol.address < address);
    let own = symbols[first..]
        .iter()
        .take_while(|symbol| symbol.address == address);
    frames.extend(own.enumerate().map(|(place, symbol)| Frame {
        address,
        name: symbol.name,
        file: symbol.file,
        line: symbol.line,
        inlined: place > 0,
    }));
    if frames.len() as u32 == from {
        frames.push(Frame {
            address,
            name: StrId::NONE,
            file: StrId::NONE,
            line: 0,
            inlined: false,
        });
    }
    (from, frames.len() as u32)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_stack_is_kept_once_leaf_last_with_what_was_inlined() {
        let symbol = |address, inline_depth, line| SymbolFacts {
            address,
            inline_depth,
            name: StrId::NONE,
            file: StrId::NONE,
            line,
        };
        // Leaf first: 30 was called by 20, which was called by 10. Into 20 something was inlined.
        let chains = vec![
            vec![Box::from([30, 20, 10]), Box::from([10])],
            vec![Box::from([30, 20, 10])],
        ];
        let symbols = vec![
            symbol(20, 1, 22),
            symbol(20, 0, 21),
            symbol(10, 0, 11),
            symbol(20, 0, 21),
        ];
        let (stacks, maps) = Stacks::build(chains, symbols);
        assert_eq!((stacks.len(), maps[0][0]), (2, maps[1][0]));
        let frames: Vec<(u64, u32, bool)> = stacks
            .get(maps[0][0])
            .iter()
            .map(|frame| stacks.frame(*frame))
            .map(|frame| (frame.address, frame.line, frame.inlined))
            .collect();
        assert_eq!(
            frames,
            [
                (10, 11, false),
                (20, 21, false),
                (20, 22, true),
                (30, 0, false)
            ]
        );
        assert_eq!(stacks.get(StackIx::new(7)), []);
    }
}
