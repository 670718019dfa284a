//! Judges one measured value by its target.

use serde::Deserialize;
use serde_json::{Value, json};

/// One number that is promised.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Claim {
    pub(super) id: String,
    what: String,
    judge: Judge,
    at_most: Option<f64>,
    at_least: Option<f64>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
enum Judge {
    /// Ours divided by the rival's, both of one run.
    Ratio,
    /// Our own number in the unit it was printed with.
    Ours,
}

/// What came of a claim.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Verdict {
    Met,
    Missed,
    NotMeasured,
}

impl Verdict {
    pub(super) fn is_measured(&self) -> bool {
        *self != Self::NotMeasured
    }
}

impl Claim {
    /// FAIL-CLOSED: no object, no number, a number that is not positive, or a claim without
    /// a target is "not measured".
    pub(super) fn judge(&self, measured: Option<&Value>) -> Verdict {
        let Some(value) = measured.and_then(|object| self.value(object)) else {
            return Verdict::NotMeasured;
        };
        let is_met = match (self.at_most, self.at_least) {
            (None, None) => return Verdict::NotMeasured,
            (most, least) => most.is_none_or(|m| value <= m) && least.is_none_or(|l| value >= l),
        };
        if is_met {
            Verdict::Met
        } else {
            Verdict::Missed
        }
    }

    /// One row of the table.
    pub(super) fn line(&self, measured: Option<&Value>, verdict: &Verdict) -> String {
        let word = match verdict {
            Verdict::Met => "met",
            Verdict::Missed => "MISSED",
            Verdict::NotMeasured => "NOT MEASURED",
        };
        let value = measured
            .and_then(|object| self.value(object))
            .map(super::figures::number)
            .unwrap_or_default();
        format!(
            "{word:<13} {:<26} {value:>8} {} ({})",
            self.id,
            self.what,
            self.target()
        )
    }

    /// The claim, what was measured and the verdict, for the result file.
    pub(super) fn record(&self, bench: &str, measured: Option<&Value>, verdict: &Verdict) -> Value {
        json!({
            "bench": bench,
            "id": self.id,
            "what": self.what,
            "target": self.target(),
            "ratio": measured.and_then(ratio),
            "measured": measured,
            "verdict": match verdict {
                Verdict::Met => "met",
                Verdict::Missed => "missed",
                Verdict::NotMeasured => "not measured",
            },
        })
    }

    fn target(&self) -> String {
        let judged = match self.judge {
            Judge::Ratio => "ours / rival",
            Judge::Ours => "ours",
        };
        let most = self.at_most.map(|most| format!("{judged} at most {most}"));
        let least = self
            .at_least
            .map(|least| format!("{judged} at least {least}"));
        [most, least]
            .into_iter()
            .flatten()
            .collect::<Vec<_>>()
            .join(", ")
    }

    fn value(&self, object: &Value) -> Option<f64> {
        match self.judge {
            Judge::Ratio => ratio(object),
            Judge::Ours => positive(object, "ours"),
        }
    }
}

fn ratio(object: &Value) -> Option<f64> {
    Some(positive(object, "ours")? / positive(object, "rival")?)
}

fn positive(object: &Value, key: &str) -> Option<f64> {
    object
        .get(key)?
        .as_f64()
        .filter(|value| value.is_finite() && *value > 0.0)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn claim(text: &str) -> Claim {
        toml::from_str(&format!("id = 'x'\nwhat = 'x'\n{text}")).unwrap()
    }

    #[test]
    fn a_ratio_over_its_target_is_missed() {
        let claim = claim("judge = 'ratio'\nat_most = 0.5");
        assert_eq!(
            claim.judge(Some(&json!({"ours": 4.0, "rival": 10.0}))),
            Verdict::Met
        );
        assert_eq!(
            claim.judge(Some(&json!({"ours": 6.0, "rival": 10.0}))),
            Verdict::Missed
        );
    }

    #[test]
    fn a_rate_under_its_target_is_missed() {
        let claim = claim("judge = 'ours'\nat_least = 200000.0");
        assert_eq!(claim.judge(Some(&json!({"ours": 250_000}))), Verdict::Met);
        assert_eq!(
            claim.judge(Some(&json!({"ours": 150_000}))),
            Verdict::Missed
        );
    }

    #[test]
    fn silence_and_nonsense_are_not_measured() {
        let claim = claim("judge = 'ratio'\nat_most = 0.5");
        for object in [
            None,
            Some(json!({"ours": 1.0})),
            Some(json!({"ours": 0.0, "rival": 1.0})),
        ] {
            assert_eq!(
                claim.judge(object.as_ref()),
                Verdict::NotMeasured,
                "{object:?}"
            );
        }
    }

    #[test]
    fn a_claim_without_a_target_is_not_measured() {
        let claim = claim("judge = 'ours'");
        assert_eq!(
            claim.judge(Some(&json!({"ours": 1.0}))),
            Verdict::NotMeasured
        );
    }
}
