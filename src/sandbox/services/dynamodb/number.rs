//! Numbers as the service keeps them: exact decimals of up to 38 digits, written without needless zeros.

use std::str::FromStr;

use bigdecimal::{BigDecimal, Zero as _};

/// Significant digits and powers of ten that a number may have. Source: DynamoDB developer guide, data types.
const DIGITS: u64 = 38;
const LARGEST: i64 = 125;
const SMALLEST: i64 = -130;

/// Longest text that is looked at: any longer one is beyond the limits or padded with zeros.
const LONGEST: usize = 400;

/// Powers of ten that no text of that length brings back within the limits.
const FARTHEST: i128 = 1000;

/// Why a text is not a number that can be kept.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum NumberError {
    /// No number at all.
    #[error("The parameter cannot be converted to a numeric value: {0}")]
    NotANumber(String),
    /// Too many digits.
    #[error("Attempting to store more than 38 significant digits in a Number")]
    TooPrecise,
    /// Too large.
    #[error("Number overflow. Attempting to store a number with magnitude larger than supported range")]
    Overflow,
    /// Too close to zero.
    #[error("Number underflow. Attempting to store a number with magnitude smaller than supported range")]
    Underflow,
}

/// A number.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Number(BigDecimal);

impl Number {
    fn within_limits(value: &BigDecimal) -> Result<Self, NumberError> {
        let value = value.normalized();
        if value.is_zero() {
            return Ok(Self(BigDecimal::zero()));
        }
        let magnitude = (value.digits() as i64 - 1).saturating_sub(value.fractional_digit_count());
        match magnitude {
            m if m > LARGEST => Err(NumberError::Overflow),
            m if m < SMALLEST => Err(NumberError::Underflow),
            _ if value.digits() > DIGITS => Err(NumberError::TooPrecise),
            _ => Ok(Self(value)),
        }
    }

    /// The sum.
    ///
    /// # Errors
    /// Where it is beyond what can be kept.
    pub fn plus(&self, other: &Self) -> Result<Self, NumberError> {
        Self::within_limits(&(&self.0 + &other.0))
    }

    /// The difference.
    ///
    /// # Errors
    /// Where it is beyond what can be kept.
    pub fn minus(&self, other: &Self) -> Result<Self, NumberError> {
        Self::within_limits(&(&self.0 - &other.0))
    }

    /// Bytes that it takes: one for two digits, and one.
    pub fn size(&self) -> usize {
        (self.0.digits() as usize).div_ceil(2) + 1
    }
}

impl FromStr for Number {
    type Err = NumberError;

    fn from_str(text: &str) -> Result<Self, NumberError> {
        let wrong = || NumberError::NotANumber(text.chars().take(LONGEST).collect());
        let plain = |c: char| c.is_ascii_digit() || matches!(c, '+' | '-' | '.' | 'e' | 'E');
        if !text.chars().all(plain) || !text.contains(|c: char| c.is_ascii_digit()) {
            return Err(wrong());
        }
        if text.len() > LONGEST {
            return Err(NumberError::TooPrecise);
        }
        // Powers beyond all limits are not computed with: the decimal type has limits of its own.
        let power = text.split(['e', 'E']).nth(1).unwrap_or("0");
        match power.parse::<i128>().map_err(|_| wrong())? {
            power if power > FARTHEST => Err(NumberError::Overflow),
            power if power < -FARTHEST => Err(NumberError::Underflow),
            _ => Self::within_limits(&BigDecimal::from_str(text).map_err(|_| wrong())?),
        }
    }
}

impl std::fmt::Display for Number {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(&self.0.to_plain_string())
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn shown(text: &str) -> Result<String, NumberError> {
        text.parse::<Number>().map(|number| number.to_string())
    }

    #[test]
    fn numbers_lose_needless_zeros_and_nothing_else() {
        for (text, expected) in [
            ("1", "1"),
            ("1.0", "1"),
            ("007", "7"),
            ("-0", "0"),
            ("1e3", "1000"),
            (".5", "0.5"),
            ("1.50e-2", "0.015"),
            ("0.1", "0.1"),
            ("12345678901234567890123456789012345678", "12345678901234567890123456789012345678"),
        ] {
            assert_eq!(shown(text).as_deref(), Ok(expected), "{text}");
        }
        let sum = "0.1".parse::<Number>().and_then(|n| n.plus(&"0.2".parse()?)).map(|n| n.to_string());
        assert_eq!(sum.as_deref(), Ok("0.3"));
    }

    #[test]
    fn what_is_beyond_the_limits_is_refused() {
        assert_eq!(shown("123456789012345678901234567890123456789"), Err(NumberError::TooPrecise));
        assert_eq!(shown("1e126"), Err(NumberError::Overflow));
        assert_eq!(shown("1e999999999"), Err(NumberError::Overflow));
        assert_eq!(shown("-1e126"), Err(NumberError::Overflow));
        assert_eq!(shown("1e-131"), Err(NumberError::Underflow));
        for (sign, beyond) in [("", NumberError::Overflow), ("-", NumberError::Underflow)] {
            for power in ["2147483648", "9223372036854775806", "9223372036854775807", "9223372036854775808"] {
                for digits in ["1", "0.01", "12.5", "-100"] {
                    let text = format!("{digits}e{sign}{power}");
                    let error = shown(&text).expect_err(&text);
                    assert!(
                        error == beyond || matches!(error, NumberError::NotANumber(_)),
                        "{text}: {error}"
                    );
                }
            }
        }
        assert!(shown("9.9e125").is_ok() && shown("1e-130").is_ok());
        for text in ["", "abc", "1_000", "1e", "--1", "1.2.3", "NaN", "Infinity", "0x10", " 1", "e5", "."] {
            assert!(matches!(shown(text), Err(NumberError::NotANumber(_))), "{text}");
        }
    }

    proptest! {
        #[test]
        fn no_text_makes_the_reader_panic(text in "[-+.eE0-9_ ]{0,60}|\\PC{0,20}") {
            if let Ok(number) = text.parse::<Number>() {
                prop_assert_eq!(number.to_string().parse::<Number>(), Ok(number));
            }
        }
    }
}
