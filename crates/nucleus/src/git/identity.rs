//! Who commits: a name and an address given by the host.

use crate::error::Error;
use crate::monitor::cut;

/// The longest name or address.
const MAX_BYTES: usize = 200;

/// Author and committer of the session's commits.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Identity {
    name: String,
    email: String,
}

impl Default for Identity {
    /// `agent <agent@localhost>`, for a host that names nobody.
    fn default() -> Self {
        Self {
            name: "agent".to_owned(),
            email: "agent@localhost".to_owned(),
        }
    }
}

impl Identity {
    /// The identity of this name and address.
    ///
    /// # Errors
    /// [`Error::Invalid`] for what a commit cannot hold: nothing, angle brackets, or control characters.
    pub fn new(name: impl Into<String>, email: impl Into<String>) -> Result<Self, Error> {
        let (name, email) = (name.into(), email.into());
        for text in [&name, &email] {
            let is_plain = !text.trim().is_empty()
                && text.len() <= MAX_BYTES
                && !text.contains(|c: char| c.is_control() || matches!(c, '<' | '>'));
            if !is_plain {
                let shown = cut(text);
                return Err(Error::Invalid(format!(
                    "`{shown}` is no name or address of an author"
                )));
            }
        }
        Ok(Self { name, email })
    }

    /// The variables that make git use it, whatever the repository says.
    pub(super) fn variables(&self) -> Vec<(String, String)> {
        [
            ("GIT_AUTHOR_NAME", &self.name),
            ("GIT_AUTHOR_EMAIL", &self.email),
            ("GIT_COMMITTER_NAME", &self.name),
            ("GIT_COMMITTER_EMAIL", &self.email),
        ]
        .map(|(name, value)| (name.to_owned(), value.clone()))
        .into()
    }

    /// The identity as a commit shows it.
    pub(super) fn text(&self) -> String {
        format!("{} <{}>", self.name, self.email)
    }
}

#[cfg(test)]
mod tests {
    use super::Identity;

    #[test]
    fn what_would_write_another_line_of_a_commit_is_refused() {
        Identity::new("A. User", "a@example.com").unwrap();
        for (name, email) in [
            ("", "a@b"),
            ("a", " "),
            ("a\nparent 0", "a@b"),
            ("a", "a@b> 0 +0000\n"),
            ("a<b", "a@b"),
        ] {
            Identity::new(name, email).unwrap_err();
        }
    }
}
