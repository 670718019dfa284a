//! What a call of a model costs; money is whole micro-dollars, rounded up.

use portcullis::Amount;
use serde::Deserialize;

use super::usage::Usage;

/// The shipped prices.
const SHIPPED: &str = include_str!("../../data/model-prices.toml");
/// Parts of a micro-dollar that prices are counted in.
const PARTS: u128 = 1000;

/// Why a price list cannot be used, or a model has no price.
#[derive(Debug, thiserror::Error, PartialEq, Eq)]
pub enum PriceError {
    /// The text is no price list.
    #[error("`{name}` is no price list: {why}")]
    Unread {
        /// The file.
        name: String,
        /// What is wrong with it.
        why: String,
    },
    /// The model is in no list.
    #[error(
        "the model `{model}` has no price, so its calls cannot be bounded: add it to prices.toml beside config.toml, \
         as in\n[[price]]\nmodel = \"{model}\"\ninput = 3000    # 3 dollars for a million tokens sent\noutput = 15000  # 15 dollars for a million returned"
    )]
    Unknown {
        /// The name as sent, without control characters.
        model: String,
    },
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct List {
    version: u32,
    #[serde(rename = "as_of")]
    _as_of: String,
    #[serde(default)]
    price: Vec<Price>,
}

/// The prices of one model, in thousandths of a micro-dollar a token.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Price {
    /// The name as sent, or its beginning with `*`.
    pub model: String,
    /// A token sent.
    pub input: u64,
    /// A token returned.
    pub output: u64,
    /// An input token read from the cache.
    pub cache_read: Option<u64>,
    /// An input token written to the cache.
    pub cache_write: Option<u64>,
    /// Input tokens above which the long prices hold.
    pub long: Option<u64>,
    /// A token sent in a long call.
    pub long_input: Option<u64>,
    /// A token returned in a long call.
    pub long_output: Option<u64>,
    /// An input token read from the cache in a long call.
    pub long_cache_read: Option<u64>,
    /// An input token written to the cache in a long call.
    pub long_cache_write: Option<u64>,
    /// The most tokens of one answer.
    pub max_output: Option<u64>,
}

/// All prices: the shipped ones and the user's.
#[derive(Clone, Debug)]
pub struct Prices(Vec<Price>);

impl Prices {
    /// The shipped prices alone.
    ///
    /// # Errors
    /// Never, while the shipped list is one; a test reads it.
    pub fn shipped() -> Result<Self, PriceError> {
        read("model-prices.toml", SHIPPED).map(Self)
    }

    /// These prices with a user's list, whose entries replace those of the same name.
    ///
    /// # Errors
    /// [`PriceError::Unread`].
    pub fn with(mut self, name: &str, text: &str) -> Result<Self, PriceError> {
        for price in read(name, text)? {
            self.0.retain(|own| own.model != price.model);
            self.0.push(price);
        }
        Ok(self)
    }

    /// The price of a model: the entry of that very name, or the longest beginning that fits.
    ///
    /// # Errors
    /// [`PriceError::Unknown`]: a model without a price is never called.
    pub fn of(&self, model: &str) -> Result<&Price, PriceError> {
        let fits = |price: &&Price| match price.model.strip_suffix('*') {
            Some(beginning) => model.starts_with(beginning),
            None => price.model == model,
        };
        let found = self
            .0
            .iter()
            .filter(fits)
            .max_by_key(|price| (!price.model.ends_with('*'), price.model.len()));
        found.ok_or_else(|| PriceError::Unknown {
            model: model.escape_debug().to_string(),
        })
    }
}

fn read(name: &str, text: &str) -> Result<Vec<Price>, PriceError> {
    let unread = |why: String| PriceError::Unread {
        name: name.to_owned(),
        why,
    };
    let list: List = toml::from_str(text).map_err(|error| unread(error.to_string()))?;
    if list.version != 1 {
        return Err(unread(format!(
            "version {} is unknown; this is version 1",
            list.version
        )));
    }
    Ok(list.price)
}

impl Price {
    /// What a call of this usage costs, on every dimension.
    ///
    /// Saturates: a sum that no budget covers.
    #[must_use]
    pub fn cost(&self, usage: &Usage) -> Amount {
        let is_long = self.long.is_some_and(|bound| usage.input_total() > bound);
        let pick = |short: u64, long: Option<u64>| {
            if is_long {
                long.unwrap_or(short)
            } else {
                short
            }
        };
        let input = pick(self.input, self.long_input);
        let read = pick(self.cache_read.unwrap_or(self.input), self.long_cache_read);
        let write = pick(
            self.cache_write.unwrap_or(self.input),
            self.long_cache_write,
        );
        let output = pick(self.output, self.long_output);
        let parts = [
            (usage.input, input),
            (usage.cache_read, read),
            (usage.cache_write, write),
            (usage.output, output),
        ]
        .into_iter()
        .map(|(tokens, price)| u128::from(tokens) * u128::from(price))
        .fold(0_u128, u128::saturating_add);
        Amount {
            micro_usd: u64::try_from(parts.div_ceil(PARTS)).unwrap_or(u64::MAX),
            input_tokens: usage.input_total(),
            output_tokens: usage.output,
        }
    }

    /// The most that a call may cost with so many tokens sent, however they are cached, and returned.
    #[must_use]
    pub fn bound(&self, input: u64, output: u64) -> Amount {
        let kinds = [
            Usage {
                input,
                output,
                ..Usage::default()
            },
            Usage {
                cache_write: input,
                output,
                ..Usage::default()
            },
            Usage {
                cache_read: input,
                output,
                ..Usage::default()
            },
        ];
        kinds
            .iter()
            .map(|usage| self.cost(usage))
            .max_by_key(|cost| cost.micro_usd)
            .unwrap_or_default()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_longest_beginning_counts_and_an_exact_name_more() {
        let prices = Prices::shipped().unwrap();
        assert_eq!(prices.of("gpt-5-mini-2025-08-07").unwrap().input, 250);
        assert_eq!(prices.of("gpt-5").unwrap().input, 1250);
        assert_eq!(prices.of("claude-opus-4-5-20251101").unwrap().output, 25000);
        let own =
            "version = 1\nas_of = 'x'\n[[price]]\nmodel = 'gpt-5-mini'\ninput = 1\noutput = 2\n";
        assert_eq!(
            prices
                .with("own", own)
                .unwrap()
                .of("gpt-5-mini")
                .unwrap()
                .input,
            1
        );
    }

    #[test]
    fn a_model_without_a_price_says_what_to_add() {
        let error = Prices::shipped()
            .unwrap()
            .of("mystery\n")
            .unwrap_err()
            .to_string();
        assert!(
            error.contains("model = \"mystery\\n\"") && error.contains("prices.toml"),
            "{error}"
        );
    }

    #[test]
    fn unknown_keys_and_versions_are_errors() {
        let prices = Prices::shipped().unwrap();
        for text in [
            "version = 2\nas_of = 'x'",
            "version = 1\nas_of = 'x'\n[[price]]\nmodel = 'm'\ninput = 1\noutput = 1\ndiscount = 5",
            "version = 1",
        ] {
            assert!(
                matches!(
                    prices.clone().with("own", text),
                    Err(PriceError::Unread { .. })
                ),
                "{text}"
            );
        }
    }

    #[test]
    fn costs_are_exact_and_rounded_up() {
        let prices = Prices::shipped().unwrap();
        let mini = prices.of("gpt-4o-mini").unwrap();
        let usage = Usage {
            input: 1,
            output: 1,
            cache_read: 0,
            cache_write: 0,
        };
        assert_eq!(
            mini.cost(&usage),
            Amount {
                micro_usd: 1,
                input_tokens: 1,
                output_tokens: 1
            }
        );
        let sonnet = prices.of("claude-sonnet-4-5").unwrap();
        let usage = Usage {
            input: 1000,
            output: 100,
            cache_read: 10_000,
            cache_write: 1000,
        };
        assert_eq!(sonnet.cost(&usage).micro_usd, 3000 + 1500 + 3000 + 6000);
        let long = Usage {
            input: 200_001,
            ..Usage::default()
        };
        assert_eq!(sonnet.cost(&long).micro_usd, 1_200_006);
    }

    #[test]
    fn a_bound_covers_every_way_of_caching() {
        let prices = Prices::shipped().unwrap();
        let sonnet = prices.of("claude-sonnet-4-5").unwrap();
        for (input, cache_read, cache_write) in
            [(100, 0, 0), (0, 100, 0), (0, 0, 100), (30, 30, 40)]
        {
            let usage = Usage {
                input,
                cache_read,
                cache_write,
                output: 7,
            };
            assert!(sonnet.cost(&usage).leq(sonnet.bound(100, 7)), "{usage:?}");
        }
    }
}
