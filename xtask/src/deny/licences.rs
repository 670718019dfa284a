//! Refuses a package whose licence expression cannot be met by the allowed licences.

use std::collections::BTreeSet;

use serde::Deserialize;

use crate::metadata::{Metadata, Package};

/// The allowed licences, by SPDX name; an exception is part of the name.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Rule {
    allow: BTreeSet<String>,
}

/// Every package's licence against the rule.
pub(super) fn check(rule: &Rule, metadata: &Metadata) -> Vec<String> {
    metadata
        .packages
        .iter()
        .filter_map(|package| judge(rule, package))
        .collect()
}

fn judge(rule: &Rule, package: &Package) -> Option<String> {
    let (name, version) = (&package.name, &package.version);
    let Some(expression) = &package.license else {
        return Some(format!("`{name}` {version} names no licence"));
    };
    (!is_met(rule, expression))
        .then(|| format!("`{name}` {version} has licence `{expression}`, which is not allowed"))
}

/// Whether the expression can be met. An expression that does not parse is not.
fn is_met(rule: &Rule, expression: &str) -> bool {
    let tokens = tokens(expression);
    let mut parser = Parser {
        tokens: &tokens,
        allow: &rule.allow,
    };
    parser.any() == Some(true) && parser.tokens.is_empty()
}

/// Splits an expression into words and parentheses; `/` is the old way to write `OR`.
fn tokens(expression: &str) -> Vec<String> {
    let spaced = expression
        .replace('/', " OR ")
        .replace('(', " ( ")
        .replace(')', " ) ");
    spaced.split_whitespace().map(str::to_owned).collect()
}

/// Parses `any = all (OR all)*`, `all = one (AND one)*`, `one = ( any ) | name [WITH name]`.
struct Parser<'a> {
    tokens: &'a [String],
    allow: &'a BTreeSet<String>,
}

impl<'a> Parser<'a> {
    fn any(&mut self) -> Option<bool> {
        let mut met = self.all()?;
        while self.take("OR") {
            met |= self.all()?;
        }
        Some(met)
    }

    fn all(&mut self) -> Option<bool> {
        let mut met = self.one()?;
        while self.take("AND") {
            met &= self.one()?;
        }
        Some(met)
    }

    fn one(&mut self) -> Option<bool> {
        if self.take("(") {
            let met = self.any()?;
            return self.take(")").then_some(met);
        }
        let name = self.name()?;
        if self.take("WITH") {
            let exception = self.name()?;
            return Some(self.allow.contains(&format!("{name} WITH {exception}")));
        }
        Some(self.allow.contains(name))
    }

    fn name(&mut self) -> Option<&'a str> {
        let (first, rest) = self.tokens.split_first()?;
        if matches!(first.as_str(), "OR" | "AND" | "WITH" | "(" | ")") {
            return None;
        }
        self.tokens = rest;
        Some(first)
    }

    fn take(&mut self, word: &str) -> bool {
        match self.tokens.split_first() {
            Some((first, rest)) if first == word => {
                self.tokens = rest;
                true
            }
            _ => false,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn expressions_are_met_as_written() {
        let allow = ["MIT", "ISC", "Apache-2.0 WITH LLVM-exception"].map(str::to_owned);
        let rule = Rule {
            allow: allow.into(),
        };
        for met in [
            "MIT",
            "MIT OR GPL-2.0-only",
            "GPL-2.0-only/MIT",
            "(GPL-2.0-only OR MIT) AND ISC",
            "Apache-2.0 WITH LLVM-exception",
        ] {
            assert!(is_met(&rule, met), "{met}");
        }
        for unmet in [
            "",
            "GPL-2.0-only",
            "MIT AND GPL-2.0-only",
            "Apache-2.0",
            "Apache-2.0 WITH Other-exception",
            "(MIT",
            "MIT MIT",
            "OR MIT",
        ] {
            assert!(!is_met(&rule, unmet), "{unmet}");
        }
    }
}
