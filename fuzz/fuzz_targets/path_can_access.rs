//! Any pattern and path: read to one spelling, and a path that a block names is never seen through another spelling.
#![no_main]

use libfuzzer_sys::fuzz_target;
use portcullis::glob::PathPattern;
use portcullis::path::{RelPath, fold};

fuzz_target!(|texts: (&str, &str)| {
    let (pattern, path) = texts;
    if let Ok(parsed) = RelPath::parse(path) {
        let again = RelPath::parse(parsed.as_str()).expect("a path's own text is a path");
        assert_eq!(again, parsed);
        assert!(parsed.segments().all(|name| !matches!(name, "" | "." | "..")));
        assert!(!parsed.as_str().starts_with('/') && !parsed.as_str().contains('\0'));
        assert_eq!(fold(&fold(parsed.as_str())), fold(parsed.as_str()));
        if let Ok(pattern) = PathPattern::parse(pattern) {
            assert!(!pattern.matches(&parsed) || pattern.matches_folded(&parsed));
        }
    }
    if let Ok(parsed) = PathPattern::parse(pattern) {
        assert_eq!(PathPattern::parse(parsed.as_str()).as_ref(), Ok(&parsed));
        assert!(parsed.covers(&parsed));
    }
});
