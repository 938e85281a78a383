//! Items of a stream on their way to the application: a run of small ones shares one buffer.
//!
//! Small items are copied together, large ones share what was received. So an item that is not
//! taken holds on to its own bytes and not to a whole read of the link, and a thousand small ones
//! cost no allocation each.

use crate::engine::pattern::credit_cost;
use bytes::Bytes;
use std::fmt;

/// A part below this is copied.
const COPY_BYTES_MAX: usize = 4 << 10;
/// A buffer above this is not kept alive by a part below a quarter of it.
const SHARE_BYTES_MAX: usize = 64 << 10;
/// A run takes no further item beyond this.
const RUN_BYTES_MAX: usize = 64 << 10;
/// Bytes before each item in a run: its length, little-endian.
const HEAD_BYTES: usize = 4;

/// Items in the order in which they came; at least one.
#[derive(Clone, PartialEq, Eq)]
pub struct Items(Form);

#[derive(Clone, PartialEq, Eq)]
enum Form {
    /// Each behind its length.
    Run(Vec<u8>),
    One(Bytes),
}

impl Items {
    /// One item, `part` of what was received with `owner`.
    pub(crate) fn new(owner: &Bytes, part: &[u8]) -> Self {
        if part.len() >= COPY_BYTES_MAX {
            return Self(Form::One(share(owner, part)));
        }
        let mut run = Vec::with_capacity(HEAD_BYTES + part.len());
        append(&mut run, part);
        Self(Form::Run(run))
    }

    /// Adds an item to a run; false when it has no place there.
    pub(crate) fn push(&mut self, part: &[u8]) -> bool {
        match &mut self.0 {
            Form::Run(run) if part.len() < COPY_BYTES_MAX && run.len() < RUN_BYTES_MAX => {
                append(run, part);
                true
            }
            _ => false,
        }
    }

    /// The items.
    pub fn iter(&self) -> impl Iterator<Item = &[u8]> {
        let mut at = 0;
        std::iter::from_fn(move || {
            let (item, next) = self.at(at)?;
            at = next;
            Some(item)
        })
    }

    /// What they take from credit together.
    #[must_use]
    pub fn cost(&self) -> u64 {
        self.iter().map(|item| credit_cost(item.len())).sum()
    }

    /// The item at a place, and the place behind it. The first is at 0.
    pub(crate) fn at(&self, at: usize) -> Option<(&[u8], usize)> {
        match &self.0 {
            Form::One(item) => (at == 0).then_some((&item[..], 1)),
            Form::Run(run) => {
                let (len, rest) = run.get(at..)?.split_first_chunk::<HEAD_BYTES>()?;
                let item = rest.get(..u32::from_le_bytes(*len) as usize)?;
                Some((item, at + HEAD_BYTES + item.len()))
            }
        }
    }
}

impl fmt::Debug for Items {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_list().entries(self.iter()).finish()
    }
}

/// Shares the received bytes, unless a small part would keep a large buffer alive: what is read
/// from a link at once is one buffer, and one byte of it may be all that is kept.
pub(super) fn share(owner: &Bytes, part: &[u8]) -> Bytes {
    if part.len() < COPY_BYTES_MAX
        || (owner.len() > SHARE_BYTES_MAX && part.len() < owner.len() / 4)
    {
        return Bytes::copy_from_slice(part);
    }
    owner.slice_ref(part)
}

fn append(run: &mut Vec<u8>, part: &[u8]) {
    run.extend_from_slice(&(part.len() as u32).to_le_bytes());
    run.extend_from_slice(part);
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn small_items_come_back_in_order_and_large_ones_are_shared() {
        let owner = Bytes::from(vec![7; COPY_BYTES_MAX + 10]);
        let mut items = Items::new(&owner, &owner[..3]);
        assert!(items.push(&[]) && items.push(&[1, 2]));
        assert!(!items.push(&owner));
        assert_eq!(items.iter().collect::<Vec<_>>(), [&[7, 7, 7][..], &[], &[1, 2]]);
        assert_eq!(items.cost(), 5 + 3 * 32);

        let mut large = Items::new(&owner, &owner[..COPY_BYTES_MAX]);
        assert!(!large.push(&[1]));
        let only = large.iter().next().unwrap();
        assert_eq!((large.iter().count(), only.as_ptr()), (1, owner.as_ptr()));
    }

    /// `[L4.limits.1]`: what is held is what is counted.
    #[test]
    fn an_item_does_not_keep_a_large_read_alive() {
        let owner = Bytes::from(vec![7; SHARE_BYTES_MAX + COPY_BYTES_MAX]);
        let items = Items::new(&owner, &owner[..COPY_BYTES_MAX]);
        assert!(owner.is_unique(), "the item holds the whole read");
        assert_eq!(items.iter().collect::<Vec<_>>(), [&[7; COPY_BYTES_MAX][..]]);
    }

    #[test]
    fn a_run_has_an_end() {
        let owner = Bytes::from(vec![7; COPY_BYTES_MAX - 1]);
        let mut items = Items::new(&owner, &owner);
        let pushed = (0..100).take_while(|_| items.push(&owner)).count();
        assert!((15..20).contains(&pushed), "{pushed}");
    }
}
