//! The kernel confinement of one process tree.
