//! Tells SQL that only reads from everything else; what is not understood is not a read.
//!
//! Dialects differ in comments, quoting and functions with effects, so this is an allow list: one statement, no
//! comment, no backslash, no dollar quoting, no word that writes, and only functions known to compute.

/// The longest statement that is looked at, in bytes; longer ones are no reads.
const MAX_BYTES: usize = 64 << 10;

/// Words a read may begin with.
const FIRST: &[&str] = &[
    "select", "with", "values", "show", "describe", "desc", "explain",
];

/// Words that no read holds, wherever they stand.
const WRITES: &[&str] = &[
    "insert",
    "update",
    "delete",
    "merge",
    "upsert",
    "replace",
    "drop",
    "alter",
    "create",
    "truncate",
    "grant",
    "revoke",
    "call",
    "exec",
    "execute",
    "do",
    "copy",
    "into",
    "load",
    "attach",
    "detach",
    "pragma",
    "vacuum",
    "set",
    "lock",
    "analyze",
    "analyse",
    "refresh",
    "reindex",
    "import",
    "export",
    "outfile",
    "dumpfile",
    "handler",
    "begin",
    "commit",
    "rollback",
    "prepare",
    "deallocate",
    "notify",
    "listen",
    "kill",
    "flush",
    "reset",
    "install",
    "use",
    "function",
    "program",
    "unload",
    "undrop",
    "rename",
    "comment",
    "cluster",
    "declare",
    "fetch",
    "for",
];

/// Words that may stand before a parenthesis: syntax, and functions that compute from their arguments.
const CALLABLE: &[&str] = &[
    "select",
    "from",
    "where",
    "and",
    "or",
    "not",
    "in",
    "exists",
    "as",
    "on",
    "using",
    "any",
    "all",
    "some",
    "values",
    "over",
    "by",
    "when",
    "then",
    "else",
    "having",
    "union",
    "intersect",
    "except",
    "join",
    "case",
    "between",
    "like",
    "limit",
    "offset",
    "distinct",
    "filter",
    "partition",
    "materialized",
    "count",
    "sum",
    "avg",
    "min",
    "max",
    "total",
    "lower",
    "upper",
    "length",
    "char_length",
    "coalesce",
    "ifnull",
    "nullif",
    "substr",
    "substring",
    "trim",
    "ltrim",
    "rtrim",
    "round",
    "abs",
    "ceil",
    "floor",
    "mod",
    "power",
    "sqrt",
    "date",
    "datetime",
    "strftime",
    "date_trunc",
    "date_part",
    "extract",
    "now",
    "cast",
    "concat",
    "concat_ws",
    "group_concat",
    "string_agg",
    "array_agg",
    "json_extract",
    "json_array_length",
    "row_number",
    "rank",
    "dense_rank",
    "lag",
    "lead",
    "first_value",
    "last_value",
    "ntile",
    "greatest",
    "least",
    "instr",
    "position",
    "year",
    "month",
    "day",
    "hour",
    "varchar",
    "char",
    "numeric",
    "decimal",
    "interval",
];

/// Whether the text is one statement that only reads.
pub(crate) fn is_read(text: &str) -> bool {
    let text = text.trim();
    let text = text.strip_suffix(';').unwrap_or(text).trim_end();
    text.len() <= MAX_BYTES && !has_opaque_syntax(text) && reads(text).unwrap_or(false)
}

/// Comments, second statements, escapes, client commands: each means different things to different servers.
fn has_opaque_syntax(text: &str) -> bool {
    text.contains("--")
        || text.contains("/*")
        || text.contains(['#', ';', '\\', '$', '`', '[', '\0'])
        || !text.is_ascii()
}

/// Walks words, quotes and parentheses; `None` for a quote that does not close.
fn reads(text: &str) -> Option<bool> {
    let mut rest = text;
    let mut before = Before::Start;
    while let Some(first) = rest.chars().next() {
        let length = match first {
            '\'' | '"' => {
                before = Before::Quoted;
                quoted_length(rest, first)?
            }
            '(' if !before.may_open() => return Some(false),
            _ if is_word(first) => {
                let length = rest.find(|c| !is_word(c)).unwrap_or(rest.len());
                let word = rest[..length].to_ascii_lowercase();
                if !fits(&before, &word) {
                    return Some(false);
                }
                before = Before::Word(word, matches!(before, Before::Dot));
                length
            }
            ' ' | '\t' | '\r' | '\n' => 1,
            '.' => {
                before = Before::Dot;
                1
            }
            _ => {
                before = before.after_sign();
                1
            }
        };
        rest = &rest[length..];
    }
    Some(!matches!(before, Before::Start))
}

/// What stands to the left.
enum Before {
    Start,
    Sign,
    Dot,
    Quoted,
    /// A word, and whether it is the second half of a dotted name.
    Word(String, bool),
}

impl Before {
    /// Whether a parenthesis here groups or calls something known.
    fn may_open(&self) -> bool {
        match self {
            Self::Start | Self::Sign => true,
            Self::Dot | Self::Quoted => false,
            Self::Word(word, is_qualified) => !is_qualified && CALLABLE.contains(&word.as_str()),
        }
    }

    fn after_sign(&self) -> Self {
        match self {
            Self::Start => Self::Start,
            _ => Self::Sign,
        }
    }
}

fn fits(before: &Before, word: &str) -> bool {
    let is_first = matches!(before, Before::Start);
    (!is_first || FIRST.contains(&word)) && !WRITES.contains(&word)
}

fn is_word(c: char) -> bool {
    c.is_ascii_alphanumeric() || c == '_' || c == '@' || c == ':'
}

/// The bytes of a quoted text, a doubled quote within it included.
fn quoted_length(text: &str, quote: char) -> Option<usize> {
    let mut at = 1;
    loop {
        at += text[at..].find(quote)? + 1;
        if !text[at..].starts_with(quote) {
            return Some(at);
        }
        at += 1;
    }
}

#[cfg(test)]
mod tests {
    use super::is_read;

    #[test]
    fn reads_are_reads() {
        for text in [
            "SELECT 1",
            "select name, count(*) from users where note = 'it''s fine' group by name;",
            "WITH recent AS (SELECT * FROM orders WHERE day > '2026-01-01') SELECT max(total) FROM recent",
            "show tables",
            "EXPLAIN SELECT a FROM b",
            "values (1, 2)",
            "( select 1 )",
        ] {
            assert!(is_read(text), "{text}");
        }
    }

    #[test]
    fn everything_else_is_not() {
        for text in [
            "",
            "(",
            "DELETE FROM users",
            "select 1; drop table users",
            "select 1 -- x",
            "select /*!50000 1 */ 2",
            "with gone as (delete from users returning *) select * from gone",
            "select * into outfile '/tmp/x' from users",
            "select pg_read_file('/etc/passwd')",
            "select public.count(1)",
            "select \"pg_sleep\"(10)",
            "select lo_export(1, 'x')",
            "select load_extension('x')",
            "explain analyze delete from users",
            "select 'a\\' ; drop table users; '",
            "select $$x$$",
            "select * from users for update",
            "pragma writable_schema = 1",
            "select 'open",
            "COPY users TO PROGRAM 'curl x'",
            "selectx",
        ] {
            assert!(!is_read(text), "{text}");
        }
    }

    #[test]
    fn a_statement_over_the_limit_is_no_read_and_one_below_is() {
        let of = |length: usize| format!("select '{}'", "x".repeat(length));
        assert!(is_read(&of(60 << 10)));
        assert!(!is_read(&of(64 << 10)));
    }
}
