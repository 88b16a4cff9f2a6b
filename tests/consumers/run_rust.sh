#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# Builds the Rust crate against an installed tree and runs its tests and the examples of its page.
# usage: run_rust.sh CRATE PREFIX LIBDIR TARGET_FOLDER BACKEND_FOLDER
set -euo pipefail
crate=$1 prefix=$2 libdir=$3 target=$4 backends=$5

cargo=$(command -v cargo || true)
if [[ -z $cargo ]] || ! "$cargo" --version >/dev/null 2>&1; then
  echo "skipped: there is no cargo"
  exit 77
fi
export PKG_CONFIG_PATH=$prefix/$libdir/pkgconfig LD_LIBRARY_PATH=$prefix/$libdir CARGO_TARGET_DIR=$target
export MDVT_TEST_BACKENDS=$backends
unset MDVT_LIB_DIR MDVT_INCLUDE_DIR
RUSTFLAGS="-D warnings" "$cargo" test --quiet --locked --offline --manifest-path "$crate/Cargo.toml"
