//! Names of variables, and values that stay what they are.

use serde_json::json;

use super::*;

fn layer(variables: &[(&str, &str)]) -> Result<Value, ConfigFailure> {
    read(&variables.iter().copied().collect())
}

fn refused(variable: &str, value: &str) -> String {
    layer(&[(variable, value)]).expect_err("refused").to_string()
}

#[test]
fn acronyms_and_case_do_not_matter() {
    for name in ["ORCA__AWS__SUBNETID", "ORCA__AWS__SUBNET_ID", "orca__aws__subnetID"] {
        assert_eq!(layer(&[(name, "subnet-1")]).expect(name), json!({ "aws": { "subnetID": "subnet-1" } }));
    }
    let set =
        layer(&[("ORCA__LIMITS__MAXCONCURRENTINSTANCES", "5"), ("ORCA__AWS__ROOTVOLUME__SIZEGIB", "80")])
            .expect("known");
    assert_eq!(
        set,
        json!({ "limits": { "maxConcurrentInstances": 5 }, "aws": { "rootVolume": { "sizeGiB": 80 } } })
    );
}

#[test]
fn every_key_of_the_schema_can_be_named() {
    fn names(value: &Value, name: &str, found: &mut Vec<String>) {
        match value {
            Value::Object(map) => map
                .iter()
                .for_each(|(key, value)| names(value, &format!("{name}__{}", key.to_uppercase()), found)),
            Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) | Value::Array(_) => {
                found.push(name.to_owned());
            }
        }
    }
    let mut all = Vec::new();
    names(&tree(), "ORCA", &mut all);
    assert!(all.len() > 50, "{all:?}");
    for name in all {
        locate(&tree(), &name).expect(&name);
    }
}

#[test]
fn service_links_mean_nothing() {
    let links = [
        ("ORCA_PORT", "tcp://10.0.0.1:8080"),
        ("ORCA_SERVICE_HOST", "10.0.0.1"),
        ("ORCA_CONFIG", "x"),
        ("PATH", "/"),
    ];
    assert_eq!(layer(&links).expect("ignored"), json!({}));
}

#[test]
fn text_is_never_taken_for_a_number() {
    let set = layer(&[("ORCA__NODE__NAME", "1.10"), ("ORCA__NODE__LABELS__Team", "0x10")]).expect("text");
    assert_eq!(set, json!({ "node": { "name": "1.10", "labels": { "Team": "0x10" } } }));
}

#[test]
fn lists_are_parted_by_commas() {
    let set = layer(&[("ORCA__AWS__SECURITYGROUPIDS", "sg-1, sg-2")]).expect("a list");
    assert_eq!(set, json!({ "aws": { "securityGroupIDs": ["sg-1", "sg-2"] } }));
}

#[test]
fn values_have_the_type_of_their_key() {
    let set = layer(&[("ORCA__METRICS__ENABLED", "false"), ("ORCA__CONTROLLER__SWEEPSECONDS", "2.5")])
        .expect("typed");
    assert_eq!(set, json!({ "metrics": { "enabled": false }, "controller": { "sweepSeconds": 2.5 } }));
    assert!(
        refused("ORCA__METRICS__ENABLED", "yes")
            .ends_with("does not fit metrics.enabled: give true or false")
    );
    assert!(refused("ORCA__METRICS__PORT", "http").ends_with("does not fit metrics.port: give a number"));
    assert!(refused("ORCA__METRICS__PORT", "70000").contains("70000"));
    assert!(refused("ORCA__INSTANCES__DEFAULTLAUNCHTYPE", "sport").ends_with("did you mean `spot`?"));
    assert!(refused("ORCA__NODE__TAINTS", "a").contains("config file"));
}

#[test]
fn unknown_names_are_refused_with_what_is_meant() {
    assert!(refused("ORCA__AWS__SUBNTID", "x").ends_with("did you mean ORCA__AWS__SUBNETID?"));
    assert!(refused("ORCA__AWSS__REGION", "x").ends_with("did you mean ORCA__AWS?"));
    assert!(refused("ORCA__NODE", "x").contains("node is a section"));
    assert!(refused("ORCA__NODE__NAME__FIRST", "x").contains("node.name has no keys below it"));
    assert!(refused("ORCA__CLUSTER__COLOUR", "x").ends_with("give one of ORCA__CLUSTER__ID"));
}

#[test]
fn one_key_set_twice_is_refused() {
    let error = layer(&[("ORCA__AWS__SUBNETID", "subnet-1"), ("ORCA__AWS__SUBNET_ID", "subnet-2")])
        .expect_err("twice");
    assert!(error.to_string().contains("sets the same key"), "{error}");
}

#[test]
fn the_name_from_charts_of_virtual_kubelet_is_weaker_than_ours() {
    let set = layer(&[("DEFAULT_NODE_NAME", "vk"), ("ORCA__NODE__NAME", "ours")]).expect("known");
    assert_eq!(set, json!({ "node": { "name": "ours" } }));
    assert_eq!(layer(&[("DEFAULT_NODE_NAME", "vk")]).expect("known"), json!({ "node": { "name": "vk" } }));
}
