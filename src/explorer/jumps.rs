//! Where a person has been: back and forward over places.

/// Places behind and ahead of the present one.
#[derive(Clone, Debug)]
pub(super) struct Jumps<P> {
    behind: Vec<P>,
    ahead: Vec<P>,
}

/// More steps back than anybody walks.
const MOST: usize = 1_000;

impl<P> Default for Jumps<P> {
    fn default() -> Self {
        Self {
            behind: Vec::new(),
            ahead: Vec::new(),
        }
    }
}

impl<P: PartialEq> Jumps<P> {
    /// Remembers `here`, which is about to be left by a jump. What was ahead is forgotten.
    pub(super) fn push(&mut self, here: P) {
        self.ahead.clear();
        if self.behind.last() != Some(&here) {
            if self.behind.len() == MOST {
                self.behind.remove(0);
            }
            self.behind.push(here);
        }
    }

    /// The place before `here`, if there is one.
    pub(super) fn back(&mut self, here: P) -> Option<P> {
        let place = self.behind.pop()?;
        self.ahead.push(here);
        Some(place)
    }

    /// The place that the last step back left, if there was one.
    pub(super) fn forward(&mut self, here: P) -> Option<P> {
        let place = self.ahead.pop()?;
        self.behind.push(here);
        Some(place)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn back_and_forward_walk_the_same_places() {
        let mut jumps = Jumps::default();
        jumps.push(1);
        jumps.push(2);
        assert_eq!(jumps.back(3), Some(2));
        assert_eq!(jumps.back(2), Some(1));
        assert_eq!(jumps.back(1), None);
        assert_eq!(jumps.forward(1), Some(2));
        jumps.push(2);
        assert_eq!(jumps.forward(9), None);
        assert_eq!(jumps.back(9), Some(2));
    }
}
