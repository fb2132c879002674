//! The servers, in the order in which they are asked: first those that did well when they were last asked.

use crate::Settings;
use http::Uri;
use std::sync::atomic::{AtomicBool, Ordering};

/// The servers, shared by all threads.
pub(crate) struct Servers(Vec<Server>);

/// A server, or a name that stands for several.
pub(crate) struct Server {
    pub(crate) address: Uri,
    /// As members are called: what the configuration calls it.
    pub(crate) name: String,
    /// It failed when it was last asked: the others are asked first until it is well.
    is_aside: AtomicBool,
}

impl Servers {
    pub(crate) fn of(settings: &Settings) -> Self {
        let server = |address: &Uri| Server {
            address: address.clone(),
            name: address.authority().map(ToString::to_string).unwrap_or_default(),
            is_aside: AtomicBool::new(false),
        };
        Self(settings.addresses.iter().map(server).collect())
    }

    pub(crate) fn all(&self) -> &[Server] {
        &self.0
    }

    /// Whom to ask, one after the other. A single name is asked twice: another server may be behind it the next time.
    pub(crate) fn in_turn(&self) -> impl Iterator<Item = (usize, &Server)> {
        let (well, aside): (Vec<_>, Vec<_>) =
            self.0.iter().enumerate().partition(|(_, server)| !server.is_aside());
        let again = if self.0.len() == 1 { self.0.first().map(|server| (0, server)) } else { None };
        well.into_iter().chain(aside).chain(again)
    }
}

impl Server {
    pub(crate) fn is_aside(&self) -> bool {
        self.is_aside.load(Ordering::Relaxed)
    }

    pub(crate) fn set_aside(&self, why: &dyn std::fmt::Display) {
        if !self.is_aside.swap(true, Ordering::Relaxed) {
            tracing::warn!(server = self.name, %why, "a server is asked last until it is well");
        }
    }

    pub(crate) fn is_well(&self) {
        if self.is_aside.swap(false, Ordering::Relaxed) {
            tracing::info!(server = self.name, "a server is well again");
        }
    }
}
