//! The tags of a launch: within EC2's bounds, with ORCA's own keys as ORCA means them.

use std::collections::BTreeMap;

use orca_core::cloud::CloudInfo;
use orca_core::config::validate;
use orca_core::tags::{TagSource, owner_in, pod_in, tags};
use orca_core::well_known::{PREFIX, tag};
use orca_core::{Owner, PodRef};
use proptest::prelude::*;

use crate::support::{NOW, at, config, text};

fn user_tags() -> impl Strategy<Value = BTreeMap<String, String>> {
    let own = prop::sample::select(vec![tag::NAME, tag::MANAGED_BY, tag::POD_UID, tag::CLUSTER, tag::NODE]);
    let key = prop_oneof![
        6 => "[a-zA-Z:/]{1,40}",
        2 => text(),
        1 => own.prop_map(str::to_owned),
    ];
    prop::collection::btree_map(key, text(), 0..60)
}

proptest! {
    #[test]
    fn tags_keep_to_the_bounds_and_orcas_own_win(
        user_tags in user_tags(),
        namespace in "[a-z0-9-]{1,63}",
        name in "[a-z0-9.-]{1,253}",
        attempt in 1u32..,
        expires in any::<bool>(),
    ) {
        let owner = Owner { cluster: "cluster".into(), node: "node".into() };
        let pod = PodRef::new(&namespace, &name, "uid");
        let tags = tags(&TagSource {
            owner: &owner,
            pod: &pod,
            attempt,
            instance_type: "t3.micro",
            created_at: at(NOW),
            expires_at: expires.then(|| at(NOW)),
            user_tags: &user_tags,
        });
        let value = |key: &str| tags.get(key).map(String::as_str);
        prop_assert_eq!(owner_in(value), Some(owner));
        prop_assert_eq!(pod_in(value).map(|pod| pod.uid), Some(pod.uid));
        prop_assert_eq!(value(tag::MANAGED_BY), Some("ORCA"));

        // What the config accepts is within the bounds together with ORCA's own.
        let cloud = CloudInfo { tags: user_tags.clone(), ..CloudInfo::default() };
        if validate(&config(), &cloud).is_ok() {
            prop_assert!(tags.len() <= tag::MAX_TAGS);
            for (key, value) in &tags {
                prop_assert!((1..=tag::MAX_KEY_CHARS).contains(&key.chars().count()), "{}", key);
                prop_assert!(value.chars().count() <= tag::MAX_VALUE_CHARS, "{}", value);
                let is_users = user_tags.get(key).is_some_and(|user| user == value);
                prop_assert!(is_users || key.starts_with(PREFIX) || [tag::NAME, tag::MANAGED_BY].contains(&key.as_str()));
            }
        }
    }
}
