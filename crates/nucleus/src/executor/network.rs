//! Gives jails the session's way out: ports, redirected connections, variables and files, and somebody who serves them.

use std::net::TcpListener;

use nucleus_jail::{Jail, JailSpec, Reach, View};

use super::Jails;
use crate::error::Error;
use crate::ports::{JailSockets, Outfit};

/// Keeps a jail's network served; dropped, every connection of the jail is cut.
pub struct ServedNetwork(#[expect(dead_code, reason = "held for its drop")] Box<dyn Send + Sync>);

impl std::fmt::Debug for ServedNetwork {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("ServedNetwork").finish_non_exhaustive()
    }
}

/// Listening sockets with their ports in the jail.
pub type Listeners = Vec<(u16, TcpListener)>;

impl Jails {
    /// Gives the jail what the session's network asks for; without one, it has its loopback alone.
    ///
    /// Its variables are the caller's to set: they are part of a command's request.
    pub fn connect(&self, spec: &mut JailSpec) {
        let Some(network) = self.network() else {
            return;
        };
        let Outfit {
            ports,
            is_redirected,
            files,
            ..
        } = network.outfit();
        spec.ports.extend(ports);
        if is_redirected {
            spec.reach = Reach::Redirected;
        }
        for (inside, bytes) in files {
            let is_same =
                |view: &View| matches!(view, View::File { inside: known, .. } if *known == inside);
            spec.views.retain(|view| !is_same(view));
            spec.views.push(View::File {
                inside,
                bytes,
                mode: 0o644,
            });
        }
    }

    /// Serves a jail that was [connected](Jails::connect), and returns the listeners that are the caller's own.
    ///
    /// # Errors
    /// When the sockets cannot be taken over. A kernel without redirection is no
    /// error: the jail reaches less, by the proxy's own ports alone.
    pub fn serve(
        &self,
        jail: &mut Jail,
        program: &str,
    ) -> Result<(Listeners, Option<ServedNetwork>), Error> {
        let listeners = jail.take_listeners();
        let Some(network) = self.network() else {
            return Ok((listeners, None));
        };
        let outfit = network.outfit();
        let (ports, own) = listeners
            .into_iter()
            .partition(|(port, _)| outfit.ports.contains(port));
        let redirected = jail.take_redirected().unwrap_or_else(|why| {
            tracing::warn!("connections of a jail are not redirected: {why}");
            nucleus_jail::Redirected::default()
        });
        let sockets = JailSockets {
            ports,
            redirected: redirected.connections,
            names: redirected.names,
            first: Some(jail.pid()),
        };
        let served = network.serve(program, sockets).map_err(|error| {
            Error::failed("cannot serve the network of a jail".to_owned(), error)
        })?;
        Ok((own, Some(ServedNetwork(served))))
    }
}
