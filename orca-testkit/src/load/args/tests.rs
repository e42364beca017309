//! What the command line takes, and how it says no.

use super::*;

fn parse(words: &[&str]) -> Result<Load, String> {
    let words = std::iter::once("orca-load").chain(words.iter().copied());
    Args::try_parse_from(words).map(|args| args.load).map_err(|error| {
        assert_eq!(error.exit_code(), 2, "{error}");
        error.to_string()
    })
}

#[test]
fn the_defaults_are_a_thousand_pods_three_times_on_a_real_control_plane() {
    let load = parse(&[]).expect("nothing is required");
    assert_eq!((load.pods, load.rounds, load.creators, load.rate), (1000, 3, 16, None));
    assert_eq!((load.api, load.cloud_latency), (Api::Real, Duration::ZERO));
    assert_eq!(load.against, []);
}

#[test]
fn peers_and_times_are_read() {
    let load = parse(&["--against", "kwok,virtual-kubelet", "--cloud-latency=80ms", "--rate=100"]);
    let load = load.expect("a command line");
    assert_eq!(load.against, [Peer::Kwok, Peer::VirtualKubelet]);
    assert_eq!((load.cloud_latency, load.rate), (Duration::from_millis(80), Some(100.0)));
    assert_eq!(parse(&["--api=fake"]).map(|load| load.api), Ok(Api::Fake));
    assert_eq!(duration("1.5s"), Ok(Duration::from_millis(1500)));
}

#[test]
fn a_wrong_value_is_named_with_what_is_possible() {
    let wrong: [(&[&str], &str); 8] = [
        (&["--against", "kubemark"], "kwok, virtual-kubelet"),
        (&["--pods", "0"], "0 is not in 1..=65000"),
        (&["--rate", "0"], "at least 0.01"),
        (&["--rate", "NaN"], "at least 0.01"),
        (&["--rounds", "0"], "0 is not in"),
        (&["--creators", "0"], "0 is not in"),
        (&["--cloud-latency", "80"], "such as 80ms"),
        (&["--api", "no-such-file"], "neither `real` nor `fake` nor the path of a kubeconfig"),
    ];
    for (words, text) in wrong {
        let said = parse(words).expect_err("a wrong value");
        assert!(said.contains(text), "{words:?}: {said}");
    }
}
