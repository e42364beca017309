//! A value that others wait for, which wakes them in the order in which they began to wait.
//!
//! tokio's watch channel wakes its receivers in an order that is drawn anew in every run, and a simulation must be the same
//! every time.

use std::sync::{Mutex, MutexGuard, PoisonError};

use tokio::sync::Notify;

/// A value, and those who wait for its changes.
#[derive(Debug, Default)]
pub(crate) struct Signal<T> {
    state: Mutex<State<T>>,
    changed: Notify,
}

#[derive(Debug, Default)]
struct State<T> {
    value: T,
    changes: u64,
}

impl<T: Copy> Signal<T> {
    pub(crate) fn new(value: T) -> Self {
        Self { state: Mutex::new(State { value, changes: 0 }), changed: Notify::new() }
    }

    fn state(&self) -> MutexGuard<'_, State<T>> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The value.
    pub(crate) fn get(&self) -> T {
        self.state().value
    }

    /// How often it was changed.
    pub(crate) fn changes(&self) -> u64 {
        self.state().changes
    }

    /// Sets it, and wakes everybody.
    pub(crate) fn set(&self, value: T) {
        self.update(|old| *old = value);
    }

    /// Changes it, and wakes everybody.
    pub(crate) fn update(&self, change: impl FnOnce(&mut T)) {
        let mut state = self.state();
        change(&mut state.value);
        state.changes += 1;
        drop(state);
        self.changed.notify_waiters();
    }

    /// Waits until the value is like this.
    pub(crate) async fn wait_for(&self, is_like: impl Fn(T) -> bool) {
        self.wait(|state| is_like(state.value)).await;
    }

    /// Waits until it was changed more often than so.
    pub(crate) async fn changed_since(&self, changes: u64) {
        self.wait(|state| state.changes != changes).await;
    }

    async fn wait(&self, is_over: impl Fn(&State<T>) -> bool) {
        loop {
            let mut changed = std::pin::pin!(self.changed.notified());
            // Before the look, so that a change after the look wakes.
            changed.as_mut().enable();
            if is_over(&self.state()) {
                return;
            }
            changed.await;
        }
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use super::*;

    #[tokio::test]
    async fn everybody_is_woken_in_the_order_of_waiting() {
        let (signal, woken) = (Arc::new(Signal::new(0)), Arc::new(Mutex::new(Vec::new())));
        let waiting: Vec<_> = (0..20)
            .map(|number| {
                let (signal, woken) = (Arc::clone(&signal), Arc::clone(&woken));
                tokio::spawn(async move {
                    signal.wait_for(|value| value == 2).await;
                    woken.lock().expect("a lock").push(number);
                })
            })
            .collect();
        tokio::task::yield_now().await;
        signal.set(1);
        tokio::task::yield_now().await;
        assert_eq!(woken.lock().expect("a lock").len(), 0);
        signal.set(2);
        for task in waiting {
            task.await.expect("woken");
        }
        assert_eq!(*woken.lock().expect("a lock"), (0..20).collect::<Vec<_>>());
        assert_eq!((signal.get(), signal.changes()), (2, 2));
    }
}
