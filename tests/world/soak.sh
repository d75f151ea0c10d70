#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# Many simulated worlds, a share for each processor. usage: soak.sh WORLD-PROGRAM COUNT [FIRST]
set -eu
world=$1 count=$2 first=${3:-1}
shares=$(nproc)
reports=$(mktemp -d)
trap 'rm -rf "$reports"' EXIT

share=0
while [ "$share" -lt "$shares" ]; do
    from=$((first + count * share / shares))
    to=$((first + count * (share + 1) / shares - 1))
    { "$world" --seeds "$from-$to" 2>"$reports/$share.err" || touch "$reports/broken"; } |
        sed -u -n 's/^\(not ok\|ok\) [0-9]* - /\1 /p' &
    share=$((share + 1))
done
wait
if [ -e "$reports/broken" ]; then
    cat "$reports"/*.err >&2
    echo "soak: worlds broke; each names its seed: make replay SEED=n" >&2
    exit 1
fi
echo "soak: $count worlds kept their promises"
