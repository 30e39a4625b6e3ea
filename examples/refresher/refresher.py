"""A worker that keeps connections to other OAuth providers fresh: it trades their refresh tokens before the access
tokens end.

    refresher.py PROVIDERS.json [--once] [--lease SECONDS] [--timeout SECONDS] [--idle SECONDS]

--once ends when nothing is due. Otherwise SIGTERM or SIGINT ends it, after the connection in hand. Any number of
workers may run beside each other. Connects as psql does (PGHOST, PGPORT, PGUSER, PGDATABASE); the role needs
auth_store_worker.
"""

import argparse, base64, http.client, json, os, random, re, signal, sys, time
import urllib.error, urllib.request
from datetime import timedelta
from urllib.parse import quote_plus, urlencode, urlsplit

import psycopg
from psycopg.rows import dict_row

METHODS = ("client_secret_basic", "client_secret_post", "none")  # of RFC 7591 section 2, those that ask() can
STOP = {signal.SIGTERM, signal.SIGINT}
# The server is stopped, failed over, out of something, for now
AWAY = (psycopg.OperationalError, psycopg.InternalError)


class Failed(Exception):
    """The provider gave no tokens. Its text is the reason to be stored and shown: it holds nothing that was sent or
    received."""


# --- the provider --------------------------------------------------------------------------------------------------

class NoRedirect(urllib.request.HTTPRedirectHandler):
    """The refresh token and the client's secret go to the endpoint in the file and nowhere else."""

    def redirect_request(self, *_):
        return None


open_url = urllib.request.build_opener(NoRedirect).open


def read_providers(path):
    with open(path) as file:
        providers = json.load(file)
    for name, provider in providers.items():
        url = urlsplit(provider["token_endpoint"])
        if url.scheme != "https" and (url.scheme, url.hostname) != ("http", "127.0.0.1"):
            sys.exit(f"{path}: {name}: the token endpoint must be https")
        if provider.get("token_endpoint_auth_method", METHODS[0]) not in METHODS:
            sys.exit(f"{path}: {name}: token_endpoint_auth_method must be one of {', '.join(METHODS)}")
        if "client_secret_env" in provider:
            if provider["client_secret_env"] not in os.environ:
                sys.exit(f"{path}: {name}: {provider['client_secret_env']} is not in the environment")
            provider["client_secret"] = os.environ[provider["client_secret_env"]]
    return providers


def late(*_):
    raise TimeoutError


def ask(provider, refresh_token, timeout):
    """The token endpoint's answer to a refresh (RFC 6749 section 6): access_token and what came with it. Raises
    Failed."""
    form = {"grant_type": "refresh_token", "refresh_token": refresh_token}
    headers = {"Accept": "application/json", "User-Agent": "refresher"}
    method = provider.get("token_endpoint_auth_method", "client_secret_basic")
    if method == "client_secret_basic":  # each half is form-encoded before they are joined (RFC 6749 section 2.3.1)
        pair = f"{quote_plus(provider['client_id'])}:{quote_plus(provider['client_secret'])}"
        headers["Authorization"] = "Basic " + base64.b64encode(pair.encode()).decode()
    else:
        form["client_id"] = provider["client_id"]
        if method == "client_secret_post":
            form["client_secret"] = provider["client_secret"]
    request = urllib.request.Request(provider["token_endpoint"], urlencode(form).encode(), headers)
    # An alarm, for the whole: a socket's timeout starts anew with each packet, and looking up a name has none.
    signal.signal(signal.SIGALRM, late)
    signal.setitimer(signal.ITIMER_REAL, timeout)
    try:
        try:
            response = open_url(request)
        except urllib.error.HTTPError as error:
            response = error
        with response:
            status, body = response.status, response.read(1 << 20)
    except (OSError, http.client.HTTPException) as error:
        reason = getattr(error, "reason", error)
        raise Failed(type(reason if isinstance(reason, Exception) else error).__name__) from None
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)
    try:
        answer = json.loads(body)
    except ValueError:
        answer = None
    if not isinstance(answer, dict):
        answer = {}
    # A server in trouble (5xx) says nothing about the grant, whatever its body says. Some report an error with status
    # 200.
    error = answer.get("error")
    if status < 500 and isinstance(error, str) and re.fullmatch("[a-z_]{1,40}", error):
        # Some have a word of their own for a refresh token that is none any more.
        raise Failed("invalid_grant" if error in provider.get("dead_token_errors", ()) else error)
    if status != 200 or error is not None:
        raise Failed(f"http_{status}")
    for name in ("access_token", "refresh_token"):
        value = answer.get(name)
        if not (value is None and name == "refresh_token" or isinstance(value, str) and re.fullmatch("[ -~]+", value)):
            raise Failed("malformed_response")
    if not (isinstance(answer.get("scope"), str) and re.fullmatch("[ -~]{1,4096}", answer["scope"])):
        answer["scope"] = None  # not worth losing tokens
    return answer


def seconds(value):
    """expires_in as a timedelta of at most ten years; None where there is none or it makes no sense."""
    try:
        return timedelta(seconds=min(max(int(value), 0), 315_360_000))
    except (TypeError, ValueError, OverflowError):
        return None


# --- the worker ----------------------------------------------------------------------------------------------------

def say(text):
    print(text, flush=True)


def why(error):
    """A database error in one line, without its context, which may hold the statement's parameters."""
    return f"database: {error.sqlstate or type(error).__name__} {error.diag.message_primary or ''}".rstrip()


class Worker:
    def __init__(self, providers, lease, timeout):
        self.providers, self.lease, self.timeout = providers, timedelta(seconds=lease), timeout
        self.db, self.stopping = None, False

    def pause(self, seconds):
        """Waits. True as soon as the worker is asked to end: the signals are blocked, and looked for nowhere else."""
        self.stopping = self.stopping or signal.sigtimedwait(STOP, seconds) is not None
        return self.stopping

    def call(self, function, **arguments):
        """The rows of auth_store.function(). Values are bind parameters: no token is in the statement's text."""
        if self.db is None or self.db.closed:
            # Autocommit: a lease must be seen by others, and no transaction be open, while the provider is waited for.
            self.db = psycopg.connect(autocommit=True, row_factory=dict_row, connect_timeout=10,
                                      tcp_user_timeout=10_000)
        names = ", ".join(f"{name} => %({name})s" for name in arguments)
        return self.db.execute(f"SELECT * FROM auth_store.{function}({names})", arguments).fetchall()

    def report(self, function, **arguments):
        """connection_complete or connection_fail, until the server has answered: yes or no.

        The provider has replaced the refresh token by now, and the one in our hands is the only copy. So a server that
        is away is waited for, past the end of the lease too. A call may be repeated without harm: if the first one was
        stored and only its answer lost, or if another worker took over meanwhile, the fence is no longer good and
        nothing changes.
        """
        while True:
            try:
                return self.call(function, **arguments)[0]
            except AWAY as error:
                say(f"{function}: {why(error)}; trying again")
                time.sleep(1)

    def refresh(self, connection):
        """True if the lease was ours."""
        id = connection["connection_id"]
        name = f"{connection['provider']} {id}"
        try:
            lease = self.call("connection_lease", connection_id=id, lease=self.lease, if_due=True)[0]
        except AWAY as error:
            if self.db.closed:
                raise
            say(f"{name}: {why(error)}")  # this one can't be read; others may
            return False
        if not lease["granted"]:
            if lease["error"] != "temporarily_unavailable":  # somebody else has it, or has refreshed it
                say(f"{name}: not leased, {lease['error']}")
            return False
        try:
            if connection["provider"] not in self.providers:
                raise Failed("provider_not_configured")
            provider = self.providers[connection["provider"]]
            answer = ask(provider, lease["refresh_token"], self.timeout)
            life = seconds(answer.get("expires_in", provider.get("expires_in")))
            done = self.report(
                "connection_complete", connection_id=id, fence=lease["fence"], access_token=answer["access_token"],
                refresh_token=answer.get("refresh_token"), scope=answer.get("scope"),
                # From the start of the lease, by the database's clock.
                expires_at=None if life is None else lease["leased_until"] - self.lease + life)
            say(f"{name}: refreshed" if done["ok"] else f"{name}: refused, {done['error']}")
        except (Failed, psycopg.DataError) as failed:
            if not isinstance(failed, Failed):  # a token longer than the store takes
                failed = "unfit_response"
            done = self.report("connection_fail", connection_id=id, fence=lease["fence"], reason=str(failed))
            again = "not tried again" if done["retry_after"] is None else f"again in {done['retry_after']} s"
            say(f"{name}: {failed}, {again}" if done["ok"] else f"{name}: refused, {done['error']}")
        return True

    def run(self, once, idle):
        while not self.pause(0):
            granted = 0
            try:
                due = self.call("connections_due", max_connections=100)
                random.shuffle(due)  # workers that start together ask for the same ones otherwise
                for connection in due:
                    if self.pause(0):
                        return
                    granted += self.refresh(connection)
            except AWAY as error:
                if once:
                    raise
                say(f"{why(error)}; trying again")
            if granted == 0 and (once or self.pause(idle)):
                return


def main():
    parser = argparse.ArgumentParser(description="Keeps connections to other OAuth providers fresh.")
    parser.add_argument("providers", help="JSON file: see providers.example.json")
    parser.add_argument("--once", action="store_true", help="end when nothing is due")
    parser.add_argument("--lease", type=float, default=60, help="seconds that a connection is ours (60)")
    parser.add_argument("--timeout", type=float, default=20, help="seconds that a provider may take (20)")
    parser.add_argument("--idle", type=float, default=10, help="seconds to wait when nothing is due (10)")
    options = parser.parse_args()
    if not 0 < options.timeout < options.lease:  # or somebody else would present the same refresh token meanwhile
        parser.error("the timeout must be shorter than the lease")
    signal.pthread_sigmask(signal.SIG_BLOCK, STOP)
    try:
        Worker(read_providers(options.providers), options.lease, options.timeout).run(options.once, options.idle)
    except psycopg.Error as error:
        sys.exit(why(error))


if __name__ == "__main__":
    main()
