"""gjurma-central: the register's commands."""

import argparse
import json
import logging
import os
import re
import signal
import sys
import time
from collections.abc import Callable, Sequence
from dataclasses import asdict
from datetime import UTC, datetime
from pathlib import Path
from typing import get_args

from sqlalchemy.exc import DBAPIError

from central import config as configuration
from central import db, embedded, keys
from central.config import Config
from central.errors import ConfigError, GjurmaError, IssueGuardUnreadable
from central.register.imports.models import ImportKind

GOOD, FINDING, WRONG_USE = 0, 1, 2


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
        "--setup-file",
        type=Path,
        metavar="FILE",
        help="keep the first administrator's code there (mode 0600) in place of printing it",
    )
    add("ingest", _ingest, "run one ingest worker; any number may run")
    add("plan", _plan, "run the process that signs plans")
    add("watch", _watch, "run the process that raises alerts and sends word of them")
    add("scans", _scans, "run the process that turns scans into events")
    add("migrate", _migrate, "bring the database to the newest schema; make missing keys")
    invite = add("invite", _invite, "print a one-time code that enrols a gateway")
    invite.add_argument("gateway", metavar="GATEWAY", help="<site>.<name>")
    invite.add_argument("--reason", default="", help="why a new epoch begins")
    invite.add_argument("--hours", type=int, default=24, help="how long the code can be used")
    bring = add("import", _import, "take in a file of stock of before, of entities or of lots")
    bring.add_argument("file", type=Path, metavar="FILE", help="CSV or XLSX")
    bring.add_argument("--kind", required=True, choices=get_args(ImportKind))
    bring.add_argument("--number", help="the import's; the same again goes on where it was")
    bring.add_argument("--reason", default="", help="why, or by which document")
    bring.add_argument("--dry-run", action="store_true", help="say what would become of it")
    rescue = add("salvage", _salvage, "take in what gjurma-gateway journal salvage wrote")
    rescue.add_argument("file", type=Path, metavar="FILE")
    rescue.add_argument("--reason", required=True, help="what befell the journal")
    add("reconcile", _reconcile, "print the mass balance; exit 1 if a number is unaccounted for")
    add("rebuild", _rebuild, "build the register anew from acts and batches; exit 1 if it differs")
    again = add("judge", _judge, "judge batches again that ingest could not judge")
    again.add_argument("--reason", required=True, help="what has changed since")
    add("dispute-forks", _dispute_forks, "dispute the marks of forks kept before migration 0033")
    fill = add("generate", _generate, "fill an empty register with a life made up, for trials")
    fill.add_argument("--items", type=int, required=True, help="about how many marks")
    fill.add_argument("--seed", type=int, default=1, help="the same again gives the same register")
    fill.add_argument("--workers", type=int, default=os.cpu_count() or 1, help="processes")
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

    from central.access import setup
    from central.app import create_app, prepare
    from central.pools import Pools

    with db.disposing(Pools.opened(config)) as pools:
        setup.offer(pools.entrance, lambda code: _tell_setup(config, options, code))
        # uvicorn shuts down on a signal and raises it again when done: that then ends us, well.
        for number in (signal.SIGTERM, signal.SIGINT):
            signal.signal(number, lambda *_: sys.exit(GOOD))
        prepare()
        app = create_app(config, pools)
        uvicorn.run(
            app,
            host=config.http.host,
            port=config.http.port,
            log_config=None,
            access_log=False,
            server_header=False,
            ssl_certfile=config.http.certificate,
            ssl_keyfile=config.http.key,
            timeout_graceful_shutdown=3,
        )
    return GOOD


def _tell_setup(config: Config, options: argparse.Namespace, code: str) -> None:
    if options.setup_file is not None:
        _write_secret(options.setup_file, code)
        return
    where = config.http.address
    text = f"no account yet. The first administrator, once: {where}/setup with the code {code}"
    _tell(options, {"setup": code}, text)


def _write_secret(path: Path, secret: str) -> None:
    """Whole or not at all, and for nobody else's eyes."""
    fresh = path.with_name(f".{path.name}.new")
    try:
        fresh.unlink(missing_ok=True)
        descriptor = os.open(fresh, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        with os.fdopen(descriptor, "w") as file:
            file.write(secret + "\n")
        fresh.rename(path)
    except OSError as error:
        raise ConfigError(f"{path}: {error.strerror}") from error


def _until_told(run: Callable[[], None], stop: Callable[[], None]) -> int:
    """Run until SIGTERM or SIGINT."""
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: stop())
    run()
    return GOOD


def _ingest(config: Config, _options: argparse.Namespace) -> int:
    from central.ingest.consumer import Worker

    folder = config.keys.dir
    plan_keys = keys.plan_keys(keys.load_public(folder))
    worker = Worker(config, keys.load(folder, "receipt"), plan_keys)
    return _until_told(worker.run, worker.stop)


def _plan(config: Config, _options: argparse.Namespace) -> int:
    from central.plan.process import PlanProcess

    process = PlanProcess(config, keys.load(config.keys.dir, "plan"))
    return _until_told(process.run, process.stop)


def _watch(config: Config, _options: argparse.Namespace) -> int:
    from central.alerts import mail
    from central.alerts.process import Watch

    if config.alerts.mail is not None:
        mail.check(config.alerts.mail)
    process = Watch(config, keys.load(config.keys.dir, keys.ALERT))
    return _until_told(process.run, process.stop)


def _scans(config: Config, _options: argparse.Namespace) -> int:
    from central.scans.process import Scans

    process = Scans(config)
    return _until_told(process.run, process.stop)


def _migrate(config: Config, options: argparse.Namespace) -> int:
    from central.migrations.run import upgrade

    keys.ensure(config.keys.dir)
    published = keys.publish(config.keys.dir)
    with db.disposing(db.owner_engine(config)) as engine:
        upgrade(engine)
    _tell(options, {"keys": [key.model_dump() for key in published]}, "the schema is the newest")
    return GOOD


def _invite(config: Config, options: argparse.Namespace) -> int:
    from pydantic import ValidationError

    from central.register.acts import By, Work
    from central.register.gateways import service
    from central.register.gateways.models import NewInvitation

    try:
        new = NewInvitation(gateway=options.gateway, reason=options.reason, hours=options.hours)
    except ValidationError as error:
        faults = error.errors(include_url=False, include_input=False)
        raise ConfigError("; ".join(f"{f['loc'][0]}: {f['msg']}" for f in faults)) from error
    with db.disposing(db.make_engine(config)) as engine, engine.begin() as connection:
        invitation = service.invite(Work(connection, By.command()), new)
    _tell(options, invitation.model_dump(mode="json"), invitation.code)
    return GOOD


def _dispute_forks(config: Config, options: argparse.Namespace) -> int:
    from central.reconcile.forks import dispute_kept_forks

    with db.connect(config) as connection, connection.transaction():
        count = dispute_kept_forks(connection, datetime.now(UTC))
    _tell(options, {"marks": count}, f"{count} marks are disputed that were not")
    return GOOD


def _declare_restore(config: Config, options: argparse.Namespace) -> int:
    from central.register.acts import By, Work
    from central.register.gateways.restore import declare
    from central.register.numbers.guard import Guard, GuardFile

    with db.disposing(db.make_engine(config)) as engine, engine.begin() as connection:
        incarnation = declare(Work(connection, By.command()), datetime.now(UTC))
    try:
        Guard(GuardFile(config.plan.guard)).read()
    except IssueGuardUnreadable as error:
        advice = "no number is issued before 'issue-beyond' has said how far they were"
        print(f"{error.code}: {error}; {advice}", file=sys.stderr)
    _tell(options, {"incarnation": incarnation}, f"incarnation {incarnation}")
    return GOOD


def _issue_beyond(config: Config, options: argparse.Namespace) -> int:
    from central.register.acts import By, Work
    from central.register.numbers.guard import Guard, GuardFile
    from central.register.numbers.issued import declare

    said = dict(map(_last_number, options.last))
    guard = Guard(GuardFile(config.plan.guard))
    with db.disposing(db.make_engine(config)) as engine, engine.begin() as connection:
        following = declare(Work(connection, By.command()), guard, said, options.reason)
    lines = (f"{space}: the next number is {next_}" for space, next_ in sorted(following.items()))
    _tell(options, {"next": following}, "\n".join(lines))
    return GOOD


def _last_number(text: str) -> tuple[str, int]:
    """Out of SPACE=NUMBER."""
    space, _, number = text.rpartition("=")
    if not space or not re.fullmatch(r"\d{1,15}", number, re.ASCII):
        raise ConfigError(f"{text!r} is not SPACE=NUMBER")
    return space, int(number)


def _import(config: Config, options: argparse.Namespace) -> int:
    """A row that is refused is a finding; the others are in the register all the same."""
    from central.register.imports.command import rehearse, take_in

    try:
        content = options.file.read_bytes()
    except OSError as error:
        raise ConfigError(f"{options.file}: {error.strerror}") from error
    if not options.dry_run and not options.number:
        raise ConfigError("--number: what the import is called, or --dry-run")
    with db.disposing(db.make_engine(config)) as engine:
        if options.dry_run:
            told, lines = rehearse(engine, options.kind, content)
        else:
            asked = {"number": options.number, "kind": options.kind, "reason": options.reason}
            told, lines = take_in(engine, asked | {"file": options.file.name}, content)
    _tell(options, told, "\n".join(lines))
    return FINDING if told["refused"] else GOOD


def _salvage(config: Config, options: argparse.Namespace) -> int:
    from central.ingest.salvage import take
    from central.plan import doubts
    from central.register.acts import By, Work

    try:
        content = options.file.read_bytes()
    except OSError as error:
        raise ConfigError(f"{options.file}: {error.strerror}") from error
    with db.disposing(db.make_engine(config)) as engine, engine.begin() as connection:
        plan_keys = keys.plan_keys(keys.load_public(config.keys.dir))
        work = Work(connection, By.command())
        done = take(work, content, options.reason, plan_keys)
        doubts.enter_of_ended(work, done.gateway, done.epoch)
    lines = [
        f"{done.gateway}, epoch {done.epoch}",
        f"  {done.records} records taken in, {done.known} were here already",
        *(f"  missing: records {span.first} to {span.last}" for span in done.missing),
    ]
    _tell(options, done.model_dump(mode="json"), "\n".join(lines))
    return FINDING if done.missing else GOOD


def _reconcile(config: Config, options: argparse.Namespace) -> int:
    from psycopg import IsolationLevel

    from central.reconcile.balance import reconcile, table
    from central.register.incarnation import ensure_current

    with db.disposing(db.make_engine(config)) as engine, engine.connect() as current:
        ensure_current(current)
    connection = db.connect(config)
    connection.isolation_level = IsolationLevel.REPEATABLE_READ
    with connection:
        balance = reconcile(connection, keys.load_public(config.keys.dir))
    _tell(options, balance.told(), "\n".join(table(balance)))
    return GOOD if balance.balanced else FINDING


def _rebuild(config: Config, options: argparse.Namespace) -> int:
    from central.reconcile.rebuild import rebuild

    with db.disposing(db.owner_engine(config)) as engine, engine.connect() as connection:
        connection.execution_options(isolation_level="REPEATABLE READ")
        with connection.begin() as transaction:
            rebuilt = rebuild(connection, keys.load_public(config.keys.dir))
            transaction.rollback()
    lines = [
        f"{rebuilt.acts} acts, {rebuilt.plans} plans and {rebuilt.batches} batches give"
        f" {rebuilt.rows} rows in {rebuilt.tables} tables: "
        + ("identical" if rebuilt.identical else f"{len(rebuilt.differences)} rows DIFFER"),
        *map(str, rebuilt.differences),
    ]
    counts = {name: getattr(rebuilt, name) for name in ("acts", "plans", "batches", "rows")}
    told = [str(each) for each in rebuilt.differences]
    _tell(
        options,
        {"identical": rebuilt.identical, **counts, "differences": told},
        "\n".join(lines),
    )
    return GOOD if rebuilt.identical else FINDING


def _judge(config: Config, options: argparse.Namespace) -> int:
    from central.reconcile.judging import judge_again
    from central.register.acts import By, Work

    with db.disposing(db.owner_engine(config)) as engine, engine.connect() as connection:
        connection.execution_options(isolation_level="REPEATABLE READ")
        with connection.begin():
            work = Work(connection, By.command())
            batches = judge_again(work, options.reason, keys.load_public(config.keys.dir))
    lines = [f"{batch}: judged" for batch in batches]
    told = [asdict(batch) for batch in batches]
    _tell(options, {"judged": told}, "\n".join(lines) or "every batch is judged")
    return GOOD


def _generate(config: Config, options: argparse.Namespace) -> int:
    from central.generate.run import generate

    if options.items < 1 or options.workers < 1:
        raise ConfigError("--items and --workers are 1 at least")
    began = time.monotonic()

    def tell(what: str) -> None:
        print(f"{time.monotonic() - began:7.1f} s  {what}", file=sys.stderr, flush=True)

    tell("nothing of what is written now was ever made: a register for trials, by COPY")
    made = generate(config, options.items, options.seed, options.workers, tell)
    seconds = round(time.monotonic() - began, 1)
    told = asdict(made) | {"seconds": seconds}
    text = ", ".join(f"{value} {name}" for name, value in told.items() if name != "seed")
    _tell(options, told, f"generated with seed {options.seed}: {text}")
    return GOOD


def _stop_database(_config: Config, options: argparse.Namespace) -> int:
    if options.state is None:
        raise ConfigError("stop-database needs --state DIR: only an embedded database is ours")
    embedded.stop(options.state / "pg")
    return GOOD


def _tell(options: argparse.Namespace, value: dict[str, object], text: str) -> None:
    print(json.dumps(value) if options.json else text, flush=True)


if __name__ == "__main__":
    sys.exit(main())
