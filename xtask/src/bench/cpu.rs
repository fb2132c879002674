//! What processes cost, read from `/proc`: processor time by thread in nanoseconds, and resident memory.

use super::BenchError;
use std::collections::HashMap;
use std::fs;
use std::path::Path;

/// A process and all its descendants, as they were when they were looked for.
#[derive(Clone, Debug)]
pub struct Processes(Vec<u32>);

/// Processor time of every thread at one moment, in nanoseconds.
#[derive(Debug)]
pub struct CpuReading(HashMap<u32, u64>);

impl Processes {
    /// That process and those that it started, and so on.
    pub fn tree(root: u32) -> Result<Self, BenchError> {
        let parents = parents()?;
        let mut found = vec![root];
        let mut at = 0;
        while let Some(parent) = found.get(at).copied() {
            found.extend(parents.iter().filter(|(_, of)| *of == parent).map(|(child, _)| *child));
            at += 1;
        }
        Ok(Self(found))
    }

    /// This process only.
    pub fn this() -> Self {
        Self(vec![std::process::id()])
    }

    /// Of a server that is not ours to look at.
    pub const fn unknown() -> Self {
        Self(Vec::new())
    }

    /// Those started by this process, and so on; not this process itself.
    pub fn children() -> Result<Self, BenchError> {
        let mut tree = Self::tree(std::process::id())?;
        tree.0.remove(0);
        Ok(tree)
    }

    /// These but for those.
    pub fn without(mut self, others: &Self) -> Self {
        self.0.retain(|process| !others.0.contains(process));
        self
    }

    /// How many there are.
    pub const fn len(&self) -> usize {
        self.0.len()
    }

    /// User and system time of all threads that live. A thread that ended before is not counted.
    pub fn cpu(&self) -> Result<CpuReading, BenchError> {
        let mut threads = HashMap::new();
        for process in &self.0 {
            let tasks = fs::read_dir(format!("/proc/{process}/task"));
            for task in tasks.map_err(BenchError::io("list the threads of a server"))?.flatten() {
                if let (Some(id), Some(time)) = (number(&task.path()), run_time(&task.path())) {
                    threads.insert(id, time);
                }
            }
        }
        Ok(CpuReading(threads))
    }

    /// Resident bytes, summed over the processes: pages that two of them share count twice.
    pub fn resident(&self) -> Result<u64, BenchError> {
        self.0.iter().map(|process| memory(*process, "VmRSS:")).sum()
    }

    /// The most bytes that were ever resident, summed over the processes, though they may have had them at different times.
    pub fn most_resident(&self) -> Result<u64, BenchError> {
        self.0.iter().map(|process| memory(*process, "VmHWM:")).sum()
    }
}

impl CpuReading {
    /// Nanoseconds of processor time since the earlier reading.
    pub fn since(&self, earlier: &Self) -> u64 {
        let spent = |(thread, now): (&u32, &u64)| {
            now.saturating_sub(earlier.0.get(thread).copied().unwrap_or_default())
        };
        self.0.iter().map(spent).sum()
    }
}

/// Every process with its parent.
fn parents() -> Result<Vec<(u32, u32)>, BenchError> {
    let processes = fs::read_dir("/proc").map_err(BenchError::io("list the processes"))?;
    Ok(processes.flatten().filter_map(|entry| parent(&entry.path())).collect())
}

fn parent(process: &Path) -> Option<(u32, u32)> {
    let id = number(process)?;
    let stat = fs::read_to_string(process.join("stat")).ok()?;
    // The name of the program is in brackets and may hold anything.
    let (_, after_name) = stat.rsplit_once(')')?;
    Some((id, after_name.split_ascii_whitespace().nth(1)?.parse().ok()?))
}

fn number(path: &Path) -> Option<u32> {
    path.file_name()?.to_str()?.parse().ok()
}

fn run_time(task: &Path) -> Option<u64> {
    fs::read_to_string(task.join("schedstat")).ok()?.split_ascii_whitespace().next()?.parse().ok()
}

fn memory(process: u32, line: &str) -> Result<u64, BenchError> {
    let status = fs::read_to_string(format!("/proc/{process}/status"))
        .map_err(BenchError::io("read the memory of a server"))?;
    let kibibytes = status
        .lines()
        .find_map(|text| text.strip_prefix(line)?.split_ascii_whitespace().next()?.parse::<u64>().ok());
    kibibytes
        .map(|kibibytes| kibibytes * 1024)
        .ok_or_else(|| BenchError::malformed("/proc/PID/status", status))
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::time::{Duration, Instant};

    #[test]
    fn work_costs_processor_time() {
        let this = Processes::this();
        let (began, before) = (Instant::now(), this.cpu().unwrap());
        while this.cpu().unwrap().since(&before) < 20_000_000 {
            assert!(began.elapsed() < Duration::from_secs(60), "no time is counted");
        }
    }

    #[test]
    fn a_process_that_was_started_is_found_below_this_one() {
        let mut child = std::process::Command::new("sleep").arg("60").spawn().unwrap();
        let found = Processes::children().unwrap().0.contains(&child.id());
        child.kill().unwrap();
        child.wait().unwrap();
        assert!(found);
    }
}
