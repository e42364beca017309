//! The contestant that users run: the `orca` program, with its cloud outside of it.
//!
//! The fake EC2 is in the driver and answers over HTTP, so memory and processor time are those of ORCA and the AWS SDK
//! alone, and the cloud is still there when the program is killed and started again.

use std::ffi::OsString;
use std::net::Ipv4Addr;
use std::path::Path;
use std::time::Duration;

use orca_core::clock;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};

use super::cloud::region;
use super::error::Error;
use super::plane::Plane;
use crate::fake_ec2::{FakeEc2, Served};
use crate::servers::process::{self, Process};
use crate::servers::{files, ports};

/// How long one look at the program's metrics may take.
const PATIENCE: Duration = Duration::from_secs(5);

/// The program at work.
#[derive(Debug)]
pub(super) struct Program {
    pub(super) process: Process,
    pub(super) ec2: FakeEc2,
    metrics: u16,
    _served: Served,
}

impl Program {
    pub(super) async fn start(
        plane: &Plane,
        path: &Path,
        kubeconfig: &Path,
        (node, cloud_latency): (&str, Duration),
    ) -> Result<Self, Error> {
        let ec2 = FakeEc2::new(region(cloud_latency), clock::system());
        let served =
            ec2.serve((Ipv4Addr::LOCALHOST, 0).into()).await.map_err(Error::system("serving the cloud"))?;
        let [metrics] = ports::free()?;
        let config = plane.file(&format!("{node}.yaml"));
        files::write(&config, text(&ec2, served.endpoint().as_str()))?;
        let mut arguments: Vec<OsString> = vec!["run".into(), "--config".into(), config.into()];
        arguments.extend(["--kubeconfig".into(), kubeconfig.into()]);
        arguments.extend(["--nodename", node, "--metrics-addr"].map(OsString::from));
        arguments.push(format!("127.0.0.1:{metrics}").into());
        let process = Process::start(process::Program {
            name: "orca",
            path: path.to_owned(),
            arguments,
            // Nothing is read from the user's home.
            environment: vec![("HOME", plane.file("home").into())],
            log: plane.file(&format!("{node}.log")),
        })?;
        Ok(Self { process, ec2, metrics, _served: served })
    }

    /// The sum of all series of a metric. None: the program does not answer.
    pub(super) async fn metric(&self, name: &str) -> Option<f64> {
        let page = tokio::time::timeout(PATIENCE, self.page()).await.ok()?.ok()?;
        let is_its = |rest: &&str| rest.starts_with(' ') || rest.starts_with('{');
        let series = page.lines().filter_map(|line| line.strip_prefix(name)).filter(is_its);
        series.map(|rest| rest.rsplit_once(' ')?.1.parse::<f64>().ok()).sum()
    }

    async fn page(&self) -> std::io::Result<String> {
        let mut stream = tokio::net::TcpStream::connect((Ipv4Addr::LOCALHOST, self.metrics)).await?;
        stream.write_all(b"GET /metrics HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n").await?;
        let mut text = String::new();
        stream.read_to_string(&mut text).await?;
        Ok(text)
    }

    /// What must not be, once it has stopped.
    pub(super) fn faults(&self) -> Vec<String> {
        let (doubles, alive) = (self.ec2.doubles().len(), self.ec2.alive().len());
        let counts = [(doubles, "pods got more than one instance"), (alive, "instances are left")];
        counts.iter().filter(|(count, _)| *count > 0).map(|(count, what)| format!("{count} {what}")).collect()
    }
}

/// A config that bounds nothing: what is measured is the program.
fn text(ec2: &FakeEc2, endpoint: &str) -> String {
    let settings = ec2.settings();
    let subnet = settings.subnets.first().map_or("", |subnet| subnet.id.as_str());
    serde_json::json!({
        "aws": {
            "region": settings.region,
            "subnetID": subnet,
            "amiParameter": "/aws/service/ami-amazon-linux-latest/al2023-ami-kernel-default-x86_64",
            "endpoint": endpoint,
            "credentials": { "accessKeyID": "load", "secretAccessKey": "load" },
        },
        "node": { "pods": "1000000" },
        "controller": { "launchRate": { "burst": 1_000_000, "perSecond": 10_000.0 } },
        "logging": { "level": "warn" },
    })
    .to_string()
}
