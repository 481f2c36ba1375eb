"""Errors of central: the contract's tree, and what only the register's own programs can meet."""

from gateway.contract.errors import (
    ConfigError,
    Conflict,
    GjurmaError,
    NotFound,
    NotLicensed,
    RegisterError,
    Retry,
)


class Refused(RegisterError):
    """What was asked for is not well formed; the message says what would be right."""

    code = "refused"


class NotApproved(RegisterError):
    """No type approval in force covers the product."""

    code = "not-approved"
    retry = Retry.AFTER_STATE_CHANGE


class Unauthorized(RegisterError):
    """No token, or a wrong one."""

    code = "unauthorized"
    retry = Retry.OPERATOR


class Forbidden(RegisterError):
    """Who asks may not do that, or not for that entity."""

    code = "forbidden"
    retry = Retry.OPERATOR


class TooMany(RegisterError):
    """Too many attempts within a moment."""

    code = "too-many"
    retry = Retry.SAFE


class KeyUsedAgain(RegisterError):
    """An idempotency key came with another request before."""

    code = "idempotency-key-used"


class Stale(RegisterError):
    """It has changed since the caller looked at it."""

    code = "stale"
    retry = Retry.AFTER_STATE_CHANGE


class Excluded(RegisterError):
    """An exclusion in force stands against the entity."""

    code = "excluded"
    retry = Retry.OPERATOR


class Undecided(RegisterError):
    """An entity's name is like that of an exclusion, and no person has decided on the two."""

    code = "undecided"
    retry = Retry.AFTER_STATE_CHANGE


class InvitationInvalid(RegisterError):
    """The one-time code is unknown, used, too old, or for another gateway."""

    code = "invitation-invalid"
    retry = Retry.OPERATOR


class DatabaseUnavailable(GjurmaError):
    """The database does not answer; nothing was acknowledged, and it will be tried again."""

    code = "database-unavailable"
    retry = Retry.SAFE


class IssueGuardUnreadable(GjurmaError):
    """What says how far numbers were issued is gone or damaged."""

    code = "issue-guard-unreadable"
    retry = Retry.OPERATOR


class IssueGuardUnwritable(GjurmaError):
    """How far numbers are to be issued could not be kept; so none was."""

    code = "issue-guard-unwritable"
    retry = Retry.SAFE


__all__ = [
    "ConfigError",
    "Conflict",
    "DatabaseUnavailable",
    "Excluded",
    "Forbidden",
    "GjurmaError",
    "InvitationInvalid",
    "IssueGuardUnreadable",
    "IssueGuardUnwritable",
    "KeyUsedAgain",
    "NotApproved",
    "NotFound",
    "NotLicensed",
    "Refused",
    "RegisterError",
    "Retry",
    "Stale",
    "TooMany",
    "Unauthorized",
    "Undecided",
]
