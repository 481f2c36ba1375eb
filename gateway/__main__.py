"""gjurma-gateway: the edge agent of one production site."""

import argparse
import asyncio
import getpass
import hashlib
import json
import logging
import sys
from collections.abc import Iterator, Sequence
from contextlib import closing, contextmanager
from pathlib import Path
from typing import Any

from gateway.config import load
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

    made = command("run", _run, "Mark, read back, and publish, until it is stopped.")
    _traced(made)
    command("check", _check, "Check the configuration and the plan; connects to nothing.")
    made = command("probe", _probe, "Ask a device, or each of the configuration, what it is.")
    made.add_argument("url", nargs="?", metavar="URL", help="one device, without a configuration")
    made.add_argument("--kind", help="what is there; without it nothing is sent")
    made.add_argument(
        "--option", action="append", default=[], type=_pair, metavar="K=V", help="of that kind"
    )
    made.add_argument(
        "--only-readers",
        action="store_true",
        help="nothing that marks can be on that wire: try each kind of reader",
    )
    made.add_argument("--bytes", action="store_true", help="show the bytes both ways")
    _traced(made)
    made = command("drivers", _drivers, "List the kinds of device and their options.", config=False)
    made.add_argument("kind", nargs="?", metavar="KIND", help="this one alone")
    made.add_argument("--json", action="store_true")
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
        ("salvage", _salvage, "Write what a damaged journal still proves to PATH."),
    ):
        made = acts.add_parser(name, help=text, description=text)
        made.set_defaults(act=act)
        if name in ("export", "salvage"):
            made.add_argument("path", type=Path, metavar="PATH")
            made.add_argument("--journal", type=Path, metavar="FILE")
            if name == "salvage":
                made.add_argument(
                    "--after",
                    type=int,
                    metavar="SEQ",
                    help="from this record on, where the register holds fewer than it confirmed",
                )
        else:
            made.add_argument("journal", type=Path, nargs="?", metavar="PATH")
        made.add_argument("--config", type=Path, metavar="FILE")
        made.add_argument("--json", action="store_true")
    return parser


# A command imports what it is made of: a journal is read without what serves a screen.


def _traced(command: argparse.ArgumentParser) -> None:
    command.add_argument(
        "--trace",
        type=Path,
        metavar="FILE",
        help="record the devices' wires there; 64 MiB, and three older files",
    )


def _pair(text: str) -> tuple[str, str]:
    name, equals, value = text.partition("=")
    if not name or not equals:
        raise argparse.ArgumentTypeError(f"{text!r} is not of the form name=value")
    return name, value


@contextmanager
def _tracing(path: Path | None) -> Iterator[None]:
    """Record what goes over the wires that are opened within. Raises ConfigError."""
    from drivers.trace import TraceFile, watching

    if path is None:
        yield
        return
    try:
        file = TraceFile(path)
    except OSError as error:
        raise ConfigError(f"--trace {path}: {error.strerror}") from error
    with closing(file), watching(file):
        yield


def _run(arguments: argparse.Namespace) -> int:
    from gateway.agent import run

    with _tracing(arguments.trace):
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
    from gateway.probe import guess, listen, probe, probe_all

    url, kind, octets = arguments.url, arguments.kind, arguments.bytes
    alone = kind or arguments.option or arguments.only_readers
    if (alone and not url) or (arguments.option and not kind) or (kind and arguments.only_readers):
        raise ConfigError("write probe URL --kind KIND [--option K=V], or probe URL --only-readers")
    with _tracing(arguments.trace):
        if url is None:
            good = asyncio.run(probe_all(load(arguments.config), sys.stdout, octets))
        elif kind:
            good = asyncio.run(probe(kind, url, arguments.option, sys.stdout, octets))
        elif arguments.only_readers:
            good = asyncio.run(guess(url, sys.stdout, octets)) is not None
        else:
            asyncio.run(listen(url, sys.stdout, octets))
            good = False
    return GOOD if good else FINDING


def _drivers(arguments: argparse.Namespace) -> int:
    from drivers.catalog import names
    from gateway.kinds import described, every, in_words

    if arguments.kind is not None and arguments.kind not in names():
        raise ConfigError(f"no driver {arguments.kind!r}; there are {', '.join(names())}")
    told = every() if arguments.kind is None else [described(arguments.kind)]
    if arguments.json:
        print(json.dumps(told, ensure_ascii=False, indent=2))
    else:
        print("\n\n".join(in_words(each) for each in told))
    return FINDING if any("fault" in each for each in told) else GOOD


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
    if arguments.position:
        more["positions"] = arguments.position
    return _decide(arguments, "/settle", more, arguments.part)


def _unlatch(arguments: argparse.Namespace) -> int:
    return _decide(arguments, "/unlatch", {})


def _decide(
    arguments: argparse.Namespace, url: str, more: dict[str, object], part: int | None = None
) -> int:
    """Send what two people decide of an earlier part, or of the open one, which is shown first."""
    from gateway.local import client

    journal = newest_journal(load(arguments.config).journal)
    http = client(journal) if journal is not None else None
    if http is None:
        print("no gateway is running with this configuration; start it first", file=sys.stderr)
        return FINDING
    with closing(http):
        if part is not None:
            more["part"] = part
        elif (intent := _shown(http.get("/status").json(), arguments.station)) is not None:
            more["intent"] = intent
        else:
            return FINDING
        pins = (
            [sys.stdin.readline().rstrip("\n") for _ in arguments.witness]
            if arguments.pins_from_stdin
            else [getpass.getpass(f"PIN of {badge}: ") for badge in arguments.witness]
        )
        people = zip(arguments.witness, pins, strict=True)
        body = {
            "station": arguments.station,
            "reason": arguments.reason,
            "witnesses": [{"badge": badge, "pin": pin} for badge, pin in people],
            **more,
        }
        response = http.post(url, json=body)
    if response.status_code >= 400:
        print(response.text, file=sys.stderr)
        return FINDING
    print(response.text)
    return GOOD


def _shown(status: dict[str, Any], station: str) -> int | None:
    """Show the part that is open at a station; its intent's seq, if there is one."""
    for each in status["latches"]:
        print(f"{each['latch']}: {each['cause']}", file=sys.stderr)
    parts = {each["name"]: each["current"] for each in status["stations"]}
    if station not in parts:
        print(f"no station {station}; there are: {', '.join(parts)}", file=sys.stderr)
        return None
    current = parts[station]
    if current is None:
        print(f"nothing-to-settle: no part is open at {station}", file=sys.stderr)
        return None
    numbers = ", ".join(each["serial"] for each in current["places"] if each["due"])
    print(f"{station}: record {current['seq']} is open: {numbers}", file=sys.stderr)
    return int(current["seq"])


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


def _salvage(arguments: argparse.Namespace) -> int:
    from gateway.salvage import salvage

    guard = load(arguments.config).guard.path if arguments.config is not None else None
    done = salvage(_journal(arguments), arguments.path, guard, arguments.after)
    print(json.dumps(done.as_json()) if arguments.json else done.in_words())
    return FINDING if done.missing else GOOD


if __name__ == "__main__":
    sys.exit(main())
