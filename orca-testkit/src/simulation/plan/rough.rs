//! A plan for many pods in a rough world: crashes, scarce capacity, lost answers, throttling.

use std::time::Duration;

use fastrand::Rng;

use super::{Answer, CloudFault, Deed, OnProcess, OnRegion, Outside, Pick, Plan, Settings, Step};

impl Plan {
    /// So many pods over ten minutes, half of them on spot instances, each wanted for up to half an hour; three crashes,
    /// and a cloud that refuses, loses and throttles.
    #[must_use]
    pub fn rough(seed: u64, pods: usize) -> Self {
        Self::rough_over(seed, pods, Duration::from_mins(10), 3)
    }

    /// The same over another time, and with other crashes.
    #[must_use]
    pub fn rough_over(seed: u64, pods: usize, over: Duration, crashes: usize) -> Self {
        let mut rng = Rng::with_seed(seed);
        let over_ms = u64::try_from(over.as_millis()).unwrap_or(u64::MAX).max(1);
        let calm_ms = over_ms + 30 * 60_000;
        let mut steps = Vec::new();
        for number in 0..pods {
            let name = format!("pod-{number}");
            let at_ms = rng.u64(..over_ms);
            let kind = u8::try_from(number % 7).unwrap_or_default();
            let (spot, until) = (number.is_multiple_of(2), at_ms + rng.u64(60_000..30 * 60_000));
            steps.push(Step { at_ms, what: Deed::Create { name: name.clone(), kind, spot }.into() });
            steps.push(Step { at_ms: until, what: Deed::Delete { name }.into() });
            if spot && rng.u8(..5) == 0 {
                let pick = Pick(rng.u32(..1_000));
                steps.push(Step {
                    at_ms: at_ms + rng.u64(120_000..20 * 60_000),
                    what: Outside::TakeBack { pick }.into(),
                });
            }
        }
        for _ in 0..crashes {
            let down_ms = rng.u64(1_000..60_000);
            steps.push(Step {
                at_ms: rng.u64(..over_ms),
                what: OnProcess::Kill { process: 0, down_ms }.into(),
            });
        }
        for (percent, answer) in [(5, Answer::LostAfter), (2, Answer::Refused("RequestLimitExceeded".into()))]
        {
            let fault = CloudFault { action: "*".into(), percent, answer };
            steps.push(Step { at_ms: 0, what: OnRegion::Cloud { fault, for_ms: calm_ms }.into() });
        }
        Self { seed, world: Settings { scarce: 10, ..Settings::default() }, calm_ms, steps }
    }
}
