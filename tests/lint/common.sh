# SPDX-License-Identifier: Apache-2.0
# Sourced by the checks: the files of the project, and how a check ends.
# shellcheck shell=bash

top=$(cd "$(dirname "${BASH_SOURCE[0]}")/../.." && pwd)
cd "$top" || exit 1
findings=0

# tracked PATTERN...: the project's files, without those that are gone in the working tree.
tracked() {
  local file
  git -c safe.directory="$top" ls-files -- "$@" | while IFS= read -r file; do if [ -f "$file" ]; then echo "$file"; fi; done
}

finding() {
  printf '%s\n' "$*"
  findings=$((findings + 1))
}

# A check that looked at nothing has not passed.
need_files() {
  if [ "$1" = 0 ]; then
    echo "no files to check: is $top a git checkout?"
    exit 1
  fi
}

finish() { exit $((findings != 0)); }
