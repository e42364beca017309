//! `orca sandbox` from outside: what a newcomer sees, and what wrong input is answered with.

use std::io::{BufRead, BufReader, Lines};
use std::net::TcpListener;
use std::path::PathBuf;
use std::process::{Child, ChildStdout, Command, Output, Stdio};

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
        (&["--apply", path(&foreign)], 2, "Gadget"),
        (&["--apply", path(&typo)], 2, "restartPolicie"),
        (&["--apply", "-"], 2, "standard input; write it to a file"),
        (&["--apply", "https://example.com/pod.yaml"], 2, "is a URL; download it"),
        (&["--apply", "/"], 2, "is a folder; name the files"),
        (&["--kubeconfig", "k"], 2, "--kubeconfig has no effect in the sandbox"),
        (&["--adopt-node"], 2, "--adopt-node has no effect in the sandbox"),
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
fn a_first_plain_pod_learns_what_to_add() {
    let plain = manifest(
        "apiVersion: v1\nkind: Pod\nmetadata: {name: p}\nspec: {containers: [{name: p, image: nginx}]}\n",
    );
    let output = output(&["--apply", path(&plain), "--timeout", "2"]);
    let told = text(&output.stdout);
    assert_eq!(output.status.code(), Some(1), "{told}");
    for says in ["\"key\":\"orca.research/burst-node\"", "--annotations=orca.research/instance-type=t3.small"]
    {
        assert!(told.contains(says), "{says} is missing:\n{told}");
    }
}

/// A sandbox that is stopped from outside.
struct Running {
    child: Child,
    lines: Lines<BufReader<ChildStdout>>,
    kubeconfig: PathBuf,
}

impl Running {
    fn start(arguments: &[&str]) -> Self {
        let mut child =
            sandbox(arguments).args(["-o", "json"]).stdout(Stdio::piped()).spawn().expect("orca starts");
        let mut lines = BufReader::new(child.stdout.take().expect("stdout")).lines();
        let greeting = lines.next().expect("a line").expect("UTF-8");
        let greeting: Value = serde_json::from_str(&greeting).expect("JSON");
        let kubeconfig = PathBuf::from(greeting["kubeconfig"].as_str().expect("a path"));
        assert!(kubeconfig.exists());
        Self { child, lines, kubeconfig }
    }

    fn says(&mut self, word: &str) {
        let said = self.lines.by_ref().map_while(Result::ok).any(|line| line.contains(word));
        assert!(said, "it ended without {word}");
    }

    fn signal(&self, signal: &str) {
        let told = Command::new("kill").args([signal, &self.child.id().to_string()]).status().expect("kill");
        assert!(told.success());
    }

    /// Its exit code. Nothing of it is left.
    fn end(mut self) -> Option<i32> {
        // Who does not read holds up who writes.
        let _lines = self.lines.by_ref().count();
        let code = self.child.wait().expect("ended").code();
        let folder = self.kubeconfig.parent().expect("a folder");
        assert!(!folder.exists(), "{} is still there", folder.display());
        code
    }
}

fn ignores_hangup() -> bool {
    let status = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
    let ignored = status.lines().find_map(|line| line.strip_prefix("SigIgn:"));
    ignored.and_then(|mask| u64::from_str_radix(mask.trim(), 16).ok()).is_some_and(|mask| mask & 1 == 1)
}

#[test]
fn every_signal_to_stop_leaves_nothing_behind() {
    // Who runs the tests by nohup has them ignore that signal, and the sandbox does so too.
    let hangup = (!ignores_hangup()).then_some("-HUP");
    for signal in ["-INT", "-TERM"].into_iter().chain(hangup) {
        let mut running = Running::start(&[]);
        running.says("\"Ready\"");
        running.signal(signal);
        assert_eq!(running.end(), Some(0), "{signal}");
    }
}

/// `orca sandbox | head`: who stops reading ends it.
#[test]
fn the_sandbox_ends_when_nobody_reads_what_it_says() {
    let Running { mut child, lines, .. } = Running::start(&["--speed", "60x"]);
    drop(lines);
    assert_eq!(child.wait().expect("ended").code(), Some(0));
}

#[test]
fn ctrl_c_deletes_what_was_applied_and_is_no_failure() {
    let mut running = Running::start(&["--apply", JOB, "--speed", "60x"]);
    running.says("launched");
    running.signal("-INT");
    running.says("\"cameUp\":false");
    assert_eq!(running.end(), Some(0));
    // Before there is a node, and so before anything is applied.
    let running = Running::start(&["--apply", JOB, "--chaos", "api-latency=5s"]);
    running.signal("-INT");
    assert_eq!(running.end(), Some(0));
}

#[test]
fn a_second_signal_leaves_no_kubeconfig_either() {
    let mut running = Running::start(&["--apply", GPU_POD, "--speed", "1x"]);
    running.says("launched");
    running.signal("-INT");
    running.says("deleting");
    running.signal("-INT");
    assert_eq!(running.end(), Some(1));
}
