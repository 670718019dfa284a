//! Tells a vendor's own packages from those that carry its name.

use super::Catalog;
use super::launch::{Identity, npm_name, pypi_name};
use super::server::ServerEntry;

/// The shortest name of which one differing letter says anything; below it, real packages differ by one.
const LEAST_FOR_ONE_LETTER: usize = 12;

/// The shortest scope, `@` and `/` left out, of which one or two differing letters say anything.
const LEAST_SCOPE: usize = 6;

/// How a package that is in no entry passes for one that is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Imitation {
    /// The name differs from a known one by a letter, a sign or a look-alike.
    Lookalike,
    /// The name of a package with a scope, without it or under a scope that looks like it.
    ScopeLost,
    /// The name belongs to the publisher in the other registry only.
    OtherRegistry,
}

impl Catalog {
    /// The known package this one passes for, with its server and the way it does; `None` for known ones and for all else.
    ///
    /// **Likeness of names only**: a package under a name of its own is not found, whatever is in it.
    #[must_use]
    pub fn imitated_by(&self, package: &Identity) -> Option<(&ServerEntry, &str, Imitation)> {
        let (name, own, other): (String, Names, Names) = match package {
            Identity::Npm(name) => (
                npm_name(name).to_owned(),
                ServerEntry::npm,
                ServerEntry::pypi,
            ),
            Identity::Pypi(name) => (pypi_name(name), ServerEntry::pypi, ServerEntry::npm),
            _ => return None,
        };
        let name = name.as_str();
        let is_known = |server: &ServerEntry| own(server).iter().any(|known| is_same(known, name));
        if self.servers.iter().any(is_known) {
            return None;
        }
        let named = |names: Names| {
            self.servers
                .iter()
                .flat_map(move |server| names(server).iter().map(move |own| (server, own.as_str())))
        };
        let near =
            named(own).find_map(|(server, known)| Some((server, known, imitates(name, known)?)));
        near.or_else(|| {
            let (server, known) = named(other).find(|(_, known)| {
                is_same(known, name) && name.contains('-') && name.contains("mcp")
            })?;
            Some((server, known, Imitation::OtherRegistry))
        })
    }

    /// The product whose name this package or image carries although its vendor does not publish it.
    #[must_use]
    pub fn unofficial_for(&self, package: &Identity) -> Option<(&ServerEntry, &str)> {
        let (Identity::Npm(name) | Identity::Pypi(name) | Identity::Image(name)) = package else {
            return None;
        };
        let name = name.to_ascii_lowercase();
        let carries = |product: &str| {
            name.split(|c: char| !c.is_ascii_alphanumeric())
                .any(|part| part == product)
        };
        let products = self.servers.iter().flat_map(|server| {
            server
                .official
                .iter()
                .map(move |(product, starts)| (server, product, starts))
        });
        let mut carried = products
            .filter(|(_, product, _)| carries(product))
            .peekable();
        carried.peek()?;
        let carried: Vec<_> = carried.collect();
        let is_official = |(_, _, starts): &(_, _, &Vec<String>)| {
            starts.iter().any(|start| name.starts_with(start.as_str()))
        };
        if carried.iter().any(is_official) {
            return None;
        }
        carried
            .first()
            .map(|(server, product, _)| (*server, product.as_str()))
    }
}

type Names = fn(&ServerEntry) -> &[String];

fn is_same(known: &str, name: &str) -> bool {
    known == name || pypi_name(known) == name
}

fn imitates(name: &str, known: &str) -> Option<Imitation> {
    match (scoped(name), scoped(known)) {
        (Some((scope, base)), Some((own_scope, own_base))) if base == own_base => {
            let is_near =
                own_scope.len() >= LEAST_SCOPE && (1..=2).contains(&distance(scope, own_scope));
            is_near.then_some(Imitation::ScopeLost)
        }
        // The publisher's own scope: a package that is only not listed yet.
        (Some((scope, _)), Some((own_scope, _))) if scope == own_scope => None,
        (None, Some((_, own_base))) => {
            (own_base == name && name.len() >= LEAST_SCOPE && name.contains('-'))
                .then_some(Imitation::ScopeLost)
        }
        _ => is_lookalike(name, known).then_some(Imitation::Lookalike),
    }
}

fn scoped(name: &str) -> Option<(&str, &str)> {
    name.strip_prefix('@')?.split_once('/')
}

fn is_lookalike(name: &str, known: &str) -> bool {
    let long = name.len().min(known.len()) >= LEAST_FOR_ONE_LETTER;
    long && (folded(name).eq(folded(known)) || is_one_apart(name, known))
}

/// The letters without signs, with the digits and pairs that look like a letter as that letter.
fn folded(name: &str) -> impl Iterator<Item = char> {
    let mut letters = name.chars().map(|c| c.to_ascii_lowercase()).peekable();
    std::iter::from_fn(move || {
        let letter = letters.find(|c| !matches!(c, '-' | '_' | '.'))?;
        Some(match letter {
            'r' if letters.next_if_eq(&'n').is_some() => 'm',
            '0' => 'o',
            '1' | 'i' => 'l',
            '5' => 's',
            other => other,
        })
    })
}

/// Whether one letter was added, left out, exchanged or swapped with its neighbour; in time linear in the names.
fn is_one_apart(a: &str, b: &str) -> bool {
    let start = a.bytes().zip(b.bytes()).take_while(|(x, y)| x == y).count();
    let (a, b) = (&a.as_bytes()[start..], &b.as_bytes()[start..]);
    let ends = a.iter().rev().zip(b.iter().rev());
    let end = ends.take_while(|(x, y)| x == y).count();
    match (&a[..a.len() - end], &b[..b.len() - end]) {
        ([_], [] | [_]) | ([], [_]) => true,
        ([x, y], [v, w]) => x == w && y == v,
        _ => false,
    }
}

/// Letters added, left out, exchanged or swapped with their neighbour; 3 for three and more.
fn distance(a: &str, b: &str) -> usize {
    const FAR: usize = 3;
    let (a, b): (Vec<char>, Vec<char>) = (a.chars().collect(), b.chars().collect());
    if a.len().abs_diff(b.len()) >= FAR || a.len() > 214 {
        return FAR;
    }
    let mut before: Vec<usize> = Vec::new();
    let mut last: Vec<usize> = (0..=b.len()).collect();
    for (i, x) in a.iter().enumerate() {
        let mut row = vec![i + 1];
        for (j, y) in b.iter().enumerate() {
            let swapped = i > 0 && j > 0 && *x == b[j - 1] && a[i - 1] == *y;
            let mut least = (last[j] + usize::from(x != y))
                .min(last[j + 1] + 1)
                .min(row[j] + 1);
            if swapped {
                least = least.min(before[j - 1] + 1);
            }
            row.push(least);
        }
        before = std::mem::replace(&mut last, row);
    }
    last[b.len()].min(FAR)
}

#[cfg(test)]
mod tests {
    use super::{Imitation, distance, is_one_apart};
    use crate::catalog::{Catalog, Identity};

    fn npm(name: &str) -> Option<(&'static str, Imitation)> {
        let found = Catalog::shipped().imitated_by(&Identity::Npm(name.to_owned()));
        found.map(|(_, known, how)| (known, how))
    }

    #[test]
    fn letters_are_counted_with_swaps_as_one() {
        for (a, b, apart) in [
            ("filesystem", "filesystem", 0),
            ("filesystem", "filesytsem", 1),
            ("filesystem", "filesystems", 1),
            ("filesystem", "filesystem-", 1),
            ("aab", "ab", 1),
            ("abc", "adc", 1),
            ("abcd", "badc", 2),
            ("filesystem", "fiilesystm", 2),
            ("a", "abcdef", 3),
        ] {
            assert_eq!((distance(a, b), distance(b, a)), (apart, apart), "{a} {b}");
            assert_eq!(
                (is_one_apart(a, b), is_one_apart(b, a)),
                (apart == 1, apart == 1),
                "{a} {b}"
            );
        }
    }

    #[test]
    fn names_that_pass_for_a_known_package_are_found_and_others_are_not() {
        let own = "@modelcontextprotocol/server-filesystem";
        for (name, known, how) in [
            ("server-filesystem", own, Imitation::ScopeLost),
            (
                "@modelcontextprotocoI/server-filesystem",
                own,
                Imitation::ScopeLost,
            ),
            (
                "@modelcontextprotcol/server-filesystem",
                own,
                Imitation::ScopeLost,
            ),
            (
                "mcp-server-kubernetess",
                "mcp-server-kubernetes",
                Imitation::Lookalike,
            ),
            (
                "mcpserverkubernetes",
                "mcp-server-kubernetes",
                Imitation::Lookalike,
            ),
            ("mcp-server-git", "mcp-server-git", Imitation::OtherRegistry),
        ] {
            assert_eq!(npm(name), Some((known, how)), "{name}");
        }
        for name in [
            own,
            "@modelcontextprotocol/server-new",
            "@acme/server-filesystem",
            "my-own-mcp",
            "mcp",
            "prettier",
        ] {
            assert_eq!(npm(name), None, "{name}");
        }
    }

    #[test]
    fn a_package_with_the_name_of_a_product_is_official_by_its_publisher_only() {
        let of = |identity: Identity| {
            let found = Catalog::shipped().unofficial_for(&identity);
            found.map(|(_, product)| product)
        };
        let npm = |name: &str| of(Identity::Npm(name.to_owned()));
        assert_eq!(npm("stripe-mcp-fast"), Some("stripe"));
        assert_eq!(npm("@suekou/mcp-notion-server"), Some("notion"));
        assert_eq!(npm("@heroku/mcp-server"), None);
        assert_eq!(npm("@notionhq/notion-mcp-server"), None);
        assert_eq!(npm("striped-mcp"), None);
        assert_eq!(
            of(Identity::Image("acme/github-mcp".to_owned())),
            Some("github")
        );
        assert_eq!(
            of(Identity::Image(
                "ghcr.io/github/github-mcp-server".to_owned()
            )),
            None
        );
    }
}
