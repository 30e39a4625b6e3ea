"""Whose a table is, and where else it has to be known."""

import re

import rust
from tree import Complaint

CREATE = re.compile(r"CREATE TABLE (?:IF NOT EXISTS )?auth_store\.(\w+) \((.*?)\n\)", re.S)
NAMED = re.compile(r"(?<![\w.])auth_store\.(\w+)")


def owners(tree):
    """Table by table the domain that makes it, and the text between its brackets."""
    found = {}
    for path in tree.of("sql", under="sql/tables/"):
        for create in CREATE.finditer(tree.text(path)):
            found[create[1]] = (path.rpartition("/")[2].removesuffix(".sql"), path, create[2])
    return found


def named(literal):
    """The tables that a text of Rust names: in a statement by the schema, in a look-up by the table's name alone."""
    text = literal.lstrip("bcr#").strip('"#')
    return {text} if literal.startswith('c"') and re.fullmatch(r"\w+", text) else set(NAMED.findall(text))


def foreign_tables(tree):
    """SQL names a table only in its domain's folder or its domain's file of sql/; others call a function there."""
    owner = owners(tree)
    for path in tree.of("rust", under="src/"):
        source, seen = rust.Source(tree.text(path)), set()
        for offset, literal in source.literals:
            for table in sorted(named(literal) & set(owner) - seen):
                seen.add(table)
                if owner[table][0] not in path.split("/")[:-1]:
                    yield Complaint(path, source.line(offset), f"names {table}, the table of {owner[table][0]}", table)
    for path in tree.of("sql", under="sql/"):
        if path.startswith("sql/tables/"):
            continue
        seen, domain = set(), path.rpartition("/")[2].removesuffix(".sql")
        for number, line in tree.lines(path):
            for table in sorted(set(NAMED.findall(line.partition("--")[0])) & set(owner) - seen):
                seen.add(table)
                if owner[table][0] != domain:
                    yield Complaint(path, number, f"names {table}, the table of {owner[table][0]}", table)


def known_tables(tree):
    """A table is in sql/shape.txt, so that check() knows it, and in a test that asks the server."""
    shape = tree.text("sql/shape.txt") if "sql/shape.txt" in tree.files else ""
    tests = "\n".join(tree.text(path) for path in tree.of("sql", "perl", under="tests/") if "/upgrade/" not in path)
    for table, (_, path, _) in sorted(owners(tree).items()):
        if not re.search(rf"(?<!\w){table}(?!\w)", shape):
            yield Complaint(path, 0, f"{table} is not in sql/shape.txt: run scripts/shape", table)
        if not re.search(rf"(?<!\w){table}(?!\w)", tests):
            yield Complaint(path, 0, f"no test names {table}", table)
