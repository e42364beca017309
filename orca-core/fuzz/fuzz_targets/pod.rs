//! Any object that the API server could take for a pod is answered and shown, and nothing panics.
#![no_main]

use libfuzzer_sys::fuzz_target;

#[path = "../checks.rs"]
#[allow(dead_code, reason = "each target runs one of the checks")]
mod checks;

fuzz_target!(|bytes: &[u8]| {
    let _ = checks::pod(bytes);
});
