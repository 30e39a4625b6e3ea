import os, sys
import psycopg

db = psycopg.connect("", cursor_factory=psycopg.Cursor if "cured" in sys.argv else psycopg.ClientCursor)
try:
    db.execute("SELECT * FROM auth_store.client_create(name => %s, client_type => %s)",
               (os.environ["SECRET"], "mobile"))
except psycopg.Error as error:
    print(repr(error), error)
