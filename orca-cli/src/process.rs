//! What this process uses and what it was built from, as metrics under the names that every Prometheus client gives them.

use std::fmt;

use prometheus_client::collector::Collector;
use prometheus_client::encoding::{DescriptorEncoder, EncodeMetric};
use prometheus_client::metrics::counter::ConstCounter;
use prometheus_client::metrics::gauge::ConstGauge;
use prometheus_client::metrics::info::Info;
use prometheus_client::registry::Registry;

/// Registers `orca_build_info` and the `process_*` of this process; those are read when somebody asks, and only Linux tells them.
pub(crate) fn register(registry: &mut Registry) {
    let built = [("version", env!("CARGO_PKG_VERSION")), ("revision", env!("ORCA_REVISION"))];
    registry.register("orca_build", "What this program was built from", Info::new(built.to_vec()));
    registry.register_collector(Box::new(Process));
}

#[derive(Debug)]
struct Process;

/// One reading of the operating system.
struct Usage {
    cpu_seconds: f64,
    resident_bytes: u64,
    virtual_bytes: u64,
    started_at: f64,
    open_files: usize,
    most_files: Option<u64>,
}

impl Collector for Process {
    fn encode(&self, mut encoder: DescriptorEncoder<'_>) -> Result<(), fmt::Error> {
        let Some(usage) = usage() else { return Ok(()) };
        let cpu = ConstCounter::new(usage.cpu_seconds);
        let help = "CPU time of this process, user and system";
        cpu.encode(encoder.encode_descriptor("process_cpu_seconds", help, None, cpu.metric_type())?)?;
        let gauges = [
            ("process_resident_memory_bytes", "Memory that is in RAM", Some(usage.resident_bytes)),
            ("process_virtual_memory_bytes", "Address space", Some(usage.virtual_bytes)),
            ("process_open_fds", "Open files and sockets", u64::try_from(usage.open_files).ok()),
            ("process_max_fds", "So many may be open", usage.most_files),
        ];
        for (name, help, value) in gauges {
            let Some(value) = value.and_then(|value| i64::try_from(value).ok()) else { continue };
            let gauge = ConstGauge::new(value);
            gauge.encode(encoder.encode_descriptor(name, help, None, gauge.metric_type())?)?;
        }
        let started = ConstGauge::new(usage.started_at);
        let (name, help) = ("process_start_time_seconds", "When this process started, in seconds since 1970");
        started.encode(encoder.encode_descriptor(name, help, None, started.metric_type())?)
    }
}

#[cfg(target_os = "linux")]
fn usage() -> Option<Usage> {
    use procfs::process::{LimitValue, Process as Read};
    use procfs::{boot_time_secs, page_size, ticks_per_second};

    let process = Read::myself().ok()?;
    let stat = process.stat().ok()?;
    let seconds = |ticks: u64| {
        let whole = u32::try_from(ticks / ticks_per_second()).unwrap_or(u32::MAX);
        let rest = u32::try_from(ticks % ticks_per_second()).unwrap_or_default();
        f64::from(whole) + f64::from(rest) / f64::from(u32::try_from(ticks_per_second()).unwrap_or(100))
    };
    let most_files = match process.limits().ok()?.max_open_files.soft_limit {
        LimitValue::Value(most) => Some(most),
        LimitValue::Unlimited => None,
    };
    Some(Usage {
        cpu_seconds: seconds(stat.utime.saturating_add(stat.stime)),
        resident_bytes: stat.rss.saturating_mul(page_size()),
        virtual_bytes: stat.vsize,
        started_at: f64::from(u32::try_from(boot_time_secs().ok()?).ok()?) + seconds(stat.starttime),
        open_files: process.fd_count().ok()?,
        most_files,
    })
}

#[cfg(not(target_os = "linux"))]
fn usage() -> Option<Usage> {
    None
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_scrape_says_what_was_built_and_what_it_uses() {
        let mut registry = Registry::default();
        register(&mut registry);
        let mut text = String::new();
        prometheus_client::encoding::text::encode(&mut text, &registry).expect("text");
        let build = format!("orca_build_info{{version=\"{}\",revision=", env!("CARGO_PKG_VERSION"));
        assert!(text.contains(&build), "{text}");
        if cfg!(target_os = "linux") {
            let value = |name: &str| -> f64 {
                let line = text.lines().find_map(|line| line.strip_prefix(name)?.strip_prefix(' '));
                line.unwrap_or_else(|| panic!("no {name} in {text}")).parse().expect("a number")
            };
            assert!(value("process_resident_memory_bytes") > 1_000_000.0);
            assert!(value("process_cpu_seconds_total") >= 0.0 && value("process_open_fds") >= 3.0);
            let now = orca_core::clock::system().now().as_second();
            let age = f64::from(u32::try_from(now).expect("in range")) - value("process_start_time_seconds");
            assert!((-2.0..3_600.0).contains(&age), "{age} s old");
        }
    }
}
