"""What the lines of a TL07 controller mean to a person."""

from drivers.gravotech_tl07.codec import (
    COMMAND_END,
    REPLY_END,
    Act,
    Command,
    Done,
    Event,
    GetMaster,
    GetVariable,
    ListFiles,
    Load,
    MalformedError,
    Master,
    Refused,
    Reply,
    SetMaster,
    SetVariable,
    Splitter,
    Status,
    Text,
    decode_command,
    decode_reply,
    meaning,
)

_ACTS = {
    Act.START: "start: marks",
    Act.STOP: "stop",
    Act.ACKNOWLEDGE: "acknowledge a fault",
    Act.STATUS: "status?",
}


def explain(data: bytes, sent: bool) -> str:
    """What the whole lines in `data` mean to a person; empty where nothing is known."""
    told = []
    for line in Splitter(COMMAND_END if sent else REPLY_END).feed(data):
        try:
            told.append(_command(decode_command(line)) if sent else _reply(decode_reply(line)))
        except MalformedError:
            continue
    return "; ".join(told)


def _command(command: Command) -> str:
    match command:
        case Act():
            return _ACTS[command]
        case Load(file, count, mode):
            return f"load {file} {count} times, {mode.name.lower()}: arms"
        case SetVariable(index):
            return f"set variable {index}"
        case GetVariable(index):
            return f"variable {index}?"
        case GetMaster():
            return "may this connection command?"
        case SetMaster(on):
            return "take command" if on else "give command back"
        case ListFiles():
            return "which files?"


def _reply(reply: Reply) -> str:
    match reply:
        case Status(state, rearm, mode):
            return f"status: {state.name.lower()}, safety {rearm}, {mode.name.lower()}"
        case Done(name):
            return f"{name} done"
        case Event():
            return f"marking: {reply.name.lower()}"
        case Refused():
            return f"refused: {meaning(reply)}"
        case Master(on):
            return "it may command" if on else "it may not command"
        case Text(line):
            return f"text {line!r}"
