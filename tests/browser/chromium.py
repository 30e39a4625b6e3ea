"""A real Chromium, driven by its DevTools protocol over a pipe."""

import json, os, subprocess

OPTIONS = ["--headless", "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run",
           "--disable-background-networking", "--disable-component-update", "--disable-sync",
           "--remote-debugging-pipe"]


class Browser:
    """Chromium reads commands at descriptor 3 and answers at 4, each ended by a zero byte."""

    def __init__(self, profile):
        read, self.write = os.pipe()
        self.read, write = os.pipe()

        def descriptors():
            # Above 4 first: the pipes' own numbers may be 3 and 4.
            into, out = os.dup2(read, 103), os.dup2(write, 104)
            os.dup2(into, 3)
            os.dup2(out, 4)

        self.process = subprocess.Popen(
            [os.environ["CHROMIUM"], *OPTIONS, f"--user-data-dir={profile}", "about:blank"], preexec_fn=descriptors,
            close_fds=False, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        os.close(read)
        os.close(write)
        self.number, self.rest, self.session = 0, b"", None
        page = self.call("Target.createTarget", url="about:blank")["targetId"]
        self.session = self.call("Target.attachToTarget", targetId=page, flatten=True)["sessionId"]

    def call(self, method, **arguments):
        self.number += 1
        message = {"id": self.number, "method": method, "params": arguments}
        if self.session:
            message["sessionId"] = self.session
        os.write(self.write, json.dumps(message).encode() + b"\0")
        while True:
            answer = self.message()
            if answer.get("id") == self.number:
                if "error" in answer:
                    raise RuntimeError(f"{method}: {answer['error']}")
                return answer["result"]

    def message(self):
        while b"\0" not in self.rest:
            chunk = os.read(self.read, 1 << 16)
            if not chunk:
                raise RuntimeError("chromium has ended")
            self.rest += chunk
        message, self.rest = self.rest.split(b"\0", 1)
        return json.loads(message)

    def value(self, script):
        """The value of an expression in the page."""
        return self.call("Runtime.evaluate", expression=script, awaitPromise=True,
                         returnByValue=True)["result"].get("value")

    def authenticator(self, **more):
        options = {"protocol": "ctap2", "transport": "internal", "hasResidentKey": True, "hasUserVerification": True,
                   "isUserVerified": True, "automaticPresenceSimulation": True, **more}
        return self.call("WebAuthn.addVirtualAuthenticator", options=options)["authenticatorId"]


class Count:
    """Counts what is as expected, a line each."""

    passed = failed = 0

    def check(self, what, found, expected):
        if found == expected:
            self.passed += 1
            print(f"ok {what}")
        else:
            self.failed += 1
            print(f"not ok {what}: {found}, not {expected}")
