//! Paths the host runs or obeys by itself, as shipped data.
