//! Times two things in turn, so that whatever else the machine does meets both.

use std::time::Instant;

/// How often, chosen so that a round of either takes a few milliseconds.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Plan {
    /// Rounds that count.
    pub(crate) rounds: usize,
    /// Passes over the mix in a round, of ours.
    pub(crate) our_passes: usize,
    /// Passes over the mix in a round, of the rival.
    pub(crate) rival_passes: usize,
    /// Calls timed one by one.
    pub(crate) single_calls: usize,
}

impl Plan {
    /// Enough for a figure.
    pub(crate) const FULL: Self = Self {
        rounds: 101,
        our_passes: 200,
        rival_passes: 4,
        single_calls: 480_000,
    };
    /// Enough to see that it works.
    pub(crate) const SMOKE: Self = Self {
        rounds: 3,
        our_passes: 2,
        rival_passes: 1,
        single_calls: 480,
    };
}

/// Rounds before the clock counts.
const WARM_UP: usize = 3;

/// Medians over the rounds in nanoseconds for one call: ours, then the rival's.
pub(crate) fn in_turn(
    plan: Plan,
    calls: usize,
    mut ours: impl FnMut(),
    mut rival: impl FnMut(),
) -> (f64, f64) {
    let (mut first, mut second) = (Vec::new(), Vec::new());
    for round in 0..plan.rounds + WARM_UP {
        let a = passes(plan.our_passes, calls, &mut ours);
        let b = passes(plan.rival_passes, calls, &mut rival);
        if round >= WARM_UP {
            first.push(a);
            second.push(b);
        }
    }
    (quantile(&mut first, 0.5), quantile(&mut second, 0.5))
}

fn passes(count: usize, calls: usize, pass: &mut impl FnMut()) -> f64 {
    let start = Instant::now();
    (0..count).for_each(|_| pass());
    start.elapsed().as_nanos() as f64 / (count * calls) as f64
}

/// Nanoseconds of single calls, the two clock readings included.
pub(crate) fn singly(count: usize, mut call: impl FnMut(usize)) -> Vec<f64> {
    let timed = |at: usize| {
        let start = Instant::now();
        call(at);
        start.elapsed().as_nanos() as f64
    };
    (0..count).map(timed).collect()
}

/// The value below which this share of the values lies; NaN for none.
pub(crate) fn quantile(values: &mut [f64], share: f64) -> f64 {
    values.sort_by(f64::total_cmp);
    let last = values.len().saturating_sub(1) as f64;
    let at = (last * share).round() as usize;
    values.get(at).copied().unwrap_or(f64::NAN)
}
