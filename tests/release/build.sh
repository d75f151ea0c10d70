#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# Builds the last release that spoke other messages or options than this tree: the newest commit at which
# schema/released.lock was written and schema/ was not yet what it is now.
# usage: build.sh FOLDER; prints the program's path. Needs the repository's history.
set -eu
folder=$1
cd "$(dirname "$0")/../.."
for commit in $(git log --format=%H -- schema/released.lock); do
    git diff --quiet "$commit" HEAD -- schema || break
    commit=
done
[ -n "${commit:-}" ] || { echo "release: the history holds no other release" >&2; exit 1; }
if [ "$(cat "$folder/commit" 2>/dev/null)" != "$commit" ]; then
    rm -rf "$folder"
    mkdir -p "$folder/source"
    git archive "$commit" | tar -x -C "$folder/source"
    meson setup "$folder/build" "$folder/source" >"$folder/build.log" 2>&1 || { cat "$folder/build.log" >&2; exit 1; }
    ninja -C "$folder/build" carillon >>"$folder/build.log" 2>&1 || { tail -40 "$folder/build.log" >&2; exit 1; }
    printf '%s' "$commit" >"$folder/commit"
fi
echo "$folder/build/carillon"
