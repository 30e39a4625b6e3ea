"""Where a host leads: names whose addresses change, names of addresses in disguise, and certificates.

    unshare --net --mount python3 names.py WORKER

In a network of its own: there a public address is on this machine, and the resolver is the test's, so that the worker
runs as it does elsewhere, without an option that weakens it. Part of worker.py.
"""

import fcntl, socket, ssl, struct, subprocess, sys, tempfile, time
from pathlib import Path

PUBLIC, NOBODY = "8.8.4.4", "8.8.8.8"       # the former is on this machine, in this network; the latter nowhere


def make_network():
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as any:
        fcntl.ioctl(any, 0x8914, struct.pack("16sH14x", b"lo", 0x41))                          # SIOCSIFFLAGS: up
        address = struct.pack("16sHH4s8x", b"lo:1", socket.AF_INET, 0, socket.inet_aton(PUBLIC))
        fcntl.ioctl(any, 0x8916, address)                                                      # SIOCSIFADDR
        mask = struct.pack("16sHH4s8x", b"lo:1", socket.AF_INET, 0, socket.inet_aton("255.255.255.255"))
        fcntl.ioctl(any, 0x891C, mask)                                                         # SIOCSIFNETMASK
    files = {"/etc/resolv.conf": "nameserver 127.0.0.1\noptions timeout:5 attempts:2\n",
             "/etc/nsswitch.conf": "hosts: dns\n"}
    for path, text in files.items():
        with tempfile.NamedTemporaryFile("w") as file:
            file.write(text)
            file.flush()
            subprocess.run(["mount", "--bind", file.name, path], check=True)


sys.dont_write_bytecode = True
sys.path.insert(0, str(Path(__file__).parent))
make_network()

import certificates, harness  # noqa: E402, E401
from harness import Worker, attempts, emit, hook, ok, until  # noqa: E402
from receiver import Receiver  # noqa: E402
from resolver import Resolver  # noqa: E402


class Everywhere(Receiver):
    """On every address of this network, IPv6 too."""
    address_family = socket.AF_INET6

    def __init__(self):
        super().__init__("::")

    def arrivals(self):
        """At which addresses connections came since the last call."""
        found = [address.removeprefix("::ffff:") for address in self.reached]
        self.reached.clear()
        return found


receiver, resolver = Everywhere(), Resolver()
NOT_ALLOWED = "the host's address is not allowed"


def sent(path, host, *answers):
    """What became of a first delivery to a host, and where it arrived."""
    resolver.says(host, *answers)
    emit(hook(path, receiver.url(path, host), max_attempts=1))
    return attempts(path)[0]["error"], receiver.arrivals()


def changing():
    worker = Worker(WORKER_ALLOW="")
    ok(sent("/ok/public", "public.test", [PUBLIC]) == (None, [PUBLIC]), "a public address is sent to")
    ok(sent("/ok/rebind", "rebind.test", [PUBLIC], ["127.0.0.1"]) == (None, [PUBLIC]),
       "what was checked is what is connected to")
    ok(resolver.asked["rebind.test", "A"] == 1, "as the name is looked up once", resolver.asked["rebind.test", "A"])
    # A new connection is a new look-up.
    worker.end()
    worker = Worker(WORKER_ALLOW="")
    emit("test.ok_rebind")
    ok(attempts("/ok/rebind", 2)[1]["error"] == NOT_ALLOWED and not receiver.arrivals(),
       "and a new one is checked anew")
    ok(sent("/ok/private", "private.test", ["127.0.0.1"], [PUBLIC]) == (NOT_ALLOWED, []),
       "a private address is not asked for again")
    ok(sent("/ok/both", "both.test", ["127.0.0.1", PUBLIC, "::1"]) == (None, [PUBLIC]),
       "of several addresses only those are tried that may be")
    error, reached = sent("/ok/closed", "closed.test", ["127.0.0.1", NOBODY, "::1"])
    ok(str(error).startswith("no connection") and not reached, "also where none of them answers", (error, reached))
    resolver.says("inner.test", ["127.0.0.1"])
    ok(sent("/ok/alias", "alias.test", "inner.test") == (NOT_ALLOWED, []), "an alias of a private name is refused")
    resolver.mute.add("mute.test")
    begun = time.monotonic()
    emit(hook("/ok/mute", receiver.url("/ok/mute", "mute.test"), max_attempts=1))
    ok(sent("/ok/meanwhile", "meanwhile.test", [PUBLIC]) == (None, [PUBLIC]) and time.monotonic() - begun < 2,
       "a resolver that does not answer holds nothing else up")
    ok(attempts("/ok/mute")[0]["error"] in ("the connection timed out", "timed out"), "and ends at the time limit",
       attempts("/ok/mute")[0]["error"])
    ok(sent("/ok/unknown", "unknown.test", []) == ("the host is not found", []),
       "a name without an address is a failure")
    worker.end()


def disguised():
    worker = Worker(WORKER_ALLOW="")
    addresses = ("0.0.0.0", "10.0.0.1", "100.64.0.1", "127.8.8.8", "169.254.169.254", "172.16.0.1", "192.168.0.1",
                 "224.0.0.1", "255.255.255.255", "::", "::1", "::127.0.0.1", "::ffff:127.0.0.1",
                 "::ffff:169.254.169.254", "64:ff9b::127.0.0.1", "64:ff9b::a9fe:a9fe", "64:ff9b:1::1", "2002:7f00:1::",
                 "2001::1", "fe80::1", "fec0::1", "fd00::1", "ff02::1")
    for number, address in enumerate(addresses):
        found = sent(f"/ok/disguised{number}", f"disguised{number}.test", [address])
        ok(found == (NOT_ALLOWED, []), f"a name of {address} is refused", found)
    # The store takes no such URL. A row that has one all the same is the worker's to refuse.
    hosts = ("2130706433", "017700000001", "0x7f000001", "0x7f.1", "127.1", "127.0.1", "0177.0.0.1", "0", "127.0.0.1.",
             "%31%32%37.0.0.1", "[::1]", "[::ffff:127.0.0.1]", "[::ffff:7f00:1]", "[::127.0.0.1]", "[fe80::1]",
             "[fe80::1%25lo]", "1２7.0.0.1", "⑫7.0.0.1", "user@127.0.0.1", "public.test@127.0.0.1",
             "127.0.0.1#@public.test", "127.0.0.1\\@public.test", "public.test\\@127.0.0.1")
    refused = 0
    for number, host in enumerate(hosts):
        path, url = f"/ok/spelled{number}", f"http://{host}:{receiver.server_port}/ok/spelled{number}"
        try:
            hook(path, url)
        except harness.psycopg.Error as error:
            refused += error.sqlstate == "22023"
        hook(path, receiver.url(path, "public.test"), max_attempts=1)
        harness.db.execute("UPDATE auth_store.webhooks SET target_url = %s WHERE id = %s",
                           [url, harness.hooks[path]["webhook_id"]])
        emit("test." + path[1:].replace("/", "_"))
        error, reached = attempts(path)[0]["error"], receiver.arrivals()
        ok(not reached or (error is None and set(reached) == {PUBLIC}), f"the host {host} leads to no private address",
           (error, reached))
    ok(refused == len(hosts) - 3, "and the store itself takes none but plain addresses", refused)
    worker.end()


def over_tls():
    """Over TLS the name counts, not the address that it has."""
    with tempfile.TemporaryDirectory() as folder:
        certificates.write(folder, "tls.test", PUBLIC)
        secure = Everywhere()
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(Path(folder) / "own", Path(folder) / "key")
        secure.socket = context.wrap_socket(secure.socket, server_side=True)
        worker = Worker(WORKER_ALLOW="", WORKER_CA_FILE=str(Path(folder) / "authority"))

        def answered(path, host):
            resolver.says(host, [PUBLIC])
            emit(hook(path, secure.url(path, host).replace("http:", "https:")))
            return attempts(path)[0]["error"]

        ok(answered("/ok/tls", "tls.test") is None and secure.ids("/ok/tls"), "a certificate of the name is good")
        ok(answered("/ok/tls_address", PUBLIC) is None and secure.ids("/ok/tls_address"), "as one of the address is")
        error = answered("/ok/tls_other", "other.test")
        ok(str(error).startswith("TLS: invalid peer certificate") and not secure.ids("/ok/tls_other"),
           "one of another name is refused", error)
        worker.end()
        worker = Worker(WORKER_ALLOW="")
        error = answered("/ok/tls_unknown", "tls.test")
        ok(str(error).startswith("TLS: invalid peer certificate: UnknownIssuer") and not secure.ids("/ok/tls_unknown"),
           "and so is one of an unknown authority", error)
        worker.end()


harness.run([changing, disguised, over_tls])
