//! Money per hour as an integer, so that comparing and adding prices is exact.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Deserializer, Serialize, Serializer};

/// A price in millionths of a US dollar per hour. Always above zero.
///
/// Spot prices have at most six decimals (EC2 API reference, `SpotPrice`), so the unit loses nothing.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct UsdPerHour(u64);

/// The highest price that is accepted: far above any instance, and far below what could overflow a sum.
const MAX_MICROS: u64 = 1_000_000 * MICROS_PER_DOLLAR;
const MICROS_PER_DOLLAR: u64 = 1_000_000;
/// EC2 refuses a maximum price that is not above $0.001 (EC2 API reference, `SpotMarketOptions`).
const MIN_MICROS: u64 = 1_001;

/// Why a text is not a price.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("not a price in USD per hour: give a decimal above 0.001 with at most six decimals, such as 35.00")]
pub struct NotAPrice;

impl UsdPerHour {
    /// The price in millionths of a US dollar per hour.
    #[must_use]
    pub fn micros(self) -> u64 {
        self.0
    }
}

impl FromStr for UsdPerHour {
    type Err = NotAPrice;

    /// Reads a plain decimal above 0.001, up to 1 000 000, with at most six decimals. A sign, an exponent or a currency
    /// is refused, because it is likely a typing error.
    fn from_str(text: &str) -> Result<Self, NotAPrice> {
        let (whole, fraction) = text.split_once('.').unwrap_or((text, ""));
        let digits = |part: &str| part.bytes().all(|b| b.is_ascii_digit());
        if whole.is_empty() || whole.len() > 9 || fraction.len() > 6 || !digits(whole) || !digits(fraction) {
            return Err(NotAPrice);
        }
        if text.ends_with('.') {
            return Err(NotAPrice);
        }
        let whole: u64 = whole.parse().map_err(|_| NotAPrice)?;
        let fraction: u64 = format!("{fraction:0<6}").parse().map_err(|_| NotAPrice)?;
        let micros = whole * MICROS_PER_DOLLAR + fraction;
        if (MIN_MICROS..=MAX_MICROS).contains(&micros) { Ok(Self(micros)) } else { Err(NotAPrice) }
    }
}

impl fmt::Display for UsdPerHour {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (whole, micros) = (self.0 / MICROS_PER_DOLLAR, self.0 % MICROS_PER_DOLLAR);
        let decimals = format!("{micros:06}");
        let kept = decimals.trim_end_matches('0');
        write!(f, "{whole}.{kept:0<2}")
    }
}

impl Serialize for UsdPerHour {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for UsdPerHour {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = String::deserialize(deserializer)?;
        text.parse().map_err(|error| serde::de::Error::custom(format_args!("`{text}` is {error}")))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn plain_decimals_are_read_and_written() {
        for (text, micros, shown) in [
            ("35.00", 35_000_000, "35.00"),
            ("35", 35_000_000, "35.00"),
            ("000000035", 35_000_000, "35.00"),
            ("0.0374", 37_400, "0.0374"),
            ("0.002", 2_000, "0.002"),
            ("1.234567", 1_234_567, "1.234567"),
            ("0.001001", 1_001, "0.001001"),
            ("1000000", 1_000_000_000_000, "1000000.00"),
        ] {
            let price: UsdPerHour = text.parse().expect(text);
            assert_eq!((price.micros(), price.to_string().as_str()), (micros, shown));
        }
    }

    #[test]
    fn everything_else_is_refused() {
        for text in [
            "",
            ".",
            "1.",
            ".5",
            "-1",
            "+1",
            "NaN",
            "inf",
            "1e3",
            "1e308",
            "$3",
            "3 ",
            "0",
            "0.001",
            "1.2345678",
            "1000000.000001",
            "9999999999",
            "0000000035",
            "999999999999999999",
            "1.5a",
            "a1",
            "1,5",
        ] {
            assert_eq!(text.parse::<UsdPerHour>(), Err(NotAPrice), "{text}");
        }
    }

    #[test]
    fn a_price_is_a_text_in_a_config_and_in_a_record() {
        let price: UsdPerHour = serde_json::from_str("\"35\"").expect("a price");
        assert_eq!(serde_json::to_string(&price).expect("JSON"), "\"35.00\"");
        let error = serde_json::from_str::<UsdPerHour>("\"cheap\"").expect_err("refused").to_string();
        assert!(error.starts_with("`cheap` is not a price"), "{error}");
    }
}
