"""What the lines of a Keyence MD mean to a person."""

from drivers.keyence_md.codec import (
    Accepted,
    Act,
    Answer,
    Command,
    Dialect,
    GetCounter,
    GetMarked,
    GetText,
    MalformedError,
    Question,
    Refused,
    Reply,
    SelectJob,
    SetCounter,
    SetLock,
    SetShutter,
    SetText,
    Splitter,
    decode_command,
    decode_reply,
    meaning,
)

_ACTS = {Act.START: "start: marks", Act.STOP: "stop", Act.CLEAR: "clear errors"}
_QUESTIONS = {
    Question.JOB: "which job?",
    Question.READY: "ready?",
    Question.ERRORS: "errors?",
    Question.LOCK: "locked?",
    Question.SHUTTER: "shutter open?",
}


def explain(data: bytes, sent: bool) -> str:
    """What the whole lines in `data` mean to a person; empty where nothing is known."""
    told = []
    for line in Splitter().feed(data):
        try:
            told.append(_sent(line) if sent else _reply(decode_reply(line)))
        except MalformedError:
            continue
    return "; ".join(told)


def _sent(line: bytes) -> str:
    """In whichever dialect it is. Raises MalformedError."""
    try:
        return _command(decode_command(line, Dialect.JOB))
    except MalformedError:
        return _command(decode_command(line, Dialect.PROGRAM))


def _command(command: Command) -> str:
    match command:
        case Act():
            return _ACTS[command]
        case Question():
            return _QUESTIONS[command]
        case SelectJob(job):
            return f"choose job {job}"
        case SetText(job, block):
            return f"set text of job {job}, block {block}: stays"
        case GetText(job, block):
            return f"text of job {job}, block {block}?"
        case GetMarked(job, block):
            return f"text last marked of job {job}, block {block}?"
        case SetLock(on):
            return "lock triggers" if on else "unlock triggers: arms"
        case SetShutter(is_open):
            return "open the shutter" if is_open else "close the shutter"
        case SetCounter(_, name, value):
            return f"set counter {name} to {value}"
        case GetCounter(_, name):
            return f"counter {name}?"


def _reply(reply: Reply) -> str:
    match reply:
        case Accepted():
            return "done"
        case Answer(data):
            return f"answer {data!r}"
        case Refused():
            return f"refused: {meaning(reply)}"
