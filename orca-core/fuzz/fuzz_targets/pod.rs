//! Any object that the API server could take for a pod is admitted or refused in words, and nothing panics.
#![no_main]

use k8s_openapi::api::core::v1::Pod;
use libfuzzer_sys::fuzz_target;
use orca_core::admission::{admit, place};
use orca_core::config::Config;
use orca_core::pod;
use orca_core::resources::requested;

fuzz_target!(|bytes: &[u8]| {
    let Ok(object) = serde_json::from_slice::<Pod>(bytes) else { return };
    let config = Config::default();
    let _ = place(&object, &config);
    let _ = requested(&object);
    let _ = (pod::reference(&object), pod::intent(&object), pod::container_id(&object));
    if let Err(rejection) = admit(&object, &config) {
        assert!(!rejection.message.is_empty() && rejection.message.len() < 4_096, "{}", rejection.message);
    }
});
