#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# The fuzz targets as libFuzzer programs: tests/fuzz/build.sh BUILD [NINJA TARGET]; all without one.
set -eu
cd "$(dirname "$0")/../.."
build=$1
tools/setup fuzz
if [ ! -f "$build/build.ninja" ]; then
    mkdir -p "$build"
    # Of all compilers only gcc, of every other build, has warnings as errors.
    CC=clang-14 CXX=clang++-14 meson setup "$build" -Dfuzz=true -Dconsole=false -Dwerror=false \
        -Db_sanitize=address,undefined -Db_lundef=false >"$build/setup.log" 2>&1 || {
        cat "$build/setup.log" >&2
        exit 1
    }
fi
ninja -C "$build" --quiet "${2:-fuzz}"
