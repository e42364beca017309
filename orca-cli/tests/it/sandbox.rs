//! `orca sandbox` from outside: what a newcomer sees, and what wrong input is answered with.

use std::io::{BufRead, BufReader};
use std::net::TcpListener;
use std::path::Path;
use std::process::{Command, Output, Stdio};

use serde_json::Value;

use crate::e2e::world::command;

const GPU_POD: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../examples/kubernetes/gpu-training-pod.yaml");
const JOB: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../examples/kubernetes/batch-job.yaml");

fn sandbox(arguments: &[&str]) -> Command {
    let mut command = command();
    command.arg("sandbox").args(arguments);
    command
}

fn output(arguments: &[&str]) -> Output {
    sandbox(arguments).output().expect("orca ends")
}

fn text(bytes: &[u8]) -> String {
    String::from_utf8_lossy(bytes).into_owned()
}

fn manifest(text: &str) -> tempfile::NamedTempFile {
    let file = tempfile::NamedTempFile::new().expect("a file");
    std::fs::write(file.path(), text).expect("written");
    file
}

fn path(file: &tempfile::NamedTempFile) -> &str {
    file.path().to_str().expect("UTF-8")
}

#[test]
fn the_first_command_shows_a_pods_whole_life_with_its_instance() {
    let output = output(&["--apply", GPU_POD, "--speed", "200x"]);
    let told = text(&output.stdout);
    assert_eq!(output.status.code(), Some(0), "{told}{}", text(&output.stderr));
    let mut from = 0;
    for step in [
        "registered",
        "created",
        "scheduled",
        "launched",
        "Running",
        "Ready",
        "all up",
        "deleting",
        "terminated",
        "gone",
        "POD",
    ] {
        let at = told[from..].find(step).unwrap_or_else(|| panic!("no {step} after byte {from}:\n{told}"));
        from += at;
    }
    assert!(told.contains("p5.48xlarge"), "{told}");
}

#[test]
fn programs_get_one_json_object_a_line() {
    let output = output(&["--apply", JOB, "--speed", "200x", "-o", "json"]);
    let told = text(&output.stdout);
    assert_eq!(output.status.code(), Some(0), "{told}{}", text(&output.stderr));
    let lines: Vec<Value> = told.lines().map(|line| serde_json::from_str(line).expect("JSON")).collect();
    assert!(lines[0]["kubeconfig"].is_string());
    let last = lines.last().expect("a summary");
    assert_eq!(last["cameUp"], true);
    let pods = last["pods"].as_array().expect("pods");
    assert_eq!(pods.len(), 20);
    assert!(pods.iter().all(|pod| pod["ready"].is_number() && pod["gone"].is_number()), "{last:#}");
}

#[test]
fn what_cannot_come_up_says_why_and_ends_with_1() {
    let wrong = std::fs::read_to_string(GPU_POD).expect("the example").replace("\"spot\"", "\"sport\"");
    let file = manifest(&wrong);
    let output = output(&["--apply", path(&file)]);
    assert_eq!(output.status.code(), Some(1));
    assert!(text(&output.stderr).contains("did you mean spot?"), "{}", text(&output.stderr));
}

#[test]
fn wrong_input_is_named_with_its_remedy() {
    let taken = TcpListener::bind("127.0.0.1:0").expect("a port");
    let port = taken.local_addr().expect("an address").port().to_string();
    let (broken, foreign) =
        (manifest("kind: ["), manifest("apiVersion: v1\nkind: Gadget\nmetadata: {name: g}\n"));
    let typo = manifest(
        &std::fs::read_to_string(GPU_POD).expect("the example").replace("restartPolicy", "restartPolicie"),
    );
    for (arguments, code, says) in [
        (&["--port", &port][..], 1, "--port"),
        (&["--apply", path(&broken)], 2, "is no YAML"),
        (&["--apply", "nowhere.yaml"], 2, "nowhere.yaml"),
        (&["--apply", path(&foreign)], 1, "Gadget"),
        (&["--apply", path(&typo)], 1, "restartPolicie"),
        (&["--chaos", "fire=5%"], 2, "known are spot-interruptions"),
        (&["--speed", "0"], 2, "such as 30x"),
        (&["--keep"], 2, "--apply"),
        (&["--sped", "30x"], 2, "--speed"),
    ] {
        let output = output(arguments);
        let told = text(&output.stderr);
        assert_eq!(output.status.code(), Some(code), "{arguments:?}: {told}");
        assert!(told.contains(says), "{arguments:?}: {told}");
    }
}

#[test]
fn ctrl_c_leaves_nothing_behind() {
    let mut child = sandbox(&["-o", "json"]).stdout(Stdio::piped()).spawn().expect("orca starts");
    let mut lines = BufReader::new(child.stdout.take().expect("stdout")).lines();
    let greeting = lines.next().expect("a line").expect("UTF-8");
    let greeting: Value = serde_json::from_str(&greeting).expect("JSON");
    let kubeconfig = Path::new(greeting["kubeconfig"].as_str().expect("a path")).to_owned();
    assert!(kubeconfig.exists());
    let ready = lines.map_while(Result::ok).find(|line| line.contains("\"Ready\""));
    assert!(ready.is_some(), "the node becomes Ready");
    let told = Command::new("kill").args(["-INT", &child.id().to_string()]).status().expect("kill");
    assert!(told.success());
    assert_eq!(child.wait().expect("ended").code(), Some(0));
    assert!(!kubeconfig.exists() && kubeconfig.parent().is_some_and(|folder| !folder.exists()));
}
