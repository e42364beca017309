//! The load command from outside: what it refuses, and a small run on a real control plane.

use std::process::{Command, Output};

use serde_json::Value;

fn run(words: &[&str]) -> Output {
    Command::new(env!("CARGO_BIN_EXE_orca-load")).args(words).output().expect("it runs")
}

#[test]
fn bad_input_ends_with_2_and_says_what_is_possible() {
    for (words, said) in [
        (["--pods", "0"], "1..=65000"),
        (["--rate", "0"], "at least 0.01"),
        (["--against", "kubemark"], "kwok, virtual-kubelet"),
        (["--api", "no-such-file"], "kubeconfig"),
    ] {
        let output = run(&words);
        let errors = String::from_utf8_lossy(&output.stderr);
        assert_eq!(output.status.code(), Some(2), "{words:?}: {errors}");
        assert!(errors.contains(said) && output.stdout.is_empty(), "{words:?}: {errors}");
    }
}

#[test]
fn what_is_not_prepared_is_named_with_the_command_that_prepares_it() {
    let empty = tempfile::tempdir().expect("a folder");
    for (words, command) in
        [(&[][..], "servers/prepare,"), (&["--against=kwok"][..], "servers/prepare-peers kwok")]
    {
        let program = env!("CARGO_BIN_EXE_orca-load");
        let output = Command::new(program).args(words).env("XDG_CACHE_HOME", empty.path()).output();
        let output = output.expect("it runs");
        let errors = String::from_utf8_lossy(&output.stderr);
        assert_eq!(output.status.code(), Some(2), "{errors}");
        assert!(errors.contains(command), "{errors}");
    }
}

#[test]
fn a_small_run_on_the_fakes_needs_no_server_at_all() {
    let empty = tempfile::tempdir().expect("a folder");
    let words = ["--api=fake", "--pods=40", "--rounds=1", "--cloud-latency=20ms", "-o=json"];
    let program = env!("CARGO_BIN_EXE_orca-load");
    let output = Command::new(program).args(words).env("XDG_CACHE_HOME", empty.path()).output();
    let output = output.expect("it runs");
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    let report: Value = serde_json::from_slice(&output.stdout).expect("JSON");
    let turn = &report["turns"][0];
    assert_eq!(turn["failures"], serde_json::json!([]));
    assert_eq!(turn["cloudCalls"]["launchesPerPod"], 1.0);
    assert_eq!(turn["apiServerCpuSeconds"], Value::Null, "an API server in this process has no process id");
    let median = |figure: &str| report["medians"][0][figure].as_f64().expect(figure);
    assert!((1.0..=3.0).contains(&median("writesUpPerPod")), "{turn}");
    assert!((1.0..=3.5).contains(&median("writesDownPerPod")), "{turn}");
}

#[test]
#[ignore = "needs the real servers: run orca-testkit/servers/prepare first"]
fn every_pod_of_a_small_run_comes_and_goes_with_one_instance() {
    let output = run(&["--pods=40", "--rounds=1", "--rate=50", "--cloud-latency=20ms", "-o=json"]);
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    let report: Value = serde_json::from_slice(&output.stdout).expect("JSON");
    let turn = &report["turns"][0];
    assert_eq!(turn["failures"], serde_json::json!([]));
    assert_eq!(turn["cloudCalls"]["launchesPerPod"], 1.0);
    let median = |figure: &str| report["medians"][0][figure].as_f64().expect(figure);
    assert!(median("toRunningP50Ms") >= 20.0, "the cloud's latency lies in between");
    assert!(median("writesUpPerPod") <= 3.0, "{turn}");
    assert!((1.0..=3.5).contains(&median("writesDownPerPod")), "{turn}");
}
