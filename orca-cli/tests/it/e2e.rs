//! End to end: `orca` as a process of its own, under the RBAC that we ship, on a real control plane and moto.
//!
//! Each test starts servers of its own and stops them. After `orca-testkit/servers/prepare`, run
//! `cargo test --workspace --all-features --test it -- --ignored --test-threads=2`: another selection of crates or
//! features rebuilds the AWS SDK.

/// Runs each scenario on both fakes, and on the real servers. It takes the world that it acts in.
macro_rules! anywhere {
    ($($name:ident),* $(,)?) => {
        mod on_fakes {
            $(
                #[tokio::test(flavor = "multi_thread", worker_threads = 2)]
                async fn $name() {
                    super::$name(crate::e2e::world::World::fake().await).await;
                }
            )*
        }
        mod on_servers {
            $(
                #[tokio::test(flavor = "multi_thread", worker_threads = 2)]
                #[ignore = "needs the real servers: run orca-testkit/servers/prepare first"]
                async fn $name() {
                    super::$name(crate::e2e::world::World::real().await).await;
                }
            )*
        }
    };
}

/// Plays a scenario (`play`) once on both fakes and once on the real servers, and checks each expectation about what was
/// `Played` in a test of its own. A set-up that fails fails all of them.
macro_rules! played_once_anywhere {
    ($($name:ident),* $(,)?) => {
        mod on_fakes {
            static PLAYED: std::sync::OnceLock<super::Played> = std::sync::OnceLock::new();
            $(
                #[test]
                fn $name() {
                    let play = async { super::play(crate::e2e::world::World::fake().await).await };
                    super::$name(PLAYED.get_or_init(|| crate::e2e::played(play)));
                }
            )*
        }
        mod on_servers {
            static PLAYED: std::sync::OnceLock<super::Played> = std::sync::OnceLock::new();
            $(
                #[test]
                #[ignore = "needs the real servers: run orca-testkit/servers/prepare first"]
                fn $name() {
                    let play = async { super::play(crate::e2e::world::World::real().await).await };
                    super::$name(PLAYED.get_or_init(|| crate::e2e::played(play)));
                }
            )*
        }
    };
}

/// As `anywhere`, but on a real control plane and the fake EC2, whose histories are judged by the rules of the simulation.
macro_rules! judged {
    ($($name:ident),* $(,)?) => {
        mod on_fakes {
            $(
                #[tokio::test(flavor = "multi_thread", worker_threads = 2)]
                async fn $name() {
                    super::$name(&crate::e2e::world::World::fake().await).await;
                }
            )*
        }
        mod on_servers {
            $(
                #[tokio::test(flavor = "multi_thread", worker_threads = 2)]
                #[ignore = "needs the real servers: run orca-testkit/servers/prepare first"]
                async fn $name() {
                    let world = crate::e2e::world::World::judged().await;
                    super::$name(&world).await;
                    world.judge().await;
                }
            )*
        }
    };
}

/// The same for scenarios that need what only the real servers have, such as RBAC.
macro_rules! servers_only {
    ($($name:ident),* $(,)?) => {
        mod only_on_servers {
            $(
                #[tokio::test(flavor = "multi_thread", worker_threads = 2)]
                #[ignore = "needs the real servers: run orca-testkit/servers/prepare first"]
                async fn $name() {
                    super::$name(crate::e2e::world::World::real().await).await;
                }
            )*
        }
    };
}

mod addresses;
mod admission;
mod black_hole;
mod changes;
mod cluster;
mod crash;
mod deletion;
mod faults;
mod garbage;
mod gpu_pod;
mod handover;
#[cfg(feature = "crash-points")]
mod kills;
mod kubeconfigs;
mod logs;
mod loss;
mod manifests;
mod node;
mod planned;
mod pods;
mod printed;
mod restore;
mod startup;
mod steady;
mod trouble;
mod troubleshooting;
pub(crate) mod world;

/// Runs a scenario to its end, for tests that share what was seen in it.
fn played<T>(play: impl Future<Output = T>) -> T {
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build();
    runtime.expect("a runtime").block_on(Box::pin(play))
}
