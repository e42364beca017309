//! Finds the bad ids of a batch. One bad id makes a whole EC2 call fail, so the batch is halved until the bad id is alone.
//!
//! One bad id in a hundred costs about fourteen calls; a call for each id would cost a hundred.

/// Batches that still have to be sent.
#[derive(Debug)]
pub(crate) struct Bisect<'a, T> {
    waiting: Vec<&'a [T]>,
}

impl<'a, T> Bisect<'a, T> {
    /// All of these, in batches of at most `size`. Without items there is no batch: a call without ids would mean "all".
    pub(crate) fn new(items: &'a [T], size: usize) -> Self {
        Self { waiting: items.chunks(size.max(1)).rev().collect() }
    }

    /// The next batch to send.
    pub(crate) fn take(&mut self) -> Option<&'a [T]> {
        self.waiting.pop()
    }

    /// Puts both halves of a failed batch in front. Returns the item of a batch that has only one.
    pub(crate) fn split(&mut self, batch: &'a [T]) -> Option<&'a T> {
        if let [alone] = batch {
            return Some(alone);
        }
        let (first, second) = batch.split_at(batch.len() / 2);
        self.waiting.extend([second, first].into_iter().filter(|half| !half.is_empty()));
        None
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_bad_item_ends_up_alone_and_every_other_is_sent_in_order() {
        let items: Vec<u32> = (0..10).collect();
        let mut bisect = Bisect::new(&items, 8);
        let (mut sent, mut alone) = (Vec::new(), Vec::<&u32>::new());
        while let Some(batch) = bisect.take() {
            if batch.contains(&5) {
                alone.extend(bisect.split(batch));
            } else {
                sent.push(batch.to_vec());
            }
        }
        assert_eq!(alone, [&5]);
        assert_eq!(sent, [vec![0, 1, 2, 3], vec![4], vec![6, 7], vec![8, 9]]);
    }

    #[test]
    fn nothing_makes_no_batch() {
        assert!(Bisect::<u32>::new(&[], 100).take().is_none());
    }
}
