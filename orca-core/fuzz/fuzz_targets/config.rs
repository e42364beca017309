//! Any file in place of a config is read and shown, or refused.
#![no_main]

use libfuzzer_sys::fuzz_target;

#[path = "../checks.rs"]
#[allow(dead_code, reason = "each target runs one of the checks")]
mod checks;

fuzz_target!(|text: &str| {
    let _ = checks::config(text);
});
