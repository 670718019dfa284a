//! Reads decimal numbers exactly, as scaled integers; nothing is rounded.

/// Why a decimal text has no value here; reads on from the number.
pub(crate) type Why = &'static str;

/// The value times ten to the power of `decimals`.
///
/// Refuses signs below zero, exponents, `nan`, `inf` and more decimals than that.
pub(crate) fn scaled(text: &str, decimals: u32) -> Result<u64, Why> {
    let plain: String = text.chars().filter(|c| *c != '_').collect();
    let plain = plain.strip_prefix('+').unwrap_or(&plain);
    if plain.starts_with('-') {
        return Err("is negative");
    }
    if plain.contains("nan") || plain.contains("inf") {
        return Err("is no number");
    }
    if plain.contains(['e', 'E']) {
        return Err("has an exponent: write it out");
    }
    let (whole, fraction) = plain.split_once('.').unwrap_or((plain, ""));
    let width = usize::try_from(decimals).unwrap_or(0);
    let kept = fraction.trim_end_matches('0');
    if kept.len() > width {
        return Err("has too many decimals");
    }
    let digits = format!("{whole}{kept:0<width$}");
    digits.parse().map_err(|_| "is too large")
}

/// The shortest decimal text of a scaled value, with at least one decimal.
pub(crate) fn unscaled(value: u64, decimals: u32) -> String {
    let unit = 10_u64.pow(decimals);
    let width = usize::try_from(decimals).unwrap_or(0);
    let fraction = format!("{:0width$}", value % unit);
    let kept = fraction.trim_end_matches('0');
    format!(
        "{}.{}",
        value / unit,
        if kept.is_empty() { "0" } else { kept }
    )
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn decimals_are_exact() {
        assert_eq!(scaled("2.0", 6), Ok(2_000_000));
        assert_eq!(scaled("0.1", 6), Ok(100_000));
        assert_eq!(scaled("1_000", 6), Ok(1_000_000_000));
        assert_eq!(scaled("0.000001", 6), Ok(1));
        assert_eq!(scaled("0.5000", 3), Ok(500));
    }

    #[test]
    fn what_has_no_exact_value_is_refused() {
        for text in [
            "-1",
            "-0.0",
            "nan",
            "+inf",
            "1e3",
            "0.0000001",
            "99999999999999999999",
        ] {
            assert!(scaled(text, 6).is_err(), "{text}");
        }
    }

    proptest! {
        #[test]
        fn printing_and_reading_agree(value in 0..u64::MAX, decimals in 0_u32..=6) {
            prop_assert_eq!(scaled(&unscaled(value, decimals), decimals), Ok(value));
        }
    }
}
