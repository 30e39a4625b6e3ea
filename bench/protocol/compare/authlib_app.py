"""Authlib's Flask provider on PostgreSQL, as its documentation has it: a token by client credentials, opaque."""

import os, time

from authlib.integrations.flask_oauth2 import AuthorizationServer
from authlib.integrations.sqla_oauth2 import (OAuth2ClientMixin, OAuth2TokenMixin, create_query_client_func,
                                              create_save_token_func)
from authlib.oauth2.rfc6749 import grants
from flask import Flask
from flask_sqlalchemy import SQLAlchemy

# The load comes by http.
os.environ["AUTHLIB_INSECURE_TRANSPORT"] = "1"

application = Flask(__name__)
application.config["SQLALCHEMY_DATABASE_URI"] = "postgresql+psycopg:///authlib"
db = SQLAlchemy(application)


class Client(db.Model, OAuth2ClientMixin):
    id = db.Column(db.Integer, primary_key=True)


class Token(db.Model, OAuth2TokenMixin):
    id = db.Column(db.Integer, primary_key=True)
    user_id = db.Column(db.Integer)


class ClientCredentials(grants.ClientCredentialsGrant):
    TOKEN_ENDPOINT_AUTH_METHODS = ["client_secret_basic"]


def save_token(token, request):
    db.session.add(Token(client_id=request.client.client_id, user_id=None, **token))
    db.session.commit()


server = AuthorizationServer(application, query_client=create_query_client_func(db.session, Client),
                             save_token=save_token)
server.register_grant(ClientCredentials)


@application.post("/token")
def token():
    return server.create_token_response()


def make():
    with application.app_context():
        db.create_all()
        client = Client(client_id="load", client_secret="load-secret", client_id_issued_at=int(time.time()))
        client.set_client_metadata({"grant_types": ["client_credentials"], "scope": "orders",
                                    "token_endpoint_auth_method": "client_secret_basic"})
        db.session.add(client)
        db.session.commit()


if __name__ == "__main__":
    make()
