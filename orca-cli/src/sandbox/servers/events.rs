//! What happens in the cluster and in the cloud, in one stream.

use std::time::Duration;

use orca_testkit::fake_ec2::{Ender, Event, FakeEc2, Happening};
use orca_testkit::fake_kube::store::{ChangeKind, Subscription};
use orca_testkit::fake_kube::{FakeKube, resource};
use serde_json::Value;
use tokio::sync::broadcast;

use super::super::story::{Line, Tone};

/// How often the cloud is asked what the clock has brought.
const PULSE: Duration = Duration::from_millis(50);

/// Something that happened.
pub(in crate::sandbox) enum SandboxEvent {
    /// An object of the cluster changed.
    Object {
        /// Its resource's name in paths.
        resource: &'static str,
        before: Option<Value>,
        after: Option<Value>,
    },
    /// Something in the cloud, told already.
    Line(Line),
}

/// The stream of what happens.
pub(in crate::sandbox) struct Events {
    changes: Subscription,
    cloud: broadcast::Receiver<Event>,
    ec2: FakeEc2,
    kube: FakeKube,
}

impl Events {
    pub(super) fn new(kube: &FakeKube, ec2: &FakeEc2) -> Self {
        let changes = kube.store().subscribe(&[&resource::PODS, &resource::NODES, &resource::EVENTS]);
        Self { changes, cloud: ec2.listen(), ec2: ec2.clone(), kube: kube.clone() }
    }

    /// The next thing. Safe to cancel.
    pub(in crate::sandbox) async fn next(&mut self) -> SandboxEvent {
        loop {
            tokio::select! {
                biased;
                event = self.cloud.recv() => match event {
                    Ok(event) => if let Some(line) = self.instance(&event) { return SandboxEvent::Line(line) },
                    Err(broadcast::error::RecvError::Lagged(count)) => {
                        return SandboxEvent::Line(missed(count));
                    }
                    Err(broadcast::error::RecvError::Closed) => std::future::pending::<()>().await,
                },
                change = self.changes.next() => match change {
                    Ok(change) => {
                        let after = change.object.value().clone();
                        let before = change.old.as_ref().map(|old| old.value().clone());
                        let resource = change.object.resource().plural;
                        return match change.kind {
                            ChangeKind::Added | ChangeKind::Modified => SandboxEvent::Object { resource, before, after: Some(after) },
                            ChangeKind::Deleted => SandboxEvent::Object { resource, before: Some(after), after: None },
                        };
                    }
                    Err(_lagged) => {
                        let resources = [&resource::PODS, &resource::NODES, &resource::EVENTS];
                        self.changes = self.kube.store().subscribe(&resources);
                        return SandboxEvent::Line(Line::new("sandbox", "behind", "some changes are not told", Tone::Bad));
                    }
                },
                () = tokio::time::sleep(PULSE) => drop(self.ec2.catch_up()),
            }
        }
    }

    fn instance(&self, event: &Event) -> Option<Line> {
        let (what, detail, tone) = match &event.what {
            Happening::Launched { instance_type, market, zone, .. } => {
                let pod = self.ec2.instance(&event.resource);
                let name =
                    pod.as_ref().and_then(|instance| instance.tags.get("Name")).map_or("", String::as_str);
                ("launched", format!("{instance_type} {} {zone}, {name}", market.as_str()), Tone::Step)
            }
            Happening::Running => ("running", String::new(), Tone::Good),
            Happening::SpotNotice(at) => ("spot notice", format!("to be taken back at {at:.0}"), Tone::Bad),
            Happening::Stopping(ender) => ("stopping", by(*ender).to_owned(), Tone::Bad),
            Happening::Stopped => ("stopped", String::new(), Tone::Bad),
            Happening::Ending(ender) => {
                let is_asked = matches!(ender, Ender::Api);
                ("shutting down", by(*ender).to_owned(), if is_asked { Tone::Step } else { Tone::Bad })
            }
            Happening::Terminated => ("terminated", String::new(), Tone::Step),
            Happening::Created | Happening::Removed => return None,
        };
        Some(Line::new(event.resource.clone(), what, detail, tone))
    }
}

/// Who ended or stopped an instance.
fn by(ender: Ender) -> &'static str {
    match ender {
        Ender::Api => "asked for through the API",
        Ender::Operator => "by somebody else",
        Ender::Guest => "by itself",
        Ender::SpotMarket => "taken back by the spot market",
        Ender::Provider => "by a failure of the provider",
        Ender::Request => "by what its launch asked for",
    }
}

fn missed(count: u64) -> Line {
    Line::new("sandbox", "behind", format!("{count} events of the cloud are not told"), Tone::Bad)
}
