#!/usr/bin/env bash
# Prints to the step's outputs where `nucleus` is: the one named, or one built from the action's own source.
set -euo pipefail

binary="${NUCLEUS_BINARY:-}"
if [[ -z "$binary" ]]; then
  root="${RUNNER_TEMP:?}/nucleus-audit"
  cargo install --locked --quiet --path "${NUCLEUS_SOURCE:?}/crates/nucleus-cli" --root "$root"
  binary="$root/bin/nucleus"
fi
"$binary" --version
printf 'nucleus=%s\n' "$binary" >> "${GITHUB_OUTPUT:?}"
