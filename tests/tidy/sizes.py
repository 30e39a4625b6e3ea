"""How long a file, a function and a line may be, and how many files a folder may have."""

import ast
import collections
import re

import rust
from tree import Complaint

FILE, FUNCTION, FOLDER, COLUMNS = 400, 70, 8, 120

WRITTEN = ("rust", "sql", "spec", "python", "perl", "shell", "make", "toml", "javascript", "ruby", "php", "go", "java")
COMMENT = {"sql": "--", "javascript": "//", "php": "//", "go": "//", "java": "//"}
# The end of what opens a function's body, and what closes it, at the start of a line.
BODIES = {"shell": (re.compile(r"^([\w-]+)\(\) *[({]$", re.M), re.compile(r"^[)}]", re.M)),
          "perl": (re.compile(r"^sub (\w+)\s*\{?$", re.M), re.compile(r"^\}", re.M))}


def code_lines(tree, path):
    if tree.language(path) == "rust":
        return rust.read(tree, path).code_lines()
    comment = COMMENT.get(tree.language(path), "#")
    return sum(1 for _, line in tree.lines(path) if line.strip() and not line.lstrip().startswith(comment))


def file_length(tree):
    """A file has at most 400 lines of code: neither blank, nor comment, nor a test inside the library."""
    for path in tree.of(*WRITTEN):
        lines = code_lines(tree, path)
        if lines > FILE:
            yield Complaint(path, 0, f"{lines} lines of code, more than {FILE}")


def functions(tree, path):
    language, text = tree.language(path), tree.text(path)
    if language == "rust":
        yield from rust.Source(text).functions()
    elif language == "python":
        for node in ast.walk(ast.parse(text)):
            if isinstance(node, (ast.FunctionDef, ast.AsyncFunctionDef)):
                yield rust.Function(node.name, node.lineno, node.end_lineno - node.body[0].lineno + 1)
    elif language in BODIES:
        opening, closing = BODIES[language]
        for found in opening.finditer(text):
            end = closing.search(text, found.end() + 1)
            first = text.count("\n", 0, found.end()) + 1
            last = text.count("\n", 0, end.start() if end else len(text)) + 1
            yield rust.Function(found[1], text.count("\n", 0, found.start()) + 1, last - first - 1)


def function_length(tree):
    """The body of a function has at most 70 lines."""
    for path in tree.of("rust", "python", *BODIES):
        try:
            long = [one for one in functions(tree, path) if one.body > FUNCTION]
        except SyntaxError as error:
            yield Complaint(path, error.lineno, f"can't be read: {error.msg}")
            continue
        for one in long:
            yield Complaint(path, one.line, f"{one.name}: {one.body} lines, more than {FUNCTION}", one.name)


def folder_size(tree):
    """A domain's folder has at most 8 files beside its mod.rs; the kernel's are no domain's."""
    found = collections.Counter(path.rpartition("/")[0] for path in tree.of("rust", under="src/")
                                if not path.startswith("src/kernel/") and not path.endswith("/mod.rs"))
    for folder, files in sorted(found.items()):
        if folder != "src" and files > FOLDER:
            yield Complaint(folder, 0, f"{files} files beside mod.rs, more than {FOLDER}", folder.removeprefix("src/"))


def prose(lines):
    """Of Markdown what is neither a block of code, nor a table, nor the address of a link."""
    inside = False
    for number, line in lines:
        if line.lstrip().startswith("```"):
            inside = not inside
        elif not inside and not line.lstrip().startswith("|"):
            yield number, re.sub(r"\]\([^)]*\)|<?https?://\S+", "", line)


def columns(tree):
    """A line has at most 120 columns. A word of 80 may be longer, as a key may; so may what Markdown can't wrap."""
    for path in tree.of("markdown", "rust", "sql", "spec", "python", "perl", "shell", "make"):
        lines = tree.lines(path)
        for number, line in prose(lines) if tree.language(path) == "markdown" else lines:
            if len(re.sub(r"\S{80,}", "", line)) > COLUMNS:
                yield Complaint(path, number, f"{len(line)} columns, more than {COLUMNS}")
