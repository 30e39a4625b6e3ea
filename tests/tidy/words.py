"""What no text of ours may hold."""

import re

import rust
from tree import Complaint

UNFINISHED = re.compile(r"(?<!\w)(?:todo|unimplemented|dbg|println|eprintln)!")
BY_NUMBER = re.compile(r"(?<!\w)row\.(?:get|datum)(?:::<[^()]*>)?\(\d+\)")


def unfinished(tree):
    """The library holds no todo!, unimplemented!, dbg! or println!."""
    for path in tree.of("rust", under="src/"):
        source = rust.read(tree, path)
        for found in UNFINISHED.finditer(source.bare):
            yield Complaint(path, source.line(found.start()), f"{found[0]} in the library")


def numbered_columns(tree):
    """A column of a row is read by its name; by its number in the kernel alone, which pairs the two."""
    for path in tree.of("rust", under="src/"):
        if path.startswith("src/kernel/"):
            continue
        source = rust.read(tree, path)
        for found in BY_NUMBER.finditer(source.bare):
            yield Complaint(path, source.line(found.start()), f"{found[0]}: a column by its number")


def blanks(tree):
    """No blank ends a line, no tab is in Rust, SQL, Python, Perl or shell, and a line end closes a text."""
    for path in tree.files:
        language, text = tree.language(path), tree.text(path)
        if language is None:
            continue
        for number, line in tree.lines(path):
            if line != line.rstrip():
                yield Complaint(path, number, "a blank at the end of the line")
            if "\t" in line and language in ("rust", "sql", "spec", "python", "perl", "shell"):
                yield Complaint(path, number, "a tab")
        if text and (not text.endswith("\n") or text.endswith("\n\n")):
            yield Complaint(path, text.count("\n") + 1, "the text does not end with one line end")
