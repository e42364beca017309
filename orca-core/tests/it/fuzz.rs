//! What cargo-fuzz looks for with a nightly compiler, tried on stable as well, and the seeds that it begins with.

use proptest::prelude::*;

use crate::support::text;

#[path = "../../fuzz/checks.rs"]
mod checks;

/// Pieces of a pod, so that texts come to stand where they mean something.
fn pod() -> impl Strategy<Value = String> {
    let seed = include_str!("../../fuzz/seeds/pod/full.json");
    (any::<prop::sample::Index>(), text(), 0usize..3).prop_map(move |(place, text, times)| {
        let words: Vec<&str> = seed.split('"').collect();
        let chosen = words[place.index(words.len() / 2) * 2 + 1];
        let written = serde_json::to_string(&text).expect("JSON");
        seed.replacen(&format!("\"{chosen}\""), &written, times)
    })
}

#[test]
fn every_seed_is_what_it_stands_for() {
    assert!(checks::pod(include_bytes!("../../fuzz/seeds/pod/full.json")));
    assert!(checks::record(include_str!("../../fuzz/seeds/record/launched.json")));
    assert!(checks::config(include_str!("../../fuzz/seeds/config/full.yaml")));
    assert!(checks::quantity(include_str!("../../fuzz/seeds/quantity/binary")));
    assert!(checks::quantity(include_str!("../../fuzz/seeds/quantity/exponent")));
}

proptest! {
    #[test]
    fn any_text_is_answered(text in text()) {
        let _is_read = (checks::config(&text), checks::quantity(&text), checks::record(&text), checks::pod(text.as_bytes()));
    }

    #[test]
    fn any_pod_is_answered_and_shown_with_one_patch(pod in pod()) {
        let _is_read = checks::pod(pod.as_bytes());
    }
}
