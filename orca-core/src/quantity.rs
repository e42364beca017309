//! Kubernetes quantities as exact integers.
//!
//! The syntax is that of `resource.Quantity` in the Kubernetes API: a decimal number with an optional binary
//! (`Ki`…`Ei`), decimal (`n u m k M G T P E`) or exponent (`e3`, `E3`) suffix. A value is held in
//! billionths of a unit. Finer values are rounded away from zero, as the API does.

use std::fmt;
use std::iter::Sum;
use std::ops::{Add, Mul, Sub};
use std::str::FromStr;

use k8s_openapi::apimachinery::pkg::api::resource::Quantity as Wire;

const NANO: i128 = 1_000_000_000;
/// The API caps binary amounts at 2^63 - 1 units. Here every amount is capped there: no node has that much.
const MAX: i128 = (i64::MAX as i128) * NANO;

/// An amount of a resource, exact to a billionth: cores, bytes or pieces.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Quantity {
    nanos: i128,
}

/// Why a text is not a quantity.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("not a Kubernetes quantity: give a number with an optional suffix, such as 500m, 1000, 1.5Gi or 4Ti")]
pub struct NotAQuantity;

impl Quantity {
    /// Zero.
    pub const ZERO: Self = Self { nanos: 0 };

    /// This many whole units.
    #[must_use]
    pub fn from_units(units: i64) -> Self {
        Self { nanos: i128::from(units) * NANO }
    }

    /// In thousandths, rounded up.
    #[must_use]
    pub fn millis(self) -> i128 {
        ceil_div(self.nanos, NANO / 1000)
    }

    /// In whole units, rounded up.
    #[must_use]
    pub fn units(self) -> i128 {
        ceil_div(self.nanos, NANO)
    }

    /// Whether it is below zero.
    #[must_use]
    pub fn is_negative(self) -> bool {
        self.nanos < 0
    }

    /// Whether it is zero.
    #[must_use]
    pub fn is_zero(self) -> bool {
        self.nanos == 0
    }
}

impl FromStr for Quantity {
    type Err = NotAQuantity;

    fn from_str(text: &str) -> Result<Self, NotAQuantity> {
        let (negative, rest) = match text.as_bytes().first() {
            Some(b'-') => (true, &text[1..]),
            Some(b'+') => (false, &text[1..]),
            _ => (false, text),
        };
        let end = rest.find(|c: char| !c.is_ascii_digit() && c != '.').unwrap_or(rest.len());
        let (number, suffix) = rest.split_at(end);
        let (mantissa, decimals) = mantissa(number)?;
        let scale = scale(suffix)?;
        let nanos = scaled(mantissa, decimals, scale);
        Ok(Self { nanos: if negative { -nanos } else { nanos } })
    }
}

/// The digits of a decimal number as one integer, and how many of them come after the point.
fn mantissa(number: &str) -> Result<(i128, u32), NotAQuantity> {
    let (whole, fraction) = number.split_once('.').unwrap_or((number, ""));
    if fraction.contains('.') || (whole.is_empty() && fraction.is_empty()) {
        return Err(NotAQuantity);
    }
    // 28 digits fit an i128 with room for the largest suffix; the API server itself rejects longer ones.
    let digits: String = [whole.trim_start_matches('0'), fraction].concat();
    if digits.len() > 28 {
        return Err(NotAQuantity);
    }
    let value = if digits.is_empty() { 0 } else { digits.parse().map_err(|_| NotAQuantity)? };
    Ok((value, u32::try_from(fraction.len()).map_err(|_| NotAQuantity)?))
}

/// What a suffix multiplies by.
#[derive(Clone, Copy)]
enum Scale {
    Ten(i32),
    Two(u32),
}

fn scale(suffix: &str) -> Result<Scale, NotAQuantity> {
    Ok(match suffix {
        "n" => Scale::Ten(-9),
        "u" => Scale::Ten(-6),
        "m" => Scale::Ten(-3),
        "" => Scale::Ten(0),
        "k" => Scale::Ten(3),
        "M" => Scale::Ten(6),
        "G" => Scale::Ten(9),
        "T" => Scale::Ten(12),
        "P" => Scale::Ten(15),
        "E" => Scale::Ten(18),
        "Ki" => Scale::Two(10),
        "Mi" => Scale::Two(20),
        "Gi" => Scale::Two(30),
        "Ti" => Scale::Two(40),
        "Pi" => Scale::Two(50),
        "Ei" => Scale::Two(60),
        exponent => {
            let digits = exponent.strip_prefix(['e', 'E']).ok_or(NotAQuantity)?;
            let power: i32 = digits.parse().map_err(|_| NotAQuantity)?;
            if power.unsigned_abs() > 60 {
                return Err(NotAQuantity);
            }
            Scale::Ten(power)
        }
    })
}

/// `mantissa / 10^decimals * scale`, in nano-units, rounded up and capped.
fn scaled(mantissa: i128, decimals: u32, scale: Scale) -> i128 {
    let decimals = i32::try_from(decimals).unwrap_or(i32::MAX);
    let (factor, ten) = match scale {
        Scale::Ten(power) => (1, power - decimals + 9),
        Scale::Two(power) => (1i128 << power, 9 - decimals),
    };
    let wide = mantissa.checked_mul(factor).unwrap_or(i128::MAX);
    let power = 10i128.checked_pow(ten.unsigned_abs());
    let nanos = match power {
        Some(power) if ten >= 0 => wide.checked_mul(power).unwrap_or(i128::MAX),
        Some(power) => ceil_div(wide, power),
        None if wide == 0 => 0,
        None if ten >= 0 => i128::MAX,
        None => 1,
    };
    nanos.min(MAX)
}

fn ceil_div(value: i128, by: i128) -> i128 {
    let quotient = value.div_euclid(by);
    if value.rem_euclid(by) == 0 { quotient } else { quotient + 1 }
}

impl TryFrom<&Wire> for Quantity {
    type Error = NotAQuantity;

    fn try_from(wire: &Wire) -> Result<Self, NotAQuantity> {
        wire.0.parse()
    }
}

impl Add for Quantity {
    type Output = Self;

    fn add(self, other: Self) -> Self {
        Self { nanos: self.nanos.saturating_add(other.nanos) }
    }
}

impl Sub for Quantity {
    type Output = Self;

    fn sub(self, other: Self) -> Self {
        Self { nanos: self.nanos.saturating_sub(other.nanos) }
    }
}

impl Mul<u32> for Quantity {
    type Output = Self;

    fn mul(self, times: u32) -> Self {
        Self { nanos: self.nanos.saturating_mul(i128::from(times)) }
    }
}

impl Sum for Quantity {
    fn sum<I: Iterator<Item = Self>>(items: I) -> Self {
        items.fold(Self::ZERO, Add::add)
    }
}

impl fmt::Display for Quantity {
    /// Whole units as they are, thousandths with `m`, anything finer with `n`.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.nanos % NANO == 0 {
            write!(f, "{}", self.nanos / NANO)
        } else if self.nanos % (NANO / 1000) == 0 {
            write!(f, "{}m", self.nanos / (NANO / 1000))
        } else {
            write!(f, "{}n", self.nanos)
        }
    }
}

#[cfg(test)]
mod tests;
