"""What the clients of PyPI share: the stage as setup.py has made it, the person at the browser, and the counting."""

import json, sys, traceback, urllib.parse, urllib.request

stage = json.load(open(sys.argv[1]))
metadata = json.load(urllib.request.urlopen(f"{stage['issuer']}/.well-known/openid-configuration"))
failed = 0


def visit(url, how="accept"):
    """The person goes to a URL, logs in and consents, or does what `how` says: where the browser ends."""
    answer = json.load(urllib.request.urlopen(stage["person"], json.dumps({"url": url, "how": how}).encode()))
    if "problem" in answer:
        raise AssertionError(f"the person met: {answer['problem']}")
    return answer["location"]


def query(url):
    return dict(urllib.parse.parse_qsl(urllib.parse.urlsplit(url).query))


def step(name):
    """Runs what it decorates at once; what that throws is its failure. The name is then what it returned."""
    def run(does):
        global failed
        try:
            value = does()
            print(f"ok {name}", flush=True)
            return value
        except BaseException:
            failed += 1
            print(f"not ok {name}")
            print("#   " + traceback.format_exc().replace("\n", "\n#   "), flush=True)
    return run


def same(found, expected):
    assert found == expected, f"{found!r}, not {expected!r}"


def refused(does, expected, of=lambda error: error.error):
    try:
        value = does()
    except Exception as error:
        same(of(error), expected)
        return
    raise AssertionError(f"not refused: {value!r}")


def end():
    sys.exit(failed > 0)
