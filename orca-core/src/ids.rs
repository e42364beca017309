//! Identifiers: who owns an instance, and which pod it is for.
//!
//! A pod is identified by its UID alone: a new pod can have the namespace and name of an earlier one. An owner is a cluster
//! and a node; everything that ORCA lists, adopts or terminates belongs to one owner.

use std::fmt;
use std::sync::Arc;

use serde::{Deserialize, Serialize};

macro_rules! identifier {
    ($(#[$doc:meta])* $name:ident) => {
        $(#[$doc])*
        #[derive(Clone, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
        #[serde(transparent)]
        pub struct $name(Arc<str>);

        impl $name {
            /// Wraps the text as it is. Nothing is checked.
            pub fn new(text: impl AsRef<str>) -> Self {
                Self(Arc::from(text.as_ref()))
            }

            /// The text as it is written in the API.
            #[must_use]
            pub fn as_str(&self) -> &str {
                &self.0
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str(&self.0)
            }
        }

        impl fmt::Debug for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                fmt::Debug::fmt(&*self.0, f)
            }
        }

        impl From<&str> for $name {
            fn from(text: &str) -> Self {
                Self::new(text)
            }
        }
    };
}

identifier! {
    /// The UID of a pod, as in `metadata.uid`.
    PodUid
}
identifier! {
    /// The identity of a cluster: the UID of namespace `kube-system`, or `cluster.id` of the config.
    ClusterId
}
identifier! {
    /// The name of the virtual node.
    NodeName
}
identifier! {
    /// Where a back end's instances live, as the back end writes it: for EC2 account and region, as
    /// `123456789012/us-west-2`. A list made under one identity says nothing about instances launched under another.
    CloudIdentity
}
identifier! {
    /// The cloud's name of one instance, such as `i-0123456789abcdef0`.
    InstanceId
}

/// Whom an instance belongs to: a virtual node of a cluster.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Owner {
    /// The cluster.
    pub cluster: ClusterId,
    /// The virtual node.
    pub node: NodeName,
}

/// A pod by name and by UID. The UID identifies it; the names are for calls to the API server, and for people.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct PodRef {
    /// `metadata.namespace`.
    pub namespace: Arc<str>,
    /// `metadata.name`.
    pub name: Arc<str>,
    /// `metadata.uid`.
    pub uid: PodUid,
}

impl PodRef {
    /// The pod that has this namespace, name and UID.
    #[must_use]
    pub fn new(namespace: &str, name: &str, uid: &str) -> Self {
        Self { namespace: Arc::from(namespace), name: Arc::from(name), uid: PodUid::new(uid) }
    }
}

impl fmt::Display for PodRef {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}/{} ({})", self.namespace, self.name, self.uid)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_pod_is_displayed_with_its_names_and_its_uid() {
        assert_eq!(PodRef::new("ml", "train", "u").to_string(), "ml/train (u)");
    }
}
