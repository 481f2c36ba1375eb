"""What the page of a proposal says to who looks at it, and which steps are theirs."""

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from central.screens.texts import Language, load
from central.screens.words import moment


def says(item: Mapping[str, Any], language: Language) -> list[tuple[str, str]]:
    """For whom it waits; nothing where it is decided, which its state says."""
    d = load(language, "desks")
    until = moment(datetime.fromisoformat(item["until"]))
    match item["state"]:
        case "expired":
            told = d("Nothing was done. If it is still to be done, it is proposed anew.")
            return [(d("Its time has run out"), told)]
        case "open" if item["for_you"]:
            told = d(
                "{person} proposes what stands below. Nothing of it is done yet. If you confirm it,"
                " it is done at once and for good, and what was done names both of you.",
                person=item["person"],
            )
            return [(d("It waits for your word"), told)]
        case "open":
            told = d(
                "Nothing of it is done yet. Somebody else who may do it confirms it until {until}.",
                until=until,
            )
            return [(d("It waits for another person"), told)]
    return []


def read(item: Mapping[str, Any], _: Language) -> Mapping[str, Any]:
    """What an exclusion stands on is the basis of the act too, and is told once."""
    asked = item["asked"]
    if asked.get("basis") != asked.get("legal_basis"):
        return item
    return {**item, "asked": {name: asked[name] for name in asked if name != "basis"}}


def offers(step: str, item: Mapping[str, Any]) -> bool:
    """Who proposes it withdraws it; another person has the word."""
    return bool(item["yours"] if step == "withdraw" else item["for_you"])
