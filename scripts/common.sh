# SPDX-License-Identifier: Apache-2.0
# Shared by the scripts beside it: source it, do not run it.

root=$(cd -- "$(dirname -- "${BASH_SOURCE[0]}")/.." && pwd -P)

say() { printf '\033[1m==> %s\033[0m\n' "$*"; }
[[ -t 1 ]] || say() { printf '==> %s\n' "$*"; }

fail() {
  printf '%s: %s\n' "$(basename -- "$0")" "$*" >&2
  exit 1
}

# Cores that this process may use.
cores() { nproc 2>/dev/null || echo 2; }

# The compiler cache recognises a file again in every checkout and work tree.
export CCACHE_BASEDIR=${CCACHE_BASEDIR:-$root} CCACHE_NOHASHDIR=1
