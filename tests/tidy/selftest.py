"""Shows of each rule that it can fail, by the small trees of cases.txt."""

import pathlib
import re
import tempfile

import shell
from tree import Tree

CASES = pathlib.Path(__file__).with_name("cases.txt")


class Case:
    """What is different from the tree in order, by path (None: the file is not there), and what the rule says of it."""

    def __init__(self, title):
        self.rule, _, self.title = title.partition(": ")
        self.files, self.expected = {}, []

    def read(self, line, path):
        """Takes a line in; returns the file that the next line belongs to."""
        if line.startswith(">>> "):
            self.expected.append(line[4:])
            return None
        begins = re.fullmatch(r"--- (\S+)( gone)?", line)
        if begins:
            self.files[begins[1]] = None if begins[2] else ""
            return begins[1]
        if path is not None:
            many = re.fullmatch(r"@(\d+) (.*)", line)
            self.files[path] += (many[2] + "\n") * int(many[1]) if many else line + "\n"
        return path


def cases():
    found, path = [], None
    for line in CASES.read_text().splitlines():
        if line.startswith("== "):
            if path is not None:
                found[-1].files[path] = found[-1].files[path].removesuffix("\n")    # the empty line before this one
            found.append(Case(line[3:]))
            path = None
        elif found:
            path = found[-1].read(line, path)
    return found


def said(files, judge, rules):
    """What the rules say of a tree of these files, rule by rule."""
    with tempfile.TemporaryDirectory() as folder:
        for path, text in files.items():
            if text is not None:
                file = pathlib.Path(folder, path)
                file.parent.mkdir(parents=True, exist_ok=True)
                file.write_text(text)
        return {name: [str(one) for one in complaints] for name, complaints in judge(Tree(folder), rules)}


def main(rules, judge):
    if shell.is_missing():
        rules = [rule for rule in rules if rule is not shell.shellcheck]
    in_order, *broken = cases()
    of_order, failed = said(in_order.files, judge, rules), 0
    for name in [rule.__name__ for rule in rules] + ["exceptions"]:
        wrong = [f"of the tree in order it says {of_order[name]}"] if of_order[name] else []
        mine = [case for case in broken if case.rule == name]
        for case in mine:
            chosen = [rule for rule in rules if name in (rule.__name__, "exceptions")]
            found = said({**in_order.files, **case.files}, judge, chosen)[name]
            if found != case.expected:
                wrong.append(f"{case.title}:\n    it says     {found}\n    expected is {case.expected}")
        if not any(case.expected for case in mine):
            wrong.append("no case shows that it fails")
        failed += bool(wrong)
        print(f"not ok selftest {name}: " + "\n".join(wrong) if wrong else f"ok selftest {name}")
    return 1 if failed else 0
