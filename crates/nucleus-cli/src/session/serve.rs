//! Serves a jail's ports: the session's tools on one, the model on the other.

use std::net::TcpListener;
use std::sync::Arc;

use nucleus_egress::gateway::Gateway;
use nucleus_tool_proxy::{Hands, serve};
use tokio::runtime::Runtime;

use super::pipes::Door;
use crate::agent::{MCP_PORT, MODEL_PORT};
use crate::report::Failure;

/// The servers of one jail; dropping it cuts every connection.
#[derive(Debug)]
pub(crate) struct Servers {
    runtime: Option<Runtime>,
}

impl Servers {
    /// Takes over the jail's listeners.
    pub(crate) fn start<H: Hands>(
        listeners: Vec<(u16, TcpListener)>,
        hands: Arc<H>,
        model: Option<Gateway>,
        door: Option<Door>,
    ) -> Result<Self, Failure> {
        // One thread for input and output: calls run on threads of their own, and a second
        // one here costs each answer a wake-up.
        let runtime = tokio::runtime::Builder::new_multi_thread()
            .worker_threads(1)
            .thread_name("nucleus-serve")
            .enable_all()
            .build()?;
        if let Some(door) = door {
            runtime.spawn(door.serve(Arc::clone(&hands)));
        }
        let mut model = model;
        for (port, listener) in listeners {
            if port == MCP_PORT {
                runtime.spawn(serve(listener, Arc::clone(&hands)));
            } else if let (MODEL_PORT, Some(model)) = (port, model.take()) {
                runtime.spawn(model.serve(listener));
            }
        }
        Ok(Self {
            runtime: Some(runtime),
        })
    }
}

impl Drop for Servers {
    /// Does not wait for calls under way: the session's end has killed what they started.
    fn drop(&mut self) {
        if let Some(runtime) = self.runtime.take() {
            runtime.shutdown_background();
        }
    }
}
