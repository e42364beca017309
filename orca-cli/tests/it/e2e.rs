//! End to end: `orca` as a process of its own, under the RBAC that we ship, on a real control plane and moto.
//!
//! Each test starts servers of its own and stops them. After `orca-testkit/servers/prepare`, run
//! `cargo test --workspace --all-features --test it -- --ignored --test-threads=2`: another selection of crates or
//! features builds the AWS SDK once more.

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

/// The same on a real control plane and the fake EC2, whose histories are judged by the rules of the simulation.
#[cfg(feature = "crash-points")]
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

mod admission;
mod black_hole;
mod cluster;
mod crash;
mod deletion;
mod faults;
mod garbage;
mod handover;
#[cfg(feature = "crash-points")]
mod kills;
mod loss;
mod manifests;
mod node;
mod pods;
mod restore;
mod startup;
mod steady;
mod trouble;
pub(crate) mod world;
