//! A server's process: started, waited for until it says that it serves, and ended with this value.

use super::BenchError;
use super::cpu::Processes;
use rustix::process::{Pid, Signal, kill_process};
use std::fs::File;
use std::io::{self, BufRead, BufReader, Read};
use std::path::Path;
use std::process::{Child, ChildStdout, Command, Stdio};
use std::sync::mpsc;
use std::thread;
use std::time::{Duration, Instant};

/// A server that is ready.
#[derive(Debug)]
pub struct Server {
    child: Child,
    processes: Processes,
    /// The line that it printed.
    pub ready_line: String,
    /// From the start of the process to that line.
    pub ready_after: Duration,
}

impl Server {
    /// Starts it and waits for the first line that begins with that word. What it logs goes to a file.
    pub fn start(mut command: Command, ready: &'static str, log: &Path) -> Result<Self, BenchError> {
        let file = File::create(log).map_err(BenchError::io("make a log file"))?;
        command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(file);
        let began = Instant::now();
        let mut child = command.spawn().map_err(BenchError::io("start a server"))?;
        let line = child.stdout.take().and_then(|stdout| await_line(stdout, ready));
        let ready_after = began.elapsed();
        match line {
            Some(ready_line) => {
                let processes = Processes::tree(child.id())?;
                Ok(Self { child, processes, ready_line, ready_after })
            }
            None => {
                end(&mut child, Signal::KILL);
                Err(BenchError::Unready { program: command.get_program().into(), log: log.to_owned() })
            }
        }
    }

    /// The server's process and those that it has started until now.
    pub fn processes_now(&self) -> Result<Processes, BenchError> {
        Processes::tree(self.child.id())
    }

    /// The server's process and those that it had started when it was ready.
    pub const fn processes(&self) -> &Processes {
        &self.processes
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        end(&mut self.child, Signal::TERM);
    }
}

/// The line, if it comes in time. Whatever is printed later is read, so that the server never waits for us.
fn await_line(stdout: ChildStdout, ready: &'static str) -> Option<String> {
    let (found, line) = mpsc::channel();
    thread::spawn(move || {
        let mut lines = BufReader::new(stdout);
        let first = lines.by_ref().lines().map_while(Result::ok).find(|line| line.starts_with(ready));
        let _ = found.send(first);
        let _ = io::copy(&mut lines, &mut io::sink());
    });
    line.recv_timeout(READY_WITHIN).ok().flatten()
}

fn end(child: &mut Child, signal: Signal) {
    if let Some(pid) = i32::try_from(child.id()).ok().and_then(Pid::from_raw) {
        // It may have ended by itself.
        let _ = kill_process(pid, signal);
    }
    let _ = child.wait();
}

const READY_WITHIN: Duration = Duration::from_secs(60);
