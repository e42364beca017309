//! What a plan says of answers, as orders of the two fakes.

use std::time::Duration;

use super::processes::USER;
use crate::fake_ec2::{ApiError, Effect, Fault};
use crate::fake_kube::{Effect as KubeEffect, Fault as KubeOrder};
use crate::simulation::plan::{Answer, CloudFault, KubeFault};

fn ms(number: u64) -> Duration {
    Duration::from_millis(number)
}

/// A fault of the API server, for the controller alone.
pub(super) fn of_server(fault: &KubeFault, seed: u64) -> KubeOrder {
    let code = |text: &str| text.parse().unwrap_or(500);
    let effect = match &fault.answer {
        Answer::LostBefore => KubeEffect::DropBefore,
        Answer::LostAfter => KubeEffect::DropAfter,
        Answer::Refused(text) => KubeEffect::ErrorBefore(code(text)),
        Answer::Untrue(text) => KubeEffect::ErrorAfter(code(text)),
        Answer::Late(delay) => KubeEffect::Delay(ms(*delay)),
        Answer::Slow(delay) => KubeEffect::DelayAnswer(ms(*delay)),
        Answer::ForeignNotFound => KubeEffect::ForeignNotFound,
        Answer::OtherObject => KubeEffect::OtherObject,
    };
    let mut order = KubeOrder::new(effect).user(USER).sometimes(f64::from(fault.percent) / 100.0, seed);
    if !fault.verb.is_empty() {
        order = order.verb(&fault.verb);
    }
    if fault.resource.is_empty() { order } else { order.resource(&fault.resource) }
}

/// A fault of EC2.
pub(super) fn of_region(fault: &CloudFault, seed: u64) -> Fault {
    let effect = match &fault.answer {
        Answer::LostBefore | Answer::ForeignNotFound | Answer::OtherObject => Effect::DropBefore,
        Answer::LostAfter => Effect::DropAfter,
        Answer::Refused(code) => Effect::refuse(code),
        Answer::Untrue(code) => Effect::RefuseAfter(ApiError::new(code.as_str(), "after it was carried out")),
        Answer::Late(delay) => Effect::DelayBefore(ms(*delay)),
        Answer::Slow(delay) => Effect::DelayAfter(ms(*delay)),
    };
    Fault::on(&fault.action, effect).always().sometimes(f64::from(fault.percent) / 100.0, seed)
}
