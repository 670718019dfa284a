//! Holds no code: its manifest makes the packages of the workspace share one build of each dependency.
