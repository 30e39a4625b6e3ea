"""django-oauth-toolkit on PostgreSQL: a token by client credentials, opaque. Its default would hash the client's secret
at each request by PBKDF2, which is left out in its favour."""

import os

import django
from django.conf import settings
from django.core.wsgi import get_wsgi_application

settings.configure(
    SECRET_KEY="only for this load", ALLOWED_HOSTS=["*"], ROOT_URLCONF=__name__, MIDDLEWARE=[], USE_TZ=True,
    LOGGING_CONFIG=None, DEFAULT_AUTO_FIELD="django.db.models.BigAutoField",
    INSTALLED_APPS=["django.contrib.auth", "django.contrib.contenttypes", "oauth2_provider"],
    OAUTH2_PROVIDER={"SCOPES": {"orders": "Orders"}, "DEFAULT_SCOPES": ["orders"]},
    DATABASES={"default": {"ENGINE": "django.db.backends.postgresql", "NAME": "django", "HOST": os.environ["PGHOST"],
                           "USER": os.environ["PGUSER"], "CONN_MAX_AGE": None}})
django.setup()

from django.urls import path
from oauth2_provider.views import TokenView

urlpatterns = [path("token", TokenView.as_view())]
application = get_wsgi_application()


def make():
    from django.core.management import call_command
    from oauth2_provider.models import Application

    call_command("migrate", verbosity=0)
    Application.objects.create(client_id="load", client_secret="load-secret", hash_client_secret=False,
                               client_type=Application.CLIENT_CONFIDENTIAL, name="load",
                               authorization_grant_type=Application.GRANT_CLIENT_CREDENTIALS)


if __name__ == "__main__":
    make()
