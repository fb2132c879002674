//! Cardea and the bare server in turn, round after round, so that whatever disturbs the machine disturbs both.

use super::bare::Bare;
use super::cardea::Cardea;
use super::connection::Endpoint;
use super::load::{Slice, Window, drive};
use super::operation::Operation;
use super::{BenchError, Options, note};
use serde::Serialize;
use std::sync::Arc;

/// How requests travel.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
pub enum Scheme {
    /// Plain.
    Http,
    /// TLS.
    Https,
}

/// One operation over one scheme and so many connections.
#[derive(Debug, Serialize)]
pub struct Cell {
    /// The operation.
    pub operation: Operation,
    /// How requests travel.
    pub scheme: Scheme,
    /// Connections, each with one request in flight.
    pub connections: usize,
    /// What the rounds showed.
    pub rounds: Vec<Round>,
}

/// A slice of each server, one after the other.
#[derive(Clone, Copy, Debug, Serialize)]
pub struct Round {
    /// The bare server.
    pub bare: Slice,
    /// Cardea.
    pub cardea: Slice,
}

/// The two servers, and the keys that Cardea has.
#[derive(Debug)]
pub struct Pair<'a> {
    /// Cardea.
    pub cardea: &'a Cardea,
    /// The bare server.
    pub bare: &'a Bare,
    /// The keys that requests name.
    pub keys: &'a [String],
}

impl Pair<'_> {
    /// Measures every cell in every round.
    pub fn measure(&self, schemes: &[Scheme], options: &Options) -> Result<Vec<Cell>, BenchError> {
        let operations = options.operations();
        let works =
            operations.iter().map(|operation| self.work(*operation)).collect::<Result<Vec<_>, _>>()?;
        let mut cells = Vec::new();
        for (scheme, work) in schemes.iter().flat_map(|scheme| works.iter().map(move |work| (*scheme, work)))
        {
            for connections in options.connections() {
                let cell = Cell { operation: work.operation, scheme, connections, rounds: Vec::new() };
                cells.push((cell, work));
            }
        }
        for round in 1..=options.rounds {
            note(&format!("round {round} of {}: {} cells", options.rounds, cells.len()));
            for (cell, work) in &mut cells {
                let round = self.round(cell, work, options.window())?;
                cell.rounds.push(round);
            }
        }
        Ok(cells.into_iter().map(|(cell, _)| cell).collect())
    }

    fn work(&self, operation: Operation) -> Result<Work, BenchError> {
        let bodies = operation.bodies(self.cardea, self.keys, DISTINCT_REQUESTS)?;
        let answer = self.cardea.call_all(operation.name(), bodies.get(..1).unwrap_or_default(), 1)?;
        // As compact as it came.
        let answer_length = answer.first().map(|answer| answer.to_string().len()).unwrap_or_default();
        Ok(Work { operation, bodies, answer_length })
    }

    fn round(&self, cell: &Cell, work: &Work, window: Window) -> Result<Round, BenchError> {
        let signed = self.cardea.sign(work.operation.name(), &work.bodies)?;
        let asked_of_bare = Arc::new(signed.for_bare(work.answer_length));
        let (bare, cardea) = self.endpoints(cell.scheme);
        let connections = cell.connections;
        Ok(Round {
            bare: drive(bare, &asked_of_bare, connections, window, self.bare.server.processes())?,
            cardea: drive(cardea, &Arc::new(signed), connections, window, self.cardea.server.processes())?,
        })
    }

    const fn endpoints(&self, scheme: Scheme) -> (&Endpoint, &Endpoint) {
        match scheme {
            Scheme::Http => (&self.bare.http, &self.cardea.http),
            Scheme::Https => (&self.bare.https, &self.cardea.https),
        }
    }
}

struct Work {
    operation: Operation,
    bodies: Vec<String>,
    answer_length: usize,
}

const DISTINCT_REQUESTS: usize = 256;
