//! From a path to what it means.

use super::resource::{self, Resource};

/// The subject of a request.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Route {
    /// Objects, or something below one of them.
    Objects(Place),
    /// A review, which is answered and not kept: group, version, plural.
    Review(String, String, String),
    /// The health of the server: `healthz`, `livez`, `readyz`.
    Health,
    /// The version of the server.
    Version,
    /// The versions of the core group, or with it all of its resources at once.
    Core,
    /// All groups, or with them all of their resources at once.
    Groups,
    /// One group.
    Group(String),
    /// The resources of one version of a group; the group is empty for the core.
    Resources(String, String),
    /// The list of schema documents.
    Schemas,
    /// The schema document of one version of a group.
    Schema(String, String),
}

/// A collection, an object, or a path below an object.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Place {
    pub(crate) resource: &'static Resource,
    /// None means all namespaces; empty for objects of the cluster.
    pub(crate) namespace: Option<String>,
    pub(crate) name: Option<String>,
    pub(crate) subresource: Option<String>,
}

impl Place {
    /// The namespace as the store wants it.
    pub(crate) fn space(&self) -> &str {
        self.namespace.as_deref().unwrap_or_default()
    }

    /// The name; empty for a collection.
    pub(crate) fn title(&self) -> &str {
        self.name.as_deref().unwrap_or_default()
    }

    pub(crate) fn below(&self) -> &str {
        self.subresource.as_deref().unwrap_or_default()
    }
}

/// Finds out what a path means; None is a path that does not exist.
pub(crate) fn parse(path: &str) -> Option<Route> {
    let parts: Vec<String> = path.split('/').filter(|part| !part.is_empty()).map(decode).collect();
    let parts: Vec<&str> = parts.iter().map(String::as_str).collect();
    let owned = |text: &&str| (*text).to_owned();
    match parts.as_slice() {
        ["healthz" | "livez" | "readyz", ..] => Some(Route::Health),
        ["version"] => Some(Route::Version),
        ["api"] => Some(Route::Core),
        ["apis"] => Some(Route::Groups),
        ["apis", group] => Some(Route::Group(owned(group))),
        ["api", version] => Some(Route::Resources(String::new(), owned(version))),
        ["apis", group, version] => Some(Route::Resources(owned(group), owned(version))),
        ["openapi", "v3"] => Some(Route::Schemas),
        ["openapi", "v3", "api", version] => Some(Route::Schema(String::new(), owned(version))),
        ["openapi", "v3", "apis", group, version] => Some(Route::Schema(owned(group), owned(version))),
        ["api", version, rest @ ..] => objects("", version, rest),
        ["apis", group, version, plural]
            if group.starts_with("authentic") || group.starts_with("authoriz") =>
        {
            Some(Route::Review(owned(group), owned(version), owned(plural)))
        }
        ["apis", group, version, rest @ ..] => objects(group, version, rest),
        _ => None,
    }
}

fn objects(group: &str, version: &str, rest: &[&str]) -> Option<Route> {
    let (namespace, rest) = match rest {
        ["namespaces", namespace, plural, ..] if !matches!(*plural, "status" | "finalize") => {
            (Some((*namespace).to_owned()), &rest[2..])
        }
        _ => (None, rest),
    };
    let (plural, name, subresource) = match rest {
        [plural] => (*plural, None, None),
        [plural, name] => (*plural, Some((*name).to_owned()), None),
        [plural, name, below] => (*plural, Some((*name).to_owned()), Some((*below).to_owned())),
        _ => return None,
    };
    // Bindings can be created beside the pods as well.
    if group.is_empty() && plural == "bindings" && name.is_none() {
        let subresource = Some("binding".to_owned());
        return Some(Route::Objects(Place { resource: &resource::PODS, namespace, name: None, subresource }));
    }
    let resource = resource::find(group, version, plural)?;
    if subresource.as_deref().is_some_and(|below| !resource.has(below)) {
        return None;
    }
    if namespace.is_some() != resource.namespaced && (namespace.is_some() || name.is_some()) {
        return None;
    }
    let namespace = if resource.namespaced { namespace } else { Some(String::new()) };
    Some(Route::Objects(Place { resource, namespace, name, subresource }))
}

/// Undoes percent-encoding.
fn decode(part: &str) -> String {
    let bytes = part.as_bytes();
    let (mut out, mut at) = (Vec::with_capacity(bytes.len()), 0);
    while at < bytes.len() {
        let code = part.get(at + 1..at + 3).and_then(|digits| u8::from_str_radix(digits, 16).ok());
        match (bytes[at], code) {
            (b'%', Some(byte)) => {
                out.push(byte);
                at += 3;
            }
            (byte, _) => {
                out.push(byte);
                at += 1;
            }
        }
    }
    String::from_utf8_lossy(&out).into_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    type Parts = (String, Option<String>, Option<String>, Option<String>);

    fn place(path: &str) -> Option<Parts> {
        match parse(path) {
            Some(Route::Objects(place)) => {
                Some((place.resource.qualified(), place.namespace, place.name, place.subresource))
            }
            _ => None,
        }
    }

    #[test]
    fn paths_of_objects() {
        let some = |text: &str| Some(text.to_owned());
        let at = |plural: &str, namespace, name, below| Some((plural.to_owned(), namespace, name, below));
        assert_eq!(place("/api/v1/pods"), at("pods", None, None, None));
        assert_eq!(
            place("/api/v1/namespaces/d/pods/p/status"),
            at("pods", some("d"), some("p"), some("status"))
        );
        assert_eq!(
            place("/api/v1/namespaces/d/status"),
            at("namespaces", some(""), some("d"), some("status"))
        );
        assert_eq!(place("/api/v1/nodes/n"), at("nodes", some(""), some("n"), None));
        assert_eq!(place("/apis/batch/v1/namespaces/d/jobs"), at("jobs.batch", some("d"), None, None));
        assert_eq!(place("/api/v1/namespaces/d/nodes/n"), None);
        assert_eq!(place("/api/v1/pods/p"), None);
        assert_eq!(place("/api/v1/namespaces/d/pods/p/nothing"), None);
    }

    #[test]
    fn names_may_be_encoded() {
        let path = "/apis/rbac.authorization.k8s.io/v1/clusterroles/system%3Anode";
        assert_eq!(place(path).and_then(|place| place.2).as_deref(), Some("system:node"));
    }
}
