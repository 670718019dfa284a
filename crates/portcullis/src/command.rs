//! Command rules over argv; they express intent, the jail is the boundary.
