#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# Shows that the crash test can fail: on a build that answers before the commit it must find a lost
# promise, and the same build without the fault must pass. usage: prove_crash_test.sh [BUILD-FOLDER]
set -eu
top=$(cd "$(dirname "$0")/../.." && pwd)
build=${1:-$top/build/faults}
report=$(mktemp)
trap 'rm -f "$report"' EXIT

build_with() {
    if test -f "$build/build.ninja"; then
        meson configure "$build" -Dfault="$1"
    else
        meson setup "$build" "$top" -Dfault="$1" >/dev/null
    fi
    ninja -C "$build" --quiet carillon >"$report" 2>&1 || { cat "$report"; exit 1; }
}

crash_test() {
    CARILLON_CRASH_ROUNDS=${CARILLON_CRASH_ROUNDS:-10} python3 "$top/tests/e2e/harness.py" \
        --binary "$build/carillon" test_crash >"$report" 2>&1
}

build_with none
if ! crash_test; then
    cat "$report"
    echo "prove_crash_test: without the fault the test should pass" >&2
    exit 1
fi
build_with answer-early
# A lost order to a group can end a run before the ledgers are compared: then another run.
for run in 1 2 3; do
    if crash_test; then
        cat "$report"
        echo "prove_crash_test: the store answered before its commit, and the test did not find it" >&2
        exit 1
    fi
    if grep '^# .*Broken: seed' "$report"; then
        echo "prove_crash_test: found (run $run)"
        exit 0
    fi
done
cat "$report"
echo "prove_crash_test: the test failed, but not over a broken promise" >&2
exit 1
