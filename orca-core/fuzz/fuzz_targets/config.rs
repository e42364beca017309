//! Any file in place of a config is read and checked, or refused.
#![no_main]

use libfuzzer_sys::fuzz_target;
use orca_core::config::Config;

fuzz_target!(|text: &str| {
    if let Ok(config) = serde_saphyr::from_str::<Config>(text) {
        let _ = config.taints();
        let shown = serde_json::to_string(&config).expect("JSON");
        let read: Config = serde_json::from_str(&shown).expect("what was shown");
        assert_eq!(read, config);
    }
});
