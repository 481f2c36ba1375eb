"""Errors of central: the contract's tree, and what only the register's own programs can meet."""

from typing import Any

from gateway.contract.errors import (
    ConfigError,
    Conflict,
    ContractError,
    GjurmaError,
    NotFound,
    NotLicensed,
    RegisterError,
    Retry,
    SignatureInvalid,
)


class Refused(RegisterError):
    """What was asked for is not well formed; the message says what would be right."""

    code = "refused"


class NotApproved(RegisterError):
    """No type approval in force covers the product."""

    code = "not-approved"
    retry = Retry.AFTER_STATE_CHANGE


class NotAccepted(RegisterError):
    """What has not left its producer yet is covered by no acceptance that stands."""

    code = "not-accepted"
    retry = Retry.AFTER_STATE_CHANGE


class LotSuspended(RegisterError):
    """Something of a lot that is suspended or withdrawn was to go on its way, or to be made."""

    code = "lot-suspended"
    retry = Retry.AFTER_STATE_CHANGE


class Unauthorized(RegisterError):
    """No token, or a wrong one."""

    code = "unauthorized"
    retry = Retry.OPERATOR


class WrongPassword(RegisterError):
    """The password that was given with the token is not the account's."""

    code = "wrong-password"
    retry = Retry.OPERATOR


class SignOnAway(GjurmaError):
    """An agency's sign-on cannot be asked, or answers with nothing that can be read."""

    code = "sign-on-away"
    retry = Retry.SAFE


class SignOnRefused(GjurmaError):
    """What came back from an agency's sign-on lets nobody in; `why` as a code, and whose `identity`
    it is where that is known."""

    code = "sign-on-refused"
    retry = Retry.OPERATOR

    def __init__(self, why: str, detail: str, identity: Any = None) -> None:
        super().__init__(detail)
        self.why = why
        self.identity = identity


class CodeNeeded(RegisterError):
    """The password is right, and the account has a second factor besides."""

    code = "code-needed"
    retry = Retry.OPERATOR


class WrongCode(RegisterError):
    """The code of the second factor is wrong, too old, or was used."""

    code = "wrong-code"
    retry = Retry.OPERATOR


class Forbidden(RegisterError):
    """Who asks may not do that, or not for that entity."""

    code = "forbidden"
    retry = Retry.OPERATOR


class Forged(RegisterError):
    """A browser sent it with its session, and without what only a page of ours holds."""

    code = "forged"
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


class ProposalStale(Stale):
    """What a proposal rests on has changed since it was made, or it would do something else."""

    code = "proposal-stale"
    retry = Retry.OPERATOR


class SamePerson(RegisterError):
    """Who proposed it neither confirms nor declines it, under whichever account."""

    code = "same-person"
    retry = Retry.OPERATOR


class SessionNeeded(RegisterError):
    """A second person decides signed in; a token that was issued is nobody in person."""

    code = "session-needed"
    retry = Retry.OPERATOR


class AlreadyProposed(RegisterError):
    """An open proposal asks for that already."""

    code = "already-proposed"
    retry = Retry.AFTER_STATE_CHANGE


class ProposalOver(RegisterError):
    """The proposal was confirmed, declined or withdrawn, or its time has run out."""

    code = "proposal-over"
    retry = Retry.AFTER_STATE_CHANGE


class Excluded(RegisterError):
    """An exclusion in force stands against the entity."""

    code = "excluded"
    retry = Retry.OPERATOR


class Undecided(RegisterError):
    """An entity's name is like that of an exclusion, and no person has decided on the two."""

    code = "undecided"
    retry = Retry.AFTER_STATE_CHANGE


class PrinterUnknown(RegisterError):
    """No printer of that name is configured for where the caller may print."""

    code = "printer-unknown"
    retry = Retry.OPERATOR


class PrinterAway(RegisterError):
    """The printer cannot be reached; it was sent nothing."""

    code = "printer-away"
    retry = Retry.SAFE


class PrinterNotReady(RegisterError):
    """The printer says that it is out of paper or ribbon, open, paused, full, too cold or too hot;
    it was sent nothing."""

    code = "printer-not-ready"
    retry = Retry.OPERATOR


class PrinterBrokenOff(RegisterError):
    """The connection ended while the label was being sent: it may have been printed or not."""

    code = "printer-broken-off"
    retry = Retry.OPERATOR


class NotEnabled(GjurmaError):
    """This server is not configured to do that."""

    code = "not-enabled"


class InvitationInvalid(RegisterError):
    """The one-time code is unknown, used, too old, or for another gateway or device."""

    code = "invitation-invalid"
    retry = Retry.OPERATOR


class ClockOff(RegisterError):
    """The clock of a gateway that enrols is too far from the register's; nothing was opened."""

    code = "clock-off"
    retry = Retry.AFTER_STATE_CHANGE


class DatabaseUnavailable(GjurmaError):
    """The database does not answer; nothing was acknowledged, and it will be tried again."""

    code = "database-unavailable"
    retry = Retry.SAFE


class Busy(DatabaseUnavailable):
    """Too many requests wait for the database, or for each other; nothing was changed."""

    code = "busy"


class RegisterOlder(GjurmaError):
    """A backup was put in the place of this register, and nobody declared the restore."""

    code = "register-older"
    retry = Retry.OPERATOR


class IssueGuardUnreadable(GjurmaError):
    """What says how far numbers were issued is gone or damaged."""

    code = "issue-guard-unreadable"
    retry = Retry.OPERATOR


class IssueGuardUnwritable(GjurmaError):
    """How far numbers are to be issued could not be kept; so none was."""

    code = "issue-guard-unwritable"
    retry = Retry.SAFE


__all__ = [
    "AlreadyProposed",
    "Busy",
    "ClockOff",
    "CodeNeeded",
    "ConfigError",
    "Conflict",
    "ContractError",
    "DatabaseUnavailable",
    "Excluded",
    "Forbidden",
    "Forged",
    "GjurmaError",
    "InvitationInvalid",
    "IssueGuardUnreadable",
    "IssueGuardUnwritable",
    "KeyUsedAgain",
    "LotSuspended",
    "NotAccepted",
    "NotApproved",
    "NotEnabled",
    "NotFound",
    "NotLicensed",
    "PrinterAway",
    "PrinterBrokenOff",
    "PrinterNotReady",
    "PrinterUnknown",
    "ProposalOver",
    "ProposalStale",
    "Refused",
    "RegisterError",
    "RegisterOlder",
    "Retry",
    "SamePerson",
    "SessionNeeded",
    "SignOnAway",
    "SignOnRefused",
    "SignatureInvalid",
    "Stale",
    "TooMany",
    "Unauthorized",
    "Undecided",
    "WrongCode",
    "WrongPassword",
]
