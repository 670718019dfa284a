#!/usr/bin/env bash
# Scans the repository that is committed to, with the `nucleus` that NUCLEUS_BINARY names or one built once from here.
set -euo pipefail

binary="${NUCLEUS_BINARY:-}"
if [[ -z "$binary" ]]; then
  source="$(cd "$(dirname "${BASH_SOURCE[0]}")/../.." && pwd)"
  binary="$source/.pre-commit-build/bin/nucleus"
  if [[ ! -x "$binary" ]]; then
    cargo install --locked --quiet --path "$source/crates/nucleus-cli" --root "$source/.pre-commit-build"
  fi
fi
exec "$binary" audit --no-home "$@"
