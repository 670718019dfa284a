//! What a command costs: a base, its seconds and its output.

use std::time::Duration;

use portcullis::Amount;

/// Prices in micro-USD.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Prices {
    /// For each command.
    pub base_micro_usd: u64,
    /// For each second begun.
    pub second_micro_usd: u64,
    /// For each KiB of kept output begun.
    pub kib_micro_usd: u64,
}

impl Default for Prices {
    /// About the price of a small cloud machine: 100 for each command, 20 a second, 1 a KiB.
    fn default() -> Self {
        Self {
            base_micro_usd: 100,
            second_micro_usd: 20,
            kib_micro_usd: 1,
        }
    }
}

impl Prices {
    /// The cost of a command that runs this long and says this much; the most there is on overflow.
    #[must_use]
    pub fn cost(&self, time: Duration, output_bytes: u64) -> Amount {
        let seconds = time
            .as_secs()
            .saturating_add(u64::from(time.subsec_nanos() > 0));
        let micro_usd = self
            .base_micro_usd
            .saturating_add(self.second_micro_usd.saturating_mul(seconds))
            .saturating_add(
                self.kib_micro_usd
                    .saturating_mul(output_bytes.div_ceil(1024)),
            );
        Amount::of_micro_usd(micro_usd)
    }
}
