"""Who may import whom."""

import re

import rust
from tree import Complaint

LIST = "src/floors.txt"

# What is no domain: no table belongs to it alone. The vault is an area, with files that both its domains share.
NO_DOMAIN = {"kernel", "rfc", "trail", "lifecycle", "schema", "vault", "endpoint", "validator", "developer",
             "shard"}
# Nor do tables belong to their folders.
WITHOUT_TABLES = ("kernel/", "rfc/", "endpoint/", "validator/")
# Beside the domains: the surface that all share, tests of the surface as a whole, and of an endpoint by the name of its
# function.
SHARED = {"call", "surface", "http"}


class Floors:
    """The list: entry by entry its floor, 0 the ground."""

    def __init__(self, tree):
        self.lines, self.floor = [], {}
        for number, line in tree.lines(LIST) if LIST in tree.files else ():
            if line.strip() and not line.startswith("#"):
                for entry in line.split():
                    self.floor[entry] = len(self.lines)
                self.lines.append((number, line.split()))

    def entry(self, path):
        """The longest entry that a file under src belongs to, or None."""
        name = path.removeprefix("src/")
        found = [entry for entry in self.floor if name == entry or name.startswith(entry + "/")]
        return max(found, key=len, default=None)


def floors(tree):
    """An import goes down, or stays in its folder; every folder has a floor."""
    crate, listed = rust.crate(tree), Floors(tree)
    used, imported = set(), {one.target for one in crate.imports}
    for path in sorted(crate.sources):
        used.add(listed.entry(path))
        # The index of an area declares its folders and imports nothing.
        if listed.entry(path) is None and (path in imported or any(one.source == path for one in crate.imports)):
            yield Complaint(path, 1, f"stands on no floor of {LIST}")
    for number, entries in listed.lines:
        for entry in entries:
            if entry not in used:
                yield Complaint(LIST, number, f"{entry} is no folder or file of modules")
    for one in crate.imports:
        here, there = listed.entry(one.source), listed.entry(one.target)
        if here is None or there is None or here == there:
            continue
        if listed.floor[there] >= listed.floor[here]:
            way = "upwards" if listed.floor[there] > listed.floor[here] else "sideways"
            target = one.target.removeprefix("src/")
            yield Complaint(one.source, one.line, f"imports {target}, {way}: from {here} to {there}", target)


def circles(tree):
    """No file imports itself by way of others."""
    crate = rust.crate(tree)
    arrows = {(one.source, one.target): one.line for one in crate.imports}
    for files in rust.circles(crate.imports):
        names = " -> ".join(path.removeprefix("src/") for path in [*files, files[0]])
        yield Complaint(files[0], arrows[files[0], files[1]], f"a circle: {names}")


def macros(tree):
    """A macro is imported from its file: from the root of the crate, its imports would hide where it comes from."""
    for path in tree.of("rust", under="src/"):
        source = rust.read(tree, path)
        for found in re.finditer(r"#\[macro_(?:export|use)\b", source.bare):
            line = source.line(found.start())
            yield Complaint(path, line, f"{found[0]}]: say `pub(crate) use name;` beside the macro instead")


def domains(tree):
    """A domain has the same name in each room: as a folder under src, in sql/tables, sql/surface and tests/sql."""
    def names(under):
        return {path[len(under):-len(".sql")]: path for path in tree.like(f"{under}*.sql")}

    tables, folders = names("sql/tables/"), set()
    for path in tree.of("rust", under="src/"):
        parts = path.split("/")[1:-1]
        folders |= {"/".join(parts[:depth]) for depth in range(1, len(parts) + 1)}
    for folder in sorted(folders):
        last = folder.split("/")[-1]
        # A folder in a domain's folder is a part of the domain.
        if folder in NO_DOMAIN or folder.startswith(WITHOUT_TABLES) or not tables.keys().isdisjoint(folder.split("/")):
            continue
        # An area holds domains, and the index that names them.
        inside = [path for path in tree.of("rust", under=f"src/{folder}/") if path.count("/") == folder.count("/") + 2]
        if inside != [f"src/{folder}/mod.rs"] or not any(other.startswith(folder + "/") for other in folders):
            yield Complaint(f"src/{folder}", 0, f"no sql/tables/{last}.sql: neither a domain nor one of "
                            + " ".join(sorted(NO_DOMAIN)), folder)
    known = {folder.split("/")[-1] for folder in folders}
    for under in ("sql/tables/", "sql/surface/"):
        for name, path in sorted(names(under).items()):
            if name not in known | SHARED:
                yield Complaint(path, 0, f"no folder {name} under src", name)
    for name, path in sorted(names("tests/sql/").items()):
        if not any(name == one or name.startswith(one + "_") for one in known | SHARED):
            yield Complaint(path, 0, "its name does not begin with a domain's", name)
