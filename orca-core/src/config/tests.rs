//! Configs that load, and configs that must not.

use serde_json::json;

use super::*;
use crate::cloud::CloudInfo;

fn config(value: serde_json::Value) -> Config {
    serde_json::from_value(value).expect("the shape is right")
}

/// A real cloud, with no tags of the user's.
fn real() -> CloudInfo {
    CloudInfo::default()
}

fn errors(value: serde_json::Value) -> Vec<String> {
    validate(&config(value), &real()).expect_err("refused").iter().map(ToString::to_string).collect()
}

#[test]
fn every_default_is_valid() {
    assert_eq!(validate(&Config::default(), &real()), Ok(vec![]));
}

#[test]
fn a_wrong_value_names_key_value_and_remedy() {
    let texts = errors(json!({ "node": { "cpu": "many", "name": "Orca" } }));
    assert_eq!(texts.len(), 2);
    assert!(texts[1].starts_with("node.cpu has the value \"many\": not a Kubernetes quantity"), "{texts:?}");
}

#[test]
fn what_concerns_money_or_safety_and_is_not_enforced_is_refused() {
    for section in [
        json!({ "limits": { "maxConcurrentInstances": 50 } }),
        json!({ "limits": { "dailyBudget": 0.5 } }),
        json!({ "limits": { "maxInstanceLifetime": "24h" } }),
        json!({ "limits": { "namespaceQuotas": { "ml": { "maxGPUs": 8 } } } }),
        json!({ "development": { "dryRun": true } }),
        json!({ "development": { "mockAWS": true } }),
        json!({ "gc": { "minAgeSeconds": 299 } }),
        json!({ "gc": { "intervalSeconds": 0.01 } }),
    ] {
        assert_eq!(errors(section.clone()).len(), 1, "{section}");
    }
}

#[test]
fn only_a_cloud_for_tests_may_have_a_short_minimum_age() {
    let short = json!({ "gc": { "minAgeSeconds": 0 } });
    let tests = CloudInfo { is_for_tests: true, ..real() };
    validate(&config(short.clone()), &tests).expect("a cloud for tests");
    let text = errors(short).join("");
    assert!(text.starts_with("gc.minAgeSeconds has the value \"0\": give at least 300"), "{text}");
}

#[test]
fn tags_of_a_back_end_must_not_be_orcas_own() {
    let tags = [("team", "vision"), ("orca.research/pod-uid", "x"), ("Name", "x")];
    let tags = tags.map(|(key, value)| (key.to_owned(), value.to_owned()));
    let errors = validate(&Config::default(), &CloudInfo { tags: tags.into(), ..real() });
    let keys: Vec<String> = errors.expect_err("refused").into_iter().map(|error| error.key).collect();
    assert_eq!(keys, ["tags.Name", "tags.orca.research/pod-uid"]);
}

#[test]
fn what_has_no_effect_is_warned_about() {
    let config = config(json!({ "logging": { "logAWSCalls": true } }));
    assert_eq!(validate(&config, &real()).expect("valid").len(), 1);
}

#[test]
fn unknown_keys_and_values_are_refused_by_shape() {
    for text in [
        r#"{ "node": { "nam": "orca" } }"#,
        r#"{ "instances": { "defaultLaunchType": "sport" } }"#,
        r#"{ "instances": { "selectionMode": "auto" } }"#,
        r#"{ "node": { "taints": [{ "key": "a", "effect": "Never" }] } }"#,
    ] {
        assert!(serde_json::from_str::<Config>(text).is_err(), "{text}");
    }
}

#[test]
fn extended_resources_are_named_as_kubernetes_names_them_and_come_whole() {
    let extended = |name: &str, amount: &str| json!({ "node": { "extendedResources": { name: amount } } });
    for (config, key) in [
        (extended("vpc.amazonaws.com/efa", "8"), None),
        (extended("example.com/device", "1k"), None),
        (extended("example.com/device", "0"), None),
        (extended("example.com/device", "1.5"), Some("node.extendedResources.example.com/device")),
        (extended("example.com/device", "500m"), Some("node.extendedResources.example.com/device")),
        (extended("example.com/device", "-1"), Some("node.extendedResources.example.com/device")),
        (extended("example.com/device", "many"), Some("node.extendedResources.example.com/device")),
        (extended("device", "1"), Some("node.extendedResources.device")),
        (extended("kubernetes.io/device", "1"), Some("node.extendedResources.kubernetes.io/device")),
        (extended("example.com/a/b", "1"), Some("node.extendedResources.example.com/a/b")),
        (extended("nvidia.com/gpu", "8"), Some("node.extendedResources.nvidia.com/gpu")),
    ] {
        let config: Config = serde_json::from_value(config.clone()).expect("a config");
        let errors = validate(&config, &real()).err().unwrap_or_default();
        let keys: Vec<&str> = errors.iter().map(|error| error.key.as_str()).collect();
        assert_eq!(keys, key.into_iter().collect::<Vec<_>>(), "{config:?}");
    }
    let offers: Config = serde_json::from_value(extended("vpc.amazonaws.com/efa", "8")).expect("a config");
    assert_eq!(offers.node.capacity()["vpc.amazonaws.com/efa"], "8");
}

#[test]
fn every_value_has_its_bounds_and_an_error_names_its_key() {
    let at_most = "a".repeat(63);
    let node = |key: &str, value: &str| json!({ "node": { key: value } });
    let controller = |key: &str, value: f64| json!({ "controller": { key: value } });
    let whole = |key: &str, value: u32| json!({ "controller": { key: value } });
    let rate = |burst: u32, rate: f64| json!({ "controller": { "launchRate": { "burst": burst, "perSecond": rate } } });
    let unknown_after = |seconds: u32| json!({ "pods": { "readyUnknownAfterSeconds": seconds } });
    for (section, wrong) in [
        (node("name", &at_most), None),
        (node("name", "0.a-1"), None),
        (node("name", &format!("{at_most}a")), Some("node.name")),
        (node("name", ""), Some("node.name")),
        (node("name", "-a"), Some("node.name")),
        (node("name", "a."), Some("node.name")),
        (node("name", "a_b"), Some("node.name")),
        (node("name", "a..b"), Some("node.name")),
        (node("name", "a.-b"), Some("node.name")),
        (node("operatingSystem", "Linux"), None),
        (node("operatingSystem", "windows"), Some("node.operatingSystem")),
        (node("architecture", "arm64"), None),
        (node("architecture", "riscv64"), Some("node.architecture")),
        (node("cpu", "0"), None),
        (node("gpu", "-1"), Some("node.gpu")),
        (node("address", "10.0.0.1"), None),
        (node("address", "host"), Some("node.address")),
        (
            json!({ "node": { "taints": [{ "key": "", "effect": "NoSchedule" }] } }),
            Some("node.taints[0].key"),
        ),
        (
            json!({ "instances": { "templates": { "x": { "instanceType": "" } } } }),
            Some("instances.templates.x.instanceType"),
        ),
        (json!({ "limits": { "maxInstancesPerNamespace": 1 } }), Some("limits.maxInstancesPerNamespace")),
        (json!({ "limits": { "monthlyBudget": 1.0 } }), Some("limits.monthlyBudget")),
        (json!({ "limits": { "maxInstanceLifetime": "0s" } }), None),
        (whole("concurrency", 1), None),
        (whole("concurrency", 0), Some("controller.concurrency")),
        (whole("leaderLeaseSeconds", 2), None),
        (whole("leaderLeaseSeconds", 1), Some("controller.leaderLeaseSeconds")),
        (controller("sweepSeconds", 30.0), None),
        (controller("sweepSeconds", 31.0), Some("controller.sweepSeconds")),
        (controller("fastSweepSeconds", 0.04), Some("controller.fastSweepSeconds")),
        (rate(1, 0.01), None),
        (rate(0, 1.0), Some("controller.launchRate")),
        (rate(1, 0.001), Some("controller.launchRate")),
        (controller("capacityMemorySeconds", 1.0), None),
        (controller("capacityMemorySeconds", 0.5), Some("controller.capacityMemorySeconds")),
        (unknown_after(0), None),
        (unknown_after(60), None),
        (unknown_after(59), Some("pods.readyUnknownAfterSeconds")),
        (json!({ "gc": { "minAgeSeconds": 300, "intervalSeconds": 600 } }), None),
        (json!({ "metrics": { "path": "metrics" } }), Some("metrics.path")),
        (json!({ "metrics": { "path": "/readyz/pods" } }), Some("metrics.path")),
        (json!({ "metrics": { "path": "/livezz" } }), None),
    ] {
        let found = validate(&config(section.clone()), &real()).err().unwrap_or_default();
        let keys: Vec<&str> = found.iter().map(|error| error.key.as_str()).collect();
        assert_eq!(keys, wrong.into_iter().collect::<Vec<_>>(), "{section}");
    }
}

#[test]
fn labels_and_taints_are_what_the_api_server_takes_or_it_would_refuse_the_node() {
    let long = "a".repeat(64);
    let domain = |length: usize| format!("{}/a", "a".repeat(length));
    let (longest, too_long) = (domain(253), domain(254));
    for (key, is_key) in [
        ("type", true),
        ("Team_A.b-1", true),
        ("example.com/team", true),
        (longest.as_str(), true),
        (too_long.as_str(), false),
        (long.as_str(), false),
        ("", false),
        ("-a", false),
        ("a b", false),
        ("/a", false),
        ("a/", false),
        ("a/b/c", false),
        ("Example.com/a", false),
        ("a..b/c", false),
    ] {
        let keys = |section: serde_json::Value| -> Vec<String> {
            let found = validate(&config(json!({ "node": section })), &real()).err().unwrap_or_default();
            found.into_iter().map(|error| error.key).collect()
        };
        let expected = |path: String| if is_key { Vec::new() } else { vec![path] };
        assert_eq!(keys(json!({ "labels": { key: "" } })), expected(format!("node.labels.{key}")), "{key}");
        let taint = json!({ "taints": [{ "key": key, "effect": "NoExecute" }] });
        assert_eq!(keys(taint), expected("node.taints[0].key".to_owned()), "{key}");
    }
    for value in [long.as_str(), "a b", "a-"] {
        let texts = errors(json!({ "node": {
            "labels": { "a": value }, "taints": [{ "key": "a", "value": value, "effect": "NoExecute" }],
        } }));
        assert!(texts.len() == 2 && texts.iter().all(|text| text.contains("at most 63")), "{texts:?}");
    }
}

#[test]
fn a_label_that_orca_sets_itself_can_only_be_given_as_it_is() {
    let cloud = CloudInfo { provider: "aws".into(), ..real() };
    for (key, own) in [
        ("orca.research/provider", "aws"),
        ("orca.research/version", env!("CARGO_PKG_VERSION")),
        ("kubernetes.io/hostname", "orca"),
        ("kubernetes.io/os", "linux"),
        ("kubernetes.io/arch", "arm64"),
    ] {
        let with = |value: &str| {
            let labels = json!({ key: value });
            config(json!({ "node": { "name": "orca", "architecture": "arm64", "labels": labels } }))
        };
        assert_eq!(validate(&with(own), &cloud), Ok(vec![]), "{key}");
        let errors = validate(&with("other"), &cloud).expect_err("refused");
        let text = format!("ORCA sets this label itself, to {own}; remove it here");
        assert_eq!(
            errors,
            [ConfigError { key: format!("node.labels.{key}"), value: Some("other".into()), remedy: text }]
        );
    }
}

#[test]
fn tags_fit_on_an_instance_beside_orcas_own() {
    let keys = |tags: Vec<(String, String)>| {
        let cloud = CloudInfo { tags: tags.into_iter().collect(), ..real() };
        let found = validate(&Config::default(), &cloud).err().unwrap_or_default();
        found.into_iter().map(|error| error.key).collect::<Vec<_>>()
    };
    let one = |key: usize, value: usize| keys(vec![("k".repeat(key), "v".repeat(value))]);
    assert_eq!(one(128, 256), [""; 0]);
    assert_eq!([one(0, 1), one(129, 1), one(1, 257)].map(|keys| keys.len()), [1, 1, 1]);
    let many = |count: usize| keys((0..count).map(|n| (format!("k{n}"), String::new())).collect());
    assert_eq!(many(39), [""; 0], "an instance has 50 tags, and 11 of them are ORCA's");
    assert_eq!(many(40), ["tags"]);
}

#[test]
fn errors_and_warnings_are_sentences() {
    let texts = errors(json!({ "instances": { "templates": { "x": { "instanceType": "" } } } }));
    assert_eq!(
        texts,
        ["instances.templates.x.instanceType is required: give an instance type such as g5.4xlarge"]
    );
    for (section, said) in [
        (
            json!({ "development": { "enableFastCleanup": true } }),
            "development.enableFastCleanup has no effect: ",
        ),
        (
            json!({ "development": { "cleanupInterval": "1m" } }),
            "development.cleanupInterval has no effect: ",
        ),
        (
            json!({ "metrics": { "prometheus": { "enabled": true } } }),
            "metrics.prometheus.enabled has no effect: ",
        ),
    ] {
        let warnings = validate(&config(section), &real()).expect("valid");
        assert!(warnings.len() == 1 && warnings[0].to_string().starts_with(said), "{said}: {warnings:?}");
    }
}

#[test]
fn a_node_without_taints_in_its_config_has_the_burst_taint_and_an_empty_list_means_none() {
    let burst = Taint {
        key: "orca.research/burst-node".into(),
        value: "true".into(),
        effect: TaintEffect::NoSchedule,
    };
    assert_eq!(*Config::default().node.taints(), [burst]);
    assert_eq!(*config(json!({ "node": { "taints": [] } })).node.taints(), []);
}

#[test]
fn enum_values_are_written_as_they_are_read() {
    for effect in [TaintEffect::NoSchedule, TaintEffect::PreferNoSchedule, TaintEffect::NoExecute] {
        assert_eq!(json!(effect), effect.as_str());
    }
    for level in [LogLevel::Trace, LogLevel::Debug, LogLevel::Info, LogLevel::Warn, LogLevel::Error] {
        assert_eq!(json!(level), level.as_str());
    }
}

#[test]
fn ready_becomes_unknown_after_the_configs_time_or_never() {
    let after = |seconds: u32| config(json!({ "pods": { "readyUnknownAfterSeconds": seconds } })).pods;
    assert_eq!(after(60).ready_unknown_after(), Some(Duration::from_mins(1)));
    assert_eq!(after(0).ready_unknown_after(), None);
}

#[test]
fn a_type_without_capacity_is_remembered_for_the_configs_time() {
    let memory = |seconds: f64| {
        config(json!({ "controller": { "capacityMemorySeconds": seconds } })).controller.capacity_memory()
    };
    assert_eq!((memory(1.5), memory(180.0)), (Duration::from_millis(1_500), Duration::from_mins(3)));
}

#[test]
fn advice_is_given_on_a_key_that_is_set_and_says_that_it_has_an_effect() {
    let mut found = Findings::default();
    found.advise_if(false, "a.unset", "b is better");
    found.advise_if(true, "a.set", "b is better");
    let warnings = found.into_result().expect("advice is no error");
    let expected = Warning { key: "a.set", has_effect: true, text: "b is better" };
    assert_eq!(warnings, [expected]);
}
