//! Config texts: whatever stands in the file, it is answered, and what is accepted means what it says.

use orca_aws::config::Document;
use proptest::prelude::*;
use serde_json::{Value, json};

/// Any text, and with good odds one that is something else in YAML.
fn text() -> impl Strategy<Value = String> {
    const ODD: &[&str] = &[
        "!!python/object",
        "&a [*a, *a]",
        "NaN",
        "1e308",
        "0x10",
        "a\r\nb: c",
        "a\u{0}b",
        "{{ .Values }}",
        "- x",
    ];
    prop_oneof![4 => "\\PC{0,40}", 1 => any::<String>(), 1 => prop::sample::select(ODD).prop_map(str::to_owned)]
}

/// A config with many keys of every kind.
fn example() -> Value {
    json!({
        "aws": {
            "region": "us-west-2", "subnetID": "subnet-0123", "securityGroupIDs": ["sg-1"], "amiID": "ami-1",
            "rootVolume": { "sizeGiB": 100, "type": "gp3" }, "tags": { "team": "vision" },
        },
        "node": { "name": "orca", "cpu": "1000", "memory": "4Ti", "taints": [{ "key": "a", "effect": "NoSchedule" }] },
        "instances": {
            "selectionMode": "template", "defaultLaunchType": "spot", "allowedInstanceTypes": ["t3.*"],
            "templates": { "small": { "instanceType": "t3.micro" } }, "maxSpotPrices": { "t3.micro": "0.5" },
        },
        "pods": { "daemonSets": "run" },
        "limits": { "dailyBudget": 0.0, "namespaceQuotas": {} },
        "controller": { "concurrency": 8, "launchRate": { "burst": 5, "perSecond": 2.0 } },
        "gc": { "intervalSeconds": 60.0 },
        "logging": { "level": "debug" },
        "metrics": { "enabled": true, "path": "/metrics" },
    })
}

fn read(text: &str) -> Option<Document> {
    serde_saphyr::from_str::<Option<Document>>(text).ok().map(Option::unwrap_or_default)
}

/// What holds of every text: it is answered, and a config that is accepted is the same after writing and reading.
fn check(text: &str) -> Result<(), TestCaseError> {
    let Some(config) = read(text) else { return Ok(()) };
    if let Err(errors) = config.validate() {
        prop_assert!(errors.iter().all(|error| !error.to_string().is_empty()));
        return Ok(());
    }
    let written = serde_saphyr::to_string(&config).expect("a config can be written");
    prop_assert_eq!(read(&written), Some(config), "{}", written);
    Ok(())
}

/// The places of all objects in a document that have fixed keys.
fn sections(value: &Value, path: &str, found: &mut Vec<String>) {
    let has_free_keys = ["/tags", "/templates", "/maxSpotPrices", "/namespaceQuotas", "/labels"];
    let Some(object) = value.as_object() else { return };
    if !has_free_keys.iter().any(|end| path.ends_with(end)) {
        found.push(path.to_owned());
    }
    for (key, value) in object {
        sections(value, &format!("{path}/{key}"), found);
    }
}

/// The example with one value replaced.
fn changed(path: prop::sample::Index, value: Value) -> Value {
    let mut document = example();
    let mut places = Vec::new();
    leaves(&document, "", &mut places);
    let place = path.get(&places).clone();
    *document.pointer_mut(&place).expect("a place") = value;
    document
}

fn leaves(value: &Value, path: &str, found: &mut Vec<String>) {
    found.push(path.to_owned());
    match value {
        Value::Object(object) => {
            for (key, value) in object {
                leaves(value, &format!("{path}/{key}"), found);
            }
        }
        Value::Array(items) => {
            for (place, value) in items.iter().enumerate() {
                leaves(value, &format!("{path}/{place}"), found);
            }
        }
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => {}
    }
}

fn scalar() -> impl Strategy<Value = Value> {
    prop_oneof![
        text().prop_map(Value::from),
        any::<i64>().prop_map(Value::from),
        any::<f64>().prop_map(Value::from),
        any::<bool>().prop_map(Value::from),
        Just(Value::Null),
        Just(json!([])),
        Just(json!({})),
    ]
}

#[test]
fn the_example_is_accepted_and_round_trips() {
    let text = serde_saphyr::to_string(&example()).expect("YAML");
    let config = read(&text).expect("it has the right shape");
    assert_eq!(config.validate(), Ok(Vec::new()), "{text}");
    check(&text).expect("it round-trips");
}

#[test]
fn deep_and_multiplying_documents_are_answered() {
    let deep = ["[", "{a: ", "- "].map(|open| open.repeat(20_000));
    let multiplying =
        "a: &a [x, x, x, x]\nb: &b [*a, *a, *a, *a]\nc: &c [*b, *b, *b, *b]\nd: [*c, *c, *c, *c]";
    for text in deep.iter().map(String::as_str).chain([multiplying]) {
        assert_eq!(read(text), None);
    }
}

proptest! {
    #[test]
    fn any_text_is_answered(text in text()) {
        check(&text)?;
    }

    #[test]
    fn a_damaged_config_is_answered(at in any::<prop::sample::Index>(), remove in 0usize..20, put in text()) {
        let whole = serde_saphyr::to_string(&example()).expect("YAML");
        let mut letters: Vec<char> = whole.chars().collect();
        let at = at.index(letters.len());
        let end = (at + remove).min(letters.len());
        letters.splice(at..end, put.chars());
        check(&letters.into_iter().collect::<String>())?;
    }

    #[test]
    fn any_value_at_any_place_is_answered(path in any::<prop::sample::Index>(), value in scalar()) {
        check(&serde_saphyr::to_string(&changed(path, value)).expect("YAML"))?;
    }

    #[test]
    fn an_unknown_key_is_refused_wherever_it_stands(path in any::<prop::sample::Index>(), key in "[a-zA-Z]{1,12}x{3}") {
        let mut document = example();
        let mut places = Vec::new();
        sections(&document, "", &mut places);
        let place = path.get(&places);
        document.pointer_mut(place).expect("a section")[&key] = json!("value");
        let text = serde_saphyr::to_string(&document).expect("YAML");
        let error = serde_saphyr::from_str::<Option<Document>>(&text).expect_err("refused").to_string();
        prop_assert!(error.contains(&key), "{} at {}: {}", key, place, error);
    }
}
