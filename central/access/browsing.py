"""What a browser brings: a session's cookie, the token against forged requests, where it is from.

A browser sends a cookie along whoever made it ask. So what changes something has to bring a token
besides, which stands in our own pages alone; and where it says which page it comes from, that has
to be one of ours.
"""

import hashlib
import hmac
from dataclasses import dataclass

from starlette.requests import Request
from starlette.responses import Response

SESSION = "gjurma_session"
"""The cookie of who is signed in: the secret of the token that their session is."""
VISIT = "gjurma_visit"
"""The cookie of who is not signed in: it binds a form to the browser that asked for it."""
HALF = "gjurma_half"
"""The cookie of who has proved something (a password, a code, who they are at an agency), and not
yet all that it takes."""
KNOWN = "gjurma_known"
"""The cookie of a browser in which somebody has signed in before."""
HEADER = "X-CSRF-Token"
FIELD = "csrf"
AGENCY = "gjurma_agency"
"""The cookie of who was sent to an agency's sign-on: the answer is good in that browser alone."""
SAFE = frozenset({"GET", "HEAD", "OPTIONS"})
"""Methods that change nothing."""


@dataclass(frozen=True)
class Cookies:
    """How cookies are kept. `secure`: browsers reach this server by TLS, and send them by it alone.

    `Strict`: no other site's page makes a browser send them, not even by a link. `lax`: a link
    does, for the one that has to come back with an answer from elsewhere.
    """

    secure: bool

    def get(self, request: Request, name: str) -> str:
        """What it holds, or nothing."""
        return request.cookies.get(self.named(name), "")

    def put(
        self,
        response: Response,
        name: str,
        value: str,
        *,
        seconds: int | None = None,
        lax: bool = False,
    ) -> None:
        """Until the browser is closed, or for `seconds`."""
        response.set_cookie(
            self.named(name),
            value,
            max_age=seconds,
            path="/",
            secure=self.secure,
            httponly=True,
            samesite="lax" if lax else "strict",
        )

    def drop(self, response: Response, name: str, *, lax: bool = False) -> None:
        response.delete_cookie(
            self.named(name),
            path="/",
            secure=self.secure,
            httponly=True,
            samesite="lax" if lax else "strict",
        )

    def named(self, name: str) -> str:
        """With the prefix by which a browser takes it from this very host and by TLS alone."""
        return f"__Host-{name}" if self.secure else name


def csrf(secret: str) -> str:
    """The token that goes with a cookie: it tells nothing of the cookie."""
    return hmac.new(secret.encode(), b"gjurma csrf", hashlib.sha256).hexdigest()


def is_csrf(secret: str, told: str) -> bool:
    return hmac.compare_digest(csrf(secret).encode(), told.encode())


def from_here(request: Request, origin: str = "") -> bool:
    """False where the browser says that another site made it ask. Who says nothing is no browser
    of today, and is judged by the token alone.

    `origin`: how browsers reach this server; where it is left out, by the host that they name.
    """
    site = request.headers.get("Sec-Fetch-Site", "same-origin")
    if site not in ("same-origin", "none"):
        return False
    told = request.headers.get("Origin")
    here = origin or f"{request.url.scheme}://{request.headers.get('Host', '')}"
    return told is None or told == here
