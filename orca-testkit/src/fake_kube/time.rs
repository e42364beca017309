//! Times as the API writes them.

use jiff::Timestamp;

/// A time in whole seconds, as most fields have it.
#[must_use]
pub fn seconds(time: Timestamp) -> String {
    Timestamp::from_second(time.as_second()).unwrap_or(time).to_string()
}

/// A time in microseconds, as leases have it.
#[must_use]
pub fn micros(time: Timestamp) -> String {
    format!("{time:.6}")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_have_their_precision() {
        let time: Timestamp = "2026-11-24T10:11:12.3456789Z".parse().expect("a time");
        assert_eq!(seconds(time), "2026-11-24T10:11:12Z");
        assert_eq!(micros(time), "2026-11-24T10:11:12.345678Z");
    }
}
