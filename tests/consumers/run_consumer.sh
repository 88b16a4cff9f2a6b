#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# Builds one of the consumer projects against an installed tree, away from the project's own, runs
# it and compares what it prints.
# usage: run_consumer.sh CMAKE SOURCE_DIR PREFIX LIBDIR cmake|pkg-config CC
set -euo pipefail
cmake=$1 source=$2 prefix=$3 libdir=$4 how=$5 cc=$6

work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cp -r "$source" "$work/source"
mkdir "$work/build"
cd "$work/build"
export LD_LIBRARY_PATH=$prefix/$libdir
if [[ $how == cmake ]]; then
  if ! "$cmake" -S ../source -B . -DCMAKE_BUILD_TYPE=Release -DCMAKE_PREFIX_PATH="$prefix" \
      -DCMAKE_FIND_USE_PACKAGE_REGISTRY=OFF \
      >configure.log 2>&1; then
    cat configure.log
    exit 1
  fi
  "$cmake" --build . >build.log 2>&1 || { cat build.log; exit 1; }
else
  export PKG_CONFIG_PATH=$prefix/$libdir/pkgconfig
  # shellcheck disable=SC2046
  "$cc" -std=c99 -Wall -Wextra -pedantic -Werror ../source/main.c -o consumer \
    $(pkg-config --cflags --libs mdvt)
fi
./consumer >output.txt
diff -u ../source/expected.txt output.txt
echo "$how consumer: as expected"
