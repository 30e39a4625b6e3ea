"""Whose a table is, and where else it has to be known."""

import re

import rust
from tree import Complaint

CREATE = re.compile(r"CREATE TABLE (?:IF NOT EXISTS )?auth_store\.(\w+) \((.*?)\n\)", re.S)
ROW = re.compile(r"(?<!\w)struct \w+ in (\w+)")
FACTS = re.compile(r": Table = Table \{\s*name: \"(\w+)\"")
NAMED = re.compile(r"(?<![\w.])auth_store\.(\w+)")
# A table by its name alone: in a statement, in the macros and constructors that take one, after the schema in concat!.
BARE = re.compile(r"\b(?:FROM|INTO|UPDATE|JOIN) (\w+)")
TAKEN = re.compile(r'(?:delete_by!\((?:latest )?|Append::new\(\s*|auth_store\.",\s*)"(\w+)"')


def owners(tree):
    """Table by table the domain that makes it, and the text between its brackets."""
    found = {}
    for path in tree.of("sql", under="sql/tables/"):
        for create in CREATE.finditer(tree.text(path)):
            found[create[1]] = (path.rpartition("/")[2].removesuffix(".sql"), path, create[2])
    return found


def named(source, owner):
    """The tables that a file of Rust names, each with the offset where it first does: in a statement by the schema, in
    a look-up by the table's name alone, in a row as `struct Name in table`."""
    found = [(row.start(1), row[1]) for row in ROW.finditer(source.bare)]
    for offset, literal in source.literals:
        text = literal.lstrip("bcr#").strip('"#')
        alone = literal.startswith('c"') and re.fullmatch(r"\w+", text)
        found += [(offset, table) for table in ([text] if alone else NAMED.findall(text) + BARE.findall(text))]
    found += [(taken.start(1), taken[1]) for taken in TAKEN.finditer(source.code)]
    first = {}
    for offset, table in sorted(found):
        if table in owner:
            first.setdefault(table, offset)
    return first


def foreign_tables(tree):
    """SQL names a table only in its domain's folder or its domain's file of sql/; others call a function there."""
    owner = owners(tree)
    for path in tree.of("rust", under="src/"):
        source = rust.read(tree, path)
        for table, offset in named(source, owner).items():
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
    """A table has its facts (`Table`) in its domain, is in sql/shape.txt, which check() goes by, and in a test."""
    facts = {table for path in tree.of("rust", under="src/")
             for table in FACTS.findall(rust.read(tree, path).code)}
    shape = tree.text("sql/shape.txt") if "sql/shape.txt" in tree.files else ""
    tests = "\n".join(tree.text(path) for path in tree.of("sql", "perl", under="tests/") if "/upgrade/" not in path)
    for table, (_, path, _) in sorted(owners(tree).items()):
        if table not in facts:
            yield Complaint(path, 0, f"no `Table` in src says what becomes of the rows of {table}", table)
        if not re.search(rf"(?<!\w){table}(?!\w)", shape):
            yield Complaint(path, 0, f"{table} is not in sql/shape.txt: run scripts/shape", table)
        if not re.search(rf"(?<!\w){table}(?!\w)", tests):
            yield Complaint(path, 0, f"no test names {table}", table)
