#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""npm's linters read the OpenAPI document as the generator prints it, with all rules that they recommend; a warning fails.

  tests/openapi/lint.py --build DIR     what is installed goes below DIR/openapi, never into the source tree

Prints TAP; where npm cannot be had, both are `# skipped` with the reason."""
import argparse
import os
import pathlib
import shutil
import subprocess
import sys

HERE = pathlib.Path(__file__).resolve().parent
TOP = HERE.parent.parent


class Unavailable(Exception):
    """Cannot be had here; why, in words."""


def install(folder):
    if shutil.which("node") is None or shutil.which("npm") is None:
        raise Unavailable("there is no Node.js with npm here")
    lock = (HERE / "package-lock.json").read_text(encoding="utf-8")
    installed = folder / "installed.lock"
    if installed.exists() and installed.read_text(encoding="utf-8") == lock:
        return
    folder.mkdir(parents=True, exist_ok=True)
    for name in ("package.json", "package-lock.json", ".npmrc"):
        shutil.copy(HERE / name, folder)
    try:
        subprocess.run(["npm", "ci", "--ignore-scripts", "--no-progress", "--fetch-retries=1"], cwd=folder,
                       capture_output=True, check=True, timeout=600)
    except (OSError, subprocess.SubprocessError) as problem:
        raise Unavailable("npm could not fetch the linters") from problem
    installed.write_text(lock, encoding="utf-8")


def linters(folder, document):
    bin_ = folder / "node_modules/.bin"
    yield "spectral", [bin_ / "spectral", "lint", "--fail-severity=warn", "--ruleset", HERE / "spectral.yaml", document]
    # A warning does not fail it: what it says of them does.
    yield "redocly", [bin_ / "redocly", "lint", "--extends", "recommended", "--format", "stylish", "--max-problems", "20", document]


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--build", required=True, type=pathlib.Path)
    folder = parser.parse_args().build.resolve() / "openapi"
    folder.mkdir(parents=True, exist_ok=True)
    document = folder / "openapi.json"
    subprocess.run([TOP / "tools/generate", "--schema", TOP / "schema", "--openapi", document], check=True)
    print("1..2")
    try:
        install(folder)
    except Unavailable as problem:
        for number, name in enumerate(("spectral", "redocly"), 1):
            print(f"ok {number} - {name} # skipped: {problem}")
        return 0
    failed = 0
    for number, (name, command) in enumerate(linters(folder, document), 1):
        done = subprocess.run(command, cwd=folder, capture_output=True, text=True, env={**os.environ, "REDOCLY_TELEMETRY": "off"})
        is_fine = done.returncode == 0 and "warning" not in done.stdout + done.stderr
        failed += not is_fine
        print(f"{'ok' if is_fine else 'not ok'} {number} - {name}")
        if not is_fine:
            print("".join(f"# {line}\n" for line in (done.stdout + done.stderr).splitlines()[-40:]), end="")
    return 1 if failed else 0


sys.exit(main())
