"""gjurma-gateway: the edge agent of one production site."""

import argparse
import asyncio
import getpass
import hashlib
import json
import logging
import sys
from collections.abc import Sequence
from contextlib import closing
from pathlib import Path
from typing import Any

from gateway.config import GatewayConfig, load
from gateway.contract.errors import ConfigError, GjurmaError, JournalError
from gateway.store import newest_journal

GOOD, FINDING, WRONG_USE = 0, 1, 2


def main(argv: Sequence[str] | None = None) -> int:
    """Exit 0 good, 1 a finding, 2 wrong use."""
    arguments = _parser().parse_args(argv)
    logging.basicConfig(
        stream=sys.stderr, level=logging.INFO, format="%(asctime)s %(levelname)s %(message)s"
    )
    logging.getLogger("aiomqtt").setLevel(logging.CRITICAL)
    logging.getLogger("httpx").setLevel(logging.WARNING)
    logging.getLogger("pymodbus").setLevel(logging.CRITICAL)
    try:
        result: int = arguments.act(arguments)
    except ConfigError as error:
        print(error, file=sys.stderr)
        return WRONG_USE
    except GjurmaError as error:
        print(f"{error.code}: {error}", file=sys.stderr)
        return FINDING
    return result


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="gjurma-gateway", description=__doc__)
    commands = parser.add_subparsers(required=True, metavar="COMMAND")

    def command(name: str, act: Any, text: str, *, config: bool = True) -> argparse.ArgumentParser:
        made = commands.add_parser(name, help=text, description=text)
        made.set_defaults(act=act)
        if config:
            made.add_argument("--config", type=Path, default=Path("gateway.toml"), metavar="FILE")
        return made

    command("run", _run, "Mark, read back, and publish, until it is stopped.")
    command("check", _check, "Check the configuration and the plan; connects to nothing.")
    command("probe", _probe, "Connect to every device and ask what it is.")
    command("drivers", _drivers, "List the kinds of device and their options.", config=False)
    made = command("enroll", _enroll, "Open a new epoch with a one-time code from the registry.")
    made.add_argument("--code", help="asked for when it is not given")
    made.add_argument("--reason", default="new gateway", help="why there is a new epoch")
    for name, act, text in (
        ("settle", _settle, "Two people say what became of an open number."),
        ("unlatch", _unlatch, "Two people free a station and leave its number unknown."),
    ):
        made = command(name, act, text)
        made.add_argument("station")
        made.add_argument("--reason", required=True)
        made.add_argument("--witness", action="append", required=True, metavar="BADGE")
        made.add_argument(
            "--pins-from-stdin", action="store_true", help="one PIN a line, in the witnesses' order"
        )
        if name == "settle":
            made.add_argument(
                "--how", required=True, choices=("accepted", "remark", "scrapped", "voided")
            )
            made.add_argument(
                "--position", action="append", type=int, metavar="N", help="of this place alone"
            )
            made.add_argument(
                "--part", type=int, metavar="SEQ", help="an earlier part, by its intent's number"
            )
    journal = commands.add_parser("journal", help="Read a journal; changes nothing.")
    acts = journal.add_subparsers(required=True, metavar="ACT")
    for name, act, text in (
        ("verify", _verify, "Walk the chain; compare its end with the guard and the last receipt."),
        ("show", _show, "Print the records."),
        ("export", _export, "Write a consistent copy to PATH."),
    ):
        made = acts.add_parser(name, help=text, description=text)
        made.set_defaults(act=act)
        if name == "export":
            made.add_argument("path", type=Path, metavar="PATH")
            made.add_argument("--journal", type=Path, metavar="FILE")
        else:
            made.add_argument("journal", type=Path, nargs="?", metavar="PATH")
        made.add_argument("--config", type=Path, metavar="FILE")
        made.add_argument("--json", action="store_true")
    return parser


# A command imports what it is made of: a journal is read without what serves a screen.


def _run(arguments: argparse.Namespace) -> int:
    from gateway.agent import run

    return asyncio.run(run(load(arguments.config)))


def _check(arguments: argparse.Namespace) -> int:
    from gateway.check import check

    config = load(arguments.config)
    findings = check(config, arguments.config.read_text("utf-8"))
    for finding in findings:
        print(f"{arguments.config}:{finding}")
    if not findings:
        print(f"{arguments.config}: good; {len(config.station)} station(s)")
    return FINDING if findings else GOOD


def _probe(arguments: argparse.Namespace) -> int:
    return asyncio.run(_probe_all(load(arguments.config)))


async def _probe_all(config: GatewayConfig) -> int:
    from drivers.errors import DeviceError
    from drivers.protocols import CodeReader, Marker
    from gateway.agent import build_marker, build_readers

    worst = GOOD
    for station in config.station:
        marker, readers = build_marker(station), build_readers(station)
        devices: list[Marker | CodeReader] = [*([marker] if marker else []), *readers]
        for (name, _), device in zip(station.named_devices, devices, strict=True):
            try:
                await device.connect()
                found = await device.identify()
                print(f"{name}: {found.maker} {found.model} {found.version}".rstrip())
            except DeviceError as error:
                print(f"{error.code}: {error}")
                worst = FINDING
        if marker is not None:
            await marker.close()
        for reader in readers:
            await reader.shut()
    return worst


def _drivers(_: argparse.Namespace) -> int:
    from drivers.catalog import kinds

    for kind in kinds():
        options = ", ".join(
            f"{name}={field.default!r}" for name, field in kind.options.model_fields.items()
        )
        print(f"{kind.name}\t{kind.role}\t{options}")
    return GOOD


def _enroll(arguments: argparse.Namespace) -> int:
    from gateway.enrolment import enrol

    config = load(arguments.config)
    code = arguments.code or getpass.getpass("code: ")
    fingerprint = hashlib.sha256(arguments.config.read_bytes()).hexdigest()
    done = enrol(config, code.strip(), arguments.reason, fingerprint)
    print(f"{done.gateway}: epoch {done.epoch} is open; its journal is {done.journal}")
    return GOOD


def _settle(arguments: argparse.Namespace) -> int:
    more: dict[str, object] = {"how": arguments.how}
    if arguments.part is not None:
        more["part"] = arguments.part
    if arguments.position:
        more["positions"] = arguments.position
    return _decide(arguments, "/settle", more)


def _unlatch(arguments: argparse.Namespace) -> int:
    return _decide(arguments, "/unlatch", {})


def _decide(arguments: argparse.Namespace, url: str, more: dict[str, object]) -> int:
    from gateway.local import client

    journal = newest_journal(load(arguments.config).journal)
    http = client(journal) if journal is not None else None
    if http is None:
        print("no gateway is running with this configuration; start it first", file=sys.stderr)
        return FINDING
    pins = (
        [sys.stdin.readline().rstrip("\n") for _ in arguments.witness]
        if arguments.pins_from_stdin
        else [getpass.getpass(f"PIN of {badge}: ") for badge in arguments.witness]
    )
    body = {
        "station": arguments.station,
        "reason": arguments.reason,
        "witnesses": [
            {"badge": badge, "pin": pin} for badge, pin in zip(arguments.witness, pins, strict=True)
        ],
        **more,
    }
    with closing(http):
        response = http.post(url, json=body)
    if response.status_code >= 400:
        print(response.text, file=sys.stderr)
        return FINDING
    print(response.text)
    return GOOD


def _journal(arguments: argparse.Namespace) -> Path:
    if arguments.journal is not None:
        return Path(arguments.journal)
    found = newest_journal(load(arguments.config or Path("gateway.toml")).journal)
    if found is None:
        raise JournalError("there is no journal yet: the gateway is not enrolled")
    return found


def _verify(arguments: argparse.Namespace) -> int:
    from gateway.inspection import verify

    report = verify(_journal(arguments))
    print(json.dumps(report.as_json()) if arguments.json else report.in_words())
    return GOOD if report.good else FINDING


def _show(arguments: argparse.Namespace) -> int:
    from gateway.inspection import show

    for line in show(_journal(arguments), as_json=arguments.json):
        print(line)
    return GOOD


def _export(arguments: argparse.Namespace) -> int:
    from gateway.inspection import export

    count = export(_journal(arguments), arguments.path)
    print(json.dumps({"records": count}) if arguments.json else f"{count} records written")
    return GOOD


if __name__ == "__main__":
    sys.exit(main())
