#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# One fuzz target under libFuzzer: tests/fuzz/run.sh BUILD [TARGET] [SECONDS]
# Without a target it lists them. What is found new is kept in BUILD/corpus/TARGET; an input that
# breaks a promise in BUILD/TARGET-crash-..., with the command that runs it again.
set -eu
cd "$(dirname "$0")/../.."
build=$1
target=${2:-}
seconds=${3:-}

if [ -z "$target" ]; then
    for file in tests/fuzz/*_fuzz.c; do
        sed -n '2s|^/\* \([a-z_0-9]*\)_fuzz\.c - \(.*\)|\1: \2|p' "$file"
    done
    echo "make fuzz T=target [SECONDS=600]"
    exit 0
fi
if [ ! -f "tests/fuzz/${target}_fuzz.c" ]; then
    echo "tests/fuzz: no target $target; make fuzz lists them" >&2
    exit 2
fi

tests/fuzz/build.sh "$build" "tests/fuzz/${target}_fuzz"
mkdir -p "$build/corpus/$target"
set -- -max_total_time="${seconds:-600}" -rss_limit_mb=2048 -timeout=25 -print_final_stats=1 \
    -artifact_prefix="$build/$target-"
[ ! -f "tests/fuzz/$target.dict" ] || set -- "$@" -dict="tests/fuzz/$target.dict"
code=0
"$build/tests/fuzz/${target}_fuzz" "$@" "$build/corpus/$target" "tests/fuzz/corpus/$target" || code=$?
[ "$code" = 0 ] || {
    found=$(ls -t "$build/$target-"* 2>/dev/null | head -1)
    echo "tests/fuzz: $target has a find. Again: $build/tests/fuzz/${target}_fuzz $found" >&2
    echo "tests/fuzz: mend it, and keep the file as tests/fuzz/corpus/$target/<what it is>" >&2
}
exit "$code"
