//! Quantities against a table that the API's own parser wrote.
//!
//! `cd orca-core/tests/it/quantities && go run . > ../quantities.tsv` writes it anew.

use orca_core::quantity::Quantity;
use proptest::prelude::*;

const TABLE: &str = include_str!("quantities.tsv");
/// The most and the least that ORCA knows, in units.
const MOST: &str = "9223372036854775807";
const LEAST: &str = "-9223372036854775807";

/// A text of the table, and the value that it has.
fn rows() -> impl Iterator<Item = (String, &'static str)> {
    TABLE.lines().map(|line| {
        let (text, value) = line.split_once('\t').expect("two columns");
        (serde_json::from_str(text).expect("a quoted text"), value)
    })
}

/// What ORCA makes of a text: the API's value, with two exceptions.
fn expected(text: &str, value: &'static str) -> &'static str {
    let number = text.split(['e', 'E']).next().unwrap_or_default();
    if !number.bytes().any(|letter| letter.is_ascii_digit()) {
        // The API takes a suffix without a number for zero, which in a config is a mistake.
        return "error";
    }
    let digits = value.trim_start_matches('-').trim_end_matches(['m', 'n']);
    let decimals = if value.ends_with('n') {
        9
    } else if value.ends_with('m') {
        3
    } else {
        0
    };
    let whole = digits.get(..digits.len().saturating_sub(decimals)).unwrap_or_default();
    let is_larger = whole.len() > MOST.len() || (whole.len() == MOST.len() && whole > MOST);
    match (value, is_larger, value.starts_with('-')) {
        // Beyond every instance, one amount is like another.
        (_, true, _) if exponent(text) > 60 => "error",
        (_, true, false) => MOST,
        (_, true, true) => LEAST,
        (_, false, _) => value,
    }
}

/// The decimal exponent of a text such as `1e3`.
fn exponent(text: &str) -> i32 {
    text.split_once(['e', 'E']).and_then(|(_, power)| power.parse().ok()).unwrap_or_default()
}

#[test]
fn quantities_are_read_as_the_api_reads_them() {
    let mut differs = Vec::new();
    for (text, value) in rows() {
        let read = text.parse::<Quantity>().map_or_else(|_| "error".to_owned(), |read| read.to_string());
        if read != expected(&text, value) {
            differs.push(format!("{text:?} is {value}, and is read as {read}"));
        }
    }
    assert!(rows().count() > 3_000, "the table has too few rows: it was not read right");
    assert!(differs.is_empty(), "{} differ:\n{}", differs.len(), differs.join("\n"));
}

proptest! {
    #[test]
    fn what_resembles_a_quantity_is_answered_and_rounded_up(text in "[+-]?[0-9]{0,30}(\\.[0-9]{0,30})?([numkMGTPE]|[KMGTPE]i|[eE][+-]?[0-9]{1,4})?") {
        if let Ok(quantity) = text.parse::<Quantity>() {
            prop_assert!(quantity.units() * 1_000 >= quantity.millis());
            prop_assert!((quantity.units() - 1) * 1_000 < quantity.millis());
            prop_assert_eq!(quantity.to_string().parse(), Ok(quantity));
        }
    }

    #[test]
    fn sums_never_overflow(texts in prop::collection::vec("[0-9]{1,20}([numkMGTPE]|[KMGTPE]i)?", 0..50)) {
        let amounts: Vec<Quantity> = texts.iter().filter_map(|text| text.parse().ok()).collect();
        let most = amounts.iter().copied().max().unwrap_or_default();
        prop_assert!(amounts.into_iter().sum::<Quantity>() >= most);
    }
}
