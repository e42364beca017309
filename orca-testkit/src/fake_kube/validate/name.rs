//! Names, labels and annotations.

use serde_json::{Value, json};

use crate::fake_kube::error::Cause;
use crate::fake_kube::resource::Resource;

const SUBDOMAIN: &str = "a lowercase RFC 1123 subdomain must consist of lower case alphanumeric characters, '-' or '.', \
    and must start and end with an alphanumeric character (e.g. 'example.com', regex used for validation is \
    '[a-z0-9]([-a-z0-9]*[a-z0-9])?(\\.[a-z0-9]([-a-z0-9]*[a-z0-9])?)*')";
const LABEL: &str = "a lowercase RFC 1123 label must consist of lower case alphanumeric characters or '-', and must start \
    and end with an alphanumeric character (e.g. 'my-name',  or '123-abc', regex used for validation is \
    '[a-z0-9]([-a-z0-9]*[a-z0-9])?')";
const SERVICE: &str = "a DNS-1035 label must consist of lower case alphanumeric characters or '-', start with an alphabetic \
    character, and end with an alphanumeric character (e.g. 'my-name',  or 'abc-123', regex used for validation is \
    '[a-z]([-a-z0-9]*[a-z0-9])?')";
const VALUE: &str = "a valid label must be an empty string or consist of alphanumeric characters, '-', '_' or '.', and must \
    start and end with an alphanumeric character (e.g. 'MyValue',  or 'my_value',  or '12345', regex used for \
    validation is '(([A-Za-z0-9][-A-Za-z0-9_.]*)?[A-Za-z0-9])?')";
const KEY: &str = "name part must consist of alphanumeric characters, '-', '_' or '.', and must start and end with an \
    alphanumeric character (e.g. 'MyName',  or 'my.name',  or '123-abc', regex used for validation is \
    '([A-Za-z0-9][-A-Za-z0-9_.]*)?[A-Za-z0-9]')";
/// The most bytes that all annotations of an object may have.
const ANNOTATIONS_LIMIT: usize = 256 * 1024;

/// The metadata of a new object.
pub(super) fn metadata(resource: &Resource, metadata: &Value, found: &mut Vec<Cause>) {
    let name = metadata["name"].as_str().unwrap_or_default();
    let prefix = metadata["generateName"].as_str().unwrap_or_default();
    if !name.is_empty() {
        check(resource, "metadata.name", name, found);
    } else if prefix.is_empty() {
        found.push(Cause::required("metadata.name", "name or generateName is required"));
    } else {
        check(resource, "metadata.generateName", prefix.trim_end_matches('-'), found);
    }
    labels("metadata", metadata, found);
    if metadata["ownerReferences"]
        .as_array()
        .is_some_and(|owners| owners.iter().filter(|owner| owner["controller"] == true).count() > 1)
    {
        let detail = "Only one reference can have Controller set to true";
        found.push(Cause::invalid("metadata.ownerReferences", &metadata["ownerReferences"], detail));
    }
}

fn check(resource: &Resource, field: &str, name: &str, found: &mut Vec<Cause>) {
    let (is_good, limit, text) = match resource.kind {
        // Roles may have nearly any name.
        "ClusterRole" | "ClusterRoleBinding" | "Role" | "RoleBinding" => (
            !name.contains(['/', '%']) && name != "." && name != "..",
            usize::MAX,
            "may not contain '/' or '%'",
        ),
        "Namespace" => (is_label(name), 63, LABEL),
        "Service" => {
            (is_label(name) && name.starts_with(|letter: char| letter.is_ascii_lowercase()), 63, SERVICE)
        }
        // Events may carry names of other things, which are checked elsewhere.
        _ => (is_subdomain(name), 253, SUBDOMAIN),
    };
    if !is_good {
        found.push(Cause::invalid(field, &json!(name), text));
    }
    if name.len() > limit {
        found.push(Cause::invalid(field, &json!(name), &format!("must be no more than {limit} bytes")));
    }
}

/// Labels and annotations.
pub(super) fn labels(path: &str, metadata: &Value, found: &mut Vec<Cause>) {
    let field = format!("{path}.labels");
    for (key, value) in metadata["labels"].as_object().into_iter().flatten() {
        check_key(&field, key, found);
        let text = value.as_str().unwrap_or_default();
        if !is_value(text) {
            found.push(Cause::invalid(&field, value, VALUE));
        }
        if text.len() > 63 {
            found.push(Cause::invalid(&field, value, "must be no more than 63 bytes"));
        }
    }
    let field = format!("{path}.annotations");
    let mut size = 0;
    for (key, value) in metadata["annotations"].as_object().into_iter().flatten() {
        check_key(&field, key, found);
        size += key.len() + value.as_str().map_or(0, str::len);
    }
    if size > ANNOTATIONS_LIMIT {
        let message = format!("Too long: may not be more than {ANNOTATIONS_LIMIT} bytes");
        found.push(Cause { reason: "FieldValueTooLong", field, message });
    }
}

fn check_key(field: &str, key: &str, found: &mut Vec<Cause>) {
    let (prefix, name) = match key.rsplit_once('/') {
        Some((prefix, name)) => (Some(prefix), name),
        None => (None, key),
    };
    if prefix.is_some_and(|prefix| !is_subdomain(&prefix.to_lowercase())) {
        found.push(Cause::invalid(field, &json!(key), &format!("prefix part {SUBDOMAIN}")));
    }
    if name.is_empty() || !is_value(name) {
        found.push(Cause::invalid(field, &json!(key), KEY));
    }
    if name.len() > 63 {
        found.push(Cause::invalid(field, &json!(key), "name part must be no more than 63 bytes"));
    }
}

/// A name for a part of a pod, such as a container.
pub(super) fn part(field: &str, name: &Value, found: &mut Vec<Cause>) {
    let text = name.as_str().unwrap_or_default();
    if text.is_empty() {
        found.push(Cause::required(field, ""));
    } else if !is_label(text) {
        found.push(Cause::invalid(field, name, LABEL));
    } else if text.len() > 63 {
        found.push(Cause::invalid(field, name, "must be no more than 63 bytes"));
    }
}

fn is_label(text: &str) -> bool {
    let is_inner = |letter: char| letter.is_ascii_lowercase() || letter.is_ascii_digit();
    text.starts_with(is_inner)
        && text.ends_with(is_inner)
        && text.chars().all(|letter| is_inner(letter) || letter == '-')
}

fn is_subdomain(text: &str) -> bool {
    text.split('.').all(is_label)
}

fn is_value(text: &str) -> bool {
    let is_outer = |letter: char| letter.is_ascii_alphanumeric();
    text.is_empty()
        || (text.starts_with(is_outer)
            && text.ends_with(is_outer)
            && text.chars().all(|letter| is_outer(letter) || "-_.".contains(letter)))
}
