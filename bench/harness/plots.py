"""The plots of docs/explanation/performance.md: gnuplot draws them from the published results. Each file says of which
program, data included, and of which picture it is, so that a test needs no gnuplot to see that they belong together."""

import hashlib
import re
import shutil
import statistics
import xml.sax.saxutils

from . import settings
from .server import Failed, run
from .tables import NAMES
from .targets import TARGETS, Ratio

PUBLISHED = settings.REPO / "docs/explanation/images"
WIDTH = 860
# Colours that the colour-blind tell apart, on a ground of their own: a dark page shows the same picture.
GROUND, INK, FAINT = "#ffffff", "#222222", "#c8ccd0"
MET, MISSED, WANTED = "#0072b2", "#d55e00", "#5f6368"
LINES = ["#0072b2", "#d55e00", "#009e73", "#cc79a7", "#222222", "#e69f00", "#56b4e9"]
STAMP = "<!-- drawn by bench/plot: program {}, picture {} -->\n"


class Drawing:
    """A picture's name, what its program is, and what it says in words."""

    def __init__(self, name, title, caption, words, height, program):
        self.name, self.title, self.caption, self.words = name, title, caption, words
        self.program = "\n".join([
            "set encoding utf8",
            f"set terminal svg size {WIDTH},{height} fixed noenhanced font 'Helvetica,13' linewidth 1.2 "
            f"background rgb '{GROUND}' name '{name}'",
            f"set border lc rgb '{INK}'", f"set tics textcolor rgb '{INK}'", *program]) + "\n"

    def digest(self):
        return digest(self.program + self.title + self.words)


def digest(text):
    return hashlib.sha256(text.encode()).hexdigest()[:32]


def drawings(results):
    found = [ratios(results), growth(results), latency(results)]
    return [one for one in found if one]


def block(name, rows):
    """A gnuplot data block; words are quoted."""
    lines = [" ".join(f'"{word}"' if isinstance(word, str) else f"{word:.6g}" for word in row) for row in rows]
    return [f"${name} << END", *lines, "END"]


def ratios(results):
    rows = []
    for target in TARGETS:
        if isinstance(target, Ratio):
            for sync, values in target.rounds(results):
                what = target.what + (f", sync {sync}" if sync else "")
                rows.append((len(rows), statistics.median(values), min(values), max(values), target.least,
                             int(target.met(values)), what))
    if not rows:
        return None
    lowest, highest = min(row[2] for row in rows), max(max(row[3:5]) for row in rows)
    ticks = [tick for tick in (0.1, 0.2, 0.3, 0.5, 0.7, 1, 1.5, 2, 3, 5, 10, 20, 50)
             if lowest / 1.3 < tick < highest * 1.3 or tick == 1]
    words = " ".join(f"{what}: {median:.2f} ({low:.2f} to {high:.2f}), wanted {least:g}, {'met' if met else 'missed'}."
                     for _, median, low, high, least, met, what in rows)
    height = 110 + 23 * len(rows)
    title = "How many times as cheap a call is as what it is compared with"
    bars = "with xerrorbars pt {} ps 0.8 lw 1.6 lc rgb '{}' title '{}'"
    return Drawing("ratios", title, "Median of the rounds, with the lowest and the highest round. Right of the line a "
                   "call of auth_store costs less than what stands beside it; the grey mark is the target.",
                   words, height, [
                       *block("rows", rows), "set logscale x",
                       f"set xrange [{lowest / 1.1:.6g}:{highest * 1.1:.6g}]",
                       f"set xtics ({', '.join(f'{chr(34)}{tick:g}{chr(34)} {tick:g}' for tick in ticks)})",
                       f"set yrange [{len(rows) - 0.4:.6g}:-0.6]", "set ytics scale 0",
                       "set ytics (" + ", ".join(f"'{row[6]}' {row[0]}" for row in rows) + ")",
                       f"set grid x y lc rgb '{FAINT}' lw 0.6 lt 1", "set lmargin at screen 0.44",
                       "set rmargin at screen 0.975", f"set tmargin at screen {1 - 42 / height:.4f}",
                       f"set bmargin at screen {56 / height:.4f}",
                       f"set xlabel 'times; above 1 auth_store is cheaper' textcolor rgb '{INK}'",
                       f"set key at screen 0.975, screen {1 - 16 / height:.4f} right horizontal "
                       f"textcolor rgb '{INK}'",
                       f"set arrow from 1, graph 0 to 1, graph 1 nohead lw 2 lc rgb '{INK}' back",
                       "plot $rows using 5:($1-0.36):(0):(0.72) with vectors nohead lw 3 "
                       f"lc rgb '{WANTED}' title 'wanted', \\",
                       "  '' using ($6 == 1 ? $2 : NaN):1:3:4 " + bars.format(7, MET, "met") + ", \\",
                       "  '' using ($6 == 0 ? $2 : NaN):1:3:4 " + bars.format(9, MISSED, "missed")])


def short(tokens):
    return f"{tokens / 1e6:g} M" if tokens >= 1e6 else f"{tokens / 1e3:g} k"


def growth(results):
    if "large" not in results:
        return None
    measured = results.measured("large")
    sizes = [one["tokens"] for one in measured]
    calls = {call["operation"]: [next(one for one in size["calls"] if one["operation"] == call["operation"])
                                 for size in measured] for call in measured[0]["calls"]}
    program, curves = [], []
    for number, (operation, found) in enumerate(calls.items()):
        program += block(f"c{number}", [(tokens, one["buffers"], statistics.median(one["microseconds"]),
                                         min(one["microseconds"]), max(one["microseconds"]))
                                        for tokens, one in zip(sizes, found)])
        curves.append((number, NAMES[operation], LINES[number % len(LINES)]))
    ticks = ", ".join(f"'{short(tokens)}' {tokens}" for tokens in sizes)
    program += ["set multiplot", "set logscale x", f"set xrange [{sizes[0] / 1.6:.6g}:{sizes[-1] * 1.6:.6g}]",
                f"set xtics ({ticks})", f"set grid x y lc rgb '{FAINT}' lw 0.6 lt 1", "set yrange [0:*]",
                "set bmargin at screen 0.16", "set tmargin at screen 0.88",
                f"set xlabel 'tokens' textcolor rgb '{INK}'"]
    for number, (what, left, right, columns) in enumerate((
            ("buffers of a call, in pages", 0.05, 0.38, "1:2"), ("backend CPU of a call, in µs", 0.45, 0.78, "1:3"))):
        program += [f"set lmargin at screen {left}", f"set rmargin at screen {right}",
                    f"set title '{what}' textcolor rgb '{INK}'",
                    f"set key at screen 0.995, screen 0.9 right top samplen 2 spacing 1.4 textcolor rgb '{INK}'"
                    if number == 0 else "unset key",
                    "plot " + ", \\\n  ".join(
                        f"$c{curve} using {columns} with linespoints lw 1.8 ps 0.7 pt {5 + curve} lc rgb '{colour}' "
                        f"title '{name}'" for curve, name, colour in curves)]
    program.append("unset multiplot")
    words = " ".join(
        f"{NAMES[operation]}: " + ", ".join(
            f"at {short(tokens)} tokens {one['buffers']:.1f} pages and {statistics.median(one['microseconds']):.0f} µs"
            for tokens, one in zip(sizes, found)) + "." for operation, found in calls.items())
    return Drawing("growth", "What a call costs with few and with many tokens",
                   f"From {short(sizes[0])} to {short(sizes[-1])} tokens: the pages that a call looks at, and its "
                   "backend's processor time. A page more is an index that has grown a level.", words, 360, program)


def latency(results):
    if "cleanup" not in results:
        return None
    found = results.measured("cleanup")
    rows = {part: [(ms, 1 - share) for share, ms in found[part]["curve"] if share < 1] for part in ("before", "during")}
    values = [ms for part in rows.values() for ms, _ in part]
    ticks = [tick for tick in (0.1, 0.2, 0.5, 1, 2, 5, 10, 20, 50, 100, 200, 500, 1000)
             if min(values) / 2 < tick < max(values) * 2]
    program = [line for part, points in rows.items() for line in block(part, points)]
    for part, colour in (("before", MET), ("during", MISSED)):
        marks = [(found[part][name], share) for name, share in (("p50", 0.5), ("p95", 0.05), ("p99", 0.01))]
        program += block(f"{part}_marks", marks)
    program += ["set logscale xy", f"set xrange [{min(values) / 1.1:.6g}:{max(values) * 1.1:.6g}]",
                "set yrange [0.0004:1.2]", f"set xtics ({', '.join(f'{tick:g}' for tick in ticks)})",
                "set ytics ('all' 1, '1 in 2' 0.5, '1 in 20' 0.05, '1 in 100' 0.01, '1 in 1,000' 0.001)",
                f"set grid x y lc rgb '{FAINT}' lw 0.6 lt 1", "set lmargin at screen 0.12",
                "set rmargin at screen 0.97", f"set key top right textcolor rgb '{INK}'",
                f"set xlabel 'ms or longer' textcolor rgb '{INK}'", f"set ylabel 'refreshes' textcolor rgb '{INK}'",
                "plot " + ", \\\n  ".join(
                    f"${part} with lines lw 2 dt {dash} lc rgb '{colour}' title '{title}', "
                    f"${part}_marks with points pt {point} ps 0.9 lc rgb '{colour}' notitle"
                    for part, title, colour, dash, point in (("before", "before the cleanup", MET, 1, 7),
                                                             ("during", "while cleanup runs", MISSED, 2, 9)))]
    words = " ".join(f"{part.capitalize()}: half of the refreshes took less than {found[part]['p50']:.2f} ms, "
                     f"95 % less than {found[part]['p95']:.2f} ms, 99 % less than {found[part]['p99']:.2f} ms."
                     for part in ("before", "during"))
    return Drawing("latency", "How long refreshes take beside a cleanup",
                   "What share of the refreshes took so long or longer, before a cleanup and while it runs; the marks "
                   "are p50, p95 and p99.", words, 400, program)


def program():
    """gnuplot, looked for before anything is measured."""
    found = shutil.which("gnuplot")
    if not found:
        raise Failed("there is no gnuplot here: scripts/setup --bench installs it")
    return found


def write(results, images):
    images.mkdir(parents=True, exist_ok=True)
    written = []
    for drawing in drawings(results):
        path = images / f"{drawing.name}.svg"
        picture = named(drawing, run([program()], stdin=drawing.program).stdout)
        path.write_text(picture + STAMP.format(drawing.digest(), digest(picture)))
        written.append(path)
    return written


def named(drawing, picture):
    """With a title and a description for those who do not see it, and with a font for those who lack the first."""
    def element(name, text):
        return f'<{name} id="{drawing.name}-{name}">{xml.sax.saxutils.escape(text)}</{name}>'

    for pattern, replacement in (
            (r"<svg\s", f'<svg role="img" aria-labelledby="{drawing.name}-title {drawing.name}-desc"\n '),
            (r"<title>.*?</title>", element("title", drawing.title)),
            (r"<desc>.*?</desc>", element("desc", f"{drawing.title}. {drawing.words}"))):
        picture, count = re.subn(pattern, lambda _, text=replacement: text, picture, count=1, flags=re.S)
        if count != 1:
            raise Failed(f"gnuplot drew no {pattern}")
    picture = picture.replace('font-family="Helvetica"', 'font-family="Helvetica, Arial, sans-serif"')
    return re.sub(r"[ \t]+$", "", picture, flags=re.M)


def differences(results, images):
    """What is wrong with the pictures of a folder, in words."""
    wrong, wanted = [], drawings(results)
    for drawing in wanted:
        path = images / f"{drawing.name}.svg"
        picture, _, stamp = path.read_text().rpartition("<!--") if path.exists() else ("", "", "")
        if "<!--" + stamp != STAMP.format(drawing.digest(), digest(picture)):
            wrong.append(f"{path}: not drawn from bench/results")
    # Others draw there too: those with the stamp are of the benchmark.
    return wrong + [f"{path}: nothing draws it" for path in sorted(images.glob("*.svg"))
                    if path.stem not in {drawing.name for drawing in wanted}
                    and STAMP.partition("{")[0] in path.read_text()]


def markdown(results):
    return "\n\n".join(f"![{drawing.title}](images/{drawing.name}.svg)\n\n{drawing.caption}"
                       for drawing in drawings(results))
