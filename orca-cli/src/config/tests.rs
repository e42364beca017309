//! Layers, and the traps of YAML and of environments.

use std::fs;

use serde_json::json;

use super::*;

fn text(yaml: &str) -> Result<Document, ConfigFailure> {
    file::parse(Path::new("config.yaml"), yaml)
}

fn malformed(yaml: &str) -> String {
    let error = text(yaml).expect_err("malformed");
    assert!(matches!(error, ConfigFailure::Malformed { .. }), "{error:?}");
    error.to_string()
}

fn loaded(yaml: &str, variables: &[(&str, &str)], flags: &Value) -> Result<Loaded, ConfigFailure> {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let path = folder.path().join("config.yaml");
    fs::write(&path, yaml).expect("written");
    load(Some(&path), &variables.iter().copied().collect(), flags)
}

#[test]
fn later_layers_win_key_by_key() {
    let yaml = "aws: { region: eu-west-1, amiID: ami-1 }\nnode: { name: from-file, cpu: 10, memory: 1Ti }\n";
    let variables = [("ORCA__NODE__NAME", "from-environment"), ("ORCA__NODE__CPU", "20")];
    let Document { config, backend } =
        loaded(yaml, &variables, &json!({ "node": { "name": "from-flag" } })).expect("valid").document;
    assert_eq!((config.node.name.as_str(), config.node.cpu.as_str()), ("from-flag", "20"));
    assert_eq!((config.node.memory.as_str(), config.node.pods.as_str()), ("1Ti", "1000"));
    assert_eq!((backend.region.as_str(), backend.ami_id.as_deref()), ("eu-west-1", Some("ami-1")));
}

#[test]
fn text_that_looks_like_a_number_stays_text() {
    let yaml = "aws: { region: us-west-2 }\nnode: { name: 1.10, labels: { version: 1.20, on: yes } }\n";
    let Document { config, .. } =
        loaded(yaml, &[("ORCA__CLUSTER__ID", "007.0")], &json!({})).expect("valid").document;
    assert_eq!(config.node.name, "1.10");
    assert_eq!(config.node.labels["version"], "1.20");
    assert_eq!(config.cluster.id.as_deref(), Some("007.0"));
}

#[test]
fn keys_with_slashes_and_dots_stay_whole() {
    let yaml = "aws:\n  region: us-west-2\n  tags:\n    example.com/region: us-west-2\n    Team.io/x[0]: a\n";
    let Document { backend, .. } = loaded(yaml, &[], &json!({})).expect("valid").document;
    let keys: Vec<&str> = backend.tags.keys().map(String::as_str).collect();
    assert_eq!(keys, ["Team.io/x[0]", "example.com/region"]);
}

#[test]
fn duplicate_keys_are_refused() {
    let text = malformed("node:\n  name: a\n  name: b\n");
    assert!(text.contains("line 3") && text.contains("the key `name` stands here twice"), "{text}");
}

#[test]
fn a_misspelt_key_shows_place_and_what_is_meant() {
    let text = malformed("aws:\n  regoin: us-west-2\n");
    assert!(
        text.starts_with("the config file config.yaml is wrong at line 2, column 3: unknown key `regoin`, did you mean `region`?\n"),
        "{text}"
    );
    assert!(text.contains("2 |   regoin: us-west-2"), "{text}");
}

#[test]
fn a_misspelt_value_shows_what_is_meant_or_what_there_is() {
    let text = malformed("instances: { defaultLaunchType: sport }\n");
    assert!(text.contains("did you mean `spot`?"), "{text}");
    let text = malformed("logging: { format: pretty }\n");
    assert!(text.contains("give one of json, console, text, auto"), "{text}");
}

#[test]
fn secrets_do_not_stand_beside_an_error() {
    for yaml in [
        "aws:\n  credentials:\n    accessKeyID: AKIA1\n    secretAccessKey: s3cret\n  regoin: x\n",
        "aws:\n  credentials: { accessKeyID: AKIA1, secretAccesKey: s3cret }\n",
    ] {
        let text = malformed(yaml);
        assert!(!text.contains("AKIA1") && !text.contains("s3cret"), "{text}");
    }
}

#[test]
fn a_section_without_keys_is_explained() {
    let text = malformed("aws:\nnode: { name: a }\n");
    assert!(text.contains("this section must hold keys"), "{text}");
}

#[test]
fn an_empty_file_is_a_config_of_defaults() {
    assert_eq!(text("").expect("valid"), Document::default());
    assert_eq!(text("# nothing yet\n").expect("valid"), Document::default());
}

#[test]
fn the_shape_of_the_original_design_loads_unchanged() {
    let yaml = "
aws:
  region: us-west-2
  localStackEndpoint: http://localhost:4566
node:
  name: orca-aws-node
  labels:
    orca.research/provider: \"aws\"
    type: virtual-kubelet
  taints:
    - key: orca.research/burst-node
      value: \"true\"
      effect: NoSchedule
  operatingSystem: Linux
  cpu: \"1000\"
  memory: 4Ti
  gpu: 100
logging: { level: info, format: console }
";
    let loaded = loaded(yaml, &[], &json!({})).expect("valid");
    assert_eq!(loaded.document.config.node.gpu.as_deref(), Some("100"));
    assert_eq!(loaded.document.backend.endpoint.as_deref(), Some("http://localhost:4566"));
    assert_eq!(loaded.warnings, vec![]);
}

#[test]
fn every_wrong_value_is_listed() {
    let error = loaded("node: { cpu: many, address: here }\n", &[], &json!({})).expect_err("three errors");
    let text = error.to_string();
    assert!(text.contains("has 3 errors:"), "{text}");
    assert!(
        text.contains("\n  aws.region is required") && text.contains("\n  node.cpu has the value \"many\""),
        "{text}"
    );
}

#[test]
fn a_missing_file_is_named() {
    let error =
        load(Some(Path::new("/nowhere/c.yaml")), &Environment::default(), &json!({})).expect_err("missing");
    assert!(
        error.to_string().starts_with("the config file /nowhere/c.yaml cannot be read: No such file"),
        "{error}"
    );
}

#[test]
fn half_of_the_credentials_is_refused() {
    let variables = [("ORCA__AWS__CREDENTIALS__ACCESSKEYID", "AKIA1")];
    let error = loaded("aws: { region: us-west-2 }\n", &variables, &json!({})).expect_err("half");
    assert!(error.to_string().contains("secretAccessKey"), "{error}");
}

#[test]
fn a_wrong_shape_says_what_to_write() {
    for (yaml, says) in [
        ("aws: { securityGroupIDs: sg-1 }", "give a list: [sg-1]"),
        ("aws:\n  securityGroupIDs: sg-1 # mine\n", "give a list: [sg-1]"),
        ("node: { taints: a }", "give a list: [a]"),
        ("instances: { allowedInstanceTypes: p5.* }", "give a list: [p5.*]"),
        ("node: { labels: a }", "this section must hold keys"),
        ("node: { labels: [a] }", "this section must hold keys"),
        ("aws: { region: [us-west-2] }", "give one value: us-west-2"),
        ("aws: { region: { name: us-west-2 } }", "give one value"),
        ("controller: { concurrency: many }", "give a whole number"),
        ("controller: { sweepSeconds: 10s }", "give a number"),
        ("metrics: { enabled: maybe }", "give true or false"),
        ("metrics: { port: 70000 }", "give a whole number from 0 to 65535"),
        ("controller: { concurrency: -1 }", "give a whole number from 0"),
    ] {
        let text = malformed(yaml);
        let line = text.lines().next().unwrap_or_default();
        assert!(line.contains(says), "{says} is missing in: {text}");
    }
}

#[test]
fn the_region_of_the_environment_counts_where_none_is_named() {
    let region = |yaml: &str, variables: &[(&str, &str)]| {
        loaded(yaml, variables, &json!({})).map(|loaded| loaded.document.backend.region)
    };
    let both = [("AWS_REGION", "eu-west-1"), ("AWS_DEFAULT_REGION", "eu-west-2")];
    assert_eq!(region("node: { name: n }", &both).expect("a region"), "eu-west-1");
    assert_eq!(region("", &both[1..]).expect("a region"), "eu-west-2");
    assert_eq!(region("aws: { region: us-west-2 }", &both).expect("a region"), "us-west-2");
    assert!(region("", &[]).expect_err("no region").to_string().contains("AWS_REGION"));
}

#[test]
fn labels_that_cannot_be_overridden_or_are_none_are_refused() {
    for (label, says) in [
        (
            "kubernetes.io/os: windows",
            "node.labels.kubernetes.io/os has the value \"windows\": ORCA sets this label itself",
        ),
        ("kubernetes.io/hostname: h", "ORCA sets this label itself"),
        ("team: 'a b'", "node.labels.team has the value \"a b\": give at most 63 letters"),
        ("'te am': a", "the key is none of a label"),
    ] {
        let yaml = format!("aws: {{ region: us-west-2 }}\nnode: {{ labels: {{ {label} }} }}\n");
        let text = loaded(&yaml, &[], &json!({})).expect_err("refused").to_string();
        assert!(text.contains(says), "{text}");
    }
}

#[test]
fn a_warning_says_one_thing() {
    let yaml = "aws: { region: us-west-2, credentials: { accessKeyID: a, secretAccessKey: b } }";
    let warnings = loaded(yaml, &[], &json!({})).expect("valid").warnings;
    let text = warnings.iter().map(ToString::to_string).collect::<String>();
    assert!(
        text.starts_with("aws.credentials: these static keys are used") && !text.contains("no effect"),
        "{text}"
    );
}
