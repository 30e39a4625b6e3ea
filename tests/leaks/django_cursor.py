import os, sys
import django
from django.conf import settings

settings.configure(DATABASES={"default": {
    "ENGINE": "django.db.backends.postgresql", "NAME": os.environ["PGDATABASE"], "USER": os.environ["PGUSER"],
    "HOST": os.environ["PGHOST"],
    "PORT": os.environ["PGPORT"], "OPTIONS": {"server_side_binding": True} if "cured" in sys.argv else {}}})
django.setup()
from django.db import DatabaseError, connection

try:
    with connection.cursor() as cursor:
        cursor.execute("SELECT * FROM auth_store.client_create(name => %s, client_type => %s)",
                       (os.environ["SECRET"], "mobile"))
except DatabaseError as error:
    print(repr(error), error)
