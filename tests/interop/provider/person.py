"""A person with a browser, for clients that are programs: walks from a URL of a client to where the provider sends the
browser back, through the pages of front/ or, where the front has none, through those of an application of its own."""

import html.parser, http.client, http.cookies, json, urllib.parse
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer


class Forms(html.parser.HTMLParser):
    """The forms of a page: where each goes, its fields and its buttons."""

    def __init__(self, text):
        super().__init__()
        self.forms = []
        self.feed(text)

    def handle_starttag(self, tag, attributes):
        of = {name: value or "" for name, value in attributes}
        if tag == "form":
            self.forms.append({"action": of.get("action", ""), "method": of.get("method", "get").lower(),
                               "fields": [], "types": {}, "buttons": []})
        elif tag == "button" and self.forms:
            self.forms[-1]["buttons"].append((of.get("name"), of.get("value", "")))
        elif tag == "input" and self.forms and of.get("name") and "disabled" not in of:
            kind = of.get("type", "text")
            if kind == "submit":
                self.forms[-1]["buttons"].append((of["name"], of.get("value", "")))
            elif kind not in ("checkbox", "radio") or "checked" in of:
                self.forms[-1]["fields"].append((of["name"], of.get("value", "on" if kind == "checkbox" else "")))
                self.forms[-1]["types"][of["name"]] = kind


class Browser:
    """One with cookies and without scripts. `ends` are the URLs at which a client waits."""

    def __init__(self, ends):
        self.ends, self.cookies = ends, {}

    def ask(self, url, method="GET", body=None):
        parts = urllib.parse.urlsplit(url)
        connection = http.client.HTTPConnection(parts.hostname, parts.port, timeout=30)
        headers = {"Host": parts.netloc, "Accept": "text/html"}
        if self.cookies:
            headers["Cookie"] = "; ".join(f"{name}={value}" for name, value in self.cookies.items())
        if body is not None:
            headers |= {"Content-Type": "application/x-www-form-urlencoded",
                        "Origin": f"{parts.scheme}://{parts.netloc}", "Sec-Fetch-Site": "same-origin"}
        connection.request(method, (parts.path or "/") + (f"?{parts.query}" if parts.query else ""), body, headers)
        answer = connection.getresponse()
        text = answer.read().decode()
        connection.close()
        for line in answer.headers.get_all("set-cookie") or ():
            for name, morsel in http.cookies.SimpleCookie(line).items():
                self.cookies[name] = morsel.value
        return answer.status, answer.headers, text

    def at_the_end(self, url):
        return any(url.startswith(end) for end in self.ends)


class Person:
    """`pages` answers what the person is shown: with the URL where the browser goes on, or a form that it sends."""

    def __init__(self, ends, pages):
        self.browser, self.pages = Browser(ends), pages

    def visit(self, url, how):
        status = text = None
        method, body = "GET", None
        for _ in range(30):
            if self.browser.at_the_end(url):
                return url
            if (elsewhere := self.pages.outside(self.browser, url, how)) is not None:
                if elsewhere is True:
                    return url
                url = elsewhere
                continue
            status, headers, text = self.browser.ask(url, method, body)
            method, body = "GET", None
            if status in (301, 302, 303, 307, 308):
                url = urllib.parse.urljoin(url, headers["location"])
                continue
            page = Forms(text)
            if posted := [form for form in page.forms if self.browser.at_the_end(form["action"])]:
                return posted[0]["action"] + "?" + urllib.parse.urlencode(posted[0]["fields"])
            found = self.pages.shown(page, text, how)
            if found is None:
                break
            if found is True:
                return url
            form, fields = found
            url, method = urllib.parse.urljoin(url, form["action"]), form["method"].upper()
            body = urllib.parse.urlencode(fields)
            if method == "GET":
                url, body = f"{url}?{body}", None
        raise AssertionError(f"{status} at {url}: {text}")


class FrontPages:
    """What front/ shows."""

    def __init__(self, email, password):
        self.email, self.password = email, password

    def outside(self, browser, url, how):
        return None

    def shown(self, page, text, how):
        """The form that is sent, and its fields; True at the end, None where the person is lost."""
        for form in page.forms:
            fields, types = form["fields"], form["types"]
            if "password" in types.values():
                if how == "nobody":
                    return None
                typed = {name: self.password if kind == "password" else self.email for name, kind in types.items()
                         if kind in ("password", "email", "text")}
                return form, [(name, typed.get(name, value)) for name, value in fields]
            if decisions := [value for name, value in form["buttons"] if name == "decision"]:
                wanted = "deny" if how in ("deny", "device_deny") else decisions[0]
                return form, [*fields, ("decision", wanted)]
            if form["method"] == "post" and ("user_code" in types or how == "logout"):
                return form, fields
        return True if how.startswith("device") else None


class OwnPages:
    """Those of an application, which knows its users: it logs them in and asks them, and calls the store."""

    def __init__(self, db, user, base):
        self.db, self.user, self.base = db, user, base

    def row(self, sql, **arguments):
        return self.db.execute(f"SELECT * FROM auth_store.{sql}", arguments).fetchone()

    def log_in(self, browser):
        if "session" not in browser.cookies:
            browser.cookies["session"] = self.row("session_create(%(user)s, acr => '1', amr => ARRAY['pwd'])",
                                                  user=self.user)["session_token"]
        return browser.cookies["session"]

    def outside(self, browser, url, how):
        if not url.startswith(self.base):
            return None
        asked, page = query(url), urllib.parse.urlsplit(url).path.rsplit("/", 1)[1]
        if page in ("login", "consent"):
            if how == "nobody":
                raise AssertionError("a page, for nobody")
            if how == "deny":
                answer = self.row("interaction_deny(%(id)s)", id=asked["interaction"])
            else:
                answer = self.row("interaction_accept(%(id)s, %(session)s)", id=asked["interaction"],
                                  session=self.log_in(browser))
            return self.goes_to(answer)
        if page == "device":
            approve = "device_deny(%(code)s)" if how == "device_deny" else "device_approve(%(code)s, %(user)s)"
            answer = self.row(approve, code=asked["user_code"], user=self.user)
            if answer["error"]:
                raise AssertionError(answer["error"])
            return True
        raise AssertionError(f"no page {page}")

    def goes_to(self, answer):
        if "location" in answer["headers"]:
            return answer["headers"]["location"]
        form = Forms(answer["body"]).forms[0]
        return form["action"] + "?" + urllib.parse.urlencode(form["fields"])

    def shown(self, page, text, how):
        return None


def query(url):
    return dict(urllib.parse.parse_qsl(urllib.parse.urlsplit(url).query))


def serve(new_person):
    """The URL at which clients send somebody to a URL."""
    last = {}

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self):
            asked = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
            # The one who was there last comes again, logged in, where the client counts on it.
            if asked["how"] not in ("again", "logout") or "person" not in last:
                last["person"] = new_person()
            try:
                answer = {"location": last["person"].visit(asked["url"], asked["how"])}
            except Exception as error:
                answer = {"problem": f"{type(error).__name__}: {error}"}
            body = json.dumps(answer).encode()
            self.send_response(200)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *_):
            pass

    return ThreadingHTTPServer(("127.0.0.1", 0), Handler)
