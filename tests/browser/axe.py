"""axe-core's word on a page that is open in a browser: by which rule what is wrong, and where."""

from functools import cache
from pathlib import Path
from typing import Any

import pytest

LOOKS: dict[str, dict[str, Any]] = {
    "light": {"color_scheme": "light"},
    "dark": {"color_scheme": "dark"},
    "light-more": {"color_scheme": "light", "contrast": "more"},
    "dark-more": {"color_scheme": "dark", "contrast": "more"},
}

COLOURS = ["color-contrast"]
SHARES = [pytest.param(False, id="share"), pytest.param(True, id="whole", marks=pytest.mark.long)]
"""Parametrises a test of accessibility: a share of its pages and looks, or all of them."""

RUN = """async ({ only, without }) => {
  const chosen = only ? { runOnly: only } : {};
  for (const rule of without ?? []) chosen.rules = { ...chosen.rules, [rule]: { enabled: false } };
  const { violations } = await axe.run(document, { resultTypes: ["violations"], ...chosen });
  return violations.flatMap(({ id, nodes }) => nodes.map(({ target, failureSummary }) =>
    `${id}: ${target.join(" ")}: ${failureSummary.replace(/\\s+/g, " ")}`));
}"""
"""To be called with the rules that are to be looked at (`only`), or with those that are not."""


@cache
def source() -> str:
    """To be given by the browser's own means: the page's policy lets no foreign script in."""
    found = sorted((Path(__file__).parent / "vendor").glob("axe-core-*/axe.min.js"))
    assert found, "axe-core is not here: `make setup` brings it"
    return found[-1].read_text()
