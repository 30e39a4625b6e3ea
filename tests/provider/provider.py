"""The OAuth provider that tests of connections talk to: django-oauth-toolkit, with refresh tokens that rotate and reuse
detection, on a free port of 127.0.0.1. A reused refresh token is invalid_grant and ends its whole family.

    provider.py DIRECTORY [PORT]    keeps its database there; prints its port and its client as JSON, then serves
                                    until the end of its standard input

/o/authorize/, /o/token/, /o/revoke_token/ and /o/introspect/ are the toolkit's own. Who the end user is says the
request's header Remote-User, as a proxy in front of it would. /control is the test's: GET tells which refreshes came,
POST sets

    lifetime    of the access tokens issued from now on, in seconds
    hold        true: refreshes wait, unread by the provider, until it is false
    answer      [status, body]: answers every refresh in the provider's place, which never sees it; null: the
                provider does
"""

import hashlib, json, socketserver, sys, threading
from io import BytesIO
from urllib.parse import parse_qs
from wsgiref.simple_server import WSGIRequestHandler, WSGIServer, make_server

import django
from django.conf import settings

CLIENT = {"client_id": "auth store: client", "client_secret": "50 % of it, & more: /+=é",
          "redirect_uris": "http://127.0.0.1/callback"}
control = {"lifetime": 3600, "hold": False, "answer": None}
# {digest of the refresh token, status answered (null: not yet), whether the provider saw it}, as they came
refreshes = []
changed = threading.Condition()

settings.configure(
    SECRET_KEY="of a test, in memory only", ALLOWED_HOSTS=["127.0.0.1"], ROOT_URLCONF=__name__, USE_TZ=True,
    DATABASES={"default": {"ENGINE": "django.db.backends.sqlite3", "NAME": sys.argv[1] + "/provider.sqlite3",
                           "OPTIONS": {"transaction_mode": "IMMEDIATE", "timeout": 60}}},
    INSTALLED_APPS=["django.contrib.auth", "django.contrib.contenttypes", "django.contrib.sessions", "oauth2_provider"],
    MIDDLEWARE=["django.contrib.sessions.middleware.SessionMiddleware",
                "django.contrib.auth.middleware.AuthenticationMiddleware",
                __name__ + ".UserMiddleware"],
    AUTHENTICATION_BACKENDS=["django.contrib.auth.backends.RemoteUserBackend"],
    MIGRATION_MODULES={app: None for app in ("auth", "contenttypes", "sessions", "oauth2_provider")},
    LOGGING={"version": 1, "loggers": {"django": {"level": "ERROR"}, "oauth2_provider": {"level": "ERROR"}}},
    OAUTH2_PROVIDER={
        "SCOPES": {"read": "read", "write": "write"}, "PKCE_REQUIRED": True,
        "ROTATE_REFRESH_TOKEN": True, "REFRESH_TOKEN_REUSE_PROTECTION": True, "REFRESH_TOKEN_GRACE_PERIOD_SECONDS": 0,
        "EXTRA_SERVER_KWARGS": {"token_expires_in": lambda request: control["lifetime"]},
    })
django.setup()

from django.contrib.auth.middleware import RemoteUserMiddleware  # these need the settings
from django.core.management import call_command
from django.core.wsgi import get_wsgi_application
from django.urls import include, path
from oauth2_provider.models import Application

urlpatterns = [path("o/", include("oauth2_provider.urls", namespace="oauth2_provider"))]


class UserMiddleware(RemoteUserMiddleware):
    header = "HTTP_REMOTE_USER"


class Tapped:
    """In front of the toolkit: sees the refreshes, holds or answers them where the test asks for it, and counts
    them."""

    def __init__(self, provider):
        self.provider = provider

    def __call__(self, environ, start_response):
        length = int(environ.get("CONTENT_LENGTH") or 0)
        body = environ["wsgi.input"].read(length)
        environ["wsgi.input"] = BytesIO(body)
        if environ["PATH_INFO"] == "/control":
            return self.control(body, start_response)
        form = parse_qs(body.decode())
        if environ["PATH_INFO"] != "/o/token/" or form.get("grant_type") != ["refresh_token"]:
            return self.provider(environ, start_response)
        seen = {"digest": hashlib.sha256(form["refresh_token"][0].encode()).hexdigest(), "status": None, "seen": False}
        with changed:
            refreshes.append(seen)
            changed.wait_for(lambda: not control["hold"])
            answer = control["answer"]
            seen["seen"] = answer is None

        def started(status, headers, *rest):
            seen["status"] = int(status.split()[0])
            return start_response(status, headers, *rest)

        if answer:
            started(f"{answer[0]} .", [("Content-Type", "application/json"), ("Location", "/control")])
            return [answer[1].replace("{refresh_token}", form["refresh_token"][0]).encode()]
        return self.provider(environ, started)

    def control(self, body, start_response):
        with changed:
            control.update(json.loads(body or "{}"))
            changed.notify_all()
            answer = json.dumps({**control, "refreshes": refreshes})
        start_response("200 OK", [("Content-Type", "application/json")])
        return [answer.encode()]


class Server(socketserver.ThreadingMixIn, WSGIServer):
    daemon_threads = True
    request_queue_size = 64


class Handler(WSGIRequestHandler):
    def log_message(self, *_):
        """Nothing: what is of interest is at /control."""


def main():
    call_command("migrate", run_syncdb=True, verbosity=0)
    Application.objects.get_or_create(
        **CLIENT, client_type=Application.CLIENT_CONFIDENTIAL, skip_authorization=True, hash_client_secret=False,
        authorization_grant_type=Application.GRANT_AUTHORIZATION_CODE)
    port = int(sys.argv[2]) if len(sys.argv) > 2 else 0
    server = make_server("127.0.0.1", port, Tapped(get_wsgi_application()), Server, Handler)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    print(json.dumps({**CLIENT, "port": server.server_port}), flush=True)
    sys.stdin.read()  # the test's end of it is gone when the test is


if __name__ == "__main__":
    main()
