//! Workspace-relative paths in one canonical spelling.
