"""Reads Rust as far as the rules and the map need it: modules, imports, functions, text literals. No parser: comments
and literals are blanked, and what is left is regular enough, because rustfmt laid it out.

Tests (`#[cfg(test)]`) are left out everywhere: the library does not contain them, and a test may look at any floor.
"""

import bisect
import collections
import dataclasses
import functools
import re

TOKEN = re.compile(
    r"""(?P<comment>//[^\n]*|/\*.*?\*/)
      | (?P<literal>\b(?:b|c)?r(?P<hashes>\#*)".*?"(?P=hashes) | \b[bc]?"(?:\\.|[^"\\])*" | "(?:\\.|[^"\\])*"
        | b?'(?:\\[^\n]+?|[^\\'\n])')""", re.S | re.X)
TEST = re.compile(r"#\[cfg\(test\)\]")
PATH = re.compile(r"(?<![\w:$])(\$?\w+)((?:::\w+)+)")
USE = re.compile(r"(?<!\w)(?:pub(?:\([^)]*\))? +)?use ([^;]+);")
MOD = re.compile(r"(?m)^[ ]*(?:pub(?:\([^)]*\))? +)?mod (\w+);")
FN = re.compile(r"(?<!\w)fn (\w+)")


def blank(text):
    """The same text with all but line ends as spaces."""
    return re.sub(r"[^\n]", " ", text)


def sentence(text, comment, ends):
    """The first sentence of the comment that a text begins with."""
    lines = []
    for line in text.split("\n"):
        if not line.startswith(comment) or line.strip() == comment:
            break
        lines.append(line.removeprefix(comment).strip())
    return re.split(rf"[{ends}](?=\s|$)", " ".join(lines), maxsplit=1)[0]


def closing(bare, at):
    """Where the bracket that opens at this offset closes."""
    depth = 0
    for found in re.compile(r"[(\[{}\])]").finditer(bare, at):
        depth += 1 if found[0] in "([{" else -1
        if depth == 0:
            return found.start()
    return len(bare)


@dataclasses.dataclass(frozen=True)
class Function:
    name: str
    line: int
    body: int


class Source:
    """One file: `bare` has neither comments nor literals, `code` has the literals, both at the offsets of the file."""

    def __init__(self, text):
        self.text = text
        self.starts = [0] + [found.end() for found in re.finditer("\n", text)]
        tokens = list(TOKEN.finditer(text))
        bare, code, self.literals, last = [], [], [], 0
        for token in tokens:
            between = text[last:token.start()]
            bare += [between, blank(token[0])]
            code += [between, token[0] if token["literal"] else blank(token[0])]
            last = token.end()
            if token["literal"]:
                self.literals.append((token.start(), token[0]))
        bare, code = "".join(bare + [text[last:]]), "".join(code + [text[last:]])
        self.tests = [self._item(bare, found.start()) for found in TEST.finditer(bare)]
        # What a test alone declares, `#[cfg(test)] mod tests;`.
        self.test_modules = {name for begin, end in self.tests for name in MOD.findall(bare[begin:end])}
        for begin, end in self.tests:
            bare = bare[:begin] + blank(bare[begin:end]) + bare[end:]
            code = code[:begin] + blank(code[begin:end]) + code[end:]
        self.bare, self.code = bare, code
        self.literals = [pair for pair in self.literals if not self.in_test(pair[0])]

    @staticmethod
    def _item(bare, at):
        """The item behind an attribute: to its semicolon or its closing brace."""
        begin, position = at, at
        while bare.startswith("#[", position):
            position = closing(bare, position + 1) + 1
            position += len(bare[position:]) - len(bare[position:].lstrip())
        end = re.compile(r"[;{]").search(bare, position)
        if end is None:
            return begin, len(bare)
        return begin, (end.end() if end[0] == ";" else closing(bare, end.start()) + 1)

    def in_test(self, offset):
        return any(begin <= offset < end for begin, end in self.tests)

    def line(self, offset):
        return bisect.bisect_right(self.starts, offset)

    def code_lines(self):
        """Lines that hold more than blanks, comments and tests."""
        return sum(1 for line in self.code.split("\n") if line.strip())

    def functions(self):
        for found in FN.finditer(self.bare):
            opening = self._body(found.end())
            if opening is not None:
                first, last = self.line(opening), self.line(closing(self.bare, opening))
                yield Function(found[1], self.line(found.start()), max(last - first - 1, 0))

    def _body(self, at):
        """Where the body of a function opens; None for a declaration alone."""
        while at < len(self.bare):
            found = re.compile(r"[(\[{;]").search(self.bare, at)
            if found is None or found[0] == ";":
                return None
            if found[0] == "{":
                return found.start()
            at = closing(self.bare, found.start()) + 1
        return None

    def modules(self):
        """The names of `mod name;`, without those of tests."""
        return MOD.findall(self.bare)

    def title(self):
        """The first sentence of the file's comment, `//! …`."""
        return sentence(self.text, "//!", ".")


@functools.cache
def read(tree, path):
    """The file, read once."""
    return Source(tree.text(path))


def names_of(text):
    """The paths of a use, as pairs of (segments, name it gets here): `a::{b, c as d}` are two, `self` is the module."""
    text = " ".join(text.split())
    head, brace, rest = text.partition("{")
    prefix = tuple(part.strip() for part in head.split("::") if part.strip())
    if not brace:
        path, _, alias = head.partition(" as ")
        segments = tuple(part.strip() for part in path.split("::") if part.strip())
        if segments and segments[-1] == "self" and len(segments) > 1:
            segments = segments[:-1]
        return [(segments, alias.strip() or (segments[-1] if segments else ""))] if segments else []
    found, depth, start, inner = [], 0, 0, rest[:rest.rindex("}")]
    for position, char in enumerate(inner + ","):
        depth += (char == "{") - (char == "}")
        if char == "," and depth == 0:
            part = inner[start:position].strip()
            start = position + 1
            if part:
                found += names_of("::".join(prefix + (part,)) if prefix else part)
    return found


@dataclasses.dataclass(frozen=True)
class Import:
    """An arrow from a file to a file, and the line where it is first written."""

    source: str
    target: str
    line: int


class Crate:
    """The modules under src, found from lib.rs by their `mod` lines, and the imports between their files."""

    def __init__(self, tree):
        self.tree = tree
        self.files = {}       # module, as a tuple of names: its file
        self.modules = {}     # file: its module
        self.sources = {}
        if "src/lib.rs" in tree.files:
            self._add((), "src/lib.rs")

    def _add(self, module, path):
        self.files[module], self.modules[path] = path, module
        source = self.sources[path] = read(self.tree, path)
        base = "/".join(("src", *module))
        for name in source.modules():
            for child in (f"{base}/{name}.rs", f"{base}/{name}/mod.rs"):
                if child in self.tree.files:
                    self._add((*module, name), child)

    def _target(self, module):
        """The file of the deepest module on this way."""
        while module not in self.files:
            module = module[:-1]
        return self.files[module]

    def _resolve(self, here, segments, known):
        """The module that a path begins with and what follows in the crate; None for another crate's."""
        first, rest = segments[0], segments[1:]
        if first in ("crate", "$crate"):
            base = ()
        elif first == "self":
            base = here
        elif first == "super":
            base = here[:-1]
            while rest[:1] == ("super",):
                base, rest = base[:-1], rest[1:]
        elif first in known:
            base = known[first]
        elif (*here, first) in self.files:
            base = (*here, first)
        else:
            return None
        return (*base, *rest)

    @functools.cached_property
    def imports(self):
        """One arrow for each pair of files, in the order of the files."""
        found = {}
        for path in sorted(self.sources):
            for target, line in self._reads(path):
                if target != path:
                    found.setdefault((path, target), Import(path, target, line))
        return list(found.values())

    def _reads(self, path):
        source, here, known = self.sources[path], self.modules[path], {}
        for use in USE.finditer(source.bare):
            for segments, name in names_of(use[1]):
                way = self._resolve(here, segments, known)
                if way is None:
                    continue
                yield self._target(way), source.line(use.start())
                if way in self.files:
                    known[name] = way
        # A path in the code: of the crate, or through a module that a use brought.
        for way in PATH.finditer(USE.sub(lambda use: blank(use[0]), source.bare)):
            segments = (way[1], *way[2].split("::")[1:])
            target = self._resolve(here, segments, known)
            if target is not None:
                yield self._target(target), source.line(way.start())


@functools.cache
def crate(tree):
    """The modules under src, read once."""
    return Crate(tree)


def circles(imports):
    """For each strongly connected component of several files (Tarjan) a shortest way round in it."""
    arrows = {}
    for one in imports:
        arrows.setdefault(one.source, []).append(one.target)
    index, low, stack, found = {}, {}, [], []

    def visit(node):
        index[node] = low[node] = len(index)
        stack.append(node)
        for target in arrows.get(node, ()):
            if target not in index:
                visit(target)
                low[node] = min(low[node], low[target])
            elif target in stack:
                low[node] = min(low[node], index[target])
        if low[node] == index[node]:
            component = []
            while not component or component[-1] != node:
                component.append(stack.pop())
            if len(component) > 1:
                found.append(sorted(component))

    for node in list(arrows):
        if node not in index:
            visit(node)
    return [shortest(arrows, set(files)) for files in sorted(found)]


def shortest(arrows, files):
    """A shortest way round among these files, from one of them back to it."""
    found = []
    for first in sorted(files):
        ways = collections.deque([[first]])
        seen = set()
        while ways:
            way = ways.popleft()
            if found and len(way) >= len(found):
                break
            for target in sorted(set(arrows.get(way[-1], ())) & files):
                if target == first:
                    found = way
                    ways.clear()
                    break
                if target not in seen:
                    seen.add(target)
                    ways.append(way + [target])
    return found
