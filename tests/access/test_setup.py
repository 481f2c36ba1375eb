"""The code that opens the first account."""

from central.access import setup
from central.config import load
from central.db import disposing, make_engine
from tests.support.register import Register
from tests.support.registry import PASSWORD


def test_a_second_server_leaves_the_code_of_the_first_good_and_none_is_good_afterwards() -> None:
    with Register.opened() as centre:
        codes = [centre.setup_code()]
        with disposing(make_engine(load(centre.folder / "central.toml"))) as engine:
            setup.offer(engine, codes.append)
        assert len(set(codes)) == 2
        answers = []
        with centre.http() as http:
            for number, code in enumerate(codes):
                first = {"code": code, "name": f"first-{number}", "person": "First"}
                answer = http.post("/api/v1/setup", json=first | {"password": PASSWORD})
                answers.append(answer.status_code)
        assert answers == [201, 403]
