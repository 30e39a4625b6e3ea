"""Which of several databases with auth_store has what a call is about: its bucket, 0 to 4095, and the map.

    routing.py VECTORS.json     compares the functions here with what the store says
"""
import base64, bisect, hashlib, json, re, sys


# docs: begin
def hashed(*parts):  # the first 12 bits of SHA-256
    return int(hashlib.sha256("\0".join(parts).encode()).hexdigest()[:3], 16)


def id_bucket(id):  # 01b8dac5-b422-8abc-8a33-1fdde7032f33: abc
    return int(str(id)[15:18], 16)


def token_bucket(text):  # a token, code, session or API key of the store begins with its id; another's has its digest
    native = re.fullmatch(r"asrt_([\w-]{86})|[\w-]{0,31}_([\w-]{64})", text, re.ASCII)
    front = base64.urlsafe_b64decode((native[1] or native[2])[8:12]) if native else bytes(3)
    return int.from_bytes(front[:2], "big") & 0xfff if front[0] >> 4 == 8 and front[2] >> 6 == 2 else jwt_bucket(text)


# docs: end
def claims(text):
    """What the middle of a JWT says, whoever signed it."""
    try:
        _, body, _ = text.split(".")
        return json.loads(base64.urlsafe_b64decode(body + "=" * (-len(body) % 4)))
    except ValueError:
        return {}


def jwt_bucket(text):
    """An access token that is a JWT of the store has its id as jti."""
    jti = str(claims(text).get("jti"))
    own = re.fullmatch(r"[0-9a-f]{8}-[0-9a-f]{4}-8[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}", jti)
    return id_bucket(jti) if own else hashed(text)


class AskTheStore(Exception):
    """Names beyond ASCII are folded by Unicode's rules: SELECT auth_store.user_bucket(…) on any shard says it."""


def user_bucket(tenant_id, name, kind=None):
    kind = kind or ("email" if "@" in name else "phone" if name.lstrip().startswith("+") else "username")
    if kind in ("email", "username") and not name.isascii():
        raise AskTheStore(name)
    if kind == "identity":  # a provider and the user's name there
        return hashed(tenant_id or "default", *name.split(" ", 1))
    if kind not in ("email", "external", "phone", "username") or kind == "email" and "@" not in name:
        return 0
    key = {"external": name, "phone": re.sub(r"[^0-9]", "", name)}.get(kind, name.lower())
    return hashed(tenant_id or "default", key)


def actor_bucket(tenant_id, actor_id):
    """A user of the store, else an id of the application's own."""
    own = re.fullmatch(r"[0-9a-f]{8}-[0-9a-f]{4}-8[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}", actor_id.lower())
    return id_bucket(actor_id) if own else hashed(tenant_id or "default", actor_id)


def user_code_bucket(user_code):
    """The first three of eleven letters, as digits; 0 for whatever else a user types."""
    letters, number = re.sub(r"[\W_]", "", user_code).upper(), 0
    if not re.fullmatch("[BCDFGHJKLMNPQRSTVWXZ]{11}", letters):
        return 0
    for letter in letters[:3]:
        number = number * 20 + "BCDFGHJKLMNPQRSTVWXZ".index(letter)
    return number if number < 4096 else 0


def dpop_bucket(proof):
    return hashed(jti) if (jti := claims(proof).get("jti")) else 0


BUCKET = {"token_bucket": token_bucket, "key_bucket": token_bucket, "id_bucket": id_bucket, "client_bucket": hashed,
          "text_bucket": hashed, "claim_bucket": hashed, "user_bucket": user_bucket, "actor_bucket": actor_bucket,
          "user_code_bucket": user_code_bucket, "dpop_bucket": dpop_bucket}


def bucket(function, *arguments):
    """As the store says it: 0 where what decides is missing."""
    needed = arguments[1:2] if function in ("user_bucket", "actor_bucket") else arguments
    return BUCKET[function](*arguments) if all(needed) else 0


# docs: begin
class Shards:
    """The map, a JSON file [[first bucket of a range, name of its shard], …], and a connection to each shard."""

    def __init__(self, file, connect):
        self.file, self.connect, self.open = file, connect, {}
        self.read()

    def read(self):
        with open(self.file) as file:
            self.first, self.names = zip(*json.load(file))

    def name(self, bucket):
        return self.names[bisect.bisect(self.first, bucket) - 1]

    def of(self, bucket):
        name = self.name(bucket)
        if name not in self.open or self.open[name].closed:
            self.open[name] = self.connect(name)
        return self.open[name]
# docs: end


def compare(vectors):
    alike = asked = 0
    for vector in json.load(open(vectors)):
        try:
            found = bucket(vector["function"], *vector["arguments"])
            assert found == vector["bucket"], (found, vector)
            alike += 1
        except AskTheStore:
            asked += 1
    print(f"vectors: {alike} alike, {asked} for the store to answer")


if __name__ == "__main__":
    compare(sys.argv[1])
