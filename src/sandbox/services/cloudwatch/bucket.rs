//! What is kept of the values of one period: count, sum, extremes, and a distribution for percentiles.
//!
//! The distribution has bins of equal relative width, so that every percentile is within 1 % of a real value. Source:
//! C. Masson, J. E. Rim, H. K. Lee, "DDSketch: a fast and fully-mergeable quantile sketch with relative-error
//! guarantees", VLDB 2019. Like CloudWatch, it has none where a value is negative, or came in a statistic set of several
//! different values. Source: CloudWatch user guide, "Percentiles".

use serde::{Deserialize, Serialize};

use super::stat::Stat;

/// Relative error of a percentile.
const ERROR: f64 = 0.01;

/// Most bins of one bucket: at 2 % each they span a factor of 10^8. Beyond it the lowest bins become one.
const BINS: usize = 1000;

/// Bin of zero; CloudWatch takes no positive value below 2^-360, whose bin is above it.
const ZERO: i16 = i16::MIN;

#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub(super) struct Bucket {
    #[serde(rename = "n")]
    pub count: f64,
    #[serde(rename = "s")]
    pub sum: f64,
    #[serde(rename = "l")]
    pub min: f64,
    #[serde(rename = "h")]
    pub max: f64,
    /// Bins in order, with how many values are in each. None are kept as long as all values are the same.
    #[serde(rename = "b", default, skip_serializing_if = "Vec::is_empty")]
    bins: Vec<(i16, f32)>,
    /// Whether there are values that the bins know nothing of.
    #[serde(rename = "p", default, skip_serializing_if = "std::ops::Not::not")]
    partial: bool,
}

fn bin(value: f64) -> i16 {
    let gamma: f64 = (1.0 + ERROR) / (1.0 - ERROR);
    if value <= 0.0 { ZERO } else { (value.ln() / gamma.ln()).ceil().clamp(-32_000.0, 32_000.0) as i16 }
}

fn middle(bin: i16) -> f64 {
    let gamma: f64 = (1.0 + ERROR) / (1.0 - ERROR);
    if bin == ZERO { 0.0 } else { 2.0 * gamma.powi(i32::from(bin)) / (gamma + 1.0) }
}

impl Bucket {
    /// A value, so many times.
    pub fn of(value: f64, count: f64) -> Self {
        Self { count, sum: value * count, min: value, max: value, bins: Vec::new(), partial: value < 0.0 }
    }

    /// A statistic set.
    pub fn set(count: f64, sum: f64, min: f64, max: f64) -> Self {
        let partial = min < 0.0 || (count != 1.0 && min != max);
        Self { count, sum, min, max, bins: Vec::new(), partial }
    }

    /// Adds what another holds.
    pub fn merge(&mut self, other: &Self) {
        if other.count == 0.0 {
            return;
        }
        if self.count == 0.0 {
            self.clone_from(other);
            return;
        }
        let same = self.min == self.max && other.min == other.max && self.min == other.min;
        if !same && !self.partial && !other.partial {
            self.open();
            if other.bins.is_empty() {
                self.put(bin(other.min), other.count as f32);
            }
            for (bin, count) in &other.bins {
                self.put(*bin, *count);
            }
        }
        self.partial |= other.partial;
        if self.partial {
            self.bins = Vec::new();
        }
        self.count += other.count;
        self.sum += other.sum;
        self.min = self.min.min(other.min);
        self.max = self.max.max(other.max);
    }

    fn open(&mut self) {
        if self.bins.is_empty() {
            self.bins.push((bin(self.min), self.count as f32));
        }
    }

    fn put(&mut self, bin: i16, count: f32) {
        match self.bins.binary_search_by_key(&bin, |(known, _)| *known) {
            Ok(at) => self.bins[at].1 += count,
            Err(at) => self.bins.insert(at, (bin, count)),
        }
        if self.bins.len() > BINS {
            let (_, lowest) = self.bins.remove(0);
            self.bins[0].1 += lowest;
        }
    }

    /// A statistic of it; none where it cannot be known.
    pub fn value(&self, stat: Stat) -> Option<f64> {
        if self.count == 0.0 {
            return None;
        }
        match stat {
            Stat::SampleCount => Some(self.count),
            Stat::Sum => Some(self.sum),
            Stat::Average => Some(self.sum / self.count),
            Stat::Minimum => Some(self.min),
            Stat::Maximum => Some(self.max),
            Stat::Percentile(percent) => self.percentile(percent),
        }
    }

    /// The smallest value that so many percent of the values are not above.
    fn percentile(&self, percent: f64) -> Option<f64> {
        if self.partial {
            return None;
        }
        if self.min == self.max {
            return Some(self.min);
        }
        if percent >= 100.0 {
            return Some(self.max);
        }
        let total: f64 = self.bins.iter().map(|(_, count)| f64::from(*count)).sum();
        let rank = (percent / 100.0 * total).max(f64::MIN_POSITIVE);
        let mut seen = 0.0;
        for (bin, count) in &self.bins {
            seen += f64::from(*count);
            if seen + 1e-9 >= rank {
                return Some(middle(*bin).clamp(self.min, self.max));
            }
        }
        Some(self.max)
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn of(values: &[f64]) -> Bucket {
        let mut bucket = Bucket::default();
        for value in values {
            bucket.merge(&Bucket::of(*value, 1.0));
        }
        bucket
    }

    #[test]
    fn statistics_are_of_the_values() {
        let bucket = of(&[1.0, 2.0, 3.0, 4.0]);
        assert_eq!(bucket.value(Stat::SampleCount), Some(4.0));
        assert_eq!(bucket.value(Stat::Average), Some(2.5));
        assert_eq!(bucket.value(Stat::Percentile(100.0)), Some(4.0));
        assert_eq!(of(&[7.0, 7.0]).value(Stat::Percentile(50.0)), Some(7.0));
        assert_eq!(of(&[]).value(Stat::Sum), None);
    }

    #[test]
    fn there_are_no_percentiles_of_negative_values_and_of_sets() {
        assert_eq!(of(&[-1.0, 2.0]).value(Stat::Percentile(50.0)), None);
        assert_eq!(Bucket::set(3.0, 6.0, 1.0, 3.0).value(Stat::Percentile(50.0)), None);
        assert_eq!(Bucket::set(3.0, 6.0, 2.0, 2.0).value(Stat::Percentile(50.0)), Some(2.0));
        assert_eq!(Bucket::set(1.0, 2.0, 2.0, 2.0).value(Stat::Percentile(50.0)), Some(2.0));
    }

    proptest! {
        #[test]
        fn a_percentile_is_within_a_percent_of_a_value(
            mut values in proptest::collection::vec(0.01_f64..50_000.0, 1..200),
            percent in 1.0_f64..99.9,
        ) {
            let bucket = of(&values);
            values.sort_by(f64::total_cmp);
            let rank = (percent / 100.0 * values.len() as f64).ceil() as usize;
            let real = values[rank.max(1) - 1];
            let told = bucket.value(Stat::Percentile(percent)).expect("there are values");
            prop_assert!((told - real).abs() <= real * 0.0101, "{told} for {real}");
        }
    }
}
