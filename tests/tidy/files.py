"""Files that nothing names, and files that lack their other half."""

import fnmatch
import pathlib
import re

import rust
from tree import Complaint

FOLDERS = ("bench/", "demo/", "docs/", "examples/", "scripts/", "sql/", "tests/")
# What a program is given of a folder as its input, and where the other half of each file lies.
HALVES = [("tests/sql/*.sql", "tests/expected/*.out"),
          ("tests/isolation/specs/*.spec", "tests/isolation/expected/*.out"),
          ("sql/migrations/*.up.sql", "sql/migrations/*.down.sql")]
# Whose names a program puts together: there, the parts of the name are words.
BUILT = {"bench/pgbench/*.sql": "bench/harness/*.py", "bench/jti/*.sql": "bench/harness/jti.py",
         "bench/inside/*.sql": "bench/harness/inside.py",
         "bench/login/*.sql": "bench/login/run",
         "bench/wire/src/*.rs": "bench/wire/src/*.rs", "tests/leaks/*": "tests/languages",
         "tests/examples/*.out": "examples/*.py", "sql/migrations/*": "src/*.rs"}
WORD = re.compile(r"[\w.*/-]+")
PATTERN = re.compile(r"(?:[\w-]+/)+[\w-]*\*(?:\.\w+)+")


class Mentions:
    """What one file may name another by: paths, patterns such as tests/tap/*.pl, and the names in imports."""

    def __init__(self, path, text):
        self.path = path
        # A word that ends a sentence has a full stop.
        self.paths = {word.rstrip(".").lstrip("./") for word in WORD.findall(text)}
        self.names = {path.rpartition("/")[2] for path in self.paths}
        self.patterns = [path for path in self.paths if PATTERN.fullmatch(path)]
        self.words = set(re.findall(r"\w+", text))
        self.imports = {word for line in re.findall(r"(?m)^\s*(?:from|import|use|require)\b[^\n]*", text)
                        for word in re.findall(r"\w+", line)}

    def has(self, path):
        """By its name, with its folders where the name has no suffix; as a module; by a pattern; put together."""
        name = pathlib.PurePosixPath(path)
        if name.name in self.names and (name.suffix or any(path.endswith("/" + word) or path == word
                                                           for word in self.paths if "/" in word)):
            return True
        if name.suffix in (".py", ".pm") and name.stem in self.imports:
            return True
        # A page is reached by a link, and what runs in a server is named where it is run.
        if name.suffix != ".md" and not path.startswith("sql/"):
            if any(fnmatch.fnmatchcase("/" + path, "*/" + pattern) for pattern in self.patterns):
                return True
        parts = set(re.findall(r"\w+", re.sub(r"^\d+_", "", name.stem)))
        return any(fnmatch.fnmatchcase(path, pattern) and fnmatch.fnmatchcase(self.path, where) and parts <= self.words
                   for pattern, where in BUILT.items())


def dead_files(tree):
    """Some other file names every file outside src: a script, a test, a page. In src every file is a module."""
    wanted = {path for path in tree.files if path.startswith(FOLDERS) and not path.endswith("/README.md")}
    missing = wanted - {path for _, second in HALVES for path in tree.like(second)}
    for by in tree.files:
        mentions = Mentions(by, tree.text(by))
        # The rules name files in order to judge them; they use only each other.
        mine = "tests/tidy/" if by.startswith("tests/tidy/") else ""
        missing -= {path for path in missing if path != by and path.startswith(mine) and mentions.has(path)}
    for path in sorted(missing):
        yield Complaint(path, 0, "no other file names it")
    crate, tests = rust.crate(tree), set()
    for path, source in crate.sources.items():
        folder = path.removesuffix("/mod.rs") if path.endswith("/mod.rs") else path.removesuffix(".rs")
        tests |= {f"{folder}/{name}.rs" for name in source.test_modules}
    for path in tree.of("rust", under="src/"):
        if path not in crate.sources and path not in tests:
            yield Complaint(path, 0, "no `mod` of the library reaches it")


def halves(tree):
    """A test has its expected output, an expected output its test, and a migration its way back."""
    for first, second in HALVES:
        (before, after), (begin, end) = first.split("*"), second.split("*")
        names = {path[len(before):-len(after)] for path in tree.like(first)}
        others = {path[len(begin):-len(end)] for path in tree.like(second)}
        for name in sorted(names - others):
            yield Complaint(f"{before}{name}{after}", 0, f"there is no {begin}{name}{end}")
        for name in sorted(others - names):
            yield Complaint(f"{begin}{name}{end}", 0, f"there is no {before}{name}{after}")
