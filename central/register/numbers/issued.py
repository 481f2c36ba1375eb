"""An officer says how far numbers were issued, where neither database nor guard can know."""

from dataclasses import replace

from central.errors import IssueGuardUnreadable, Refused
from central.register.acts import Work
from central.register.numbers import service as numbers
from central.register.numbers.guard import Following, Guard, Kept, beyond


def declare(work: Work, guard: Guard, said: Following, reason: str) -> dict[str, int]:
    """Numbers go on beyond `said`, by space the last number issued; returns the next of each.

    Makes the guard good again. Raises `Refused` where it is not and a space is left out, and
    `IssueGuardUnwritable`. A space that the register has forgotten may be named too.
    """
    numbers.lock_guard(work.connection)
    known = numbers.following(work.connection)
    try:
        former = guard.read()
    except IssueGuardUnreadable as error:
        missing = sorted(known.keys() - said.keys())
        if missing:
            raise Refused(
                f"{error}, so it has to be said of every number space; of these it was not: "
                + ", ".join(missing)
            ) from error
        former = Kept({})
    following = beyond(former.next, known, {space: last + 1 for space, last in said.items()})
    guard.write(replace(former, next=following))
    numbers.go_on_from(work, following, dict.fromkeys(said, reason))
    return following
