//! What nobody may touch because its tags do not say whose it is: it stays, and people are told which tag, and what to do.

use super::*;

fn told(harness: &Harness, reason: &str) -> Vec<String> {
    harness.garbage.parts.events.published(reason)
}

fn shows(harness: &Harness, reason: &str, words: &[&str]) {
    let told = told(harness, reason);
    let is_said = |text: &String| words.iter().all(|word| text.contains(word));
    assert!(told.iter().any(is_said), "{reason} says {words:?}: {told:?}");
}

#[tokio::test(start_paused = true)]
async fn an_instance_of_this_node_that_names_no_pod_stays_and_is_told() {
    let nameless = Instance { pod: None, ..instance("i-nameless", "a") };
    let mut harness = Harness::new(vec![nameless], vec![]);
    harness.turns(2).await;
    assert_eq!(told(&harness, "InstanceNotOwned"), Vec::<String>::new(), "tags may be a moment late");
    harness.turns(2).await;
    shows(&harness, "InstanceNotOwned", &["i-nameless", "orca.research/pod-uid", "by hand"]);
    assert_eq!(told(&harness, "InstanceNotOwned").len(), 1, "once for the same instances");
    assert_eq!(harness.alive(), ["i-nameless"]);
}

#[tokio::test(start_paused = true)]
async fn an_instance_of_another_node_that_a_back_end_lists_is_not_told_as_ours() {
    let owner = Some(Owner { node: "m".into(), ..owner() });
    let other = Instance { pod: None, owner, ..instance("i-other", "a") };
    let mut harness = Harness::new(vec![other], vec![]);
    harness.turns(5).await;
    assert_eq!(told(&harness, "InstanceNotOwned"), Vec::<String>::new());
    assert_eq!(harness.alive(), ["i-other"]);
}

#[tokio::test(start_paused = true)]
async fn no_event_says_that_an_instance_ends_whose_tags_contradict_each_other() {
    let retagged = Instance { pod: Some(PodRef::new("ml", "other", "a")), ..instance("i-1", "a") };
    let mut harness = Harness::new(vec![retagged, instance("i-2", "a")], vec![]);
    let pod = object("a", serde_json::json!({}));
    harness.garbage.parts.pods.apply(pod.clone());
    harness.knows("a", Read::There(Box::new(pod)));
    harness.turns(20).await;
    assert_eq!(harness.alive(), ["i-1", "i-2"], "nor does the older one make the other one end");
    shows(&harness, "InstanceNotOwned", &["i-1", "orca.research/pod-name", "\"other\"", "\"a\"", "by hand"]);
    assert_eq!(told(&harness, "SurplusInstance"), Vec::<String>::new());
}

#[tokio::test(start_paused = true)]
async fn the_report_of_what_names_no_node_says_which_tag_is_missing() {
    let mut harness = Harness::new(vec![instance("i-1", "a")], vec![]);
    harness.garbage.parts.pods.apply(object("a", serde_json::json!({})));
    harness.turns(3).await;
    shows(&harness, "ForeignInstances", &["1 instance", "orca.research/node", "\"n\"", "by hand"]);
}

#[tokio::test(start_paused = true)]
async fn a_leftover_that_names_no_pod_stays_and_is_told() {
    let nameless = Leftover { pod: None, ..leftover("vol-nameless", "z") };
    let bare = Leftover { owner: None, pod: None, ..leftover("vol-bare", "z") };
    let mut harness = Harness::new(vec![instance("i-1", "a")], vec![nameless, bare]);
    harness.garbage.parts.pods.apply(object("a", serde_json::json!({})));
    harness.turns(12).await;
    assert_eq!(harness.removed(), Vec::<String>::new());
    shows(
        &harness,
        "LeftoverNotOwned",
        &["1 leftover", "volume vol-nameless", "orca.research/pod-uid", "by hand"],
    );
    assert_eq!(harness.metrics.leftovers_not_owned.get(), 1);
}

#[test]
fn the_report_of_another_node_names_the_tag_and_both_values() {
    let note = notes::foreign(Some(&"m".into()), &"n".into(), &["i-1".into(), "i-2".into()]);
    for word in ["2 instances", "orca.research/node", "\"m\"", "\"n\"", "i-1, i-2", "by hand"] {
        assert!(note.message.contains(word), "{word} is missing: {}", note.message);
    }
}
