//! What a process has used, as Linux counts it.

use std::fs;

/// A look at one process.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub(super) struct Usage {
    /// Processor seconds since its start, in its own code and in the kernel for it.
    pub(super) cpu_seconds: f64,
    /// The most memory that it ever held, in MiB.
    pub(super) peak_mib: f64,
    /// The memory that it holds now, in MiB.
    pub(super) memory_mib: f64,
}

impl Usage {
    /// Looks at a process. None when it is gone, or when this is no Linux.
    pub(super) fn of(pid: u32) -> Option<Self> {
        let stat = fs::read_to_string(format!("/proc/{pid}/stat")).ok()?;
        let status = fs::read_to_string(format!("/proc/{pid}/status")).ok()?;
        Some(Self {
            cpu_seconds: cpu_seconds(&stat)?,
            peak_mib: mib(&status, "VmHWM:")?,
            memory_mib: mib(&status, "VmRSS:")?,
        })
    }
}

/// Fields 14 and 15, counted in clock ticks. The second field is the program's name and may hold spaces.
fn cpu_seconds(stat: &str) -> Option<f64> {
    let (_, after_name) = stat.rsplit_once(')')?;
    let mut fields = after_name.split_whitespace().skip(11);
    let user: u32 = fields.next()?.parse().ok()?;
    let system: u32 = fields.next()?.parse().ok()?;
    let ticks = u32::try_from(rustix::param::clock_ticks_per_second()).ok()?;
    Some((f64::from(user) + f64::from(system)) / f64::from(ticks))
}

fn mib(status: &str, name: &str) -> Option<f64> {
    let line = status.lines().find_map(|line| line.strip_prefix(name))?;
    let kib: u32 = line.trim().strip_suffix("kB")?.trim().parse().ok()?;
    Some(f64::from(kib) / 1024.0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_with_spaces_and_brackets_does_not_shift_the_fields() {
        let ticks = rustix::param::clock_ticks_per_second();
        let stat = format!("7 (a) b) S 1 7 7 0 -1 4194304 100 0 0 0 {ticks} {} 0 0 20 0 9 0 55", 2 * ticks);
        assert_eq!(cpu_seconds(&stat), Some(3.0));
        assert_eq!(mib("Name:\torca\nVmHWM:\t   51200 kB\nVmRSS:\t 100 kB\n", "VmHWM:"), Some(50.0));
    }

    #[test]
    fn this_process_can_be_looked_at() {
        let usage = Usage::of(std::process::id()).expect("Linux");
        assert!(usage.peak_mib > 0.0);
    }
}
