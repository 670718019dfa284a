//! This process's own memory.

/// Gives free memory that the allocator keeps back to the kernel; does nothing where the allocator cannot.
pub fn give_back_memory() {
    #[cfg(target_env = "gnu")]
    // SAFETY: takes a plain number, and locks each arena for itself.
    unsafe {
        libc::malloc_trim(0);
    }
}
