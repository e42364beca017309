//! The trace of a run, and the watch over what must not be at any moment of it.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Arc, Mutex, PoisonError};

use orca_core::clock::Clock;
use tokio_util::task::AbortOnDropHandle;

use super::lives::{Life, Lives};
use crate::fake_ec2::{Event, FakeEc2, Happening, Violation};
use crate::fake_kube::resource::Resource;
use crate::fake_kube::{FakeKube, resource};

/// What a trace has lines of. Events come at times of their own, and are part of the lives alone.
static TRACED: [&Resource; 2] = [&resource::PODS, &resource::NODES];

/// Writes down what happens until it is stopped.
pub(super) struct Recorder {
    page: Arc<Mutex<Page>>,
    _pods: AbortOnDropHandle<()>,
    _machines: AbortOnDropHandle<()>,
}

#[derive(Debug, Default)]
struct Page {
    trace: Vec<String>,
    violations: Vec<String>,
    lives: Lives,
}

impl Recorder {
    pub(super) fn start(kube: &FakeKube, ec2: &FakeEc2, clock: Arc<dyn Clock>) -> Self {
        let page = Arc::new(Mutex::new(Page::default()));
        let pods = {
            let (page, clock) = (Arc::clone(&page), Arc::clone(&clock));
            let mut changes = kube.store().subscribe(&[
                &resource::PODS,
                &resource::NODES,
                &resource::EVENTS,
                &resource::EVENTS_V1,
            ]);
            tokio::spawn(async move {
                loop {
                    let line = match changes.next().await {
                        Ok(change) => {
                            let object = &change.object;
                            let mut open = page.lock().unwrap_or_else(PoisonError::into_inner);
                            open.lives.changed(&change);
                            if !TRACED.contains(&object.resource()) {
                                continue;
                            }
                            let phase = object.text("/status/phase");
                            format!("{} {} {} {phase}", change.kind.word(), object.name(), change.version)
                        }
                        Err(lagged) => format!("LAGGED {lagged}"),
                    };
                    write(&page, &clock, line);
                }
            })
        };
        let machines = {
            let page = Arc::clone(&page);
            let (mut events, ec2) = (ec2.listen(), ec2.clone());
            tokio::spawn(async move {
                while let Ok(event) = events.recv().await {
                    check(&page, &ec2, &event);
                    if let Happening::Launched { pod: Some(uid), .. } = &event.what {
                        page.lock().unwrap_or_else(PoisonError::into_inner).lives.launched(uid);
                    }
                    write(&page, &clock, format!("{} {:?}", event.resource, event.what));
                }
            })
        };
        Self { page, _pods: AbortOnDropHandle::new(pods), _machines: AbortOnDropHandle::new(machines) }
    }

    /// The trace, the violations and the lives of the pods.
    pub(super) fn stop(self) -> (Vec<String>, Vec<String>, BTreeMap<String, Life>) {
        let mut page = self.page.lock().unwrap_or_else(PoisonError::into_inner);
        let page = std::mem::take(&mut *page);
        (page.trace, page.violations, page.lives.into_lives())
    }
}

fn write(page: &Mutex<Page>, clock: &Arc<dyn Clock>, line: String) {
    let at = clock.now();
    page.lock().unwrap_or_else(PoisonError::into_inner).trace.push(format!("{at:.3} {line}"));
}

/// Two live instances of one pod are wrong at any moment; only a launch can bring them about.
fn check(page: &Mutex<Page>, ec2: &FakeEc2, event: &Event) {
    if !matches!(event.what, Happening::Launched { .. }) {
        return;
    }
    let found = ec2.audit(&BTreeSet::new());
    let twice = found.iter().filter(|violation| matches!(violation, Violation::TwoAlive { .. }));
    let lines: Vec<String> = twice.map(|violation| format!("{violation:?}")).collect();
    page.lock().unwrap_or_else(PoisonError::into_inner).violations.extend(lines);
}
