"""Draws docs/how-to/images/dashboard.svg: what the panels of monitoring/dashboard.json show in a run of some minutes,
with the values that Prometheus has of the exporter and the worker. Not a picture of Grafana's own.

    pictures.py FOLDER WORKER SECONDS OUT.svg       on the server that PGHOST … name; see tests/monitoring/pictures
"""

import sys, time
from html import escape

from stage import Receiver, ask, copied, db, emit, end_all, exporter, log_in, panels, prometheus, running, store, \
    worker

FOLDER, WORKER, SECONDS, OUT = sys.argv[1], sys.argv[2], int(sys.argv[3]), sys.argv[4]
COLUMN, ROW, GAP = 44, 26, 6
COLOURS = ["#3b7dd8", "#d9822b", "#3a9a5b", "#b64fc8", "#c23030", "#6b7a8f", "#0e9aa7", "#8a6d3b", "#e0588f", "#5c5fc7"]
STATES = {"green": "#2f8f4e", "orange": "#d9822b", "red": "#c23030"}


def number(value, unit):
    if unit == "s" and value >= 120:
        return f"{value / 60:.0f} min"
    if unit == "s" and value < 1:
        return f"{1000 * value:.0f} ms"
    text = f"{value:.0f}" if value == round(value) or value >= 100 else f"{value:.2g}"
    return text + {"s": " s", "ops": " /s"}.get(unit, "")


def text(x, y, words, size=9, **more):
    extra = "".join(f' {name.replace("_", "-")}="{value}"' for name, value in more.items())
    return f'<text x="{x:.0f}" y="{y:.0f}" font-size="{size}"{extra}>{escape(words)}</text>'


def colour(panel, value):
    steps = panel["fieldConfig"]["defaults"]["thresholds"]["steps"]
    return STATES[[step["color"] for step in steps if step["value"] is None or value >= step["value"]][-1]]


def name_of(target, labels):
    form = target["legendFormat"]
    return labels.get(form.strip("{}"), form) if form.startswith("{{") else form


def stat(panel, address, x, y, w, h):
    """The last value of each series, side by side."""
    found = [(name_of(target, series["metric"]), float(series["value"][1])) for target in panel["targets"]
             for series in ask(address, "query", query=target["expr"])["result"]]
    words = {value: kind["text"] for mapping in panel["fieldConfig"]["defaults"].get("mappings", [])
             for value, kind in mapping["options"].items()}
    each = w / len(found)
    for n, (name, value) in enumerate(sorted(found)):
        left = x + n * each
        yield (f'<rect x="{left + 2:.0f}" y="{y + 20}" width="{each - 4:.0f}" height="{h - 24}" rx="3" '
               f'fill="{colour(panel, value)}"/>')
        shown = words.get(f"{value:.0f}", number(value, panel["fieldConfig"]["defaults"]["unit"]))
        size = 15 if len(found) > 1 else 22
        yield text(left + each / 2, y + 24 + h / 2, shown, size, fill="#fff", text_anchor="middle")
        if len(found) > 1:
            yield text(left + each / 2, y + 36, name.replace("replication_", ""), 9, fill="#fff", text_anchor="middle")


def lines(panel, address, x, y, w, h, span):
    unit = panel["fieldConfig"]["defaults"]["unit"]
    start, end = span
    found = [(name_of(target, series["metric"]), [(float(at), float(value)) for at, value in series["values"]])
             for target in panel["targets"]
             for series in ask(address, "query_range", query=target["expr"], start=start, end=end, step=15)["result"]]
    found = [(name, [(at, value) for at, value in points if value == value]) for name, points in found]
    top = max([value for _, points in found for _, value in points] + [0]) or 1
    left, right, upper, lower = x + 46, x + w - 8, y + 26, y + h - 44
    for share in (0, 0.5, 1):
        level = lower - share * (lower - upper)
        yield f'<path d="M{left} {level:.0f}H{right}" stroke="#e3e6ea"/>'
        yield text(left - 4, level + 3, number(share * top, unit), 9, fill="#666", text_anchor="end")
    for share in (0, 0.5, 1):
        yield text(left + share * (right - left), lower + 12, f"{share * (end - start) / 60:.1f} min", 9, fill="#666",
                   text_anchor={0: "start", 1: "end"}.get(share, "middle"))
    for n, (name, points) in enumerate(found):
        path = "L".join(f"{left + (at - start) / (end - start) * (right - left):.1f} "
                        f"{lower - value / top * (lower - upper):.1f}" for at, value in points)
        yield f'<path d="M{path}" fill="none" stroke="{COLOURS[n % 10]}" stroke-width="1.5"/>'
    # Three rows of names, those of the highest first.
    across, at = left, lower + 24
    for n, (name, _) in sorted(enumerate(found), key=lambda each: -max([0] + [value for _, value in each[1][1]])):
        wide = 16 + 5 * len(name)
        if across + wide > right:
            across, at = left, at + 9
        if at > lower + 42:
            break
        yield f'<rect x="{across:.0f}" y="{at - 5:.0f}" width="7" height="5" fill="{COLOURS[n % 10]}"/>'
        yield text(across + 10, at, name, 8, fill="#444")
        across += wide


def draw(address, span):
    shown = panels()
    width = 24 * COLUMN + GAP
    height = max(panel["gridPos"]["y"] + panel["gridPos"]["h"] for panel in shown) * ROW + GAP
    yield (f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width} {height}" '
           'font-family="Helvetica, Arial, sans-serif">')
    yield f'<rect width="{width}" height="{height}" fill="#f4f5f7"/>'
    for panel in shown:
        place = panel["gridPos"]
        x, y = place["x"] * COLUMN + GAP, place["y"] * ROW + GAP
        w, h = place["w"] * COLUMN - GAP, place["h"] * ROW - GAP
        yield f'<rect x="{x}" y="{y}" width="{w}" height="{h}" rx="3" fill="#fff" stroke="#d8dce1"/>'
        yield text(x + 6, y + 14, panel["title"], 11, font_weight="bold", fill="#222")
        if panel["type"] == "stat":
            yield from stat(panel, address, x, y, w, h)
        else:
            yield from lines(panel, address, x, y, w, h, span)
    yield "</svg>\n"


try:
    receiver = Receiver()
    store(receiver.url("/ok"))
    db.execute("SELECT auth_store.webhook_create(%s, '{agent.*}')", [receiver.url("/fail")])
    _, exporter_address = exporter(FOLDER)
    worker_program, worker_address = worker(WORKER)
    address = prometheus(FOLDER, exporter_address, worker_address, "15s")
    started = time.time()

    def step(n):
        log_in(n)
        # More in the second half of every other minute.
        if n % 3 == 0 or (time.time() - started) % 120 > 60:
            emit(n)
    done = running(step, 0.05)
    for turn in range(SECONDS // 20):
        time.sleep(20)
        if turn == SECONDS // 40:
            copied()
        db.execute("CALL auth_store.cleanup()")
    done.set()
    with open(OUT, "w") as file:
        file.write("\n".join(draw(address, (started + 15, time.time()))))
finally:
    end_all()
