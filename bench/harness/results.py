"""What was measured, a file of JSON for each part: a try's below target/bench, the published ones are
bench/results/*.json. The page and its plots are drawn from these files and from nothing else."""

import json

from . import settings

PUBLISHED = settings.BENCH / "results"
TRIED = settings.TARGET / "bench/results"

# What tells one row of a part from another, where a run may measure some of them only; the others are measured whole.
KEYS = {"rates": ("operation", "sync", "clients"), "sizes": ("operation", "variant", "tokens"),
        "cpu": ("operation",), "inside": ("operation",)}


def keep(part, facts, measured):
    """A part of this run. Its rows know the day, because a later run may replace some of them only."""
    if part in KEYS:
        measured = [dict(row, day=facts["day"]) for row in measured]
    write(TRIED, part, {"facts": facts, "measured": measured})


def write(folder, part, found):
    folder.mkdir(parents=True, exist_ok=True)
    (folder / f"{part}.json").write_text(json.dumps(rounded(found), indent=1) + "\n")


def rounded(value):
    """Six digits: what a clock tells, and a file that a reader can compare."""
    if isinstance(value, dict):
        return {name: rounded(one) for name, one in value.items()}
    if isinstance(value, list):
        return [rounded(one) for one in value]
    return float(f"{value:.6g}") if isinstance(value, float) else value


def publish(parts):
    """This run's parts take the place of the published ones, row by row where they have rows."""
    for part in parts:
        new = json.loads((TRIED / f"{part}.json").read_text())
        if part in KEYS and (PUBLISHED / f"{part}.json").exists():
            old = json.loads((PUBLISHED / f"{part}.json").read_text())
            new["measured"] = merged(old["measured"], new["measured"], KEYS[part])
        write(PUBLISHED, part, new)


def merged(old, new, names):
    """The rows of both in the order of the old ones, each new one in the place of the old one of its key."""
    def key(row):
        return tuple(row[name] for name in names)

    replaced = {key(row): row for row in new}
    known = {key(row) for row in old}
    return [replaced.get(key(row), row) for row in old] + [row for row in new if key(row) not in known]


class Results:
    """The parts that a folder has."""

    def __init__(self, folder):
        self.parts = {path.stem: json.loads(path.read_text()) for path in sorted(folder.glob("*.json"))}

    def __contains__(self, part):
        return part in self.parts

    def measured(self, part):
        return self.parts[part]["measured"]

    def rows(self, part):
        """Of a part that has rows; none where it was not measured."""
        return self.measured(part) if part in self.parts else []

    def facts(self, part):
        return self.parts[part]["facts"]

    def days(self, part):
        """When what there is of a part was measured."""
        if part in KEYS:
            return sorted({row["day"] for row in self.measured(part)})
        return [self.facts(part)["day"]]
