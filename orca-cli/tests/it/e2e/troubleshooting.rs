//! The commands of `docs/troubleshooting.md`, run as they stand there: each has to find what it speaks of.

use super::world::{World, pod};

const PAGE: &str = include_str!("../../../../docs/troubleshooting.md");
/// What the page calls the pod.
const POD: &str = "gpu-training";
const ORCA: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../examples/kubernetes");

/// The commands of the page for this program, without its name.
fn commands(program: &str) -> Vec<Vec<&str>> {
    let commands = PAGE.lines().filter_map(|line| line.strip_prefix("$ ")?.strip_prefix(program));
    commands.map(|rest| rest.split_whitespace().map(|word| word.trim_matches('\'')).collect()).collect()
}

#[test]
fn each_symptom_ends_with_a_command() {
    let symptoms = PAGE.split("\n# ").next().expect("the first part").split("\n## ").skip(1);
    for symptom in symptoms.filter(|part| !part.starts_with("No logs")) {
        assert!(symptom.trim_end().ends_with("```") && symptom.contains("\n$ "), "{symptom}");
    }
    let found = [commands("kubectl ").len(), commands("aws ").len()];
    assert!(found[0] > 10 && found[1] == 1, "{found:?}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
#[ignore = "needs the real servers: run orca-testkit/servers/prepare first"]
async fn every_command_of_the_page_works() {
    let world = World::real().await;
    let _orca = world.orca().await;
    world.kubectl(&["apply", "-k", ORCA]).await;
    world.apply(&pod(POD)).await;
    world.running(1).await;
    let mut silent = Vec::new();
    // No kubelet runs ORCA's own pod here, so it has no logs.
    for command in commands("kubectl ").into_iter().filter(|command| command[0] != "logs") {
        if world.kubectl(&command).await.trim().is_empty() {
            silent.push(command.join(" "));
        }
    }
    // A pod that is well has no reason, waits for nothing, and nobody holds it.
    let may_be = |command: &String| {
        ["state.waiting", "status.reason", "finalizers", "type=Warning", "kind=Node"]
            .iter()
            .any(|part| command.contains(part))
    };
    silent.retain(|command| !may_be(command));
    assert_eq!(silent, Vec::<String>::new(), "these find nothing");
}
