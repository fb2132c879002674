//! The fence around this process: what it may still ask of the kernel, and what nobody may ask of it.
//!
//! The list of system calls is data, `sandbox/syscalls.list`. Whatever is not on it ends the process.

use rustix::mm::{MlockAllFlags, mlockall};
use rustix::process::{Resource, getrlimit};
use rustix::thread::{CapabilitySet, capabilities};
use seccompiler::{
    BpfProgram, SeccompAction, SeccompCmpArgLen, SeccompCmpOp, SeccompCondition, SeccompFilter, SeccompRule,
};
use std::collections::BTreeMap;
use std::hint::black_box;
use std::thread::{self, JoinHandle};

/// Locks all memory of the process as it comes into use, where there is the right to lock without limit. Under a limit it is not
/// tried: allocations would fail later. Keys lie in locked memory of their own in any case.
#[must_use]
pub fn lock_all_memory() -> bool {
    let unlimited = getrlimit(Resource::Memlock).current.is_none();
    let all = MlockAllFlags::CURRENT | MlockAllFlags::FUTURE | MlockAllFlags::ONFAULT;
    (unlimited || may_exceed_limits()) && mlockall(all).is_ok()
}

/// Whether the limit does not hold for this process. In a user namespace of its own, as in a rootless container, a process has the
/// capability and the kernel holds it to the limit all the same.
fn may_exceed_limits() -> bool {
    let capable = capabilities(None).is_ok_and(|sets| sets.effective.contains(CapabilitySet::IPC_LOCK));
    let of_the_first_namespace = |map: String| map.split_whitespace().eq(["0", "0", "4294967295"]);
    capable && std::fs::read_to_string("/proc/self/uid_map").is_ok_and(of_the_first_namespace)
}

/// Closes the filter over all threads of the process, for good.
pub fn close() -> Result<(), SandboxError> {
    let filter = compile(LIST)?;
    settle_allocator()?;
    seccompiler::apply_filter_all_threads(&filter).map_err(|_| SandboxError::Filter)
}

/// Has the allocator find out what it asks of files only once: glibc reads /proc/sys/vm/overcommit_memory when a thread other than
/// the first gives back much memory, in small pieces, for the first time. Behind the filter that would be the end of the process.
fn settle_allocator() -> Result<(), SandboxError> {
    let give_back = || drop(black_box([(); PIECES].map(|()| black_box(vec![0_u8; PIECE]))));
    let settled = thread::Builder::new().spawn(give_back).map(JoinHandle::join);
    settled.ok().and_then(Result::ok).ok_or(SandboxError::Allocator)
}

/// A line is a name, alone or with a condition `ARGUMENT lacks BITS`; `#` begins a remark.
fn compile(list: &str) -> Result<BpfProgram, SandboxError> {
    let mut rules = BTreeMap::new();
    for (number, line) in (1..).zip(list.lines()) {
        let rule = line.split('#').next().unwrap_or_default();
        let words: Vec<&str> = rule.split_whitespace().collect();
        let wrong = || SandboxError::List { line: number };
        let (name, conditions) = match words.as_slice() {
            [] => continue,
            [name] => (name, Vec::new()),
            [name, argument, "lacks", bits] => (name, vec![lacks(argument, bits).ok_or_else(wrong)?]),
            _ => return Err(wrong()),
        };
        if rules.insert(call_of_name(name).ok_or_else(wrong)?, conditions).is_some() {
            return Err(wrong());
        }
    }
    let architecture = std::env::consts::ARCH.try_into().map_err(|_| SandboxError::Filter)?;
    SeccompFilter::new(rules, SeccompAction::KillProcess, SeccompAction::Allow, architecture)
        .and_then(BpfProgram::try_from)
        .map_err(|_| SandboxError::Filter)
}

fn lacks(argument: &str, bits: &str) -> Option<SeccompRule> {
    let bits = u64::from_str_radix(bits.strip_prefix("0x")?, 16).ok()?;
    let operator = SeccompCmpOp::MaskedEq(bits);
    let condition =
        SeccompCondition::new(argument.parse().ok()?, SeccompCmpArgLen::Qword, operator, 0).ok()?;
    SeccompRule::new(vec![condition]).ok()
}

/// The names that the list may use; their numbers differ from architecture to architecture.
fn call_of_name(name: &str) -> Option<i64> {
    Some(match name {
        "brk" => libc::SYS_brk,
        "clock_gettime" => libc::SYS_clock_gettime,
        "exit_group" => libc::SYS_exit_group,
        "futex" => libc::SYS_futex,
        "getrandom" => libc::SYS_getrandom,
        "madvise" => libc::SYS_madvise,
        "mmap" => libc::SYS_mmap,
        "mprotect" => libc::SYS_mprotect,
        "mremap" => libc::SYS_mremap,
        "munmap" => libc::SYS_munmap,
        "read" => libc::SYS_read,
        "sched_yield" => libc::SYS_sched_yield,
        "sigaltstack" => libc::SYS_sigaltstack,
        "write" => libc::SYS_write,
        _ => return None,
    })
}

/// Why there is no fence. Without one nothing is served.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum SandboxError {
    /// No thread could be started.
    #[error("the allocator cannot be prepared for the system call filter")]
    Allocator,
    /// The filter cannot be made for this architecture, or the kernel does not take it.
    #[error("the system call filter cannot be put in place")]
    Filter,
    /// The kernel refuses.
    #[error("the process cannot be fenced: {0}")]
    Kernel(#[from] rustix::io::Errno),
    /// The list of system calls has a line that is no rule.
    #[error("line {line} of the list of system calls is no rule")]
    List {
        /// Which line.
        line: usize,
    },
}

/// A piece that the allocator has in a heap, not in a mapping of its own, and so many of them that it gives memory back to the kernel.
const PIECE: usize = 64 << 10;
const PIECES: usize = 64;

const LIST: &str = include_str!("../sandbox/syscalls.list");

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_list_compiles() {
        assert!(compile(LIST).is_ok());
    }

    #[test]
    fn a_line_that_is_no_rule_is_an_error_and_not_left_out() {
        for (line, list) in [
            (1, "open"),
            (2, "read\nread"),
            (1, "mmap 2"),
            (1, "mmap 2 has 0x4"),
            (3, "\n# x\nmmap 7 lacks 0x4"),
        ] {
            assert_eq!(compile(list).err(), Some(SandboxError::List { line }), "{list}");
        }
    }
}
