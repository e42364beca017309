//! The pods and their rows. The columns were made by the real server.

use jiff::SignedDuration;
use orca_core::clock;
use serde_json::{Value, json};

/// A pod and its row.
pub(super) struct Row {
    pub(super) name: &'static str,
    /// Names of init containers; one that begins with `side` keeps running.
    pub(super) init: &'static [&'static str],
    pub(super) containers: usize,
    pub(super) status: Value,
    /// Ready, Status, Restarts.
    pub(super) printed: [&'static str; 3],
}

fn row(name: &'static str, containers: usize, status: Value, printed: [&'static str; 3]) -> Row {
    Row { name, init: &[], containers, status, printed }
}

fn with_init(
    name: &'static str,
    init: &'static [&'static str],
    status: Value,
    printed: [&'static str; 3],
) -> Row {
    Row { name, init, containers: 1, status, printed }
}

/// A container's entry in this state.
fn entry(name: &str, state: Value) -> Value {
    json!({ "name": name, "image": "example.com/none:1", "imageID": "", "ready": false, "restartCount": 0, "state": state })
}

/// The same with more.
fn more(mut entry: Value, changes: Value) -> Value {
    for (key, value) in changes.as_object().into_iter().flatten() {
        entry[key] = value.clone();
    }
    entry
}

fn waiting(name: &str, reason: &str) -> Value {
    entry(name, json!({ "waiting": { "reason": reason } }))
}

fn runs(name: &str, is_ready: bool) -> Value {
    let running = entry(name, json!({ "running": {} }));
    more(running, json!({ "ready": is_ready, "started": true }))
}

fn ended(name: &str, code: i32, reason: &str) -> Value {
    entry(name, json!({ "terminated": { "exitCode": code, "reason": reason } }))
}

fn killed(name: &str) -> Value {
    entry(name, json!({ "terminated": { "exitCode": 137, "signal": 9 } }))
}

fn status(phase: &str, containers: Value) -> Value {
    json!({ "phase": phase, "containerStatuses": containers })
}

fn init_status(phase: &str, init: Value, containers: Value) -> Value {
    json!({ "phase": phase, "initContainerStatuses": init, "containerStatuses": containers })
}

/// Conditions that are True.
pub(super) fn holds(kinds: &[&str]) -> Value {
    kinds.iter().map(|kind| json!({ "type": kind, "status": "True" })).collect()
}

/// Restarts, and when the last one was.
fn restarted(count: u32) -> Value {
    let end = clock::system().now().checked_sub(SignedDuration::from_hours(77)).unwrap_or_default();
    json!({
        "restartCount": count,
        "lastState": { "terminated": { "exitCode": 1, "finishedAt": format!("{end:.0}") } },
    })
}

fn running_ones() -> Vec<Row> {
    vec![
        row("fresh", 1, json!({}), ["0/1", "Pending", "0"]),
        row("waiting", 1, status("Pending", json!([waiting("c1", "Booting")])), ["0/1", "Booting", "0"]),
        row("silent", 1, status("Pending", json!([waiting("c1", "")])), ["0/1", "Pending", "0"]),
        row(
            "two-wait",
            2,
            status("Pending", json!([waiting("c1", "A"), waiting("c2", "B")])),
            ["0/2", "A", "0"],
        ),
        row(
            "one-waits",
            2,
            status("Pending", json!([runs("c1", true), waiting("c2", "B")])),
            ["1/2", "B", "0"],
        ),
        row("runs", 1, status("Running", json!([runs("c1", true)])), ["1/1", "Running", "0"]),
        row("unready", 1, status("Running", json!([runs("c1", false)])), ["0/1", "Running", "0"]),
        row(
            "half",
            2,
            status("Running", json!([runs("c1", true), runs("c2", false)])),
            ["1/2", "Running", "0"],
        ),
        row(
            "crashes",
            1,
            status("Running", json!([more(waiting("c1", "CrashLoopBackOff"), restarted(3))])),
            ["0/1", "CrashLoopBackOff", "3 (3d5h ago)"],
        ),
        row(
            "restarted",
            2,
            status(
                "Running",
                json!([more(runs("c1", true), json!({ "restartCount": 2 })), runs("c2", true)]),
            ),
            ["2/2", "Running", "2"],
        ),
    ]
}

fn ended_ones() -> Vec<Row> {
    let reasons =
        |reason: &str, containers: Value| more(status("Failed", containers), json!({ "reason": reason }));
    vec![
        row("error", 1, status("Failed", json!([ended("c1", 1, "Error")])), ["0/1", "Error", "0"]),
        row("exit-code", 1, status("Failed", json!([ended("c1", 2, "")])), ["0/1", "ExitCode:2", "0"]),
        row("signal", 1, status("Failed", json!([killed("c1")])), ["0/1", "Signal:9", "0"]),
        row("done", 1, status("Succeeded", json!([ended("c1", 0, "Completed")])), ["0/1", "Completed", "0"]),
        row(
            "done-beside-ready",
            2,
            more(
                status("Running", json!([ended("c1", 0, "Completed"), runs("c2", true)])),
                json!({ "conditions": holds(&["Ready"]) }),
            ),
            ["1/2", "Running", "0"],
        ),
        row(
            "done-beside-running",
            2,
            status("Running", json!([ended("c1", 0, "Completed"), runs("c2", true)])),
            ["1/2", "NotReady", "0"],
        ),
        row(
            "done-then-error",
            2,
            status("Failed", json!([ended("c1", 0, "Completed"), ended("c2", 1, "Error")])),
            ["0/2", "Error", "0"],
        ),
        row(
            "error-then-done",
            2,
            status("Failed", json!([ended("c1", 1, "OOMKilled"), ended("c2", 0, "Completed")])),
            ["0/2", "OOMKilled", "0"],
        ),
        row("pushed-out", 1, json!({ "phase": "Failed", "reason": "Evicted" }), ["0/1", "Evicted", "0"]),
        row(
            "interrupted",
            1,
            reasons("SpotInterrupted", json!([ended("c1", 137, "SpotInterrupted")])),
            ["0/1", "SpotInterrupted", "0"],
        ),
        row(
            "hidden",
            1,
            reasons("DeadlineExceeded", json!([ended("c1", 137, "ContainerStatusUnknown")])),
            ["0/1", "ContainerStatusUnknown", "0"],
        ),
        row(
            "gated",
            1,
            json!({ "conditions": [{ "type": "PodScheduled", "status": "False", "reason": "SchedulingGated" }] }),
            ["0/1", "SchedulingGated", "0"],
        ),
    ]
}

fn initializing_ones() -> Vec<Row> {
    let waits = || json!([waiting("c1", "PodInitializing")]);
    let through = |name: &str| ended(name, 0, "Completed");
    vec![
        with_init("init-unknown", &["i1"], status("Pending", waits()), ["0/1", "PodInitializing", "0"]),
        with_init(
            "init-wait",
            &["i1"],
            init_status("Pending", json!([waiting("i1", "Pull")]), waits()),
            ["0/1", "Init:Pull", "0"],
        ),
        with_init(
            "init-none",
            &["i1", "i2"],
            init_status(
                "Pending",
                json!([waiting("i1", "PodInitializing"), waiting("i2", "PodInitializing")]),
                waits(),
            ),
            ["0/1", "Init:0/2", "0"],
        ),
        with_init(
            "init-second",
            &["i1", "i2"],
            init_status("Pending", json!([through("i1"), runs("i2", false)]), waits()),
            ["0/1", "Init:1/2", "0"],
        ),
        with_init(
            "init-error",
            &["i1"],
            init_status("Pending", json!([ended("i1", 1, "Error")]), waits()),
            ["0/1", "Init:Error", "0"],
        ),
        with_init(
            "init-code",
            &["i1"],
            init_status("Failed", json!([ended("i1", 3, "")]), waits()),
            ["0/1", "Init:ExitCode:3", "0"],
        ),
        with_init(
            "init-signal",
            &["i1"],
            init_status("Failed", json!([killed("i1")]), waits()),
            ["0/1", "Init:Signal:9", "0"],
        ),
        with_init(
            "init-restarts",
            &["i1"],
            init_status("Pending", json!([more(waiting("i1", "CrashLoopBackOff"), restarted(4))]), waits()),
            ["0/1", "Init:CrashLoopBackOff", "4 (3d5h ago)"],
        ),
    ]
}

fn initialized_ones() -> Vec<Row> {
    let through = |name: &str| ended(name, 0, "Completed");
    let ready = || json!([runs("c1", true)]);
    let initialized = || json!({ "conditions": holds(&["Initialized"]) });
    let not_run = |name: &str| more(ended(name, 0, "ContainersNotRun"), json!({ "ready": true }));
    vec![
        with_init(
            "init-through",
            &["i1"],
            init_status("Running", json!([through("i1")]), ready()),
            ["1/1", "Running", "0"],
        ),
        with_init(
            "init-not-run",
            &["i1", "side", "i2"],
            more(
                init_status("Running", json!([not_run("i1"), runs("side", true), not_run("i2")]), ready()),
                initialized(),
            ),
            ["2/2", "Running", "0"],
        ),
        with_init(
            "init-stuck-while-running",
            &["i1", "side"],
            more(
                init_status("Running", json!([waiting("i1", "NotRun"), runs("side", true)]), ready()),
                initialized(),
            ),
            ["1/2", "Init:NotRun", "0"],
        ),
    ]
}

fn sidecars() -> Vec<Row> {
    let through = |name: &str| ended(name, 0, "Completed");
    let ready = || json!([runs("c1", true)]);
    let initialized = || json!({ "conditions": holds(&["Initialized"]) });
    vec![
        with_init(
            "side-unready",
            &["side"],
            init_status("Running", json!([runs("side", false)]), ready()),
            ["1/2", "Running", "0"],
        ),
        with_init(
            "side-crashed",
            &["side"],
            more(
                init_status(
                    "Running",
                    json!([more(waiting("side", "CrashLoopBackOff"), json!({ "started": false }))]),
                    ready(),
                ),
                initialized(),
            ),
            ["1/2", "Init:CrashLoopBackOff", "0"],
        ),
        with_init(
            "side-restarts",
            &["i1", "side"],
            init_status(
                "Running",
                json!([
                    more(through("i1"), json!({ "restartCount": 7 })),
                    more(runs("side", true), restarted(2))
                ]),
                ready(),
            ),
            ["2/2", "Running", "2 (3d5h ago)"],
        ),
        with_init(
            "side-ended",
            &["side"],
            more(
                init_status(
                    "Failed",
                    json!([ended("side", 137, "InstanceGone")]),
                    json!([ended("c1", 137, "InstanceGone")]),
                ),
                initialized(),
            ),
            ["0/2", "InstanceGone", "0"],
        ),
        with_init(
            "rejected",
            &["i1"],
            more(status("Failed", json!([waiting("c1", "OutOfcpu")])), json!({ "reason": "OutOfcpu" })),
            ["0/1", "OutOfcpu", "0"],
        ),
    ]
}

/// Pods that nobody has deleted.
pub(super) fn living() -> Vec<Row> {
    [running_ones(), ended_ones(), initializing_ones(), initialized_ones(), sidecars()]
        .into_iter()
        .flatten()
        .collect()
}

/// Pods that are deleted before their status is written.
pub(super) fn deleted() -> Vec<Row> {
    let running = || json!([runs("c1", true)]);
    let lost = more(status("Running", running()), json!({ "reason": "NodeLost" }));
    vec![
        row("deleted", 1, status("Running", running()), ["1/1", "Terminating", "0"]),
        row(
            "deleted-waiting",
            1,
            status("Pending", json!([waiting("c1", "Booting")])),
            ["0/1", "Terminating", "0"],
        ),
        row("deleted-lost", 1, lost, ["1/1", "Unknown", "0"]),
        row(
            "deleted-done",
            1,
            status("Failed", json!([ended("c1", 137, "PodDeleted")])),
            ["0/1", "PodDeleted", "0"],
        ),
    ]
}
