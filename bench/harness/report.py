"""The page docs/explanation/performance.md: its tables and plots, each between its two marker comments; the text around
them is written by hand. What was never measured stays as it is."""

import re
import textwrap

from . import plots, settings
from .results import PUBLISHED, TRIED, Results
from .server import Failed, say
from .tables import tables

PAGE = settings.REPO / "docs/explanation/performance.md"
TRY = settings.TARGET / "bench/performance.md"


def write(published):
    """The page itself and its plots from what is published, or a page like it from the last try."""
    results = Results(PUBLISHED if published else TRIED)
    page, images = (PAGE, plots.PUBLISHED) if published else (TRY, TRY.parent / "images")
    plots.write(results, images)
    page.write_text(text(results))
    say(f"tables written to {page}, plots to {images}")


def check():
    """The page and its plots are what the published results give."""
    results = Results(PUBLISHED)
    wrong = plots.differences(results, plots.PUBLISHED)
    if text(results) != PAGE.read_text():
        wrong.append(f"{PAGE.relative_to(settings.REPO)}: its tables are not those of bench/results")
    if wrong:
        raise Failed("\n".join(wrong + ["bench/run --report writes tables and plots again"]))
    print(f"the tables and {len(plots.drawings(results))} plots are those of bench/results")


def text(results):
    page = PAGE.read_text()
    found = tables(results)
    if plots.drawings(results):
        found["plots"] = plots.markdown(results)
    for name, table in found.items():
        begin, end = f"<!-- measured: {name} -->", f"<!-- end: {name} -->"
        if page.count(begin) != 1 or page.count(end) != 1:
            raise Failed(f"{PAGE} must have {begin} and {end} once")
        page = re.sub(re.escape(begin) + ".*?" + re.escape(end), lambda _: f"{begin}\n{wrapped(table.strip())}\n{end}",
                      page, flags=re.S)
    return page


def wrapped(table):
    """The prose of it in lines of the page's width; a row of a table and an image stay one line."""
    return "\n".join(line if line.startswith(("|", "!["))
                     else textwrap.fill(line, 120, break_long_words=False, break_on_hyphens=False)
                     for line in table.split("\n"))
