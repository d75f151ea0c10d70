#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# No process leaves memory behind and none touches what is not its own:
#   tests/chaos/leaks.sh ASAN-BUILD BUILD [TEST...]
# 1. Every process of real runs, built with AddressSanitizer, ends by SIGTERM as a supervisor ends it, and
#    LeakSanitizer finds nothing. (Who is killed with -9 says nothing: those tests are not among them.)
# 2. The simulated world, which is all servers in one process, under valgrind. Valgrind of Debian 12 does not
#    know pidfd_open(2), without which no supervisor works: hence not the real processes.
set -eu
top=$(cd "$(dirname "$0")/../.." && pwd)
asan=$1
build=$2
shift 2
[ $# -gt 0 ] || set -- test_outbound.Adding test_outbound.Preview test_http_api test_notification test_idempotency \
    test_config test_web. test_websocket test_dnc test_reports
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
mkdir "$folder/reports"

ninja -C "$asan" --quiet carillon
ASAN_OPTIONS=detect_leaks=1:log_path=$folder/reports/of:abort_on_error=0 \
    LSAN_OPTIONS=report_objects=1 UBSAN_OPTIONS=print_stacktrace=1:log_path=$folder/reports/of \
    nice python3 "$top/tests/e2e/harness.py" --binary "$asan/carillon" "$@" >"$folder/tests" 2>&1 ||
    { tail -50 "$folder/tests"; echo "leaks: a test failed with the sanitizers"; exit 1; }
for report in "$folder"/reports/*; do
    [ -e "$report" ] || continue
    head -60 "$report"
    echo "leaks: found by the sanitizers"
    exit 1
done
echo "leaks: $(grep -c '^ok' "$folder/tests") tests with sanitizers, no process left anything behind"

ninja -C "$build" --quiet tests/world/world
for seed in 1 2; do
    nice valgrind -q --leak-check=full --show-leak-kinds=definite --errors-for-leak-kinds=definite \
        --error-exitcode=97 "$build/tests/world/world" --seed $seed >"$folder/world" 2>&1 ||
        { tail -80 "$folder/world"; echo "leaks: found by valgrind, or the world broke (seed $seed)"; exit 1; }
    echo "leaks: the world of seed $seed under valgrind, nothing lost, nothing touched"
done
