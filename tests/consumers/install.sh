#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# Installs the build folder into a prefix, and moves that: an installed tree may lie anywhere.
# usage: install.sh CMAKE BUILD_DIR PREFIX
set -euo pipefail
cmake=$1 build=$2 prefix=$3
rm -rf "$prefix" "$prefix.first"
"$cmake" --install "$build" --prefix "$prefix.first" >/dev/null
mv "$prefix.first" "$prefix"

# Nothing may refer to where it was built or first installed.
fail=0
for folder in "$build" "$prefix.first"; do
  if grep -rlF -- "$folder" "$prefix" --include='*.cmake' --include='*.pc' --include='*.h'; then
    echo "these files name $folder" >&2
    fail=1
  fi
done
exit $fail
