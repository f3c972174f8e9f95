//! Quantities as people write them: `"300ms"`, `"0.25"` vCPU, `"0.5GB"`.

use std::{borrow::Cow, fmt, str::FromStr};

use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde::{Deserialize, Deserializer, Serialize, Serializer, de};

/// A length of time with millisecond resolution, written as a whole number and a unit: ms, s, m, h or d.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct Duration(std::time::Duration);

impl Duration {
    /// From whole seconds.
    pub const fn from_secs(secs: u64) -> Self {
        Self(std::time::Duration::from_secs(secs))
    }

    /// From milliseconds.
    pub const fn from_millis(ms: u64) -> Self {
        Self(std::time::Duration::from_millis(ms))
    }

    /// As the standard library's type.
    pub const fn std(self) -> std::time::Duration {
        self.0
    }

    /// In milliseconds.
    pub fn as_millis(self) -> u64 {
        u64::try_from(self.0.as_millis()).unwrap_or(u64::MAX)
    }

    /// In seconds, with a fraction.
    pub fn as_secs_f64(self) -> f64 {
        self.0.as_secs_f64()
    }
}

/// Milliseconds in each unit, longest first.
const DURATION_UNITS: [(&str, u64); 5] =
    [("d", 86_400_000), ("h", 3_600_000), ("m", 60_000), ("s", 1000), ("ms", 1)];

impl fmt::Display for Duration {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let ms = self.as_millis();
        let (unit, size) = DURATION_UNITS
            .into_iter()
            .find(|(_, size)| ms != 0 && ms.is_multiple_of(*size))
            .unwrap_or(("s", 1000));
        write!(f, "{}{unit}", ms / size)
    }
}

impl FromStr for Duration {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let wrong = || {
            format!(
                "`{text}` is not a duration; write a whole number and a unit, as in \"300ms\", \"10s\", \"5m\", \"1h\" or \"30d\""
            )
        };
        let digits = text.find(|c: char| !c.is_ascii_digit()).ok_or_else(wrong)?;
        let number: u64 = text[..digits].parse().map_err(|_| wrong())?;
        let unit = &text[digits..];
        let (_, size) = DURATION_UNITS.into_iter().find(|(name, _)| *name == unit).ok_or_else(wrong)?;
        number.checked_mul(size).map(Self::from_millis).ok_or_else(wrong)
    }
}

/// CPU of one instance in units of 1/1024 vCPU, as App Runner counts it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct Cpu(pub u32);

impl fmt::Display for Cpu {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", f64::from(self.0) / 1024.0)
    }
}

impl FromStr for Cpu {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let number = text.trim().trim_end_matches("vCPU").trim_end();
        match number.parse::<f64>() {
            Ok(v) if v > 0.0 && v <= 64.0 => Ok(Self((v * 1024.0).round() as u32)),
            _ => Err(format!("`{text}` is not a CPU size; write vCPU, as in \"0.25\" or \"1\"")),
        }
    }
}

/// Memory of one instance in MB (1 GB = 1024 MB, as App Runner counts it).
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct Memory(pub u32);

impl fmt::Display for Memory {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}GB", f64::from(self.0) / 1024.0)
    }
}

impl FromStr for Memory {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let wrong = || format!("`{text}` is not a memory size; write it as in \"0.5GB\" or \"512MB\"");
        let (number, factor) = match text.trim() {
            t if t.ends_with("GB") => (t.trim_end_matches("GB"), 1024.0),
            t if t.ends_with("MB") => (t.trim_end_matches("MB"), 1.0),
            _ => return Err(wrong()),
        };
        match number.trim().parse::<f64>() {
            Ok(v) if v > 0.0 && v * factor <= 1_048_576.0 => Ok(Self((v * factor).round() as u32)),
            _ => Err(wrong()),
        }
    }
}

macro_rules! as_text {
    ($ty:ident, $pattern:literal, $example:literal) => {
        impl Serialize for $ty {
            fn serialize<S: Serializer>(&self, s: S) -> Result<S::Ok, S::Error> {
                s.collect_str(self)
            }
        }

        impl<'de> Deserialize<'de> for $ty {
            fn deserialize<D: Deserializer<'de>>(d: D) -> Result<Self, D::Error> {
                Cow::<str>::deserialize(d)?.parse().map_err(de::Error::custom)
            }
        }

        impl JsonSchema for $ty {
            fn inline_schema() -> bool {
                true
            }

            fn schema_name() -> Cow<'static, str> {
                stringify!($ty).into()
            }

            fn json_schema(_: &mut SchemaGenerator) -> Schema {
                json_schema!({ "type": "string", "pattern": $pattern, "examples": [$example] })
            }
        }
    };
}

as_text!(Duration, "^[0-9]+(ms|s|m|h|d)$", "10s");
as_text!(Cpu, "^[0-9]+(\\.[0-9]+)?( ?vCPU)?$", "0.25");
as_text!(Memory, "^[0-9]+(\\.[0-9]+)? ?(GB|MB)$", "0.5GB");

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn durations_read_back_as_they_are_written() {
        for text in ["300ms", "10s", "5m", "1h", "30d", "1500ms"] {
            assert_eq!(text.parse::<Duration>().expect(text).to_string(), text);
        }
        assert_eq!("60s".parse::<Duration>().expect("60s").to_string(), "1m");
    }

    #[test]
    fn a_duration_without_a_unit_is_refused_with_an_example() {
        assert!("10".parse::<Duration>().expect_err("no unit").contains("\"10s\""));
        assert!("10 s".parse::<Duration>().is_err());
        assert!("99999999999999999999s".parse::<Duration>().is_err());
    }

    #[test]
    fn sizes_are_counted_as_app_runner_counts_them() {
        assert_eq!("0.25".parse::<Cpu>(), Ok(Cpu(256)));
        assert_eq!("0.5GB".parse::<Memory>(), Ok(Memory(512)));
        assert_eq!("512MB".parse::<Memory>(), Ok(Memory(512)));
        assert!("-1".parse::<Cpu>().is_err());
    }
}
