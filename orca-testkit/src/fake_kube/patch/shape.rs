//! How lists are merged, by the name of their field: as a whole, by a key of their items, or as a set.

use serde_json::Value;

/// How a strategic merge patch merges a list.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Strategy {
    /// The new list takes the place of the old one.
    Replace,
    /// Items with the same value of this field are one.
    ByKey(&'static str),
    /// Values are added that are not there yet.
    Union,
}

/// The strategy of a strategic merge patch.
pub(crate) fn strategy(field: &str, items: &[Value]) -> Strategy {
    match field {
        "containers"
        | "initContainers"
        | "ephemeralContainers"
        | "env"
        | "volumes"
        | "imagePullSecrets"
        | "secrets"
        | "schedulingGates"
        | "resourceClaims"
        | "resourceClaimStatuses" => Strategy::ByKey("name"),
        "volumeMounts" => Strategy::ByKey("mountPath"),
        "volumeDevices" => Strategy::ByKey("devicePath"),
        "conditions" | "addresses" => Strategy::ByKey("type"),
        "ownerReferences" => Strategy::ByKey("uid"),
        "hostAliases" | "podIPs" | "hostIPs" => Strategy::ByKey("ip"),
        "topologySpreadConstraints" => Strategy::ByKey("topologyKey"),
        "ports" if items.iter().any(|item| item.get("port").is_some()) => Strategy::ByKey("port"),
        "ports" => Strategy::ByKey("containerPort"),
        "finalizers" | "podCIDRs" => Strategy::Union,
        _ => Strategy::Replace,
    }
}

/// How server-side apply tells the items of a list apart.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Items {
    /// The list is one value.
    Atomic,
    /// By these fields.
    Keyed(&'static [&'static str]),
    /// Each value once.
    Set,
}

/// The kind of list behind this field, for server-side apply.
pub(crate) fn items(field: &str, list: &[Value]) -> Items {
    match field {
        "topologySpreadConstraints" => Items::Keyed(&["topologyKey", "whenUnsatisfiable"]),
        "finalizers" => Items::Set,
        "podCIDRs" => Items::Atomic,
        _ => match strategy(field, list) {
            Strategy::ByKey("containerPort") => Items::Keyed(&["containerPort", "protocol"]),
            Strategy::ByKey("port") => Items::Keyed(&["port", "protocol"]),
            Strategy::ByKey("name") => Items::Keyed(&["name"]),
            Strategy::ByKey("mountPath") => Items::Keyed(&["mountPath"]),
            Strategy::ByKey("devicePath") => Items::Keyed(&["devicePath"]),
            Strategy::ByKey("type") => Items::Keyed(&["type"]),
            Strategy::ByKey("uid") => Items::Keyed(&["uid"]),
            Strategy::ByKey("ip") => Items::Keyed(&["ip"]),
            Strategy::ByKey(_) | Strategy::Union | Strategy::Replace => Items::Atomic,
        },
    }
}

/// Whether server-side apply takes the object behind this field as one value.
pub(crate) fn is_atomic_map(field: &str) -> bool {
    matches!(
        field,
        "selector"
            | "labelSelector"
            | "namespaceSelector"
            | "nodeSelector"
            | "nodeSelectorTerms"
            | "fieldRef"
            | "resourceFieldRef"
            | "configMapKeyRef"
            | "secretKeyRef"
            | "roleRef"
    )
}
