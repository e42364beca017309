//! Any text in place of a launch record is one that was written, or an error.
#![no_main]

use libfuzzer_sys::fuzz_target;

#[path = "../checks.rs"]
#[allow(dead_code, reason = "each target runs one of the checks")]
mod checks;

fuzz_target!(|text: &str| {
    let _ = checks::record(text);
});
