//! Values of metrics by time: by second for three hours, by minute for fifteen days.
//!
//! CloudWatch keeps periods below a minute for three hours and minutes for fifteen days; its longer ones (five minutes for
//! 63 days, hours for 455) are not kept here. Source: CloudWatch API reference, `GetMetricData`. Values of standard
//! resolution are kept at the beginning of their minute. A metric of which nothing is left is forgotten.

use std::collections::BTreeMap;

use super::{
    bucket::Bucket,
    stat::{Metric, Stat},
};

pub(super) const SECONDS_KEPT: i64 = 3 * 3600;
pub(super) const MINUTES_KEPT: i64 = 15 * 24 * 3600;

#[derive(Debug, Default)]
pub(super) struct Series {
    pub seconds: BTreeMap<i64, Bucket>,
    pub minutes: BTreeMap<i64, Bucket>,
}

/// Where a bucket read from the disk belongs: what came at a second counts for its minute, too.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Tier {
    Both,
    Seconds,
    Minutes,
}

#[derive(Debug, Default)]
pub(super) struct Store {
    /// Series by metric and unit.
    pub series: BTreeMap<Metric, BTreeMap<String, Series>>,
    /// What is not on disk yet, by metric, unit and second.
    pub fresh: BTreeMap<Metric, BTreeMap<(String, i64), Bucket>>,
}

/// A window of time in periods.
#[derive(Debug, Clone, Copy)]
pub(super) struct Window {
    pub period: i64,
    /// The first second.
    pub start: i64,
    /// The second after the last one.
    pub end: i64,
    /// A second at which some period begins.
    pub origin: i64,
}

impl Window {
    /// Periods that begin at multiples of their length, from the one with `start`.
    pub fn aligned(period: i64, start: f64, end: f64) -> Self {
        Self {
            period,
            start: (start.floor() as i64).div_euclid(period) * period,
            end: end.ceil() as i64,
            origin: 0,
        }
    }

    fn begin(&self, at: i64) -> i64 {
        (at - self.origin).div_euclid(self.period) * self.period + self.origin
    }
}

impl Store {
    /// Counts values at a second; with standard resolution the second of its minute.
    pub fn put(&mut self, metric: &Metric, unit: &str, at: i64, high: bool, bucket: &Bucket) {
        let at = if high { at } else { at.div_euclid(60) * 60 };
        self.restore(metric, unit, at, Tier::Both, bucket);
        if !self.fresh.contains_key(metric) {
            self.fresh.insert(metric.clone(), BTreeMap::new());
        }
        let Some(fresh) = self.fresh.get_mut(metric) else { return };
        fresh.entry((unit.to_owned(), at)).or_default().merge(bucket);
    }

    /// The same for what is on disk already.
    pub fn restore(&mut self, metric: &Metric, unit: &str, at: i64, tier: Tier, bucket: &Bucket) {
        // The key is made only for what is new.
        if !self.series.contains_key(metric) {
            self.series.insert(metric.clone(), BTreeMap::new());
        }
        let Some(units) = self.series.get_mut(metric) else { return };
        if !units.contains_key(unit) {
            units.insert(unit.to_owned(), Series::default());
        }
        let Some(series) = units.get_mut(unit) else { return };
        if tier != Tier::Minutes {
            series.seconds.entry(at).or_default().merge(bucket);
        }
        if tier != Tier::Seconds {
            series.minutes.entry(at.div_euclid(60) * 60).or_default().merge(bucket);
        }
    }

    /// Drops what is too old.
    pub fn expire(&mut self, now: i64) {
        for units in self.series.values_mut() {
            for series in units.values_mut() {
                series.seconds = series.seconds.split_off(&(now - SECONDS_KEPT));
                series.minutes = series.minutes.split_off(&(now - MINUTES_KEPT));
            }
            units.retain(|_, series| !series.seconds.is_empty() || !series.minutes.is_empty());
        }
        self.series.retain(|_, units| !units.is_empty());
    }

    /// Buckets of the periods of a window that have values; those of every unit together unless one is asked for.
    pub fn buckets(&self, metric: &Metric, unit: Option<&str>, window: Window) -> BTreeMap<i64, Bucket> {
        let mut found: BTreeMap<i64, Bucket> = BTreeMap::new();
        let units = self.series.get(metric).into_iter().flatten();
        for (_, series) in units.filter(|(name, _)| unit.is_none_or(|unit| unit == name.as_str())) {
            let fine = window.period < 60 || window.origin % 60 != 0;
            let buckets = if fine { &series.seconds } else { &series.minutes };
            for (at, bucket) in buckets.range(window.start..window.end.max(window.start)) {
                found.entry(window.begin(*at)).or_default().merge(bucket);
            }
        }
        found
    }

    /// A statistic of each period that has one.
    pub fn values(
        &self,
        metric: &Metric,
        unit: Option<&str>,
        stat: Stat,
        window: Window,
    ) -> BTreeMap<i64, f64> {
        let buckets = self.buckets(metric, unit, window);
        buckets.into_iter().filter_map(|(at, bucket)| Some((at, bucket.value(stat)?))).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn metric() -> Metric {
        Metric::new("N", "m", &[("b", "2"), ("a", "1")])
    }

    #[test]
    fn periods_hold_their_seconds() {
        let mut store = Store::default();
        for at in [600, 601, 605, 660] {
            store.put(&metric(), "Count", at, true, &Bucket::of(1.0, 1.0));
        }
        store.put(&metric(), "Count", 659, false, &Bucket::of(5.0, 1.0));
        let read = |period, start, end| {
            store.values(&metric(), None, Stat::Sum, Window::aligned(period, start, end))
        };
        assert_eq!(read(5, 600.0, 700.0), BTreeMap::from([(600, 7.0), (605, 1.0), (660, 1.0)]));
        assert_eq!(read(60, 610.0, 700.0), BTreeMap::from([(600, 8.0), (660, 1.0)]));
        assert_eq!(read(60, 600.0, 660.0), BTreeMap::from([(600, 8.0)]));
        let rolling = Window { period: 120, start: 540, end: 660, origin: 540 };
        let values = store.values(&metric(), Some("Count"), Stat::Sum, rolling);
        assert_eq!(values, BTreeMap::from([(540, 8.0)]));
        assert!(store.values(&metric(), Some("None"), Stat::Sum, rolling).is_empty());
    }

    #[test]
    fn what_is_old_goes_seconds_first() {
        let mut store = Store::default();
        store.put(&metric(), "None", 60, true, &Bucket::of(1.0, 1.0));
        store.expire(60 + SECONDS_KEPT + 1);
        assert!(store.series[&metric()]["None"].seconds.is_empty());
        assert_eq!(store.series[&metric()]["None"].minutes.len(), 1);
        store.expire(60 + MINUTES_KEPT + 1);
        assert!(store.series.is_empty());
    }
}
