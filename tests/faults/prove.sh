#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# Builds each planted fault and shows that its proofs find it (proofs.txt); without a fault all must
# pass. usage: prove.sh [BUILD-FOLDER]
set -eu
top=$(cd "$(dirname "$0")/../.." && pwd)
build=${1:-$top/build/faults}
proofs=$top/tests/faults/proofs.txt
report=$(mktemp)
trap 'rm -f "$report"' EXIT

present=
build_with() { # FAULT TARGET
    if ! test -f "$build/build.ninja"; then
        meson setup "$build" "$top" -Dfault="$1" >"$report" 2>&1 || { cat "$report"; exit 1; }
    elif test "$1" != "$present"; then
        ninja -C "$build" build.ninja >"$report" 2>&1 || { cat "$report"; exit 1; } # the choices may be new
        meson configure "$build" -Dfault="$1"
    fi
    present=$1
    ninja -C "$build" --quiet "$2" >"$report" 2>&1 || { cat "$report"; exit 1; }
}

run() { # PROGRAM ARGUMENTS...
    program=$1
    shift
    (cd "$build" && "./$program" "$@") >"$report" 2>&1
}

misses=0
miss() {
    cat "$report"
    echo "prove: $1"
    misses=$((misses + 1))
}

sed -e 's/#.*//' -e '/^ *$/d' "$proofs" >"$report.list"
trap 'rm -f "$report" "$report.list"' EXIT
sed -e 's/^[^ ]* *//' "$report.list" | sort -u >"$report.programs"
trap 'rm -f "$report" "$report.list" "$report.programs"' EXIT
while read -r program arguments; do
    build_with none "$program"
    run "$program" $arguments || miss "$program $arguments fails without a fault"
done <"$report.programs"
while read -r fault program arguments; do
    build_with "$fault" "$program"
    if run "$program" $arguments; then
        miss "$program $arguments does not find $fault"
    else
        echo "prove: $fault found by $program $arguments"
    fi
done <"$report.list"
test "$misses" -eq 0
