import os, sys
from sqlalchemy import create_engine, text
from sqlalchemy.exc import DBAPIError

engine = create_engine("postgresql+psycopg://", hide_parameters="cured" in sys.argv)
try:
    with engine.connect() as db:
        db.execute(text("SELECT * FROM auth_store.client_create(name => :name, client_type => :type)"),
                   {"name": os.environ["SECRET"], "type": "mobile"})
except DBAPIError as error:
    print(repr(error), error)
