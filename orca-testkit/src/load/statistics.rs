//! From many times to a few figures.

use std::time::Duration;

use serde::Serialize;

use super::moment::Moment;

/// How many per second, over the middle 80 %: start and end of a burst say more about the driver than about whom it
/// drives. None when there are too few, or when all came at once.
pub(super) fn middle_rate(moments: &[Moment]) -> Option<f64> {
    let mut sorted = moments.to_vec();
    sorted.sort_unstable();
    let (low, high) = (sorted.len() / 10, sorted.len() - sorted.len() / 10);
    let (first, last) = (sorted.get(low)?, sorted.get(high.checked_sub(1)?)?);
    let steps = u32::try_from(high - 1 - low).ok().filter(|steps| *steps > 0)?;
    let seconds = last.since(*first).as_secs_f64();
    (seconds > 0.0).then(|| f64::from(steps) / seconds)
}

/// Percentiles in milliseconds.
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
pub(super) struct Percentiles {
    pub(super) p50: f64,
    pub(super) p90: f64,
    pub(super) p99: f64,
}

impl Percentiles {
    /// The nearest ranks. None of nothing.
    pub(super) fn of(mut spans: Vec<Duration>) -> Option<Self> {
        spans.sort_unstable();
        let rank = |percent: usize| {
            let at = (spans.len() * percent).div_ceil(100).max(1) - 1;
            spans.get(at).map(|span| span.as_secs_f64() * 1000.0)
        };
        Some(Self { p50: rank(50)?, p90: rank(90)?, p99: rank(99)? })
    }
}

/// The middle one; the mean of the two middle ones when their number is even. None of nothing.
pub(super) fn median(values: impl IntoIterator<Item = f64>) -> Option<f64> {
    let mut sorted: Vec<f64> = values.into_iter().collect();
    sorted.sort_unstable_by(f64::total_cmp);
    let high = *sorted.get(sorted.len() / 2)?;
    let low = *sorted.get(sorted.len().checked_sub(1)? / 2)?;
    Some(f64::midpoint(low, high))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn moments(nanoseconds: impl IntoIterator<Item = u64>) -> Vec<Moment> {
        let list: Vec<u64> = nanoseconds.into_iter().collect();
        serde_json::from_value(serde_json::json!(list)).expect("moments")
    }

    #[test]
    fn a_rate_leaves_out_a_tenth_at_each_end() {
        let steady = (0..100).map(|at| at * 10_000_000);
        assert_eq!(middle_rate(&moments(steady)), Some(100.0));
        let mut slow_ends = moments((10..90).map(|at| at * 10_000_000));
        slow_ends.extend(moments([0; 10]));
        slow_ends.extend(moments([1_000_000_000_000; 10]));
        assert_eq!(middle_rate(&slow_ends), Some(100.0));
        assert_eq!(middle_rate(&moments([])), None);
        assert_eq!(middle_rate(&moments([5])), None);
        assert_eq!(middle_rate(&moments([5, 5, 5])), None, "no time passed");
    }

    #[test]
    fn percentiles_are_values_that_occurred() {
        let spans = (1..=200).map(Duration::from_millis).collect();
        let found = Percentiles::of(spans).expect("spans");
        assert_eq!((found.p50, found.p90, found.p99), (100.0, 180.0, 198.0));
        assert_eq!(Percentiles::of(Vec::new()), None);
    }

    #[test]
    fn a_median_of_an_even_number_lies_between() {
        assert_eq!(median([3.0, 1.0, 2.0]), Some(2.0));
        assert_eq!(median([4.0, 1.0, 2.0, 3.0]), Some(2.5));
        assert_eq!(median([]), None);
    }
}
