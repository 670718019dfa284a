//! Work on several threads that ends before the call does.

use std::sync::LazyLock;
use std::thread;

/// The most threads of one piece of work: disks and memory do not become faster by more.
pub(crate) const MAX_THREADS: usize = 4;

/// Bytes of stack of a thread, as the main thread of a process has by default.
const STACK_BYTES: usize = 8 << 20;

/// Asked once: the answer costs reading the limits of the control group.
static CORES: LazyLock<usize> =
    LazyLock::new(|| thread::available_parallelism().map_or(1, usize::from));

/// Does the same work on the calling thread and on as many others as there are cores, `most` in all. Where a thread cannot be
/// started, the others do its share.
pub(crate) fn side_by_side<T: Send>(most: usize, work: impl Fn() -> T + Sync) -> Vec<T> {
    let others = most.min(*CORES).saturating_sub(1);
    thread::scope(|scope| {
        let started: Vec<_> = (0..others)
            .filter_map(|_| {
                let thread = thread::Builder::new().stack_size(STACK_BYTES);
                thread.spawn_scoped(scope, &work).ok()
            })
            .collect();
        let mut done = vec![work()];
        for one in started {
            done.push(
                one.join()
                    .unwrap_or_else(|fault| std::panic::resume_unwind(fault)),
            );
        }
        done
    })
}
