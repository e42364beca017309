//! The kinds of objects that the API server knows, and how each of them behaves.

mod table;

pub use table::*;

use std::cmp::Ordering;
use std::fmt;

/// A kind of object in one version of its API group.
#[expect(clippy::struct_excessive_bools, reason = "a table of independent properties")]
#[derive(Clone, Copy)]
pub struct Resource {
    /// The API group; empty for the core group.
    pub group: &'static str,
    /// The version of the group.
    pub version: &'static str,
    /// The name in paths, such as `pods`.
    pub plural: &'static str,
    /// The name for people, such as `pod`.
    pub singular: &'static str,
    /// The kind, such as `Pod`.
    pub kind: &'static str,
    /// Short names for kubectl, such as `po`.
    pub short: &'static [&'static str],
    /// Whether its objects live in a namespace.
    pub namespaced: bool,
    /// The paths below an object, such as `status`.
    pub subresources: &'static [&'static str],
    /// Whether `metadata.generation` counts the changes of the wish.
    pub counts: bool,
    /// Whether a deletion answers with the object instead of a status.
    pub returns_deleted: bool,
    /// Whether `kubectl get all` shows it.
    pub in_all: bool,
}

impl Resource {
    const fn new(
        group: &'static str,
        version: &'static str,
        plural: &'static str,
        kind: &'static str,
        singular: &'static str,
    ) -> Self {
        Self {
            group,
            version,
            plural,
            singular,
            kind,
            short: &[],
            namespaced: true,
            subresources: &[],
            counts: false,
            returns_deleted: false,
            in_all: false,
        }
    }

    const fn short(mut self, short: &'static [&'static str]) -> Self {
        self.short = short;
        self
    }

    const fn cluster(mut self) -> Self {
        self.namespaced = false;
        self
    }

    const fn with(mut self, subresources: &'static [&'static str]) -> Self {
        self.subresources = subresources;
        self
    }

    const fn counts(mut self) -> Self {
        self.counts = true;
        self
    }

    const fn returns_deleted(mut self) -> Self {
        self.returns_deleted = true;
        self
    }

    const fn in_all(mut self) -> Self {
        self.in_all = true;
        self
    }

    /// `v1` or `group/version`, as objects spell it.
    #[must_use]
    pub fn api_version(&self) -> String {
        if self.group.is_empty() {
            self.version.to_owned()
        } else {
            format!("{}/{}", self.group, self.version)
        }
    }

    /// `pods` or `jobs.batch`, as error messages spell it.
    #[must_use]
    pub fn qualified(&self) -> String {
        if self.group.is_empty() { self.plural.to_owned() } else { format!("{}.{}", self.plural, self.group) }
    }

    /// `Pod` or `Job.batch`, as error messages about content spell it.
    #[must_use]
    pub fn qualified_kind(&self) -> String {
        if self.group.is_empty() { self.kind.to_owned() } else { format!("{}.{}", self.kind, self.group) }
    }

    /// Whether this path lies below its objects.
    #[must_use]
    pub fn has(&self, subresource: &str) -> bool {
        self.subresources.contains(&subresource)
    }

    /// The resource under which its objects are kept: both APIs for events share one.
    #[must_use]
    pub fn stored(&self) -> &'static Resource {
        // Most callers have one of the statics; to compare names is much slower.
        let same = ALL.iter().find(|known| std::ptr::eq(**known, self));
        match same.or_else(|| ALL.iter().find(|known| **known == self)) {
            Some(_) if self == &EVENTS_V1 => &EVENTS,
            Some(known) => known,
            None => &EVENTS,
        }
    }

    fn key(&self) -> (&'static str, &'static str) {
        (self.group, self.plural)
    }
}

/// The resource with this place in the API's paths.
#[must_use]
pub fn find(group: &str, version: &str, plural: &str) -> Option<&'static Resource> {
    ALL.iter()
        .copied()
        .find(|resource| resource.group == group && resource.version == version && resource.plural == plural)
}

/// The resource of an object with these type fields.
#[must_use]
pub fn of_kind(api_version: &str, kind: &str) -> Option<&'static Resource> {
    ALL.iter().copied().find(|resource| resource.kind == kind && resource.api_version() == api_version)
}

impl PartialEq for Resource {
    fn eq(&self, other: &Self) -> bool {
        std::ptr::eq(self, other) || self.key() == other.key()
    }
}

impl Eq for Resource {}

impl PartialOrd for Resource {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl Ord for Resource {
    fn cmp(&self, other: &Self) -> Ordering {
        if std::ptr::eq(self, other) {
            return Ordering::Equal;
        }
        self.key().cmp(&other.key())
    }
}

impl fmt::Debug for Resource {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str(&self.qualified())
    }
}
