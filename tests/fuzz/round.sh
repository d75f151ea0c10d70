#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# All fuzz targets one after the other, for SECONDS together: tests/fuzz/round.sh SECONDS [BUILD]
# Ends with 1, and the commands that run the finds again, if there was any.
set -eu
cd "$(dirname "$0")/../.."
seconds=$1
build=${2:-build/fuzz}

tests/fuzz/build.sh "$build"
targets=$(for file in tests/fuzz/*_fuzz.c; do basename "$file" _fuzz.c; done)
each=$((seconds / $(echo "$targets" | wc -w)))
[ "$each" -ge 1 ] || each=1
finds=0
for target in $targets; do
    log="$build/$target.log"
    if tests/fuzz/run.sh "$build" "$target" "$each" >"$log" 2>&1; then
        echo "fuzz $target: $(sed -n 's/^stat::number_of_executed_units: *//p' "$log") inputs, no find"
    else
        finds=$((finds + 1))
        echo "fuzz $target: a find, see $log"
        grep -E 'assertion failed|runtime error|ERROR: |^tests/fuzz:' "$log" || true
    fi
done
[ "$finds" = 0 ]
