"""An agency's sign-on for tests: Django OAuth Toolkit, the real thing, in a process of its own.

    python -m tests.access.agency FOLDER PORT

Its issuer is `http://localhost:PORT/o`. FOLDER holds `client.json` (what it knows the register as
and who may sign in), its database and its key. What the file `mischief` names goes wrong there:
`nonce` answers another question, `aud`, `iss` and `exp` are of another register, of another issuer
and of an hour ago; `key` signs with a key that is not the published one, `shared` with the client's
secret, `none` with nothing.
"""

import json
import socketserver
import sys
from pathlib import Path
from typing import Any
from wsgiref.simple_server import WSGIRequestHandler, WSGIServer, make_server

import django
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import rsa
from django.conf import settings
from django.core.management import call_command
from django.core.wsgi import get_wsgi_application

LOGIN = """<form method="post">{% csrf_token %}{{ form.as_p }}
<input type="hidden" name="next" value="{{ next }}"><button>Sign in</button></form>"""


def fresh_key() -> str:
    key = rsa.generate_private_key(public_exponent=65537, key_size=2048)
    return key.private_bytes(
        serialization.Encoding.PEM,
        serialization.PrivateFormat.TraditionalOpenSSL,
        serialization.NoEncryption(),
    ).decode()


def key_of(folder: Path) -> str:
    path = folder / "key.pem"
    if not path.exists():
        path.write_text(fresh_key())
    return path.read_text()


def configure(folder: Path, port: int) -> None:
    settings.configure(
        SECRET_KEY="of a test",
        ALLOWED_HOSTS=["localhost"],
        ROOT_URLCONF="tests.access.agency.urls",
        INSTALLED_APPS=[
            *("django.contrib.auth", "django.contrib.contenttypes", "django.contrib.sessions"),
            "oauth2_provider",
        ],
        MIDDLEWARE=[
            "django.contrib.sessions.middleware.SessionMiddleware",
            "django.middleware.csrf.CsrfViewMiddleware",
            "django.contrib.auth.middleware.AuthenticationMiddleware",
        ],
        DATABASES={
            "default": {"ENGINE": "django.db.backends.sqlite3", "NAME": folder / "provider.db"}
        },
        TEMPLATES=[
            {
                "BACKEND": "django.template.backends.django.DjangoTemplates",
                "OPTIONS": {
                    "loaders": [
                        (
                            "django.template.loaders.locmem.Loader",
                            {"registration/login.html": LOGIN},
                        )
                    ]
                },
            }
        ],
        USE_TZ=True,
        LOGIN_URL="/login",
        PASSWORD_HASHERS=["django.contrib.auth.hashers.MD5PasswordHasher"],  # of a test, and fast
        DEFAULT_AUTO_FIELD="django.db.models.BigAutoField",
        MISCHIEF=folder / "mischief",
        OAUTH2_PROVIDER={
            "OIDC_ENABLED": True,
            "OIDC_ISS_ENDPOINT": f"http://localhost:{port}/o",
            "OIDC_RSA_PRIVATE_KEY": key_of(folder),
            "PKCE_REQUIRED": True,
            "SCOPES": {"openid": "who it is"},
            "OAUTH2_VALIDATOR_CLASS": "tests.access.agency.mischief.Mischievous",
        },
    )
    django.setup()


def fill(folder: Path) -> None:
    """Who may sign in, and the one client."""
    from django.contrib.auth import get_user_model
    from oauth2_provider.models import get_application_model

    call_command("migrate", verbosity=0)
    told: dict[str, Any] = json.loads((folder / "client.json").read_text())
    users = get_user_model().objects
    for name, password in told["people"].items():
        if not users.filter(username=name).exists():
            users.create_user(name, password=password)
    clients = get_application_model().objects
    if not clients.filter(client_id=told["client_id"]).exists():
        clients.create(
            name="gjurma",
            client_id=told["client_id"],
            client_secret=told["client_secret"],
            redirect_uris=told["redirect_uri"],
            client_type="confidential",
            authorization_grant_type="authorization-code",
            algorithm="RS256",
            skip_authorization=True,
        )


class Server(socketserver.ThreadingMixIn, WSGIServer):
    daemon_threads = True


class Quiet(WSGIRequestHandler):
    def log_message(self, format: str, *args: Any) -> None:  # noqa: A002 - its name there
        """The tests say what was asked."""


def main(folder: Path, port: int) -> None:
    configure(folder, port)
    fill(folder)
    make_server("127.0.0.1", port, get_wsgi_application(), Server, Quiet).serve_forever()


if __name__ == "__main__":
    main(Path(sys.argv[1]), int(sys.argv[2]))
