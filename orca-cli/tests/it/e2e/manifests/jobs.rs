//! Pods that are deleted by force: the object of a bare one is gone at once, that of a Job's stays until ORCA has
//! written how it ended.

use super::super::world::{World, pod};

/// A Job that waits for the end of a pod before it makes another.
fn job() -> String {
    let pod = pod("unused");
    let spec = pod.split_once("spec:\n").expect("a spec").1.replace("\n  ", "\n      ");
    format!(
        "apiVersion: batch/v1\nkind: Job\nmetadata: {{name: careful}}\nspec:\n  podReplacementPolicy: Failed\n  \
         template:\n    metadata:\n      annotations: {{orca.research/instance-type: t3.micro}}\n    \
         spec:\n    {spec}"
    )
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
#[ignore = "needs the real servers: run orca-testkit/servers/prepare first"]
async fn a_job_replaces_a_pod_that_was_deleted_by_force_and_its_instance_ends() {
    let world = World::real().await;
    let _orca = world.orca().await;
    world.apply(&job()).await;
    let first = world.running(1).await.remove(0);
    let name = first["metadata"]["name"].as_str().expect("a name").to_owned();
    let finalizers = &first["metadata"]["finalizers"];
    assert_eq!(finalizers[0], "batch.kubernetes.io/job-tracking", "the object outlives its deletion");
    let first_instance = world.probe.alive().await.expect("instances").remove(0);

    world.kubectl(&["delete", "pod", &name, "--force", "--grace-period=0", "--wait=false"]).await;
    world
        .eventually("B51: the instance ends and the object goes", || async {
            let alive = world.probe.alive().await.ok()?;
            let is_over = alive.iter().all(|instance| instance.id != first_instance.id);
            let pods = world.pods().await;
            (is_over && pods.iter().all(|pod| pod["metadata"]["name"] != name)).then_some(())
        })
        .await;
    assert_eq!(world.audited("delete", "pods"), 0, "B51: what was deleted is not deleted again");
    let second = world.running(1).await.remove(0);
    assert_ne!(second["metadata"]["uid"], first["metadata"]["uid"], "B51: the Job made another pod");
    let job = world.object(&["get", "job", "careful"]).await.expect("the job");
    assert_eq!(job["status"]["failed"], 1, "the first one failed: {job}");
    world.assert_one_instance_each(2);
    assert_eq!(world.probe.alive().await.expect("instances").len(), 1);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
#[ignore = "needs the real servers: run orca-testkit/servers/prepare first"]
async fn the_instance_of_a_bare_pod_that_was_deleted_by_force_ends_although_no_object_is_left() {
    let world = World::real().await;
    let _orca = world.orca().await;
    world.apply(&pod("bare")).await;
    world.running(1).await;
    world.kubectl(&["delete", "pod", "bare", "--force", "--grace-period=0"]).await;
    assert!(world.pods().await.is_empty(), "the object is gone");
    world
        .eventually("B46: the instance ends", || async {
            world.probe.alive().await.ok()?.is_empty().then_some(())
        })
        .await;
    world.assert_one_instance_each(1);
}
