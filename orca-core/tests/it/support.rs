//! What the tests have in common: arbitrary texts, times, and pods from JSON.

use jiff::Timestamp;
use k8s_openapi::api::core::v1::Pod;
use orca_core::config::Config;
use proptest::prelude::*;
use serde_json::Value;

/// Now, in most tests.
pub(crate) const NOW: i64 = 1_800_000_000;

pub(crate) fn at(second: i64) -> Timestamp {
    Timestamp::from_second(second).expect("in range")
}

pub(crate) fn pod(object: Value) -> Pod {
    serde_json::from_value(object).expect("a pod")
}

/// Any text, and with good odds one that has meant trouble somewhere.
pub(crate) fn text() -> impl Strategy<Value = String> {
    prop_oneof![
        4 => "\\PC{0,40}",
        1 => any::<String>(),
        1 => prop::sample::select(TROUBLE).prop_map(str::to_owned),
        1 => ("[a-z]{1,3}", 1usize..400).prop_map(|(text, times)| text.repeat(times)),
    ]
}

/// Texts that break out of shells, YAML, JSON, headers, user data, terminals and paths.
pub(crate) const TROUBLE: &[&str] = &[
    "$(reboot)",
    "`id`",
    "'; rm -rf / #",
    "\"}, {\"",
    "#include\nhttps://example.com/evil",
    "#cloud-config\nruncmd: [reboot]",
    "--==BOUNDARY==\nContent-Type: text/x-shellscript",
    "a\r\nX-Header: b",
    "a\u{0}b",
    "\u{202e}gpj.exe",
    "\u{1b}[2J",
    "../../etc/passwd",
    "{{ .Values }}",
    "!!python/object",
    "&a [*a, *a]",
    "NaN",
    "-1",
    "1e308",
    "0x10",
    "t3.micro ",
    "t3.micro\n",
    "ami-0123;ami-1",
    "arn:aws:iam::123456789012:role/admin",
];

/// A moment around now, or at an end of time.
pub(crate) fn moment() -> impl Strategy<Value = Timestamp> {
    prop_oneof![
        8 => (-90_000i64..90_000).prop_map(|seconds| at(NOW + seconds)),
        1 => Just(Timestamp::MIN),
        1 => Just(Timestamp::MAX),
        1 => Just(Timestamp::UNIX_EPOCH),
    ]
}

/// A config with one template, that allows few types.
pub(crate) fn config() -> Config {
    serde_json::from_value(serde_json::json!({
        "instances": {
            "selectionMode": "template",
            "allowedInstanceTypes": ["t3.*", "p5.48xlarge"],
            "templates": { "small": { "instanceType": "t3.micro" } },
        },
    }))
    .expect("a config")
}
