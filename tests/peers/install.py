# SPDX-License-Identifier: Apache-2.0
"""SCION and Qt, for tests/peers and bench: put below the build folder, never into the source tree. Unavailable says why not."""
import pathlib
import shutil
import subprocess

HERE = pathlib.Path(__file__).resolve().parent


class Unavailable(Exception):
    """Cannot be had here; why, in words."""


def install_scion(build):
    """The folder whose node_modules has SCION."""
    folder = pathlib.Path(build) / "peers/npm"
    if shutil.which("node") is None or shutil.which("npm") is None:
        raise Unavailable("there is no Node.js with npm here")
    lock = (HERE / "package-lock.json").read_text(encoding="utf-8")
    installed = folder / "installed.lock"
    if not installed.exists() or installed.read_text(encoding="utf-8") != lock:
        folder.mkdir(parents=True, exist_ok=True)
        for name in ("package.json", "package-lock.json", ".npmrc"):
            shutil.copy(HERE / name, folder)
        try:
            subprocess.run(["npm", "install", "--ignore-scripts", "--no-save", "--no-progress", "--fetch-retries=1"], cwd=folder,
                           capture_output=True, check=True, timeout=180)
        except (OSError, subprocess.SubprocessError) as problem:
            raise Unavailable("npm could not fetch SCION") from problem
        installed.write_text(lock, encoding="utf-8")
    return folder


def build_qt(build, source):
    """A program of Qt's, compiled; Qt needs no further tools as long as no class has signals of its own."""
    program = pathlib.Path(build) / "peers" / source.stem
    if program.exists() and program.stat().st_mtime > source.stat().st_mtime:
        return program
    program.parent.mkdir(parents=True, exist_ok=True)
    try:
        flags = subprocess.run(["pkg-config", "--cflags", "--libs", "Qt5Core"], capture_output=True, text=True, check=True).stdout.split()
        subprocess.run(["g++", "-O2", "-fPIC", source, *flags, "-lQt5Scxml", "-o", program], capture_output=True, text=True, check=True)
    except (OSError, subprocess.CalledProcessError) as problem:
        raise Unavailable("Qt's SCXML library (libqt5scxml5-dev) is not here, or does not compile") from problem
    return program
