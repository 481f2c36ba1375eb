"""Signing in as acts: what was tried and failed. No state follows from it."""

from sqlalchemy import Connection

from central.register.acts import Act


class SignIns:
    """By account. Who signed in is told by the session that was issued."""

    name = "sign-in"

    def lock(self, connection: Connection, key: str, expected: frozenset[int]) -> None:
        """Nothing stands that anybody could have changed."""

    def project(self, connection: Connection, act: Act) -> None:
        """Nothing follows."""


SIGN_IN = SignIns()
