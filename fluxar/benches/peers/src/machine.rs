//! The machine: what it is, and who else was busy on it. Linux only; elsewhere the figures miss.

use std::fs;

/// Kernel ticks a second in `/proc`: fixed by the kernel's interface to user space.
const TICKS_PER_SECOND: f64 = 100.0;

/// One line about processor, cores, memory and kernel.
pub(crate) fn describe() -> String {
    let cores = std::thread::available_parallelism().map_or(0, usize::from);
    let model = field("/proc/cpuinfo", "model name").unwrap_or_else(|| "unknown processor".into());
    let memory_kib = field("/proc/meminfo", "MemTotal")
        .and_then(|text| text.trim_end_matches(" kB").parse::<u64>().ok())
        .unwrap_or_default();
    let kernel = fs::read_to_string("/proc/sys/kernel/osrelease").unwrap_or_default();
    let (system, kernel) = (std::env::consts::OS, kernel.trim());
    format!("{model}, {cores} cores, {} GiB, {system} {kernel}", memory_kib >> 20)
}

/// The value of `name : value` in a file of such lines.
fn field(path: &str, name: &str) -> Option<String> {
    let text = fs::read_to_string(path).ok()?;
    let line = text.lines().find(|line| line.starts_with(name))?;
    Some(line.split_once(':')?.1.trim().to_owned())
}

/// Memory of a process that is really there, KiB.
pub(crate) fn resident_kib(process: u32) -> Option<u64> {
    let text = field(&format!("/proc/{process}/status"), "VmRSS")?;
    text.trim_end_matches(" kB").parse().ok()
}

/// Processor time so far, in seconds.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct CpuTime {
    /// Of all processes.
    pub(crate) all: f64,
    /// Of the processes asked for.
    pub(crate) ours: f64,
}

impl CpuTime {
    /// Reads the clocks of the whole machine and of these processes.
    pub(crate) fn read(processes: &[u32]) -> Self {
        let ours = processes.iter().filter_map(|&process| of_process(process)).sum();
        Self { all: of_machine().unwrap_or_default(), ours }
    }

    /// Time spent since an earlier reading.
    pub(crate) fn since(self, earlier: Self) -> Self {
        Self { all: self.all - earlier.all, ours: self.ours - earlier.ours }
    }

    /// Time that neither we nor the idle loop used.
    pub(crate) fn foreign(self) -> f64 {
        (self.all - self.ours).max(0.0)
    }
}

/// Busy time of all cores: user, nice, system, irq, softirq and steal.
fn of_machine() -> Option<f64> {
    let text = fs::read_to_string("/proc/stat").ok()?;
    let ticks: Vec<f64> =
        text.lines().next()?.split_whitespace().skip(1).filter_map(|t| t.parse().ok()).collect();
    let busy = [0, 1, 2, 5, 6, 7].iter().filter_map(|&index: &usize| ticks.get(index)).sum::<f64>();
    Some(busy / TICKS_PER_SECOND)
}

/// User and system time of one process with all its threads.
fn of_process(process: u32) -> Option<f64> {
    let text = fs::read_to_string(format!("/proc/{process}/stat")).ok()?;
    // The name may contain spaces; the numbers begin after its closing bracket, with field 3.
    let numbers: Vec<&str> = text.rsplit_once(')')?.1.split_whitespace().collect();
    let (user, system) = (numbers.get(11)?.parse::<f64>(), numbers.get(12)?.parse::<f64>());
    Some((user.ok()? + system.ok()?) / TICKS_PER_SECOND)
}
