# SPDX-License-Identifier: Apache-2.0
"""Small checks in Python as a TAP program: sys.exit(run(checks())), where checks() yields (name, is_good)."""


def run(checks):
    """Prints one line for each; the exit status."""
    done = list(checks)
    print(f"1..{len(done)}")
    for index, (name, is_good) in enumerate(done, 1):
        print(f"{'ok' if is_good else 'not ok'} {index} - {name}")
    return 0 if all(is_good for _, is_good in done) else 1
