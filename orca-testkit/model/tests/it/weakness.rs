//! What may be weakened: one rule of the protocol left out, or one promise of the cloud broken. Each has to be found out.

/// The one thing that is not as it should be.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Weakness {
    /// All is as it should be.
    None,
    /// A send that never left closes its attempt, also when an earlier send was never answered.
    UnsentCloses,
    /// A back end calls a send that never left a refusal.
    UnsentIsRefusal,
    /// A send that nobody answered counts as one that never left.
    UnansweredIsUnsent,
    /// A refusal closes its attempt although an earlier send may still be executed.
    RefusalCloses,
    /// A refusal beside an unanswered send is settled by an empty list, and not by the same token again.
    SettledByList,
    /// A token is sent again however old it is.
    OldTokens,
    /// The cloud forgets a token while a send of it can still be executed.
    ShortMemory,
    /// The cloud knows no tokens.
    NoTokens,
    /// Each send goes to the zone that its process prefers now, and not to the recorded one.
    ZoneOfNow,
    /// Records are written without a look at what was written in between.
    BlindWrites,
    /// A send leaves however long ago it was announced.
    NoFence,
    /// A launch needs no list that shows no instance.
    NoLists,
    /// One list that does not show an instance proves that there is none.
    OneList,
    /// The instances of a pod are found by its name.
    ByName,
    /// Garbage collection believes the cache of pods.
    CollectsByCache,
    /// Garbage collection asks for pods before it lists instances.
    PodsFirst,
    /// There is no garbage collection.
    NoCollection,
}

impl Weakness {
    /// Whether the two processes prefer different zones: only some faults show by that. Otherwise they are alike.
    pub(crate) fn tells_apart(self) -> bool {
        matches!(self, Self::ZoneOfNow | Self::BlindWrites)
    }
}
