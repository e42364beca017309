//! A whole config file: ORCA's own sections, and the one section of the back end.
//!
//! It is read in one pass, so that every error has its line and column, and an unknown section is refused.

use std::fmt;
use std::marker::PhantomData;

use serde::de::{DeserializeOwned, Deserializer, Error as _, MapAccess, Visitor};
use serde::ser::{SerializeMap, Serializer};
use serde::{Deserialize, Serialize};

use super::findings::Findings;
use super::{Config, ConfigError, Warning, validate};
use crate::cloud::CloudInfo;

/// The section of one back end in the config file. A back end with settings implements it for the type that holds them.
pub trait BackendSection: Clone + fmt::Debug + Default + PartialEq + Serialize + DeserializeOwned {
    /// The key of the section, such as `aws`. It must not be one of ORCA's own.
    const KEY: &'static str;

    /// A section in which every key is set, to any value. The program `orca` finds from it which environment variables there
    /// are. In a map, the key `*` stands for any key.
    fn example() -> Self;

    /// Adds everything that is wrong with the values to `found`, under keys that begin with [`KEY`](Self::KEY).
    fn check(&self, found: &mut Findings);

    /// What the back end says about itself with these settings: the result of
    /// [`CloudClient::info`](crate::cloud::CloudClient::info).
    fn info(&self) -> CloudInfo;

    /// A copy without secrets, to be shown or logged.
    #[must_use]
    fn redacted(&self) -> Self;
}

/// A whole config: ORCA's own sections, and that of the back end `B`.
///
/// Deserialize it from one file. A section that is in neither part, a key that stands twice and a value of the wrong type
/// are errors of the deserializer; [`validate`](Self::validate) finds values that are wrong otherwise.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Document<B> {
    /// ORCA's own sections.
    pub config: Config,
    /// The section of the back end.
    pub backend: B,
}

impl<B: BackendSection> Document<B> {
    /// Every key at the top.
    const KEYS: &'static [&'static str] = &[
        B::KEY,
        "cluster",
        "node",
        "instances",
        "pods",
        "limits",
        "controller",
        "gc",
        "logging",
        "metrics",
        "development",
    ];

    /// Checks every value of both parts. Warnings keep nobody from starting.
    ///
    /// # Errors
    ///
    /// All values that are wrong, each with what to write instead.
    pub fn validate(&self) -> Result<Vec<Warning>, Vec<ConfigError>> {
        let mut found = Findings::default();
        self.backend.check(&mut found);
        validate::check(&self.config, &self.backend.info(), &mut found);
        found.into_result()
    }

    /// A copy without secrets, to be shown or logged.
    #[must_use]
    pub fn redacted(&self) -> Self {
        Self { config: self.config.clone(), backend: self.backend.redacted() }
    }
}

impl<B: BackendSection> Serialize for Document<B> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        // Taken apart so that a section that is added cannot be forgotten here.
        let Config { cluster, node, instances, pods, limits, controller, gc, logging, metrics, development } =
            &self.config;
        let mut map = serializer.serialize_map(Some(Self::KEYS.len()))?;
        map.serialize_entry(B::KEY, &self.backend)?;
        map.serialize_entry("cluster", cluster)?;
        map.serialize_entry("node", node)?;
        map.serialize_entry("instances", instances)?;
        map.serialize_entry("pods", pods)?;
        map.serialize_entry("limits", limits)?;
        map.serialize_entry("controller", controller)?;
        map.serialize_entry("gc", gc)?;
        map.serialize_entry("logging", logging)?;
        map.serialize_entry("metrics", metrics)?;
        map.serialize_entry("development", development)?;
        map.end()
    }
}

impl<'de, B: BackendSection> Deserialize<'de> for Document<B> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_map(Sections(PhantomData))
    }
}

struct Sections<B>(PhantomData<B>);

impl<'de, B: BackendSection> Visitor<'de> for Sections<B> {
    type Value = Document<B>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a config")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Document<B>, A::Error> {
        let Document { mut config, mut backend } = Document::<B>::default();
        let mut seen = Vec::new();
        while let Some(Section(key, _)) = map.next_key::<Section<B>>()? {
            if seen.contains(&key) {
                return Err(A::Error::duplicate_field(key));
            }
            seen.push(key);
            match key {
                "cluster" => config.cluster = map.next_value()?,
                "node" => config.node = map.next_value()?,
                "instances" => config.instances = map.next_value()?,
                "pods" => config.pods = map.next_value()?,
                "limits" => config.limits = map.next_value()?,
                "controller" => config.controller = map.next_value()?,
                "gc" => config.gc = map.next_value()?,
                "logging" => config.logging = map.next_value()?,
                "metrics" => config.metrics = map.next_value()?,
                "development" => config.development = map.next_value()?,
                _ => backend = map.next_value()?,
            }
        }
        Ok(Document { config, backend })
    }
}

/// One of the keys at the top. It is refused while it is read, so that the error is where the key stands.
struct Section<B>(&'static str, PhantomData<B>);

impl<'de, B: BackendSection> Deserialize<'de> for Section<B> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_identifier(Key(PhantomData))
    }
}

struct Key<B>(PhantomData<B>);

impl<B: BackendSection> Visitor<'_> for Key<B> {
    type Value = Section<B>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("the name of a section")
    }

    fn visit_str<E: serde::de::Error>(self, name: &str) -> Result<Section<B>, E> {
        let keys = Document::<B>::KEYS;
        let known = keys.iter().find(|key| **key == name);
        known.map(|key| Section(key, PhantomData)).ok_or_else(|| E::unknown_field(name, keys))
    }
}

#[cfg(test)]
mod tests {
    use serde::de::value::MapDeserializer;

    use super::*;

    #[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
    #[serde(deny_unknown_fields, default)]
    struct Shelf {
        row: u32,
    }

    impl BackendSection for Shelf {
        const KEY: &'static str = "shelf";

        fn example() -> Self {
            Self { row: 1 }
        }

        fn check(&self, found: &mut Findings) {
            if self.row == 0 {
                found.missing("shelf.row", "give a row from 1");
            }
        }

        fn info(&self) -> CloudInfo {
            CloudInfo { provider: "shelf".into(), ..CloudInfo::default() }
        }

        fn redacted(&self) -> Self {
            Self { row: 99 }
        }
    }

    type File = Document<Shelf>;

    #[test]
    fn both_parts_are_read_and_written() {
        let text = "shelf: { row: 3 }\nnode: { name: n }\n";
        let document: File = serde_saphyr::from_str(text).expect("a config");
        assert_eq!((document.backend.row, document.config.node.name.as_str()), (3, "n"));
        let written = serde_saphyr::to_string(&document).expect("YAML");
        assert_eq!(serde_saphyr::from_str::<File>(&written).expect("the same"), document);
        assert_eq!(document.validate(), Ok(vec![]));
    }

    #[test]
    fn what_is_wrong_in_either_part_is_found_at_once() {
        let document: File = serde_saphyr::from_str("node: { cpu: many }").expect("the right shape");
        let errors = document.validate().expect_err("both are wrong");
        let keys: Vec<&str> = errors.iter().map(|error| error.key.as_str()).collect();
        assert_eq!(keys, ["shelf.row", "node.cpu"]);
    }

    #[test]
    fn a_key_of_neither_part_is_refused_where_it_stands() {
        for (text, line, column) in
            [("node: {}\nshelv: {}\n", 2, 1), ("shelf:\n  rows: 1\n", 2, 3), ("aws: {}\n", 1, 1)]
        {
            let error = serde_saphyr::from_str::<File>(text).expect_err("refused");
            let at = error.location().expect("a place");
            assert_eq!((at.line(), at.column()), (line, column), "{error}");
        }
    }

    #[test]
    fn every_section_is_a_key() {
        let written = serde_json::to_value(Config::default()).expect("JSON");
        let sections: Vec<&str> =
            written.as_object().expect("an object").keys().map(String::as_str).collect();
        let mut keys: Vec<&str> = File::KEYS.iter().copied().filter(|key| *key != Shelf::KEY).collect();
        keys.sort_unstable();
        assert_eq!(keys, sections);
    }

    #[test]
    fn every_section_is_read_into_its_place_and_only_once() {
        let text = r#"{
            "shelf": { "row": 3 }, "cluster": { "id": "c" }, "node": { "name": "n" },
            "instances": { "selectionMode": "template" }, "pods": { "daemonSets": "run" },
            "limits": { "dailyBudget": 1.5 }, "controller": { "concurrency": 7 }, "gc": { "releaseBrake": 5 },
            "logging": { "level": "warn" }, "metrics": { "port": 9090 }, "development": { "dryRun": true }
        }"#;
        let document: File = serde_json::from_str(text).expect("a config");
        let given: serde_json::Value = serde_json::from_str(text).expect("JSON");
        let read = serde_json::to_value(&document).expect("JSON");
        for (section, keys) in given.as_object().expect("an object") {
            for (key, value) in keys.as_object().expect("an object") {
                assert_eq!(&read[section][key], value, "{section}.{key}");
            }
        }
        let twice = serde_json::from_str::<File>(r#"{ "node": {}, "node": {} }"#).expect_err("refused");
        assert!(twice.to_string().starts_with("duplicate field `node`"), "{twice}");
    }

    #[test]
    fn only_the_back_ends_section_has_secrets() {
        let document: File =
            serde_json::from_str(r#"{ "shelf": { "row": 3 }, "node": { "name": "n" } }"#).expect("a config");
        let shown = document.redacted();
        assert_eq!((shown.backend.row, shown.config), (99, document.config));
    }

    #[test]
    fn a_value_that_is_no_config_is_refused_with_what_was_expected() {
        let texts = [serde_json::from_str::<File>("[]"), serde_json::from_str::<File>("3")];
        for error in texts.map(|read| read.expect_err("refused").to_string()) {
            assert!(error.contains("expected a config"), "{error}");
        }
        let numbered = MapDeserializer::<_, serde::de::value::Error>::new([(3_u32, 4_u32)].into_iter());
        let error = File::deserialize(numbered).expect_err("refused").to_string();
        assert_eq!(error, "invalid type: integer `3`, expected the name of a section");
    }
}
