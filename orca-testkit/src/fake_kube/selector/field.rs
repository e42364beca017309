//! Field selectors: `spec.nodeName=a,status.phase!=Failed`.

use serde_json::Value;

use crate::fake_kube::error::ApiError;
use crate::fake_kube::object::Object;
use crate::fake_kube::resource::Resource;

/// The fields of each kind beside name and namespace.
const FIELDS: [(&str, &[&str]); 9] = [
    (
        "pods",
        &[
            "spec.nodeName",
            "spec.restartPolicy",
            "spec.schedulerName",
            "spec.serviceAccountName",
            "spec.hostNetwork",
            "status.phase",
            "status.podIP",
            "status.nominatedNodeName",
        ],
    ),
    (
        "events",
        &[
            "involvedObject.kind",
            "involvedObject.namespace",
            "involvedObject.name",
            "involvedObject.uid",
            "involvedObject.apiVersion",
            "involvedObject.resourceVersion",
            "involvedObject.fieldPath",
            "reason",
            "reportingComponent",
            "source",
            "type",
        ],
    ),
    (
        "events.events.k8s.io",
        &[
            "regarding.kind",
            "regarding.namespace",
            "regarding.name",
            "regarding.uid",
            "regarding.apiVersion",
            "regarding.resourceVersion",
            "regarding.fieldPath",
            "reason",
            "reportingController",
            "type",
        ],
    ),
    ("nodes", &["spec.unschedulable"]),
    ("namespaces", &["status.phase"]),
    ("secrets", &["type"]),
    ("jobs.batch", &["status.successful"]),
    ("replicasets.apps", &["status.replicas"]),
    ("services", &["spec.clusterIP", "spec.type"]),
];

/// Requirements on fields, all of which must hold.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct FieldSelector {
    requirements: Vec<Requirement>,
}

#[derive(Clone, Debug, PartialEq, Eq)]
struct Requirement {
    field: String,
    pointer: String,
    value: String,
    is_equal: bool,
}

impl FieldSelector {
    /// Reads a selector; `BadRequest` when it is malformed or names a field that is not indexed.
    ///
    /// # Errors
    ///
    /// 400 as from the API server: it is no selector, or not one of this resource.
    pub fn parse(resource: &Resource, text: &str) -> Result<Self, ApiError> {
        let mut requirements = Vec::new();
        for part in text.split(',').filter(|part| !part.is_empty()) {
            let (field, value, is_equal) = if let Some((field, value)) = part.split_once("!=") {
                (field, value, false)
            } else if let Some((field, value)) = part.split_once("==").or_else(|| part.split_once('=')) {
                (field, value, true)
            } else {
                let text = format!("invalid selector: '{text}'; can't understand '{part}'");
                return Err(ApiError::bad_request(text));
            };
            if !is_indexed(resource, field) {
                return Err(ApiError::bad_request(format!("field label not supported: {field}")));
            }
            requirements.push(Requirement {
                field: field.to_owned(),
                pointer: pointer(field),
                value: value.to_owned(),
                is_equal,
            });
        }
        Ok(Self { requirements })
    }

    /// Whether it selects everything.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.requirements.is_empty()
    }

    /// The name that a selected object must have, if the selector says so.
    #[must_use]
    pub fn name(&self) -> Option<&str> {
        let named = |one: &&Requirement| one.field == "metadata.name" && one.is_equal;
        self.requirements.iter().find(named).map(|one| one.value.as_str())
    }

    /// Whether the object is selected.
    #[must_use]
    pub fn matches(&self, object: &Object) -> bool {
        self.requirements.iter().all(|one| one.holds(object))
    }
}

impl Requirement {
    fn holds(&self, object: &Object) -> bool {
        let equal = match object.value().pointer(&self.pointer) {
            Some(Value::String(text)) => *text == self.value,
            Some(Value::Bool(flag)) => self.value == if *flag { "true" } else { "false" },
            Some(Value::Number(number)) => self.value == number.to_string(),
            Some(Value::Null | Value::Array(_) | Value::Object(_)) | None => {
                let absent = match self.field.as_str() {
                    "spec.unschedulable" | "spec.hostNetwork" => "false",
                    "status.successful" | "status.replicas" => "0",
                    _ => "",
                };
                self.value == absent
            }
        };
        equal == self.is_equal
    }
}

fn is_indexed(resource: &Resource, field: &str) -> bool {
    let key = resource.qualified();
    matches!(field, "metadata.name" | "metadata.namespace")
        || FIELDS.iter().any(|(known, fields)| *known == key && fields.contains(&field))
}

/// Where the field lies in the stored object; all events are stored in the shape of the core group.
fn pointer(field: &str) -> String {
    let stored = match field {
        "source" => "source.component".to_owned(),
        "reportingController" => "reportingComponent".to_owned(),
        "status.successful" => "status.succeeded".to_owned(),
        other => other.replacen("regarding.", "involvedObject.", 1),
    };
    format!("/{}", stored.replace('.', "/"))
}
