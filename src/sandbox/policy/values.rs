//! Values that conditions compare: dates, addresses and ARNs.

use std::net::IpAddr;

use time::{Date, OffsetDateTime, format_description::well_known::Rfc3339, macros::format_description};

/// A time as nanoseconds since the epoch. Source: IAM user guide, "Date condition operators" (ISO 8601 or epoch time).
pub(super) fn time(text: &str) -> Option<i128> {
    if let Ok(seconds) = text.parse::<i64>() {
        return Some(i128::from(seconds) * 1_000_000_000);
    }
    let at = OffsetDateTime::parse(text, &Rfc3339).ok().or_else(|| {
        let date = Date::parse(text, format_description!("[year]-[month]-[day]")).ok()?;
        Some(date.midnight().assume_utc())
    })?;
    Some(at.unix_timestamp_nanos())
}

/// Whether an address is in a range, or is the one that is given without a prefix.
pub(super) fn within(range: &str, address: &str) -> Option<bool> {
    let (network, prefix) = match range.split_once('/') {
        Some((network, prefix)) => (network, Some(prefix.parse::<u32>().ok()?)),
        None => (range, None),
    };
    let bits = |address: IpAddr| match address {
        IpAddr::V4(four) => (u128::from(u32::from(four)), 32),
        IpAddr::V6(six) => (u128::from(six), 128),
    };
    let (network, width) = bits(network.parse().ok()?);
    let (address, other) = bits(address.parse().ok()?);
    let prefix = prefix.unwrap_or(width);
    if prefix > width {
        return None;
    }
    let same = prefix == 0 || network >> (width - prefix) == address >> (width - prefix);
    Some(width == other && same)
}

/// The six parts of an ARN.
pub(super) fn arn(text: &str) -> Option<Vec<&str>> {
    let parts: Vec<&str> = text.splitn(6, ':').collect();
    (parts.len() == 6 && parts[0] == "arn").then_some(parts)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ranges_hold_addresses_of_their_own_family() {
        for (range, address, expected) in [
            ("203.0.113.0/24", "203.0.113.7", Some(true)),
            ("203.0.113.0/24", "203.0.114.7", Some(false)),
            ("203.0.113.7", "203.0.113.7", Some(true)),
            ("0.0.0.0/0", "1.2.3.4", Some(true)),
            ("0.0.0.0/0", "::1", Some(false)),
            ("2001:db8::/32", "2001:db8:1::1", Some(true)),
            ("2001:db8::/129", "2001:db8::1", None),
            ("words", "1.2.3.4", None),
        ] {
            assert_eq!(within(range, address), expected, "{range} {address}");
        }
    }

    #[test]
    fn times_are_read_in_both_forms() {
        assert_eq!(time("1970-01-01T00:00:01Z"), Some(1_000_000_000));
        assert_eq!(time("1"), Some(1_000_000_000));
        assert_eq!(time("1970-01-02"), Some(86_400_000_000_000));
        assert_eq!(time("yesterday"), None);
    }
}
