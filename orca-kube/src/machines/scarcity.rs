//! Offers that could not be had lately: they are not asked for again for a while, by any pod.
//!
//! Without it a thousand waiting pods would each spend a launch call to hear the same answer.

use std::collections::HashMap;
use std::time::Duration;

use orca_core::error::CloudError;
use orca_core::instance::CapacityType;
use orca_core::launch::Offer;
use tokio::time::Instant;

/// How long an offer is remembered as unavailable.
const REMEMBER: Duration = Duration::from_mins(3);

/// What is scarce: a type, in a zone, on a market.
type Key = (String, Option<String>, CapacityType);

#[derive(Debug, Default)]
pub(super) struct Scarcity {
    offers: HashMap<Key, (Instant, CloudError)>,
}

impl Scarcity {
    /// This offer was refused for want of capacity.
    pub(super) fn remember(&mut self, offer: &Offer, error: CloudError) {
        let now = Instant::now();
        self.offers.retain(|_, (until, _)| *until > now);
        self.offers.insert(key(offer), (now + REMEMBER, error));
    }

    /// The first offer that may be had, else why the last one may not.
    pub(super) fn choose(&self, offers: Vec<Offer>) -> Result<Option<Offer>, CloudError> {
        let now = Instant::now();
        let mut last = None;
        for offer in offers {
            match self.offers.get(&key(&offer)).filter(|(until, _)| *until > now) {
                None => return Ok(Some(offer)),
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

    fn offer(zone: &str) -> Offer {
        Offer {
            instance_type: "p5.48xlarge".into(),
            capacity_type: CapacityType::Spot,
            zone: Some(zone.into()),
            price: None,
            tags: std::collections::BTreeMap::new(),
            parameters: serde_json::Value::Null,
        }
    }

    fn zone(choice: Result<Option<Offer>, CloudError>) -> Option<String> {
        choice.ok().flatten().and_then(|offer| offer.zone)
    }

    #[tokio::test(start_paused = true)]
    async fn a_scarce_offer_is_passed_over_for_three_minutes() {
        let mut scarcity = Scarcity::default();
        let error = CloudError::new(Kind::NoCapacity, "InsufficientInstanceCapacity", "none left");
        scarcity.remember(&offer("a"), error.clone());
        assert_eq!(zone(scarcity.choose(vec![offer("a"), offer("b")])).as_deref(), Some("b"));
        assert_eq!(scarcity.choose(vec![offer("a")]), Err(error));
        tokio::time::advance(Duration::from_mins(3)).await;
        assert_eq!(zone(scarcity.choose(vec![offer("a"), offer("b")])).as_deref(), Some("a"));
    }
}
