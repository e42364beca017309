//! The client token of a launch attempt. It is computed, so that a restarted process sends the same one.

use std::fmt;

use data_encoding::BASE32HEX_NOPAD;
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};

use crate::ids::{ClusterId, PodUid};

/// The client token of one launch attempt of one pod: 54 lower-case letters and digits.
///
/// It is `"o1" + base32hex(SHA-256("orca/launch/v1" | cluster | pod UID | attempt))[..52]`, each part preceded by its
/// length. It is never random, so a restarted process repeats the same call. Node, zone and parameters are left out on
/// purpose: if a bug changes the parameters, the cloud answers with a mismatch instead of a second instance.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct LaunchToken(String);

impl LaunchToken {
    /// The token of this attempt, counted from 1.
    #[must_use]
    pub fn new(cluster: &ClusterId, pod: &PodUid, attempt: u32) -> Self {
        let mut hash = Sha256::new();
        let attempt = attempt.to_string();
        for part in ["orca/launch/v1", cluster.as_str(), pod.as_str(), &attempt] {
            // The length in front keeps ("ab", "c") apart from ("a", "bc").
            hash.update((part.len() as u64).to_be_bytes());
            hash.update(part.as_bytes());
        }
        let mut text = BASE32HEX_NOPAD.encode(&hash.finalize()).to_lowercase();
        text.truncate(52);
        Self(format!("o1{text}"))
    }

    /// The token as it is sent.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for LaunchToken {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_token_is_stable_distinct_and_short_enough() {
        let token = |uid: &str, attempt| LaunchToken::new(&"c1".into(), &uid.into(), attempt);
        assert_eq!(token("u1", 1), token("u1", 1));
        assert_eq!(token("u1", 1).as_str(), "o1eankh4itin102f2ed4ssfi704safg1qppbo2df5j62evsc1g6mm0");
        assert_eq!(token("u1", 1).to_string(), token("u1", 1).as_str());
        assert_ne!(token("u1", 1), token("u1", 2));
        assert_ne!(token("u1", 11), token("u11", 1));
        assert!(token("u1", u32::MAX).as_str().len() <= 64, "EC2 takes at most 64 characters");
    }
}
