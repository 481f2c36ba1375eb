"""Signing in by an agency's own sign-on: the way there, and back.

The answer comes from another site, so that the browser sends none of our `Strict` cookies with it.
It brings the one that binds it to this browser, and is led on to a page of ours, which brings all.
"""

import base64
import binascii
import logging
import secrets

from fastapi import APIRouter
from fastapi.responses import Response

from central.access import browsing
from central.access.oidc import RETURN, Question
from central.errors import NotEnabled, SignOnAway, SignOnRefused, TooMany
from central.screens.faults import Fault
from central.screens.sign_in import form, onwards
from central.screens.viewer import AsVisitor, Open, Visitor, local

pages = APIRouter(include_in_schema=False, route_class=Open)
log = logging.getLogger(__name__)
WITHIN_S = 600
"""So long somebody may take at the agency's page."""


@pages.get("/sign-in/agency")
def ask(visitor: AsVisitor) -> Response:
    """To the agency's page."""
    provider = visitor.screens.entrance.provider
    after = local(visitor.request.query_params.get("next", "/"))
    if provider is None:
        return _none(visitor, after)
    secret = secrets.token_urlsafe(32)
    try:
        address = provider.address(Question.of(secret))
    except SignOnAway as error:
        return _away(visitor, error, after)
    response = visitor.go(address)
    kept = f"{secret}.{base64.urlsafe_b64encode(after.encode()).decode()}"
    visitor.screens.cookies.put(response, browsing.AGENCY, kept, seconds=WITHIN_S, lax=True)
    return response


@pages.get(RETURN)
def answer(visitor: AsVisitor) -> Response:
    """Who comes back is whom the agency says, once, and in the browser that asked."""
    secret, after = _kept(visitor.cookie(browsing.AGENCY))
    response = _answered(visitor, secret, after)
    visitor.screens.cookies.drop(response, browsing.AGENCY, lax=True)
    return response


def _answered(visitor: Visitor, secret: str, after: str) -> Response:
    entrance, told = visitor.screens.entrance, dict(visitor.request.query_params)
    try:
        account = entrance.agency(secret, told, address=visitor.address)
    except NotEnabled:
        return _none(visitor, after)
    except TooMany as error:
        log.info("answers of a sign-on from %s: %s", visitor.address, error)
        return form(visitor, [Fault("", "too-many")], 429, after=after)
    except SignOnAway as error:
        return _away(visitor, error, after)
    except SignOnRefused as error:
        if error.why == "unbound" and error.identity is not None:
            return visitor.page("unbound.html", 403, identity=error.identity)
        return form(visitor, [Fault("", f"agency-{error.why}")], 403, after=after)

    def go(path: str) -> Response:
        return visitor.page("onwards.html", to=path)

    return onwards(visitor, account, "identity", after=after, go=go)


def _kept(cookie: str) -> tuple[str, str]:
    """The secret, and where they wanted to go."""
    secret, _, told = cookie.partition(".")
    try:
        return secret, local(base64.urlsafe_b64decode(told.encode()).decode())
    except (ValueError, binascii.Error):
        return "", "/"


def _none(visitor: Visitor, after: str) -> Response:
    """An address of old, or of another register."""
    return form(visitor, [Fault("", "agency-none")], 404, after=after)


def _away(visitor: Visitor, error: SignOnAway, after: str) -> Response:
    """What is wrong there is for who runs the server."""
    log.warning("the agency's sign-on is away: %s", error)
    return form(visitor, [Fault("", "agency-away")], 503, after=after)
