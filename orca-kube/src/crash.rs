//! Named points before and after every effect outside of the process, where a test can end or stop it. For tests of ORCA.
//!
//! Without the feature `crash-points`, which no release should have, they do nothing. With it, `arm` chooses one: there the
//! process aborts, as after `kill -9`, or stops, as after `SIGSTOP`, until it gets `SIGCONT`.

/// An effect outside of the process. Each has a point before it and one after it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Effect {
    /// The launch record of a send is written.
    Announce,
    /// Another status of a pod is written.
    Status,
    /// A terminal status of a pod is written.
    End,
    /// A pod object is removed.
    Release,
    /// A launch call is sent.
    Launch,
    /// A termination call is sent.
    Terminate,
    /// The Node is created.
    NodeCreate,
    /// The Node or its status is patched.
    NodePatch,
    /// Something that an instance left behind is removed.
    Remove,
}

impl Effect {
    /// Every effect.
    pub const ALL: [Self; 9] = [
        Self::Announce,
        Self::Status,
        Self::End,
        Self::Release,
        Self::Launch,
        Self::Terminate,
        Self::NodeCreate,
        Self::NodePatch,
        Self::Remove,
    ];

    /// The effect as in the name of a point: `launch` in `launch:before:1`.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Announce => "announce",
            Self::Status => "status",
            Self::End => "end",
            Self::Release => "release",
            Self::Launch => "launch",
            Self::Terminate => "terminate",
            Self::NodeCreate => "node-create",
            Self::NodePatch => "node-patch",
            Self::Remove => "remove",
        }
    }
}

/// Performs an effect between its two points.
pub(crate) async fn around<T>(effect: Effect, call: impl Future<Output = T>) -> T {
    armed::reach(effect, Side::Before);
    let answer = call.await;
    armed::reach(effect, Side::After);
    answer
}

/// Before or after.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Side {
    Before,
    After,
}

#[cfg(not(feature = "crash-points"))]
mod armed {
    use super::{Effect, Side};

    pub(super) fn reach(_effect: Effect, _side: Side) {}
}

#[cfg(feature = "crash-points")]
pub use armed::{NotAPoint, arm};

#[cfg(feature = "crash-points")]
mod armed {
    use std::sync::OnceLock;
    use std::sync::atomic::{AtomicU32, Ordering};

    use super::{Effect, Side};

    static ARMED: OnceLock<Armed> = OnceLock::new();

    #[derive(Debug)]
    struct Armed {
        effect: Effect,
        side: Side,
        /// At which passing, from 1.
        nth: u32,
        stops: bool,
        passed: AtomicU32,
    }

    /// The text names no point.
    #[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
    #[error(
        "\"{0}\" is no crash point: write effect, side and number, such as launch:before:1 or launch:after:1:stop"
    )]
    pub struct NotAPoint(String);

    /// Lets this process abort at the point `<effect>:<before|after>:<nth>`, or stop there if `:stop` follows. `nth` counts
    /// from 1 how often the point is passed. Only the first call in a process counts; later ones are ignored.
    ///
    /// # Errors
    ///
    /// The text names no point.
    pub fn arm(text: &str) -> Result<(), NotAPoint> {
        let armed = parse(text).ok_or_else(|| NotAPoint(text.to_owned()))?;
        let _first = ARMED.set(armed);
        Ok(())
    }

    fn parse(text: &str) -> Option<Armed> {
        let mut words = text.split(':');
        let effect = words.next()?;
        let effect = Effect::ALL.into_iter().find(|one| one.as_str() == effect)?;
        let side = match words.next()? {
            "before" => Side::Before,
            "after" => Side::After,
            _ => return None,
        };
        let nth = words.next()?.parse().ok().filter(|nth| *nth > 0)?;
        let stops = match words.next() {
            None => false,
            Some("stop") => true,
            Some(_) => return None,
        };
        words.next().is_none().then_some(Armed { effect, side, nth, stops, passed: AtomicU32::new(0) })
    }

    pub(super) fn reach(effect: Effect, side: Side) {
        let Some(armed) = ARMED.get().filter(|armed| (armed.effect, armed.side) == (effect, side)) else {
            return;
        };
        if armed.passed.fetch_add(1, Ordering::AcqRel) + 1 != armed.nth {
            return;
        }
        tracing::error!(effect = effect.as_str(), nth = armed.nth, "Crash point reached");
        if !armed.stops {
            std::process::abort();
        }
        let (this, stop) = (rustix::process::getpid(), rustix::process::Signal::STOP);
        if let Err(error) = rustix::process::kill_process(this, stop) {
            tracing::error!(error = %error, "The process cannot stop itself");
        }
    }

    #[cfg(test)]
    mod tests {
        use super::*;

        #[test]
        fn a_point_has_an_effect_a_side_and_a_number() {
            let armed = parse("launch:after:2:stop").expect("a point");
            assert_eq!(
                (armed.effect, armed.side, armed.nth, armed.stops),
                (Effect::Launch, Side::After, 2, true)
            );
            for wrong in
                ["", "launch", "launch:before", "launch:before:0", "lunch:before:1", "launch:before:1:go"]
            {
                let error = arm(wrong).expect_err("no point").to_string();
                assert!(error.contains("launch:before:1"), "{error}");
            }
        }
    }
}
