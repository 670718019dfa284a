#!/usr/bin/env bash
# Scans, writes the summary and the step's outputs, and succeeds: the verdict is a step of its own, so that
# nothing found is lost.
set -euo pipefail

out="$(mktemp -d "${RUNNER_TEMP:?}/nucleus-audit.XXXXXX")"
arguments=(audit --no-home --fail-on "${NUCLEUS_FAIL_ON:?}" --sarif "$out/nucleus.sarif" --markdown "$out/nucleus.md")
if [[ -n "${NUCLEUS_BASELINE:-}" ]]; then
  arguments+=(--baseline "$NUCLEUS_BASELINE")
fi

code=0
"${NUCLEUS:?}" "${arguments[@]}" -- "${NUCLEUS_PATH:?}" || code=$?

if [[ -s "$out/nucleus.md" ]]; then
  cat "$out/nucleus.md" >> "${GITHUB_STEP_SUMMARY:?}"
  printf 'markdown=%s\n' "$out/nucleus.md" >> "${GITHUB_OUTPUT:?}"
fi
if [[ -s "$out/nucleus.sarif" ]]; then
  printf 'sarif=%s\n' "$out/nucleus.sarif" >> "${GITHUB_OUTPUT:?}"
fi
printf 'exit-code=%s\n' "$code" >> "${GITHUB_OUTPUT:?}"
