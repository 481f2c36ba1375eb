"""gjurma-central: the register's commands."""

import argparse
import hashlib
import json
import logging
import os
import re
import secrets
import signal
import sys
from collections.abc import Callable, Sequence
from datetime import UTC, datetime
from pathlib import Path

from sqlalchemy.exc import DBAPIError

from central import config as configuration
from central import db, embedded, keys
from central.config import Config
from central.errors import ConfigError, GjurmaError, IssueGuardUnreadable

GOOD, FINDING, WRONG_USE = 0, 1, 2
TOKEN = re.compile(r"[A-Za-z0-9_-]{43}")


def main(arguments: Sequence[str] | None = None) -> int:
    """Exit code: 0 good, 1 a finding, 2 wrong use."""
    parser = _parser()
    options = parser.parse_args(arguments)
    logging.basicConfig(
        stream=sys.stderr, level=logging.INFO, format="%(asctime)s %(name)s %(message)s"
    )
    logging.getLogger("alembic").setLevel(logging.WARNING)
    try:
        config = _configuration(options)
        command: Callable[[Config, argparse.Namespace], int] = options.command
        return command(config, options)
    except ConfigError as error:
        print(error, file=sys.stderr)
        return WRONG_USE
    except GjurmaError as error:
        print(f"{error.code}: {error}", file=sys.stderr)
        return FINDING
    except DBAPIError as error:
        print(f"database: {error.orig}", file=sys.stderr)
        return FINDING


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="gjurma-central", description=__doc__)
    commands = parser.add_subparsers(required=True, metavar="COMMAND")

    def add(
        name: str, command: Callable[[Config, argparse.Namespace], int], what: str
    ) -> argparse.ArgumentParser:
        sub = commands.add_parser(name, help=what, description=what)
        where = sub.add_mutually_exclusive_group(required=True)
        where.add_argument("--config", type=Path, metavar="FILE", help="a central.toml")
        where.add_argument(
            "--state",
            type=Path,
            metavar="DIR",
            help="a folder with central.toml; its embedded database is started if it is down",
        )
        sub.add_argument("--json", action="store_true", help="standard output is JSON alone")
        sub.set_defaults(command=command)
        return sub

    serve = add("serve", _serve, "serve the HTTP interface and the pages")
    serve.add_argument(
        "--token-file",
        type=Path,
        metavar="FILE",
        help="keep the token for writing there (mode 0600) in place of printing it",
    )
    add("ingest", _ingest, "run one ingest worker; any number may run")
    add("plan", _plan, "run the process that signs plans")
    add("migrate", _migrate, "bring the database to the newest schema; make missing keys")
    invite = add("invite", _invite, "print a one-time code that enrols a gateway")
    invite.add_argument("gateway", metavar="GATEWAY", help="<site>.<name>")
    invite.add_argument("--reason", default="", help="why a new epoch begins")
    invite.add_argument("--hours", type=int, default=24, help="how long the code can be used")
    add("reconcile", _reconcile, "print the mass balance; exit 1 if a number is unaccounted for")
    add("declare-restore", _declare_restore, "say that the database was restored from a backup")
    beyond = add("issue-beyond", _issue_beyond, "say how far numbers were issued, for the guard")
    beyond.add_argument(
        "last",
        metavar="SPACE=NUMBER",
        nargs="+",
        help="the last number of a number space that was ever issued; 0 where none was",
    )
    beyond.add_argument("--reason", required=True, help="how that is known")
    add("stop-database", _stop_database, "stop the embedded database of a state folder")
    return parser


def _configuration(options: argparse.Namespace) -> Config:
    if options.config is not None:
        return configuration.load(options.config)
    state: Path = options.state.resolve()
    config = configuration.load(state / "central.toml")
    data = state / "pg"
    if options.command is _stop_database:
        return config
    if config.database.url == embedded.url(data) and not embedded.is_up(data):
        embedded.start(data)
    return config


def _serve(config: Config, options: argparse.Namespace) -> int:
    import uvicorn

    from central.app import create_app

    token = _token(options.token_file)
    if options.token_file is None:
        # Asked for on the command line, so it is printed here, once; only its hash is kept.
        print(json.dumps({"token": token}) if options.json else f"token: {token}", flush=True)
    engine = db.make_engine(config)
    # uvicorn shuts down on a signal and raises it again when done: that then ends us, well.
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: sys.exit(GOOD))
    app = create_app(config, engine, hashlib.sha256(token.encode()).digest())
    uvicorn.run(
        app,
        host=config.http.host,
        port=config.http.port,
        log_config=None,
        access_log=False,
        timeout_graceful_shutdown=3,
    )
    engine.dispose()
    return GOOD


def _token(path: Path | None) -> str:
    """A new token, or the one that an earlier start left in the file."""
    fresh = secrets.token_urlsafe(32)
    if path is None:
        return fresh
    try:
        descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    except FileExistsError:
        kept = path.read_text().strip()
        if not TOKEN.fullmatch(kept) or path.stat().st_mode & 0o077:
            raise ConfigError(f"{path}: holds no token of ours, or others may read it") from None
        return kept
    except OSError as error:
        raise ConfigError(f"{path}: {error.strerror}") from error
    with os.fdopen(descriptor, "w") as file:
        file.write(fresh + "\n")
    return fresh


def _until_told(run: Callable[[], None], stop: Callable[[], None]) -> int:
    """Run until SIGTERM or SIGINT."""
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: stop())
    run()
    return GOOD


def _ingest(config: Config, _options: argparse.Namespace) -> int:
    from central.ingest.consumer import Worker

    worker = Worker(config, keys.load(config.keys.dir, "receipt"))
    return _until_told(worker.run, worker.stop)


def _plan(config: Config, _options: argparse.Namespace) -> int:
    from central.plan.process import PlanProcess

    process = PlanProcess(config, keys.load(config.keys.dir, "plan"))
    return _until_told(process.run, process.stop)


def _migrate(config: Config, options: argparse.Namespace) -> int:
    from central.migrations.run import upgrade

    keys.ensure(config.keys.dir)
    published = keys.publish(config.keys.dir)
    engine = db.owner_engine(config)
    upgrade(engine)
    engine.dispose()
    _tell(options, {"keys": [key.model_dump() for key in published]}, "the schema is the newest")
    return GOOD


def _invite(config: Config, options: argparse.Namespace) -> int:
    from pydantic import ValidationError

    from central.register.gateways import service
    from central.register.gateways.models import NewInvitation

    try:
        new = NewInvitation(gateway=options.gateway, reason=options.reason, hours=options.hours)
    except ValidationError as error:
        faults = error.errors(include_url=False, include_input=False)
        raise ConfigError("; ".join(f"{f['loc'][0]}: {f['msg']}" for f in faults)) from error
    engine = db.make_engine(config)
    with engine.begin() as connection:
        invitation = service.invite(connection, new)
    engine.dispose()
    _tell(options, invitation.model_dump(mode="json"), invitation.code)
    return GOOD


def _declare_restore(config: Config, options: argparse.Namespace) -> int:
    from central.register.gateways.restore import declare
    from central.register.numbers.guard import Guard, GuardFile

    engine = db.make_engine(config)
    with engine.begin() as connection:
        incarnation = declare(connection, datetime.now(UTC))
    engine.dispose()
    try:
        Guard(GuardFile(config.plan.guard)).read()
    except IssueGuardUnreadable as error:
        advice = "no number is issued before 'issue-beyond' has said how far they were"
        print(f"{error.code}: {error}; {advice}", file=sys.stderr)
    _tell(options, {"incarnation": incarnation}, f"incarnation {incarnation}")
    return GOOD


def _issue_beyond(config: Config, options: argparse.Namespace) -> int:
    from central.register.numbers.guard import Guard, GuardFile
    from central.register.numbers.issued import declare

    said = dict(map(_last_number, options.last))
    guard = Guard(GuardFile(config.plan.guard))
    engine = db.make_engine(config)
    with engine.begin() as connection:
        following = declare(connection, guard, said, options.reason)
    engine.dispose()
    lines = (f"{space}: the next number is {next_}" for space, next_ in sorted(following.items()))
    _tell(options, {"next": following}, "\n".join(lines))
    return GOOD


def _last_number(text: str) -> tuple[str, int]:
    """Out of SPACE=NUMBER."""
    space, _, number = text.rpartition("=")
    if not space or not re.fullmatch(r"\d{1,15}", number, re.ASCII):
        raise ConfigError(f"{text!r} is not SPACE=NUMBER")
    return space, int(number)


def _reconcile(config: Config, options: argparse.Namespace) -> int:
    from psycopg import IsolationLevel

    from central.reconcile.balance import reconcile, table

    connection = db.connect(config)
    connection.isolation_level = IsolationLevel.REPEATABLE_READ
    with connection:
        balance = reconcile(connection, keys.load_public(config.keys.dir))
    _tell(options, balance.told(), "\n".join(table(balance)))
    return GOOD if balance.balanced else FINDING


def _stop_database(_config: Config, options: argparse.Namespace) -> int:
    if options.state is None:
        raise ConfigError("stop-database needs --state DIR: only an embedded database is ours")
    embedded.stop(options.state / "pg")
    return GOOD


def _tell(options: argparse.Namespace, value: dict[str, object], text: str) -> None:
    print(json.dumps(value) if options.json else text, flush=True)


if __name__ == "__main__":
    sys.exit(main())
