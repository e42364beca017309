//! The real EC2-compatible server, behind the proxy and seen by the probe.

use crate::client::{launch, send, send_json};
use orca_testkit::servers::proxy::{Effect, Fault};
use orca_testkit::servers::{Ec2Probe, Ec2Proxy, Moto, installed};
use std::path::PathBuf;
use std::process::Stdio;
use std::time::Duration;
use tokio::io::{AsyncBufReadExt, BufReader};
use tokio::process::Command;

async fn start() -> (Moto, Ec2Proxy, Ec2Probe) {
    let moto = Moto::start(&installed().expect("prepared servers")).await.expect("moto");
    let proxy = Ec2Proxy::start(moto.endpoint()).await.expect("a proxy");
    let probe = Ec2Probe::new(moto.endpoint());
    (moto, proxy, probe)
}

#[tokio::test]
#[ignore = "needs the real servers: run orca-testkit/servers/prepare first"]
async fn a_lost_answer_and_its_repetition_make_one_real_instance() {
    let (moto, proxy, probe) = start().await;
    let (image, subnet) =
        (probe.known_image().await.expect("an image"), probe.default_subnet().await.expect("a subnet"));
    let group = probe.default_security_group().await.expect("a group");
    let mut parameters = launch("token", "pod-uid");
    parameters[2] = ("ImageId", &image);
    parameters.extend([
        ("SubnetId", subnet.as_str()),
        ("SecurityGroupId.1", &group),
        ("UserData", "aGVsbG8="),
        ("InstanceMarketOptions.MarketType", "spot"),
    ]);
    proxy.fault(Fault::on("RunInstances", Effect::DropAfter));
    send(proxy.endpoint(), &parameters).await.expect_err("no answer");
    let again = send(proxy.endpoint(), &parameters).await.expect("an answer");

    let [seen] = probe.instances().await.expect("instances").try_into().expect("one instance");
    assert_eq!(seen.id, again.instance());
    assert_eq!((seen.state.as_str(), seen.instance_type.as_str()), ("running", "t3.micro"));
    assert_eq!((seen.image_id.as_str(), seen.subnet_id.as_deref()), (image.as_str(), Some(subnet.as_str())));
    assert_eq!((seen.lifecycle.as_deref(), seen.client_token.as_deref()), (Some("spot"), Some("token")));
    assert_eq!(seen.tags["orca.research/pod-uid"], "pod-uid");
    assert_eq!(probe.user_data(&seen.id).await.expect("an answer").as_deref(), Some("aGVsbG8="));

    proxy.set_boot_delay(Duration::from_hours(1));
    let through = Ec2Probe::new(proxy.endpoint()).instances().await.expect("instances");
    assert_eq!(through[0].state, "pending");

    probe.terminate(&seen.id).await.expect("terminated");
    assert!(probe.alive().await.expect("instances").is_empty());
    let late = send(proxy.endpoint(), &parameters).await.expect("an answer");
    assert_eq!(late.code(), Some("IdempotentInstanceTerminated"));

    assert_eq!(proxy.unsupported(), Vec::<String>::new());
    moto.reset().await.expect("a reset");
    assert!(probe.instances().await.expect("instances").is_empty());
}

#[tokio::test]
#[ignore = "needs the real servers: run orca-testkit/servers/prepare first"]
async fn more_instances_than_a_page_are_all_seen() {
    let (_moto, proxy, probe) = start().await;
    let image = probe.known_image().await.expect("an image");
    for number in 0..105 {
        let token = number.to_string();
        let mut parameters = launch(&token, "pod");
        parameters[2] = ("ImageId", &image);
        assert_eq!(send(proxy.endpoint(), &parameters).await.expect("an answer").status, 200);
    }
    assert_eq!(probe.instances().await.expect("instances").len(), 105);
    assert_eq!(proxy.launched()["pod"].len(), 105);
}

#[tokio::test]
#[ignore = "needs the real servers: run orca-testkit/servers/prepare first"]
async fn it_knows_parameters_and_refuses_what_does_not_exist() {
    let (moto, proxy, _probe) = start().await;
    let body = r#"{"Name":"/aws/service/ami-amazon-linux-latest/al2023-ami-kernel-default-x86_64"}"#;
    let parameter = send_json(proxy.endpoint(), "AmazonSSM.GetParameter", body).await.expect("an answer");
    assert!(parameter.body.contains("ami-"), "{}", parameter.body);

    let unknown = send(proxy.endpoint(), &launch("t", "pod")).await.expect("an answer");
    assert_eq!((unknown.status, unknown.code()), (400, Some("InvalidAMIID.NotFound")));
    let lacking = send(proxy.endpoint(), &[("Action", "GetConsoleScreenshot")]).await.expect("an answer");
    assert_eq!(lacking.code(), Some("UnsupportedOperation"));
    assert_eq!(proxy.unsupported().len(), 1);

    moto.freeze().expect("frozen");
    let describe = [("Action", "DescribeInstances")];
    let silent = tokio::time::timeout(Duration::from_millis(500), send(proxy.endpoint(), &describe)).await;
    silent.expect_err("no answer from a frozen server");
    moto.thaw().expect("thawed");
    assert_eq!(send(proxy.endpoint(), &describe).await.expect("an answer").status, 200);
}

/// Says to a second run of this test binary: start a server and wait to be killed.
const VICTIM: &str = "ORCA_TESTKIT_VICTIM";

#[tokio::test]
#[ignore = "needs the real servers: run orca-testkit/servers/prepare first"]
async fn a_server_ends_with_a_test_that_is_killed() {
    if std::env::var_os(VICTIM).is_some() {
        let (moto, ..) = start().await;
        println!("\npid={}", moto.pid().expect("a process"));
        tokio::time::sleep(Duration::from_mins(1)).await;
        return;
    }
    // The victim cannot delete its files.
    let folder = tempfile::tempdir().expect("a folder");
    let name = "moto::a_server_ends_with_a_test_that_is_killed";
    let mut victim = Command::new(std::env::current_exe().expect("this program"))
        .args(["--exact", name, "--ignored", "--nocapture"])
        .env(VICTIM, "yes")
        .env("TMPDIR", folder.path())
        .stdout(Stdio::piped())
        .kill_on_drop(true)
        .spawn()
        .expect("a second run");
    let mut lines = BufReader::new(victim.stdout.take().expect("its output")).lines();
    let pid = loop {
        let line = lines.next_line().await.expect("a line").expect("a line before the end");
        if let Some(pid) = line.strip_prefix("pid=") {
            break pid.to_owned();
        }
    };
    victim.kill().await.expect("killed");
    let process = PathBuf::from(format!("/proc/{pid}/cmdline"));
    let gone = async {
        // Nobody may wait for an orphan: then it stays as a name without a command line.
        while std::fs::read(&process).is_ok_and(|line| !line.is_empty()) {
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
    };
    tokio::time::timeout(Duration::from_secs(10), gone).await.expect("the server ends too");
}
