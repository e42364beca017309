//! Any text in place of a quantity is a number or an error.
#![no_main]

use libfuzzer_sys::fuzz_target;
use orca_core::quantity::Quantity;

fuzz_target!(|text: &str| {
    if let Ok(quantity) = text.parse::<Quantity>() {
        assert_eq!(quantity.is_zero(), quantity == Quantity::ZERO);
        assert_eq!(quantity.is_negative(), quantity < Quantity::ZERO);
    }
});
