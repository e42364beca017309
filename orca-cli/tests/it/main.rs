//! The program from outside: config errors without any server, and end to end on a real control plane and an EC2 server.

mod config;
mod e2e;
