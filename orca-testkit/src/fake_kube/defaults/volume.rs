//! The defaults of volumes.

use serde_json::{Value, json};

use super::{each, set};

/// `rw-r--r--` as the number that JSON has.
const MODE: i64 = 0o644;

pub(crate) fn volume(volume: &mut Value) {
    let has_source = volume.as_object().is_some_and(|map| map.keys().any(|key| key != "name"));
    if !has_source {
        set(volume, "emptyDir", json!({}));
    }
    for source in ["secret", "configMap", "downwardAPI", "projected"] {
        if let Some(source) = volume.get_mut(source).filter(|source| source.is_object()) {
            set(source, "defaultMode", MODE);
        }
    }
    for pointer in ["/downwardAPI", "/projected"] {
        if let Some(source) = volume.pointer_mut(pointer) {
            items(source);
            each(source, "sources").for_each(|source| {
                if let Some(token) = source.get_mut("serviceAccountToken").filter(|token| token.is_object()) {
                    set(token, "expirationSeconds", 3600);
                }
                if let Some(downward) = source.get_mut("downwardAPI") {
                    items(downward);
                }
            });
        }
    }
    if let Some(path) = volume.get_mut("hostPath").filter(|path| path.is_object()) {
        set(path, "type", "");
    }
}

fn items(source: &mut Value) {
    for item in each(source, "items") {
        if let Some(field) = item.get_mut("fieldRef").filter(|field| field.is_object()) {
            set(field, "apiVersion", "v1");
        }
    }
}
