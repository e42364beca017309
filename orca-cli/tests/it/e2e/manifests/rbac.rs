//! The rights of ORCA: every one that it uses is given, and every one that is given is used.

use std::collections::BTreeSet;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use k8s_openapi::api::core::v1::Pod;
use kube::Api;
use kube::api::{Patch, PatchParams};
use orca_testkit::servers::Kubectl;
use serde_json::{Value, json};

use super::super::world::{NODE, World, client, condition};
use super::{RBAC, documents, pod};

const USER: &str = "system:serviceaccount:kube-system:orca";

/// One thing that ORCA does.
struct Need {
    verb: &'static str,
    /// With its subresource.
    resource: &'static str,
    group: &'static str,
    /// Empty: the request is about the cluster, or about all namespaces.
    namespace: &'static str,
    /// Empty: any name.
    name: &'static str,
    why: &'static str,
}

const fn need(
    verb: &'static str,
    (resource, group): (&'static str, &'static str),
    (namespace, name): (&'static str, &'static str),
    why: &'static str,
) -> Need {
    Need { verb, resource, group, namespace, name, why }
}

const NODES: (&str, &str) = ("nodes", "");
const PODS: (&str, &str) = ("pods", "");
const LEASES: (&str, &str) = ("leases", "coordination.k8s.io");
const HEARTBEAT: (&str, &str) = ("kube-node-lease", NODE);
const LEADER: (&str, &str) = ("kube-system", NODE);

/// Everything that ORCA does. Who adds a call adds it here, and the right for it.
const NEEDS: [Need; 19] = [
    need("create", NODES, ("", ""), "the node is registered, and comes back when somebody deletes it"),
    need("get", NODES, ("", NODE), "an existing node is adopted"),
    need("list", NODES, ("", NODE), "the watch on the own node begins with a list"),
    need("watch", NODES, ("", NODE), "a deleted node is noticed at once"),
    need("patch", NODES, ("", NODE), "labels and taints that somebody removed are put back"),
    need("patch", ("nodes/status", ""), ("", NODE), "Ready, CloudReachable, capacity"),
    need("get", PODS, ("default", ""), "after a conflict the pod is read anew"),
    need("list", PODS, ("", ""), "the watch on the node's pods begins with a list"),
    need("watch", PODS, ("", ""), "new and deleted pods"),
    need("delete", PODS, ("default", ""), "a deleted pod whose instance has ended goes"),
    need("patch", ("pods/status", ""), ("default", ""), "the launch record, and what the pod shows"),
    need("get", ("namespaces", ""), ("", "kube-system"), "its UID is the cluster's identity in tags"),
    need("create", ("events", "events.k8s.io"), ("default", ""), "what people read in describe"),
    need("create", LEASES, ("kube-node-lease", ""), "the first heartbeat"),
    need("get", LEASES, HEARTBEAT, "a heartbeat after a conflict or a restart"),
    need("update", LEASES, HEARTBEAT, "the heartbeat"),
    need("create", LEASES, ("kube-system", ""), "the first leader"),
    need("get", LEASES, LEADER, "who leads"),
    need("update", LEASES, LEADER, "to lead, to go on leading, and to give the lead back"),
];

/// Verb, resource, group, namespace.
type Use = (String, String, String, String);

impl Need {
    fn as_use(&self) -> Use {
        (self.verb.into(), self.resource.into(), self.group.into(), self.namespace.into())
    }

    /// Whether the API server lets ORCA do it.
    async fn is_allowed(&self, kubectl: &Kubectl) -> bool {
        let (resource, subresource) = self.resource.split_once('/').unwrap_or((self.resource, ""));
        let group = if self.group.is_empty() { String::new() } else { format!(".{}", self.group) };
        let name = if self.name.is_empty() { String::new() } else { format!("/{}", self.name) };
        let (what, subresource) =
            (format!("{resource}{group}{name}"), format!("--subresource={subresource}"));
        let (user, namespace) = (format!("--as={USER}"), format!("--namespace={}", self.namespace));
        let whole = if self.namespace.is_empty() { "--all-namespaces" } else { namespace.as_str() };
        kubectl.run(&["auth", "can-i", self.verb, &what, &subresource, whole, &user]).await.is_ok()
    }

    /// Whether this verb of a rule is what allows it.
    fn is_given_by(&self, document: &Value, rule: &Value, verb: &str) -> bool {
        let has = |key: &str, value: &str| {
            rule[key].as_array().is_some_and(|values| values.iter().any(|one| one == value))
        };
        let names = rule["resourceNames"].as_array();
        let fits_name = names.is_none_or(|names| names.iter().any(|name| name == self.name));
        let fits_place =
            document["kind"] == "ClusterRole" || document["metadata"]["namespace"] == self.namespace;
        self.verb == verb
            && has("apiGroups", self.group)
            && has("resources", self.resource)
            && fits_name
            && fits_place
    }
}

/// Every role with one verb less, and the need that it then cannot serve.
fn weakened() -> Vec<(Value, Value, &'static Need)> {
    let mut all = Vec::new();
    for document in documents(RBAC) {
        let rules = document["rules"].as_array().cloned().unwrap_or_default();
        for (index, rule) in rules.iter().enumerate() {
            for verb in rule["verbs"].as_array().into_iter().flatten().filter_map(Value::as_str) {
                let served = NEEDS.iter().filter(|need| need.is_given_by(&document, rule, verb));
                let served: Vec<&Need> = served.collect();
                assert_eq!(served.len(), 1, "one need for {verb} of {rule}");
                let mut weaker = document.clone();
                let verbs = weaker["rules"][index]["verbs"].as_array_mut().expect("verbs");
                verbs.retain(|one| one != verb);
                if verbs.is_empty() {
                    weaker["rules"].as_array_mut().expect("rules").remove(index);
                }
                all.push((document.clone(), weaker, served[0]));
            }
        }
    }
    all
}

#[test]
fn every_verb_in_the_shipped_rbac_serves_one_need() {
    assert_eq!(weakened().len(), NEEDS.len());
    assert!(NEEDS.iter().all(|need| !need.why.is_empty()));
    assert!(!RBAC.contains('*'), "no wildcard");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
#[ignore = "needs the real servers: run orca-testkit/servers/prepare first"]
async fn each_verb_is_what_allows_its_need() {
    let world = World::real().await;
    let kubectl = world.plane().kubectl();
    let allowed = async |need: &Need, is: bool| {
        let what = format!("{} {} is allowed: {is} ({})", need.verb, need.resource, need.why);
        world.eventually(&what, || async { (need.is_allowed(kubectl).await == is).then_some(()) }).await;
    };
    for need in &NEEDS {
        allowed(need, true).await;
    }
    for (whole, weaker, need) in weakened() {
        world.apply(&weaker.to_string()).await;
        allowed(need, false).await;
        world.apply(&whole.to_string()).await;
        allowed(need, true).await;
    }
    for (verb, what) in [
        ("get", "secrets"),
        ("list", "configmaps"),
        ("create", "pods"),
        ("patch", "pods"),
        ("delete", "nodes/orca-aws-node"),
        ("patch", "nodes/other"),
        ("get", "namespaces/default"),
        ("update", "leases.coordination.k8s.io/other"),
    ] {
        let user = format!("--as={USER}");
        let answer = kubectl.run(&["auth", "can-i", verb, what, &user, "-n", "kube-system"]).await;
        assert!(answer.is_err(), "{verb} {what}");
    }
}

/// What ORCA did, by the audit log.
fn used(world: &World) -> BTreeSet<Use> {
    let log = std::fs::read_to_string(world.plane().audit_log()).expect("the audit log");
    let entries = log.lines().filter_map(|line| serde_json::from_str::<Value>(line).ok());
    let ours = entries.filter(|entry| entry["user"]["username"] == USER && entry["objectRef"].is_object());
    ours.map(|entry| {
        let object = &entry["objectRef"];
        let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
        let resource = [text(&object["resource"]), text(&object["subresource"])];
        let resource = resource.iter().filter(|part| !part.is_empty()).cloned().collect::<Vec<_>>().join("/");
        let namespace = if resource == "namespaces" { String::new() } else { text(&object["namespace"]) };
        (text(&entry["verb"]), resource, text(&object["apiGroup"]), namespace)
    })
    .collect()
}

/// Changes a pod without end while ORCA writes its status, until ORCA has met a conflict and read the pod anew.
async fn provoke_a_conflict(world: &World) {
    let client = client(world.plane().admin_kubeconfig()).await;
    let is_done = Arc::new(AtomicBool::new(false));
    let stop = Arc::clone(&is_done);
    let writer = tokio::spawn(async move {
        let api: Api<Pod> = Api::default_namespaced(client);
        let mut count = 0_u64;
        while !stop.load(Ordering::Relaxed) {
            count += 1;
            let patch = json!({ "metadata": { "labels": { "count": count.to_string() } } });
            // The pod comes and goes meanwhile.
            let _missing = api.patch("contended", &PatchParams::default(), &Patch::Merge(patch)).await;
        }
    });
    world
        .eventually("ORCA reads a pod anew after a conflict", || async {
            world.apply(&pod("contended")).await;
            world.running(1).await;
            world.kubectl(&["delete", "pod", "contended", "--timeout=55s"]).await;
            (world.audited("get", "pods") > 0).then_some(())
        })
        .await;
    is_done.store(true, Ordering::Relaxed);
    writer.await.expect("the writer ends");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
#[ignore = "needs the real servers: run orca-testkit/servers/prepare first"]
async fn a_whole_life_uses_exactly_the_rights_that_are_listed() {
    let world = World::real().await;
    let orca = world.orca().await;
    world.apply(&pod("short")).await;
    world.running(1).await;
    world.kubectl(&["delete", "pod", "short", "--timeout=55s"]).await;
    provoke_a_conflict(&world).await;
    world.kubectl(&["label", "node", NODE, "type-"]).await;
    world
        .eventually("the label is back", || async {
            let node = world.object(&["get", "node", NODE]).await?;
            (node["metadata"]["labels"]["type"] == "virtual-kubelet").then_some(())
        })
        .await;
    world.apply(&pod("kept")).await;
    let kept = world.running(1).await.remove(0);
    let old = world.object(&["get", "node", NODE]).await.expect("the node");
    world.kubectl(&["delete", "node", NODE, "--wait=false"]).await;
    world
        .eventually("the node is back", || async {
            let node = world.object(&["get", "node", NODE]).await?;
            let is_new = node["metadata"]["uid"] != old["metadata"]["uid"];
            (is_new && condition(&node, "Ready")? == "True").then_some(())
        })
        .await;
    assert_eq!(orca.stop().await, Some(0));
    let second = world.orca().await;
    world
        .eventually("the next process leads and renews the heartbeat", || async {
            (world.audited("update", "leases") > 3 && second.log().contains("Starting ORCA virtual node"))
                .then_some(())
        })
        .await;
    let still = world.running(1).await.remove(0);
    assert_eq!(still["metadata"]["uid"], kept["metadata"]["uid"], "A19: the pod outlives the node object");
    assert_eq!(world.probe.alive().await.expect("instances").len(), 1, "A19: and so does its instance");
    assert_eq!(second.stop().await, Some(0));

    let listed: BTreeSet<Use> = NEEDS.iter().map(Need::as_use).collect();
    let mut used = used(&world);
    // Everybody may ask who they are, by Kubernetes' own role system:basic-user.
    used.retain(|(verb, resource, _, _)| (&**verb, &**resource) != ("create", "selfsubjectreviews"));
    let (missing, unused): (Vec<_>, Vec<_>) =
        (used.difference(&listed).collect(), listed.difference(&used).collect());
    assert!(missing.is_empty(), "ORCA did what is not listed: {missing:?}");
    assert!(unused.is_empty(), "listed, and ORCA did not do it: {unused:?}");
}
