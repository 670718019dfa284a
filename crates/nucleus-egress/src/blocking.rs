//! A runtime for callers that block, which may be dropped anywhere, also on a thread of another runtime.

use std::io;

use tokio::runtime::Runtime;

/// One worker thread and the calls that wait for it.
#[derive(Debug)]
pub(crate) struct Blocking {
    /// Present until dropped.
    runtime: Option<Runtime>,
}

impl Blocking {
    /// A runtime whose thread has this name.
    pub(crate) fn new(thread: &str) -> io::Result<Self> {
        let runtime = tokio::runtime::Builder::new_multi_thread()
            .worker_threads(1)
            .thread_name(thread)
            .enable_all()
            .build()?;
        Ok(Self {
            runtime: Some(runtime),
        })
    }

    /// Waits for the future.
    pub(crate) fn wait_for<T>(&self, future: impl Future<Output = io::Result<T>>) -> io::Result<T> {
        match &self.runtime {
            Some(runtime) => runtime.block_on(future),
            None => Err(io::Error::other("the runtime is gone")),
        }
    }
}

impl Drop for Blocking {
    /// Does not wait for what is under way: dropping a runtime by waiting panics on the thread of another.
    fn drop(&mut self) {
        if let Some(runtime) = self.runtime.take() {
            runtime.shutdown_background();
        }
    }
}

#[cfg(test)]
mod tests {
    use super::Blocking;

    #[tokio::test]
    async fn it_may_be_dropped_inside_another_runtime() {
        drop(Blocking::new("test").unwrap());
    }
}
