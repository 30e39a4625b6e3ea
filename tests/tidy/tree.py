"""The files of a checkout, as the rules see them."""

import dataclasses
import fnmatch
import functools
import pathlib
import re
import subprocess

# What a walk leaves out where no Git says what belongs to the project, as in the archive of the sources.
NOT_OURS = {".git", "target", "node_modules", "__pycache__"}

LANGUAGES = {
    ".rs": "rust", ".sql": "sql", ".spec": "spec", ".md": "markdown", ".py": "python", ".pl": "perl", ".pm": "perl",
    ".sh": "shell", ".toml": "toml", ".mjs": "javascript", ".rb": "ruby", ".php": "php", ".go": "go", ".java": "java",
}
INTERPRETERS = {"bash": "shell", "sh": "shell", "python3": "python", "perl": "perl"}


@dataclasses.dataclass(frozen=True)
class Complaint:
    """What a rule says of a place. The subject is what an exception may name: a table, a function, a folder."""

    path: str
    line: int
    text: str
    subject: str = ""

    def __str__(self):
        return f"{self.path}:{self.line}: {self.text}" if self.line else f"{self.path}: {self.text}"


class Tree:
    """A checkout. Paths are relative to its root, with slashes."""

    def __init__(self, root):
        self.root = pathlib.Path(root).resolve()

    @functools.cached_property
    def files(self):
        """All files that Git tracks or would track; without Git, all that lie there. Links are left out."""
        listed = subprocess.run(["git", "-C", self.root, "ls-files", "-co", "--exclude-standard", "-z", "."],
                                stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True)
        if listed.returncode == 0 and (self.root / ".git").exists():
            names = set(listed.stdout.split("\0")) - {""}
        else:
            names = {str(path.relative_to(self.root)) for path in self.root.rglob("*")}
            names = {name for name in names if not NOT_OURS & set(name.split("/"))}
        return sorted(name for name in names if (self.root / name).is_file() and not (self.root / name).is_symlink())

    def like(self, pattern):
        """The files that a pattern with one * means, which stands for no folder."""
        return [path for path in fnmatch.filter(self.files, pattern) if path.count("/") == pattern.count("/")]

    @functools.cache
    def text(self, path):
        """The file's text; empty for what is not text."""
        try:
            return (self.root / path).read_text(encoding="utf-8")
        except UnicodeDecodeError:
            return ""

    def lines(self, path):
        """Pairs of number and line."""
        return enumerate(self.text(path).split("\n"), 1)

    @functools.cache
    def language(self, path):
        """By the name, or by the first line of a script that has no suffix; None for anything else."""
        name = pathlib.PurePosixPath(path)
        if name.suffix in LANGUAGES:
            return LANGUAGES[name.suffix]
        found = re.match(r"#!\s*/\S*?(\w+)(?:\s+(\w+))?\n", self.text(path))
        program = found and (found[2] if found[1] == "env" else found[1])
        return "make" if name.name == "Makefile" else INTERPRETERS.get(program)

    def of(self, *languages, under=""):
        return [path for path in self.files if path.startswith(under) and self.language(path) in languages]
