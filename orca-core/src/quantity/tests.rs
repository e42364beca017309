//! Quantities against values worked out by hand, and the laws they keep.

use proptest::prelude::*;

use super::*;

fn read(text: &str) -> Quantity {
    text.parse().unwrap_or_else(|error| panic!("{text}: {error}"))
}

#[test]
fn every_suffix_has_its_value() {
    for (text, millis) in [
        ("0", 0),
        ("1", 1_000),
        ("1000", 1_000_000),
        ("500m", 500),
        ("1.5", 1_500),
        (".5", 500),
        ("5.", 5_000),
        ("1k", 1_000_000),
        ("1e3", 1_000_000),
        ("1E3", 1_000_000),
        ("1e3", 1_000_000),
        ("1Ki", 1_024_000),
        ("1.5Gi", 1_610_612_736_000),
        ("4Ti", 4_398_046_511_104_000),
        ("2M", 2_000_000_000),
        ("+3", 3_000),
        ("-3", -3_000),
    ] {
        assert_eq!(read(text).millis(), millis, "{text}");
    }
}

#[test]
fn what_is_finer_than_a_nano_is_rounded_up() {
    assert_eq!(read("0.1n"), read("1n"));
    assert_eq!(read("1u").millis(), 1);
    assert_eq!(read("1.1").units(), 2);
}

#[test]
fn too_large_a_value_is_capped_as_the_api_server_caps_it() {
    assert_eq!(read("9223372036854775807Ki"), read("9223372036854775807"));
    assert_eq!(read("1e60"), read("9223372036854775807"));
}

#[test]
fn what_is_not_a_quantity_is_refused() {
    for text in
        ["", "m", "Gi", "1.2.3", "1 Gi", "1gi", "1GiB", "NaN", "--1", "1e", "1e+", "0x10", "1e999", "ten"]
    {
        assert_eq!(text.parse::<Quantity>(), Err(NotAQuantity), "{text}");
    }
}

#[test]
fn every_suffix_and_exponent_has_its_power() {
    for (text, nanos) in [
        ("3n", 3),
        ("3u", 3_000),
        ("3m", 3_000_000),
        ("3G", 3_000_000_000 * NANO),
        ("3T", 3_000_000_000_000 * NANO),
        ("3P", 3_000_000_000_000_000 * NANO),
        ("3E", 3_000_000_000_000_000_000 * NANO),
        ("3Mi", (3 << 20) * NANO),
        ("3Pi", (3 << 50) * NANO),
        ("3Ei", (3 << 60) * NANO),
        ("3e-3", 3_000_000),
        ("1e-60", 1),
        ("0e-60", 0),
        ("0e60", 0),
        ("1e30", MAX),
        ("-0.1n", -1),
    ] {
        assert_eq!(read(text).nanos, nanos, "{text}");
    }
    let long = "9".repeat(28);
    assert_eq!(read(&long), read("1e60"), "28 digits are read");
    for text in [format!("{long}9"), "1e61".into(), "1e-61".into(), ".".into(), format!("1e{}", i32::MIN)] {
        assert_eq!(text.parse::<Quantity>(), Err(NotAQuantity), "{text}");
    }
}

#[test]
fn amounts_are_added_taken_away_and_multiplied_exactly() {
    let (one, half) = (read("1"), read("500m"));
    assert_eq!((one + half, one - half, half * 3), (read("1.5"), half, read("1.5")));
    assert_eq!([one, half, half].into_iter().sum::<Quantity>(), Quantity::from_units(2));
    assert_eq!(read("-1.5").units(), -1, "rounded up");
    let signs = ["-1n", "0", "1n"].map(|text| (read(text).is_negative(), read(text).is_zero()));
    assert_eq!(signs, [(true, false), (false, true), (false, false)]);
}

#[test]
fn the_coarsest_unit_that_is_exact_is_written() {
    for text in ["2", "-3", "1500m", "1500000001n", "0"] {
        assert_eq!(read(text).to_string(), text);
    }
}

proptest! {
    #[test]
    fn writing_and_reading_gives_the_same(nanos in -1_000_000_000_000_000_000i128..1_000_000_000_000_000_000) {
        let quantity = Quantity { nanos };
        prop_assert_eq!(read(&quantity.to_string()), quantity);
    }

    #[test]
    fn any_text_is_answered_without_a_panic(text in "\\PC{0,40}") {
        let _answered = text.parse::<Quantity>();
    }
}
