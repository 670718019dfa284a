//! Small glob patterns over workspace-relative paths.
