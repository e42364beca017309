//! Config errors: each names the place and the remedy, and ends with exit code 2.

use std::fs;
use std::process::Command;

use tempfile::TempDir;

/// The exit code for a wrong command line or config.
const USAGE: i32 = 2;

struct Outcome {
    code: Option<i32>,
    stdout: String,
    stderr: String,
}

fn orca(words: &[&str], variables: &[(&str, &str)]) -> Outcome {
    let mut command = Command::new(env!("CARGO_BIN_EXE_orca"));
    command.args(words).env_clear().envs(variables.iter().copied());
    let output = command.output().expect("it starts");
    let text = |bytes: Vec<u8>| String::from_utf8(bytes).expect("UTF-8");
    Outcome { code: output.status.code(), stdout: text(output.stdout), stderr: text(output.stderr) }
}

/// The outcome of `config validate` for a file with this text.
fn validate(yaml: &str, variables: &[(&str, &str)]) -> Outcome {
    let (_folder, path) = file(yaml);
    orca(&["config", "validate", &path], variables)
}

fn file(yaml: &str) -> (TempDir, String) {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let path = folder.path().join("config.yaml");
    fs::write(&path, yaml).expect("written");
    let path = path.to_str().expect("UTF-8").to_owned();
    (folder, path)
}

#[track_caller]
fn refused(outcome: &Outcome, parts: &[&str]) {
    assert_eq!(outcome.code, Some(USAGE), "{}", outcome.stderr);
    assert!(!outcome.stderr.is_empty(), "something is said");
    for part in parts {
        assert!(outcome.stderr.contains(part), "{part} is missing in: {}", outcome.stderr);
    }
}

#[test]
fn a_misspelt_key_shows_line_and_column() {
    let outcome = validate("aws:\n  region: us-west-2\n  subnetId: subnet-1\n", &[]);
    refused(
        &outcome,
        &["line 3, column 3", "unknown key `subnetId`, did you mean `subnetID`?", "config.yaml:3:3"],
    );
}

/// What collects the log of a controller reads JSON, also when the command line is wrong. Who calls another command is a person.
#[test]
fn a_wrong_command_line_of_a_controller_is_a_line_of_its_log() {
    let outcome = orca(&["--kubconfig", "x"], &[]);
    assert_eq!(outcome.code, Some(USAGE));
    let line: serde_json::Value = serde_json::from_str(&outcome.stderr).expect("one line of JSON");
    assert_eq!((&line["level"], &line["exit_code"]), (&"error".into(), &2.into()), "{line}");
    let message = line["message"].as_str().expect("a message");
    assert!(
        message.starts_with("unexpected argument '--kubconfig'") && message.contains("--kubeconfig"),
        "{line}"
    );
    let outcome = orca(&["config", "validate", "--no-such"], &[]);
    assert_eq!(outcome.code, Some(USAGE));
    assert!(outcome.stderr.starts_with("error: unexpected argument '--no-such'"), "{}", outcome.stderr);
}

#[test]
fn a_bad_quantity_names_key_value_and_remedy() {
    let outcome = validate("aws: { region: us-west-2 }\nnode: { memory: 4 TiB }\n", &[]);
    refused(&outcome, &["node.memory has the value \"4 TiB\": not a Kubernetes quantity"]);
}

#[test]
fn a_wrong_choice_shows_what_is_meant() {
    let outcome = validate("instances: { defaultLaunchType: on_demand }\n", &[]);
    refused(&outcome, &["line 1, column 33", "unknown value `on_demand`, did you mean `on-demand`?"]);
}

#[test]
fn a_wrong_variable_is_named() {
    let outcome = validate("aws: { region: us-west-2 }\n", &[("ORCA__AWS__SUBNTID", "subnet-1")]);
    refused(&outcome, &["the variable ORCA__AWS__SUBNTID", "did you mean ORCA__AWS__SUBNETID?"]);
}

#[test]
fn a_missing_file_is_named() {
    refused(&orca(&["--config", "/nowhere/config.yaml"], &[]), &["/nowhere/config.yaml cannot be read"]);
}

#[test]
fn an_unknown_flag_shows_what_is_meant() {
    refused(&orca(&["--kube-config", "x"], &[]), &["unexpected argument '--kube-config'", "--kubeconfig"]);
}

#[test]
fn without_a_region_it_does_not_start() {
    refused(&orca(&[], &[]), &["aws.region is required"]);
}

#[test]
fn off_a_terminal_the_controller_fails_with_a_json_line_and_a_command_for_people_with_text() {
    let outcome = orca(&["--config", "/nowhere/config.yaml"], &[]);
    let line: serde_json::Value = serde_json::from_str(&outcome.stderr).expect("one JSON line");
    assert_eq!((outcome.code, &line["level"]), (Some(USAGE), &"error".into()));
    let outcome = orca(&["config", "validate", "/nowhere/config.yaml"], &[]);
    assert!(outcome.stderr.starts_with("error: "), "{}", outcome.stderr);
}

#[test]
fn a_json_log_gets_a_json_line() {
    let outcome = orca(&["--log-format", "json", "--config", "/nowhere/config.yaml"], &[]);
    let line: serde_json::Value = serde_json::from_str(&outcome.stderr).expect("one JSON line");
    assert_eq!(
        (outcome.code, &line["level"], &line["exit_code"]),
        (Some(USAGE), &"error".into(), &USAGE.into())
    );
}

#[test]
fn a_valid_config_is_confirmed_with_its_warnings() {
    let outcome =
        validate("aws: { region: us-west-2, vpcID: vpc-1 }\n", &[("ORCA_PORT", "tcp://10.0.0.1:80")]);
    assert_eq!(outcome.code, Some(0), "{}", outcome.stderr);
    assert!(outcome.stdout.starts_with("warning: aws.vpcID has no effect"), "{}", outcome.stdout);
    assert!(outcome.stdout.trim_end().ends_with("is valid."), "{}", outcome.stdout);
}

#[test]
fn the_effective_config_is_a_config_again_and_shows_no_secret() {
    let yaml = "aws:\n  region: us-west-2\n  credentials: { accessKeyID: AKIA1, secretAccessKey: s3cret }\n";
    let (_folder, path) = file(yaml);
    let words = ["config", "show", "--config", &path, "--node-name", "burst"];
    let shown = orca(&words, &[("ORCA__NODE__CPU", "1.50")]).stdout;
    assert!(!shown.contains("s3cret") && !shown.contains("AKIA1"), "{shown}");
    let (_folder, again) = file(&shown);
    let outcome = orca(&["config", "show", "-o", "json", "--config", &again], &[]);
    let config: serde_json::Value = serde_json::from_str(&outcome.stdout).expect(&outcome.stderr);
    assert_eq!((&config["node"]["name"], &config["node"]["cpu"]), (&"burst".into(), &"1.50".into()));
}

#[test]
fn the_version_is_text_and_json() {
    assert!(orca(&["version"], &[]).stdout.starts_with("orca 0."));
    let flag = orca(&["--version"], &[]).stdout;
    let json: serde_json::Value =
        serde_json::from_str(&orca(&["version", "-o", "json"], &[]).stdout).expect("JSON");
    assert_eq!(json["version"], env!("CARGO_PKG_VERSION"));
    let revision = json["revision"].as_str().expect("a revision");
    assert_eq!(flag, format!("orca {} ({revision})\n", env!("CARGO_PKG_VERSION")));
}
