//! Counts, rates and thresholds.

use std::collections::BTreeMap;

/// Least precision and recall on firm labels of critical and high rules.
const GRAVE: f64 = 0.95;
/// Least precision and recall on firm labels of all rules.
const FIRM: f64 = 0.90;
/// Least precision and recall on all labels.
const ALL: f64 = 0.85;

/// One file and one rule.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Cell {
    pub(crate) is_grave: bool,
    /// Labelled, and whether firmly.
    pub(crate) label: Option<bool>,
    pub(crate) is_found: bool,
}

/// Right, invented and missed.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Count {
    right: u32,
    extra: u32,
    missed: u32,
}

impl Count {
    fn add(&mut self, labelled: bool, found: bool) {
        match (labelled, found) {
            (true, true) => self.right += 1,
            (false, true) => self.extra += 1,
            (true, false) => self.missed += 1,
            (false, false) => {}
        }
    }

    fn precision(self) -> f64 {
        rate(self.right, self.right + self.extra)
    }

    fn recall(self) -> f64 {
        rate(self.right, self.right + self.missed)
    }

    fn holds(self, least: f64) -> bool {
        self.precision() >= least && self.recall() >= least
    }
}

/// A share; of nothing, all.
fn rate(part: u32, whole: u32) -> f64 {
    if whole == 0 {
        1.0
    } else {
        f64::from(part) / f64::from(whole)
    }
}

/// Everything counted.
#[derive(Debug, Default)]
pub(crate) struct Scores {
    pub(crate) files: usize,
    /// Files without labels that something fired on.
    pub(crate) dirtied: Vec<String>,
    rules: BTreeMap<&'static str, (Count, Count)>,
    grave: Count,
    firm: Count,
    all: Count,
}

impl Scores {
    /// Counts one cell. On firm labels, a judgement is neither right nor wrong.
    pub(crate) fn add(&mut self, rule: &'static str, cell: Cell) {
        let (firm, all) = self.rules.entry(rule).or_default();
        all.add(cell.label.is_some(), cell.is_found);
        self.all.add(cell.label.is_some(), cell.is_found);
        if cell.label != Some(false) {
            firm.add(cell.label.is_some(), cell.is_found);
            self.firm.add(cell.label.is_some(), cell.is_found);
            if cell.is_grave {
                self.grave.add(cell.label.is_some(), cell.is_found);
            }
        }
    }

    /// Whether every threshold holds.
    pub(crate) fn holds(&self) -> bool {
        self.grave.holds(GRAVE)
            && self.firm.holds(FIRM)
            && self.all.holds(ALL)
            && self.dirtied.is_empty()
    }

    /// Prints the table by rule and the sums.
    pub(crate) fn print(&self) {
        println!(
            "{:<30} {:>5} {:>5} {:>6}   {:>9} {:>6}   {:>9} {:>6}",
            "rule", "right", "extra", "missed", "precision", "recall", "firm only", "recall"
        );
        for (rule, (firm, all)) in &self.rules {
            row(rule, *firm, *all);
        }
        row("all rules", self.firm, self.all);
        println!(
            "critical and high, firm labels: precision {:.3}, recall {:.3} (least {GRAVE:.2})",
            self.grave.precision(),
            self.grave.recall()
        );
        println!(
            "all rules, firm labels:         precision {:.3}, recall {:.3} (least {FIRM:.2})",
            self.firm.precision(),
            self.firm.recall()
        );
        println!(
            "all rules, all labels:          precision {:.3}, recall {:.3} (least {ALL:.2})",
            self.all.precision(),
            self.all.recall()
        );
        println!(
            "clean files with a finding:     {}",
            if self.dirtied.is_empty() {
                "none".to_owned()
            } else {
                self.dirtied.join("; ")
            }
        );
    }
}

fn row(name: &str, firm: Count, all: Count) {
    println!(
        "{name:<30} {:>5} {:>5} {:>6}   {:>9.3} {:>6.3}   {:>9.3} {:>6.3}",
        all.right,
        all.extra,
        all.missed,
        all.precision(),
        all.recall(),
        firm.precision(),
        firm.recall()
    );
}
