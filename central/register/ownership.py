"""Write ownership: which entity may change which thing of the register. Pure.

`writer` is the entity that a request or a scan acts for. None is the registry, which may change
what is anybody's.
"""

from central.register.articles.models import Disposition, EventKind


def owns(writer: str | None, *owners: str | None) -> bool:
    """Whether the writer is the registry, or one of the owners."""
    return writer is None or writer in owners


def may_report(
    writer: str | None,
    what: EventKind,
    disposition: Disposition,
    holder: str,
    recipient: str | None,
) -> bool:
    """Whether an event of that kind is the writer's to report of an article.

    `recipient`: the entity that a consignment brings the article to. A sighting is everybody's to
    report, and changes nothing. A seizure is ended by the registry alone.
    """
    match what:
        case "seen":
            return True
        case "received" if disposition == "seized":
            return owns(writer)
        case "received" | "imported":
            return owns(writer, holder, recipient)
    return owns(writer, holder)
