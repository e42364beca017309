//! Any text in place of a launch record is one that was written, or an error.
#![no_main]

use libfuzzer_sys::fuzz_target;
use orca_core::launch::LaunchRecord;

fuzz_target!(|text: &str| {
    if let Ok(record) = LaunchRecord::decode(text, &"cluster".into(), &"uid".into()) {
        let written = record.encode();
        assert_eq!(LaunchRecord::decode(&written, &"cluster".into(), &"uid".into()), Ok(record));
    }
});
