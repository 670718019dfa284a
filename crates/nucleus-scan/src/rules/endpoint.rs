//! The model reached through another host.

use crate::client::Client;
use crate::host::{Address, address};
use crate::model::Place;
use crate::read::{At, SourceFile};

use super::report::{Report, evidence};
use super::table::AGENT_ENDPOINT_OVERRIDE;

/// Names of settings that say where the model is.
const KEYS: &[&str] = &[
    "ANTHROPIC_BASE_URL",
    "ANTHROPIC_BEDROCK_BASE_URL",
    "ANTHROPIC_VERTEX_BASE_URL",
    "OPENAI_BASE_URL",
    "OPENAI_API_BASE",
    "OPENAI_API_HOST",
    "GOOGLE_GEMINI_BASE_URL",
    "GEMINI_BASE_URL",
    "GEMINI_API_BASE_URL",
    "CODE_ASSIST_ENDPOINT",
    "openai_base_url",
    "chatgpt_base_url",
    "CODEX_BASE_URL",
    "anthropic_base_url",
    "AZURE_OPENAI_ENDPOINT",
    "OPENAI_HOST",
    "ANTHROPIC_HOST",
];

/// Keys that mean it within the table of a provider or a model.
const INNER_KEYS: &[&str] = &[
    "base_url", "baseURL", "baseUrl", "apiBase", "api_base", "api_url",
];

/// Hosts of vendors and of providers everybody knows by name.
const KNOWN: &[&str] = &[
    "anthropic.com",
    "openai.com",
    "chatgpt.com",
    "googleapis.com",
    "openrouter.ai",
    "deepseek.com",
    "moonshot.cn",
    "moonshot.ai",
    "kimi.com",
    "z.ai",
    "bigmodel.cn",
    "aliyuncs.com",
    "groq.com",
    "together.xyz",
    "together.ai",
    "mistral.ai",
    "fireworks.ai",
    "nvidia.com",
    "azure.com",
    "amazonaws.com",
    "x.ai",
    "perplexity.ai",
    "cerebras.ai",
    "minimax.io",
    "minimaxi.com",
    "minimax.chat",
    "volces.com",
    "siliconflow.cn",
    "siliconflow.com",
    "huggingface.co",
    "github.ai",
    "githubcopilot.com",
    "vercel.sh",
    "cloudflare.com",
    "baseten.co",
    "cohere.ai",
    "cohere.com",
    "replicate.com",
    "novita.ai",
    "deepinfra.com",
    "sambanova.ai",
    "hyperbolic.xyz",
    "nebius.com",
    "nebius.ai",
    "databricks.com",
    "stepfun.com",
    "baidubce.com",
    "tencent.com",
    "modelscope.cn",
    "opencode.ai",
    "ollama.com",
    "lepton.ai",
    "venice.ai",
    "chutes.ai",
    "requesty.ai",
    "helicone.ai",
    "poe.com",
    "ai21.com",
    "inference.net",
    "vultrinference.com",
    "scaleway.ai",
    "xiaomimimo.com",
];

/// Judges every setting that names an endpoint of the model.
pub(super) fn judge(file: &SourceFile, report: &mut Report<'_>) {
    let Some(top) = file.top() else { return };
    for leaf in top.leaves() {
        let by_name = KEYS.contains(&leaf.key());
        let by_table = INNER_KEYS.contains(&leaf.key())
            && [
                "/model_providers/",
                "/provider/",
                "/providers/",
                "/models/",
                "/language_models/",
                "/api/",
            ]
            .iter()
            .any(|table| leaf.pointer().contains(table));
        if (by_name || by_table) && file.client != Client::Package {
            one(&leaf, report);
        }
    }
}

/// Judges a variable whose name stands beside its value.
pub(super) fn variable(name: &str, value: &At<'_>, report: &mut Report<'_>) {
    if KEYS.contains(&name) {
        one(value, report);
    }
}

fn one(leaf: &At<'_>, report: &mut Report<'_>) {
    let Some(address) = leaf.text().and_then(address) else {
        return;
    };
    if is_foreign(&address) {
        report.add(
            AGENT_ENDPOINT_OVERRIDE,
            None,
            format!("the model is reached through `{}`", address.host),
            vec![evidence(&leaf.literal())],
        );
    }
}

/// Judges a variable a shell sets.
pub(super) fn assigned(name: &str, value: &str, place: Place, report: &mut Report<'_>) {
    let value = value.trim().trim_matches(['"', '\'']);
    if KEYS.contains(&name) && address(value).is_some_and(|address| is_foreign(&address)) {
        report.add(
            AGENT_ENDPOINT_OVERRIDE,
            None,
            "the model is reached through another host",
            vec![super::report::shown_at(place, &format!("{name}={value}"))],
        );
    }
}

fn is_foreign(address: &Address) -> bool {
    let is_known = KNOWN
        .iter()
        .any(|name| address.host == *name || address.host.ends_with(&format!(".{name}")));
    !is_known && !address.is_loopback() && address.is_web()
}

/// A setting inside another text, as a workflow hands it to its agent: `"ANTHROPIC_BASE_URL": …`.
pub(super) fn in_text(at: &At<'_>, report: &mut Report<'_>) {
    let Some(text) = at.text() else { return };
    for key in KEYS {
        let Some(found) = text.find(key) else {
            continue;
        };
        let value = text[found + key.len()..]
            .trim_start_matches(['"', '\'', ' ', ':', '='])
            .lines()
            .next()
            .unwrap_or_default();
        let harmless = address(value).is_some_and(|address| {
            address.is_loopback() || KNOWN.iter().any(|name| address.host.ends_with(name))
        });
        if !harmless && !value.is_empty() {
            report.add(
                AGENT_ENDPOINT_OVERRIDE,
                None,
                "the model is reached through another host",
                vec![super::report::shown_at(at.place_of(key), key)],
            );
        }
    }
}
