//! The helper's main loop.

/// Serves one [`crate::Launcher`]; never returns. Call it before any thread or runtime starts.
pub fn helper_main() -> ! {
    std::process::exit(125)
}
