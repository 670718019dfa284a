//! Decides one request under one envelope and session state; pure.
