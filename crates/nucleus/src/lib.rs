//! The reference monitor and its hands.
