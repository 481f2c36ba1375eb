"""What can go wrong outside the devices: one root, a stable code, and what the caller may do.

`drivers.errors` has the same shape for devices; decision 0002 says why the roots are two.
"""

from enum import Enum


class Retry(Enum):
    """What the caller may do after an error."""

    SAFE = "safe"
    AFTER_STATE_CHANGE = "after-state-change"
    OPERATOR = "operator"
    NEVER = "never"


class GjurmaError(Exception):
    """Root of every error that gateway and central raise on purpose."""

    code = "gjurma-error"
    retry = Retry.NEVER


class ConfigError(GjurmaError):
    """The configuration cannot be used; the process refuses to start."""

    code = "config"


class ContractError(GjurmaError):
    """Bytes that are not what the wire contract allows. They are kept as evidence."""

    code = "unreadable"


class SignatureInvalid(ContractError):
    """A signature that no valid key of the sender made."""

    code = "bad-signature"


class ChainBroken(ContractError):
    """Records that do not lead from one head to the next."""

    code = "chain-broken"


class JournalError(GjurmaError):
    """The journal cannot take a record; marking stops."""

    code = "journal"
    retry = Retry.OPERATOR


class JournalFull(JournalError):
    """No room for every record of a cycle and for the people's decision."""

    code = "journal-full"


class JournalCorrupt(JournalError):
    """The journal's bytes do not hash to its heads."""

    code = "journal-corrupt"


class LatchError(GjurmaError):
    """Marking is latched; only a new epoch ends it."""

    code = "latched"
    retry = Retry.OPERATOR


class RolledBack(LatchError):
    """The journal is older than what its guard or the register knows."""

    code = "rolled-back"


class RegisterError(GjurmaError):
    """The register will not do it."""

    code = "register"


class Conflict(RegisterError):
    """It contradicts what the register holds."""

    code = "conflict"


class NotLicensed(RegisterError):
    """No licence in force covers it."""

    code = "not-licensed"


class NotFound(RegisterError):
    """The register holds nothing of that name."""

    code = "not-found"
