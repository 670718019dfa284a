//! Addresses: whose host it is, as far as a name tells.

/// An address in a configuration.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Address {
    /// In lower case.
    pub(crate) scheme: String,
    /// Without user, port and brackets, in lower case; may hold a variable.
    pub(crate) host: String,
}

/// Reads `scheme://host…`.
pub(crate) fn address(text: &str) -> Option<Address> {
    let (scheme, rest) = text.trim().split_once("://")?;
    let scheme = scheme
        .rsplit(|c: char| !c.is_ascii_alphanumeric() && c != '+')
        .next()
        .unwrap_or_default()
        .to_ascii_lowercase();
    let templated = rest.starts_with("${") || rest.starts_with("{{") || rest.starts_with('<');
    let end = if templated {
        rest.find(['}', '>']).map_or(rest.len(), |at| at + 1)
    } else {
        rest.find(['/', '?', '#', '"', '\'', ' ', ')', ','])
            .unwrap_or(rest.len())
    };
    let authority = rest[..end].rsplit('@').next().unwrap_or_default();
    let host = match authority.strip_prefix('[') {
        Some(v6) => v6.split(']').next().unwrap_or_default(),
        None if templated => authority,
        None => authority.split(':').next().unwrap_or_default(),
    };
    (!host.is_empty() && !scheme.is_empty()).then(|| Address {
        scheme,
        host: host.to_ascii_lowercase(),
    })
}

impl Address {
    /// Whether it is HTTP or a web socket.
    pub(crate) fn is_web(&self) -> bool {
        matches!(self.scheme.as_str(), "http" | "https" | "ws" | "wss")
    }

    /// Whether what passes is not encrypted.
    pub(crate) fn is_cleartext(&self) -> bool {
        matches!(self.scheme.as_str(), "http" | "ws")
    }

    /// Whether the host is a variable.
    pub(crate) fn is_templated(&self) -> bool {
        self.host.contains(['$', '{', '<', '%'])
    }

    /// This machine.
    pub(crate) fn is_loopback(&self) -> bool {
        let host = self.host.trim_end_matches('.');
        host == "localhost"
            || host.ends_with(".localhost")
            || host.starts_with("127.")
            || matches!(
                host,
                "::1"
                    | "0.0.0.0"
                    | "::"
                    | "host.docker.internal"
                    | "gateway.docker.internal"
                    | "host.containers.internal"
            )
    }

    /// A host of one's own network: a private address, a name without dots, or a suffix that is never public.
    pub(crate) fn is_internal(&self) -> bool {
        const SUFFIXES: &[&str] = &[
            ".local",
            ".internal",
            ".lan",
            ".intranet",
            ".corp",
            ".home",
            ".home.arpa",
            ".private",
            ".svc",
            ".cluster.local",
            ".ts.net",
            ".test",
        ];
        self.is_loopback()
            || !self.host.contains(['.', ':', '$', '{', '<'])
            || SUFFIXES.iter().any(|suffix| self.host.ends_with(suffix))
            || self.is_private()
    }

    fn is_private(&self) -> bool {
        if let Ok(v4) = self.host.parse::<std::net::Ipv4Addr>() {
            return v4.is_private()
                || v4.is_link_local()
                || (v4.octets()[0] == 100 && (64..128).contains(&v4.octets()[1]));
        }
        self.host.parse::<std::net::Ipv6Addr>().is_ok_and(|v6| {
            (v6.segments()[0] & 0xfe00) == 0xfc00 || (v6.segments()[0] & 0xffc0) == 0xfe80
        })
    }
}

#[cfg(test)]
mod tests {
    use super::address;

    #[test]
    fn hosts_are_told_apart() {
        for host in [
            "http://localhost:3000/x",
            "http://127.0.0.1",
            "http://[::1]:80/",
            "http://host.docker.internal:9",
        ] {
            assert!(address(host).unwrap().is_loopback(), "{host}");
        }
        for host in [
            "http://192.168.1.4",
            "https://ha.local",
            "http://backend:8000",
            "http://10.0.0.1",
            "https://[fd00::1]/",
        ] {
            let found = address(host).unwrap();
            assert!(found.is_internal() && !found.is_loopback(), "{host}");
        }
        for host in [
            "https://mcp.example.com/mcp",
            "https://user@1.1.1.1/",
            "https://8.8.8.8",
        ] {
            assert!(!address(host).unwrap().is_internal(), "{host}");
        }
        let templated = address("https://${input:home-domain}/mcp").unwrap();
        assert!(templated.is_templated() && !templated.is_internal());
        assert_eq!(address("${MCP_URL}"), None);
    }
}
