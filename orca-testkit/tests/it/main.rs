//! Tests of the harness itself.

#![expect(clippy::print_stdout, reason = "the times of the real servers are worth a look")]

mod client;
mod control_plane;
mod moto;
mod prepare;
mod proxy_calls;
mod proxy_faults;
mod proxy_tokens;
mod upstream;
