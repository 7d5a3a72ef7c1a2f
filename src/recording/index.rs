//! Rows by owner: one counting sort turns a column of owners into a list of rows per owner, in row order.

/// For every owner the rows that belong to it, ascending.
#[derive(Debug)]
pub(crate) struct ByOwner<R> {
    /// Where each owner's rows begin; one more entry than owners.
    starts: Vec<u32>,
    rows: Vec<R>,
}

impl<R: Copy> ByOwner<R> {
    /// Sorts `rows` rows by what `owner` says; a row without an owner is left out.
    pub(crate) fn build(
        owners: usize,
        rows: usize,
        owner: impl Fn(usize) -> Option<usize>,
        number: impl Fn(usize) -> R,
    ) -> Self {
        let mut starts = vec![0u32; owners + 1];
        for row in 0..rows {
            if let Some(owner) = owner(row) {
                starts[owner + 1] += 1;
            }
        }
        let mut sum = 0u32;
        for start in &mut starts {
            sum += *start;
            *start = sum;
        }
        let mut next = starts.clone();
        let mut sorted = vec![number(0); sum as usize];
        for row in 0..rows {
            if let Some(owner) = owner(row) {
                let slot = &mut next[owner];
                sorted[*slot as usize] = number(row);
                *slot += 1;
            }
        }
        Self {
            starts,
            rows: sorted,
        }
    }

    /// The rows of one owner; none for an owner that does not exist.
    pub(crate) fn of(&self, owner: usize) -> &[R] {
        match (self.starts.get(owner), self.starts.get(owner + 1)) {
            (Some(&from), Some(&to)) => &self.rows[from as usize..to as usize],
            _ => &[],
        }
    }
}

impl<R> Default for ByOwner<R> {
    fn default() -> Self {
        Self {
            starts: Vec::new(),
            rows: Vec::new(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_row_is_with_its_owner_in_order() {
        let owners = [Some(2), None, Some(0), Some(2), Some(2)];
        let index = ByOwner::build(3, owners.len(), |row| owners[row], |row| row);
        assert_eq!(index.of(0), [2]);
        assert_eq!(index.of(1), [0usize; 0]);
        assert_eq!(index.of(2), [0, 3, 4]);
        assert_eq!(index.of(3), [0usize; 0]);
        assert_eq!(ByOwner::build(2, 0, |_| None, |row| row).of(1), [0usize; 0]);
    }
}
