//! Garbage collection: what no pod wants ends, what is not ours stays, and too much at once stops everything.

use std::time::Duration;

use serde_json::{Value, json};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};

use super::cluster::{CLUSTER_ROLES, Deletion, EVENTS, NAMESPACES, PODS};
use super::world::{NODE, Orca, World, pod};

anywhere! {
    an_orphan_of_ours_ends_and_nothing_that_is_not_ours_is_touched,
    too_many_orphans_at_once_stop_it_until_it_is_released,
    what_was_force_deleted_while_orca_was_away_ends_and_a_new_pod_of_that_name_stays,
    of_two_instances_of_one_pod_the_recorded_one_stays,
    a_volume_without_instance_and_pod_is_removed_and_no_other,
}
servers_only! {
    an_answer_that_is_no_absence_ends_nothing,
}

/// Fast enough for a test. Nothing younger than a second is ended.
const FAST: &str = "gc: {intervalSeconds: 0.5, minAgeSeconds: 1}\n";
/// A UID that no pod has.
const NOBODY: &str = "00000000-0000-4000-8000-000000000000";

impl World {
    async fn cluster_id(&self) -> String {
        let system = self.cluster.get(NAMESPACES, "kube-system").await.expect("kube-system");
        system["metadata"]["uid"].as_str().expect("a uid").to_owned()
    }

    /// An instance with the tags of this cluster, node and pod that no ORCA launched.
    async fn stray(&self, cluster: &str, node: &str, (name, uid): (&str, &str)) -> String {
        let tags = [
            ("ManagedBy", "ORCA"),
            ("orca.research/cluster", cluster),
            ("orca.research/node", node),
            ("orca.research/pod-namespace", "default"),
            ("orca.research/pod-name", name),
            ("orca.research/pod-uid", uid),
        ];
        self.probe.launch(&self.image, &tags).await.expect("launched")
    }

    async fn alive(&self) -> Vec<String> {
        self.probe.alive().await.expect("instances").into_iter().map(|instance| instance.id).collect()
    }

    async fn ends(&self, id: &str) {
        self.eventually(&format!("{id} ends"), || async {
            (!self.alive().await.iter().any(|alive| alive == id)).then_some(())
        })
        .await;
    }

    /// The note of the first event of this reason on the node.
    async fn told(&self, reason: &str) -> String {
        self.eventually(&format!("the node has an event {reason}"), || async {
            let all = self.cluster.list(EVENTS).await;
            let found = all.into_iter().find(|event| {
                event["reason"] == reason
                    && event["regarding"]["kind"] == "Node"
                    && event["regarding"]["name"] == NODE
            });
            found.and_then(|event| event["note"].as_str().map(str::to_owned))
        })
        .await
    }
}

/// The value of a metric, by its whole name with labels.
async fn metric(orca: &Orca, name: &str) -> Option<String> {
    let log = orca.log();
    let line = log.lines().find(|line| line.contains("Serving health and metrics"))?;
    let line: Value = serde_json::from_str(line).ok()?;
    let address = line["address"].as_str().or_else(|| line["fields"]["address"].as_str())?.to_owned();
    let mut stream = tokio::net::TcpStream::connect(&address).await.ok()?;
    let request = format!("GET /metrics HTTP/1.1\r\nhost: {address}\r\nconnection: close\r\n\r\n");
    stream.write_all(request.as_bytes()).await.ok()?;
    let mut text = String::new();
    stream.read_to_string(&mut text).await.ok()?;
    let found = text.lines().find_map(|line| line.strip_prefix(name)?.strip_prefix(' '))?;
    Some(found.to_owned())
}

async fn an_orphan_of_ours_ends_and_nothing_that_is_not_ours_is_touched(world: World) {
    let cluster = world.cluster_id().await;
    let orphan = world.stray(&cluster, NODE, ("gone", NOBODY)).await;
    let other_cluster = world.stray("another-cluster", NODE, ("gone", NOBODY)).await;
    let other_node = world.stray(&cluster, "another-node", ("gone", NOBODY)).await;
    let without_pod = [("orca.research/cluster", cluster.as_str()), ("orca.research/node", NODE)];
    let without_pod = world.probe.launch(&world.image, &without_pod).await.expect("launched");
    let without_tags =
        world.probe.launch(&world.image, &[("Name", "orca-default-gone")]).await.expect("launched");
    world.configure(FAST);
    let orca = world.orca().await;
    world.apply(&pod("wanted")).await;
    world.ends(&orphan).await;
    let note = world.told("OrphanInstanceTerminated").await;
    assert!(note.contains(&orphan) && note.contains("default/gone"), "{note}");
    world.running(1).await;
    world
        .stays(Duration::from_secs(3), "what is not ours is not touched", || async {
            let alive = world.alive().await;
            [&other_cluster, &other_node, &without_pod, &without_tags].iter().all(|id| alive.contains(id))
        })
        .await;
    let alive = world.alive().await;
    assert_eq!(alive.len(), 5, "these and the wanted pod's: {alive:?}");
    for (name, value) in [
        ("orca_orphans_terminated_total", "1"),
        ("orca_orphaned_instances", "0"),
        ("orca_foreign_instances", "1"),
        ("orca_instances_not_owned", "1"),
        ("orca_gc_frozen{cause=\"brake\"}", "0"),
    ] {
        assert_eq!(metric(&orca, name).await.as_deref(), Some(value), "{name}");
    }
    let note = world.told("InstanceNotOwned").await;
    assert!(note.contains(&without_pod) && note.contains("orca.research/pod-uid"), "{note}");
    let log = orca.log();
    assert!(log.contains("ORCA does not touch them") && log.contains(&other_node), "the report: {log}");
    assert_eq!(world.proxy.unsupported(), Vec::<String>::new());
    world.event_says(NODE, "OrphanInstanceTerminated").await;
}

async fn too_many_orphans_at_once_stop_it_until_it_is_released(world: World) {
    let cluster = world.cluster_id().await;
    let mut orphans = Vec::new();
    for number in 0..6 {
        let uid = format!("00000000-0000-4000-8000-00000000000{number}");
        orphans.push(world.stray(&cluster, NODE, ("gone", &uid)).await);
    }
    world.configure(FAST);
    let orca = world.orca().await;
    let note = world.told("OrphanBrake").await;
    assert!(note.contains("gc.releaseBrake: 6") && note.contains(&orphans[5]), "what to do: {note}");
    world.stays(Duration::from_secs(4), "the brake holds", || async { world.alive().await.len() == 6 }).await;
    assert!(world.proxy.calls_of("TerminateInstances").is_empty());
    for (name, value) in [("orca_gc_frozen{cause=\"brake\"}", "1"), ("orca_orphaned_instances", "6")] {
        assert_eq!(metric(&orca, name).await.as_deref(), Some(value), "{name}");
    }
    assert_eq!(orca.stop().await, Some(0));
    world.configure("gc: {intervalSeconds: 0.5, minAgeSeconds: 1, releaseBrake: 6}\n");
    let _orca = world.orca().await;
    for orphan in &orphans {
        world.ends(orphan).await;
    }
}

async fn what_was_force_deleted_while_orca_was_away_ends_and_a_new_pod_of_that_name_stays(world: World) {
    world.configure(FAST);
    let orca = world.orca().await;
    world.apply(&pod("one")).await;
    world.running(1).await;
    let old = world.alive().await.remove(0);
    orca.kill();
    world.cluster.delete(PODS, "one", Deletion::Force).await;
    world.apply(&pod("one")).await;
    let _orca = world.orca().await;
    world.running(1).await;
    world.ends(&old).await;
    world
        .stays(Duration::from_secs(3), "another UID is another pod", || async {
            world.alive().await.len() == 1
        })
        .await;
    world.running(1).await;
}

async fn an_answer_that_is_no_absence_ends_nothing(world: World) {
    let cluster = world.cluster_id().await;
    let orphan = world.stray(&cluster, NODE, ("gone", NOBODY)).await;
    let allow = async |verbs: &[&str]| {
        let change = |role: &mut Value| {
            let rules = role["rules"].as_array_mut().expect("rules");
            let rule = rules.iter_mut().find(|rule| rule["resources"] == json!(["pods"]));
            rule.expect("a rule on pods")["verbs"] = json!(verbs);
        };
        world.cluster.edit(CLUSTER_ROLES, "orca", change).await;
    };
    allow(&["list", "watch", "delete"]).await;
    world.configure(FAST);
    let _orca = world.orca().await;
    world
        .eventually("it was read and refused", || async { (world.audited("get", "pods") >= 4).then_some(()) })
        .await;
    assert_eq!(world.alive().await, [orphan.as_str()], "S13: forbidden is not absent");
    allow(&["get", "list", "watch", "delete"]).await;
    world.ends(&orphan).await;
}

async fn of_two_instances_of_one_pod_the_recorded_one_stays(world: World) {
    let cluster = world.cluster_id().await;
    world.configure(FAST);
    let _orca = world.orca().await;
    world.apply(&pod("one")).await;
    let running = world.running(1).await.remove(0);
    let uid = running["metadata"]["uid"].as_str().expect("a uid").to_owned();
    let recorded = world.alive().await.remove(0);
    let second = world.stray(&cluster, NODE, ("one", &uid)).await;
    world.ends(&second).await;
    let note = world.told("SurplusInstance").await;
    assert!(note.contains(&recorded) && note.contains(&second), "{note}");
    world
        .stays(Duration::from_secs(3), "the recorded one is left alone", || async {
            world.alive().await == [recorded.as_str()]
        })
        .await;
    let after = world.running(1).await.remove(0);
    assert_eq!(after["metadata"]["uid"], uid.as_str(), "the pod goes on");
}

async fn a_volume_without_instance_and_pod_is_removed_and_no_other(world: World) {
    let cluster = world.cluster_id().await;
    let tags = |node: &'static str| {
        [
            ("orca.research/cluster", cluster.as_str()),
            ("orca.research/node", node),
            ("orca.research/pod-namespace", "default"),
            ("orca.research/pod-name", "gone"),
            ("orca.research/pod-uid", NOBODY),
        ]
    };
    let left = world.probe.create_volume(&tags(NODE)).await.expect("a volume");
    let foreign = world.probe.create_volume(&tags("another-node")).await.expect("a volume");
    let bare = world.probe.create_volume(&[("Name", "orca")]).await.expect("a volume");
    let without_pod = [("orca.research/cluster", cluster.as_str()), ("orca.research/node", NODE)];
    let without_pod = world.probe.create_volume(&without_pod).await.expect("a volume");
    world.configure(FAST);
    let _orca = world.orca().await;
    world
        .eventually("the volume is removed", || async {
            (!world.probe.volumes().await.ok()?.contains(&left)).then_some(())
        })
        .await;
    assert!(world.told("LeftoverRemoved").await.contains(&left));
    let note = world.told("LeftoverNotOwned").await;
    assert!(note.contains(&without_pod) && note.contains("orca.research/pod-uid"), "{note}");
    let volumes = world.probe.volumes().await.expect("volumes");
    assert!([&foreign, &bare, &without_pod].iter().all(|id| volumes.contains(id)), "{volumes:?}");
    assert_eq!(world.proxy.unsupported(), Vec::<String>::new());
}
