# SPDX-License-Identifier: Apache-2.0
"""What the command line says of itself: help, completion scripts in their shells, man pages; and `carillon size` (framework 14.4)."""
import json
import pathlib
import re
import shutil
import subprocess
import tempfile
import unittest

from harness import binary

TOP = pathlib.Path(__file__).resolve().parents[2]


def carillon(*words, check=True):
    return subprocess.run([binary(), *words], capture_output=True, text=True, check=check, timeout=20)


def commands():
    """Their names, as help lists them."""
    return re.findall(r"^  (\S+) +\S", carillon("help").stdout, re.MULTILINE)


def options(command):
    return sorted(set(re.findall(r"(?:(?<=[ \[|(])|^)--[a-z0-9-]{2,}(?=[ \]|=)\n,;:.]|$)", carillon("help", command).stdout,
                                 re.MULTILINE)))


class Completion(unittest.TestCase):
    def bash(self, *words):
        """What bash offers behind these words."""
        script = ('eval "$("$0" completion bash)"; COMP_WORDS=("$@"); COMP_CWORD=$(($# - 1)); _carillon; '
                  'printf "%s\\n" "${COMPREPLY[@]}"')
        done = subprocess.run(["bash", "-c", script, binary(), "carillon", *words], capture_output=True, text=True, check=True,
                              timeout=20)
        return done.stdout.split()

    def test_bash_offers_every_command_and_every_option(self):
        self.assertEqual(sorted(self.bash("")), sorted(commands()))
        self.assertEqual(self.bash("ru"), ["run"])
        for command in commands():
            self.assertLessEqual(set(options(command)), set(self.bash(command, "--")), command)
        self.assertEqual(self.bash("config", "ap"), ["apply"])
        self.assertNotIn("http-proxy-child", self.bash(""))

    def test_zsh_and_fish_take_their_scripts_and_know_every_option(self):
        scripts = {shell: carillon("completion", shell).stdout for shell in ("zsh", "fish")}
        for shell, script in scripts.items():
            subprocess.run([shell, "-n", "/dev/stdin"], input=script, capture_output=True, text=True, check=True, timeout=20)
            for command in commands():
                self.assertIn(command, script, shell)
        for command in commands():
            line = re.search(rf"^    {re.escape(command)}\) (.*);;$", scripts["zsh"], re.MULTILINE)
            for option in options(command):
                self.assertIn(f" {option}", line[1] + " ", (command, option))
                self.assertIn(f"_from {command}' -l {option[2:]}\n", scripts["fish"])

    def test_another_shell_is_refused(self):
        self.assertEqual(carillon("completion", "cmd", check=False).returncode, 2)


class Help(unittest.TestCase):
    def test_every_option_that_the_code_takes_is_in_a_help(self):
        """A mistake in a word would be an option that nobody learns of."""
        known = {one for command in commands() for one in options(command)}
        for path in sorted((TOP / "src/cli").glob("*.c")):
            taken = re.findall(r'(?:take_option|take_flag|option|flag)\([^;"]*"(--[a-z0-9-]+)"', path.read_text(encoding="utf-8"))
            for one in taken:
                if path.name != "run_command.c" or one != "--type":  # of the hidden `app`
                    self.assertIn(one, known, path.name)


class Man(unittest.TestCase):
    def setUp(self):
        self.folder = pathlib.Path(tempfile.mkdtemp(prefix="carillon-man-"))
        self.addCleanup(shutil.rmtree, self.folder)
        carillon("man", str(self.folder / "man"))
        self.pages = {path.name: path for path in (self.folder / "man").iterdir()}

    def test_every_command_has_a_page_with_all_its_options(self):
        self.assertEqual(set(self.pages), {"carillon.1", *(f"carillon-{name}.1" for name in commands())})
        whole = self.pages["carillon.1"].read_text()
        for name in commands():
            page = self.pages[f"carillon-{name}.1"].read_text().replace("\\-", "-").replace("\\fI", "").replace("\\fR", "")
            self.assertIn(f"carillon\\-{name} (1)".replace("-", "\\-") if "-" in name else f"carillon\\-{name} (1)", whole)
            for option in options(name):
                self.assertIn(option, page, name)

    def test_mandoc_finds_nothing_wrong(self):
        done = subprocess.run(["mandoc", "-T", "lint", "-W", "warning", *map(str, self.pages.values())], capture_output=True,
                              text=True, check=False, timeout=60)
        self.assertEqual((done.stdout, done.returncode), ("", 0))

    def test_a_page_reads_as_the_help_does(self):
        """Dashes, quotes and backslashes come out as they went in."""
        for name in commands():
            done = subprocess.run(["mandoc", "-T", "utf8", "-O", "width=200", str(self.pages[f"carillon-{name}.1"])],
                                  capture_output=True, text=True, check=True, timeout=20)
            shown = re.sub(".\b", "", done.stdout)
            for line in carillon("help", name).stdout.splitlines()[4:]:
                self.assertIn(line.strip(), shown, name)


class Size(unittest.TestCase):
    def test_the_spec_s_own_example(self):
        """64 KB x 10 000 is about 700 MB."""
        done = carillon("size", "--attached-data", "64", "--peak-interactions", "10000")
        self.assertRegex(done.stdout, r"interactions +at the peak +\(3\.5 \+ 64\) KB x 10000 +691 MB")

    def test_e_mails_chats_and_contacts(self):
        done = carillon("size", "--emails-per-day", "1000", "--chats-per-day", "2000", "--days=100", "--contacts", "50000", "--json")
        told = json.loads(done.stdout)
        self.assertEqual([row["bytes"] for row in told["rows"]], [1000 * 100 * 25 * 1024, 2000 * 100 * 5 * 1024, 50000 * 1024, 0])
        self.assertEqual(told["contactsBytes"], sum(row["bytes"] for row in told["rows"][:3]))
        self.assertEqual(told["inputs"]["attachedDataKB"], 4)

    def test_what_is_no_number_is_named(self):
        for words in (["--days", "soon"], ["--days", "40000"], ["--contacts", "-1"], ["--peaks", "1"], ["more"]):
            done = carillon("size", *words, check=False)
            self.assertEqual(done.returncode, 2, words)
        self.assertIn("--contacts must be 0 to", carillon("size", "--contacts", "-1", check=False).stderr)


if __name__ == "__main__":
    unittest.main()
