#!/usr/bin/env bash
# Writes the report as one comment of the pull request; an earlier one is replaced.
set -euo pipefail

marker='<!-- nucleus audit -->'
comments="repos/${NUCLEUS_REPOSITORY:?}/issues/${NUCLEUS_PULL_REQUEST:?}/comments"
earlier="$(gh api --paginate "$comments" --jq ".[] | select(.user.type == \"Bot\" and (.body | startswith(\"$marker\"))) | .id" | head -n 1)"

if [[ -n "$earlier" ]]; then
  gh api --method PATCH "repos/$NUCLEUS_REPOSITORY/issues/comments/$earlier" --field "body=@${NUCLEUS_MARKDOWN:?}" > /dev/null
else
  gh api --method POST "$comments" --field "body=@${NUCLEUS_MARKDOWN:?}" > /dev/null
fi
