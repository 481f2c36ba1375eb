"""What Schemathesis checks besides its own: a request that fits the description is not malformed.

Loaded by tests/api/schemathesis.toml.
"""

from typing import Any

import schemathesis

from central.api.batches import BATCH
from central.api.questions import QUESTION

schemathesis.serializer.alias(BATCH, "application/octet-stream")
schemathesis.serializer.alias(QUESTION, "application/octet-stream")


@schemathesis.check
def what_fits_is_not_malformed(
    ctx: schemathesis.CheckContext, response: schemathesis.Response, case: schemathesis.Case[Any]
) -> None:
    """422 is then a rule's word: about the request as a whole, or by a validator of our own."""
    if case.meta is None or not case.meta.generation.mode.is_positive:
        return
    if response.status_code == 400:
        raise AssertionError("what fits the description is not readable")
    if response.status_code != 422:
        return
    problem = response.json()
    by_a_rule = problem["where"].startswith("/") or "Value error, " in problem["detail"]
    # A schema takes 1.0 for an integer; we do not, so that one value has one spelling.
    strict = problem["detail"].endswith("Input should be a valid integer")
    assert by_a_rule or strict, f"what fits the description is malformed: {problem['detail']}"
