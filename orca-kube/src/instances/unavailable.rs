//! Offers that could not be had lately: they are not asked for again for a while, by any pod.
//!
//! Without it a thousand waiting pods would each spend a launch call to hear the same answer. And when the time is over, one
//! of them tries, and the others wait for what it hears.

use std::collections::HashMap;
use std::time::Duration;

use orca_core::error::CloudError;
use orca_core::instance::CapacityType;
use orca_core::launch::Offer;
use tokio::time::Instant;

/// For how long one launch tries by itself whether there is capacity again. A call is answered within half a minute.
const PROBE: Duration = Duration::from_secs(30);

/// What is scarce: a type, in a zone, on a market.
type Key = (String, Option<String>, CapacityType);

#[derive(Debug)]
pub(super) struct UnavailableOfferings {
    /// How long an offer is remembered.
    memory: Duration,
    offers: HashMap<Key, (Instant, CloudError)>,
}

impl UnavailableOfferings {
    /// None yet.
    pub(super) fn new(memory: Duration) -> Self {
        Self { memory, offers: HashMap::new() }
    }

    /// This offer was refused for want of capacity.
    pub(super) fn remember(&mut self, offer: &Offer, error: CloudError) {
        let now = Instant::now();
        // One that nobody has asked for since its time was over is as good as any other.
        self.offers.retain(|_, (until, _)| *until + self.memory > now);
        self.offers.insert(key(offer), (now + self.memory, error));
    }

    /// This offer was fulfilled.
    pub(super) fn forget(&mut self, offer: &Offer) {
        self.offers.remove(&key(offer));
    }

    /// The first offer that may be had, else why the last one may not.
    pub(super) fn choose(&mut self, offers: Vec<Offer>) -> Result<Option<Offer>, CloudError> {
        let now = Instant::now();
        let mut last = None;
        for offer in offers {
            match self.offers.get_mut(&key(&offer)) {
                None => return Ok(Some(offer)),
                Some((until, _)) if *until <= now => {
                    *until = now + PROBE;
                    return Ok(Some(offer));
                }
                Some((_, error)) => last = Some(error.clone()),
            }
        }
        last.map_or(Ok(None), Err)
    }
}

fn key(offer: &Offer) -> Key {
    (offer.instance_type.clone(), offer.zone.clone(), offer.capacity_type)
}

#[cfg(test)]
mod tests {
    use orca_core::error::Kind;

    use super::*;

    const MEMORY: Duration = Duration::from_mins(3);

    fn offer(zone: &str) -> Offer {
        Offer {
            instance_type: "p5.48xlarge".into(),
            capacity_type: CapacityType::Spot,
            zone: Some(zone.into()),
            price: None,
            tags: std::collections::BTreeMap::new(),
            parameters: serde_json::Value::Null,
            provides: None,
        }
    }

    fn zone(choice: Result<Option<Offer>, CloudError>) -> Option<String> {
        choice.ok().flatten().and_then(|offer| offer.zone)
    }

    #[tokio::test(start_paused = true)]
    async fn a_scarce_offer_is_passed_over_for_three_minutes() {
        let mut unavailable = UnavailableOfferings::new(MEMORY);
        let error = CloudError::new(Kind::NoCapacity, "InsufficientInstanceCapacity", "none left");
        unavailable.remember(&offer("a"), error.clone());
        assert_eq!(zone(unavailable.choose(vec![offer("a"), offer("b")])).as_deref(), Some("b"));
        assert_eq!(unavailable.choose(vec![offer("a")]), Err(error));
        tokio::time::advance(Duration::from_mins(3)).await;
        assert_eq!(zone(unavailable.choose(vec![offer("a"), offer("b")])).as_deref(), Some("a"));
    }

    #[tokio::test(start_paused = true)]
    async fn one_launch_tries_for_all_when_the_time_is_over() {
        let mut unavailable = UnavailableOfferings::new(MEMORY);
        let error = || CloudError::new(Kind::NoCapacity, "InsufficientInstanceCapacity", "none left");
        let tries = |unavailable: &mut UnavailableOfferings| {
            (0..100).filter(|_| unavailable.choose(vec![offer("a")]).is_ok()).count()
        };
        unavailable.remember(&offer("a"), error());
        tokio::time::advance(Duration::from_mins(3)).await;
        assert_eq!(tries(&mut unavailable), 1);
        unavailable.remember(&offer("a"), error());
        assert_eq!(tries(&mut unavailable), 0, "it heard the same again");
        tokio::time::advance(Duration::from_mins(3)).await;
        assert_eq!(tries(&mut unavailable), 1);
        tokio::time::advance(Duration::from_secs(31)).await;
        assert_eq!(tries(&mut unavailable), 1, "it was never sent, so another one tries");
        unavailable.forget(&offer("a"));
        assert_eq!(tries(&mut unavailable), 100, "it got its instance");
    }
}
