//! Selectors against objects.

use serde_json::json;

use super::*;
use crate::fake_kube::resource::{NODES, PODS};

fn pod() -> Object {
    let value = json!({
        "metadata": { "name": "a", "labels": { "app": "web", "tier": "front" } },
        "spec": { "nodeName": "n" },
    });
    Object::new(&PODS, value, 1)
}

fn labels(text: &str) -> bool {
    LabelSelector::parse(text).expect("a selector").matches(&pod())
}

fn fields(text: &str) -> bool {
    FieldSelector::parse(&PODS, text).expect("a selector").matches(&pod())
}

#[test]
fn labels_are_selected_in_every_form() {
    for text in ["", "app=web", "app==web,tier!=back", "app in (db, web),tier notin (back)", "tier,!x"] {
        assert!(labels(text), "{text}");
    }
    for text in ["app=db", "app!=web", "x", "!app", "app in (db)", "app notin (web,db)"] {
        assert!(!labels(text), "{text}");
    }
    LabelSelector::parse("a b").expect_err("malformed");
    LabelSelector::parse("a (b)").expect_err("malformed");
}

#[test]
fn fields_are_selected_when_they_are_indexed() {
    for text in ["", "metadata.name=a", "spec.nodeName=n,status.phase!=Failed", "status.phase="] {
        assert!(fields(text), "{text}");
    }
    for text in ["metadata.name!=a", "spec.nodeName=m"] {
        assert!(!fields(text), "{text}");
    }
    let refused = FieldSelector::parse(&NODES, "spec.nodeName=n").expect_err("not indexed");
    assert_eq!(refused.message, "field label not supported: spec.nodeName");
}
