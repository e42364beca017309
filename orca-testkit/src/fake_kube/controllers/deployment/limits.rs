//! How far a deployment may stray from its wished number of pods on the way.

use std::time::Duration;

use serde_json::Value;

use super::super::super::object::Object;

/// The bounds of a rolling update, in pods.
#[derive(Clone, Copy, Debug)]
pub(super) struct Limits {
    pub(super) wished: i64,
    pub(super) surge: i64,
    pub(super) unavailable: i64,
}

impl Limits {
    pub(super) fn of(deployment: &Object) -> Self {
        let wished = super::super::replica_set::wished(deployment.value());
        if is_recreate(deployment) {
            return Self { wished, surge: 0, unavailable: 0 };
        }
        let rolling = &deployment.value()["spec"]["strategy"]["rollingUpdate"];
        let surge = resolve(&rolling["maxSurge"], wished, Round::Up);
        let unavailable = resolve(&rolling["maxUnavailable"], wished, Round::Down);
        // With neither, nothing could ever move.
        let unavailable = if surge == 0 && unavailable == 0 { 1 } else { unavailable };
        Self { wished, surge, unavailable: unavailable.min(wished) }
    }

    /// The most pods at a time.
    pub(super) fn most(self) -> i64 {
        self.wished + self.surge
    }

    /// The fewest pods that have to be available.
    pub(super) fn fewest(self) -> i64 {
        self.wished - self.unavailable
    }
}

pub(super) fn is_recreate(deployment: &Object) -> bool {
    deployment.text("/spec/strategy/type") == "Recreate"
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Round {
    Up,
    Down,
}

/// A number, or a share of the wished number; a quarter when absent.
fn resolve(value: &Value, wished: i64, round: Round) -> i64 {
    if let Some(number) = value.as_i64() {
        return number;
    }
    let text = value.as_str().unwrap_or("25%");
    let percent: i64 = text.trim_end_matches('%').parse().unwrap_or(25);
    let hundredths = percent * wished;
    if round == Round::Up { (hundredths + 99) / 100 } else { hundredths / 100 }
}

/// How long a deployment may be without progress. The largest number means for ever.
pub(super) fn deadline(deployment: &Object) -> Option<Duration> {
    let seconds = deployment.number("/spec/progressDeadlineSeconds")?;
    if seconds == i64::from(i32::MAX) { None } else { u64::try_from(seconds).ok().map(Duration::from_secs) }
}
