//! What collects the log lines: each is JSON, each that is about a pod says which, and the first says what runs.

use super::cluster::{Deletion, PODS};
use super::world::{World, bound};
use serde_json::Value;

anywhere! {
    every_line_about_a_pod_names_it_and_the_first_what_runs,
}

async fn every_line_about_a_pod_names_it_and_the_first_what_runs(world: World) {
    let debug = [("ORCA_LOG", "info,orca=debug"), ("ORCA__NODE__PODS", "10")];
    let orca = world.start_with(&debug);
    world.apply(&bound("spoken-of")).await;
    let pod = world.running(1).await.remove(0);
    world.cluster.delete(PODS, "spoken-of", Deletion::Start).await;
    world.empty().await;

    let log = orca.log();
    let lines: Vec<Value> =
        log.lines().map(|line| serde_json::from_str(line).expect("a JSON line")).collect();
    let first = lines.first().expect("a line");
    assert_eq!(
        (&first["message"], &first["version"]),
        (&"Starting ORCA".into(), &env!("CARGO_PKG_VERSION").into())
    );
    assert!(first["revision"].as_str().is_some_and(|revision| !revision.is_empty()), "{first}");
    assert_eq!(first["variables"], "ORCA_LOG ORCA__NODE__PODS", "the sources, without their values");

    let uid = pod["metadata"]["uid"].as_str().expect("a UID");
    let about: Vec<&Value> = lines
        .iter()
        .filter(|line| line.to_string().contains("spoken-of") || line.to_string().contains(uid))
        .collect();
    assert!(about.len() > 5, "{log}");
    for line in about {
        let named = (&line["namespace"], &line["pod"], &line["pod_uid"]);
        assert_eq!(named, (&"default".into(), &"spoken-of".into(), &uid.into()), "{line}");
    }
    for message in ["Pod event", "Launch call answered", "Instance terminating", "Pod object removed"] {
        let line = lines.iter().find(|line| line["message"] == message).expect(message);
        assert_eq!(line["pod_uid"], uid, "{line}");
    }
    let launch = lines.iter().find(|line| line["operation"] == "RunInstances").expect("the launch call");
    assert_eq!(launch["pod"], "spoken-of", "{launch}");
}
