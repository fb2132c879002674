//! SoftHSM called directly: a program for each token, with as many sessions as Cardea has, that makes the same two calls of the library
//! over and over.

use super::super::cpu::Processes;
use super::super::load::Window;
use super::super::{BenchError, Places};
use super::hsm::{ClusterKind, Sizes};
use super::soft_hsm::{PIN, SoftHsm};
use std::io::{BufRead, BufReader, Write};
use std::process::{Child, ChildStdin, ChildStdout, Command, Stdio};

/// The programs of a cluster's tokens, ready to call.
#[derive(Debug)]
pub struct Direct(Vec<Program>);

#[derive(Debug)]
struct Program {
    child: Child,
    input: ChildStdin,
    output: BufReader<ChildStdout>,
}

impl Direct {
    /// Logs in to every token, and makes a key on each.
    pub fn start(
        places: &Places,
        hsm: &SoftHsm,
        kind: &ClusterKind,
        sizes: Sizes,
    ) -> Result<Self, BenchError> {
        let library = kind.library(places)?;
        let programs = kind.tokens.iter().map(|token| {
            let mut command = Command::new(places.this.with_file_name("examples").join("direct"));
            command.arg(&library).args([token, PIN]);
            command.args(
                [kind.sessions, sizes.plaintext, sizes.additional_data].map(|number| number.to_string()),
            );
            command.envs(hsm.environment()?);
            Program::start(command)
        });
        programs.collect::<Result<_, _>>().map(Self)
    }

    /// Calls of all of them a second, and the processor time of one in microseconds.
    pub fn rate(&mut self, window: Window) -> Result<(f64, f64), BenchError> {
        let processes: Vec<_> = self.0.iter().map(|program| Processes::tree(program.child.id())).collect();
        let processes = processes.into_iter().collect::<Result<Vec<_>, _>>()?;
        let before = processes.iter().map(Processes::cpu).collect::<Result<Vec<_>, _>>()?;
        self.0.iter_mut().try_for_each(|program| program.begin(window))?;
        let calls: Vec<_> = self.0.iter_mut().map(Program::calls).collect::<Result<_, _>>()?;
        let mut spent = 0;
        for (processes, before) in processes.iter().zip(&before) {
            spent += processes.cpu()?.since(before);
        }
        let (all, counted): (u64, u64) =
            calls.into_iter().fold((0, 0), |sum, calls| (sum.0 + calls.0, sum.1 + calls.1));
        Ok((counted as f64 / window.measured.as_secs_f64(), spent as f64 / all as f64 / 1e3))
    }
}

impl Program {
    fn start(mut command: Command) -> Result<Self, BenchError> {
        command.stdin(Stdio::piped()).stdout(Stdio::piped());
        let mut child = command.spawn().map_err(BenchError::io("start the direct calls"))?;
        let pipes = child.stdin.take().zip(child.stdout.take()).ok_or(BenchError::ThreadLost)?;
        let mut program = Self { child, input: pipes.0, output: BufReader::new(pipes.1) };
        match program.line()?.as_str() {
            "ready" => Ok(program),
            other => Err(BenchError::malformed("the ready line", other)),
        }
    }

    fn begin(&mut self, window: Window) -> Result<(), BenchError> {
        let line = format!("{} {}\n", window.warm_up.as_millis(), window.measured.as_millis());
        self.input.write_all(line.as_bytes()).map_err(BenchError::io("start the direct calls"))
    }

    /// All calls, and those that counted.
    fn calls(&mut self) -> Result<(u64, u64), BenchError> {
        let line = self.line()?;
        let numbers =
            line.split_once(' ').and_then(|(all, counted)| Some((all.parse().ok()?, counted.parse().ok()?)));
        numbers.ok_or_else(|| BenchError::malformed("the number of direct calls", line))
    }

    fn line(&mut self) -> Result<String, BenchError> {
        let mut line = String::new();
        self.output.read_line(&mut line).map_err(BenchError::io("hear of the direct calls"))?;
        Ok(line.trim().to_owned())
    }
}

impl Drop for Program {
    fn drop(&mut self) {
        // It may have ended by itself.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}
