import os
import psycopg2

cursor = psycopg2.connect("").cursor()
try:
    cursor.execute("SELECT * FROM auth_store.client_create(name => %s, client_type => %s)",
                   (os.environ["SECRET"], "mobile"))
except psycopg2.Error as error:
    print(repr(error), error)
