"""The command line: names, order, and the one place where errors become words and exit codes.

Start-up is most of what a short command costs. So `--version` is answered before anything is imported, and only the
module of the command that was named is loaded; what is heavy it imports inside its function.
"""

from __future__ import annotations

import contextlib
import errno
import sys
from importlib import import_module
from typing import TYPE_CHECKING, NoReturn

if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import Any, TextIO

    import typer

    from .words.errors import WhcliError

COMMANDS = {
    "listen": ("listen", "Capture webhooks of any kind: store, show, forward, answer."),
    "list": ("list_events", "List captured events, the newest last."),
    "show": ("show", "Show one event: headers, body, and what was sent for it."),
    "diff": ("diff", "Compare two events; JSON and form bodies field by field."),
    "replay": ("replay", "Send captured events again, byte for byte, signed afresh."),
    "test": ("test", "Send fixtures to a handler, and check what it does."),
    "send": ("send", "Send a provider's sample event, signed as it would be."),
    "sign": ("sign", "Print the headers with which a provider would sign a body."),
    "verify": ("verify", "Say whether a signature holds; if it does not, why."),
    "schemes": ("schemes", "List and explain signature schemes; make keys for tests."),
    "handshake": ("handshake", "Ask what a provider asks at set-up, and check the answer."),
    "wait": ("wait", "Wait until matching events are in the store."),
    "assert": ("assert_events", "Check what came: how many, in which order, signed, once."),
    "export": ("export", "Write events to files that are safe for git."),
    "import": ("import_events", "Read events from fixtures, HAR, curl and other files."),
    "fixtures": ("fixtures", "Look for secrets in fixtures; print the test secrets."),
    "rm": ("rm", "Delete captured events and their deliveries."),
    "store": ("store", "Look at the store as a whole, copy it, give space back."),
    "tls": ("tls", "Show the certificates of listen --tls; how to trust them."),
    "doctor": ("doctor", "Check store, configuration, secrets, port, clock and more."),
    "demo": ("demo", "See it work: captured, verified, replayed, in 3 seconds."),
    "schema": ("schema", "Print the JSON Schema of an object that --json writes."),
    "completion": ("completion", "Print the completion script of bash, zsh or fish."),
    "help": ("help_topics", "Show a topic, such as exit-codes or filters, or a command."),
}
"""Command -> module in `commands/`, and what it does in a line of 60 letters; in the order that help lists them."""

ALIASES = {"ls": "list"}
COMPLETE = "__complete"  # what the scripts of `whcli completion` ask
ISSUES = "please report it with that file at the project's issue tracker"


def program() -> NoReturn:
    """The entry point of `whcli` and `python -m whcli`: `main` in a process of its own.

    Nothing that is made while starting is garbage, so nobody looks for any before the command runs; and the interpreter
    is not taken down piece by piece at the end. Together that was a fifth of the time of `whcli sign`.
    """
    import gc

    gc.disable()
    try:
        main()
    except SystemExit as ended:
        _leave(ended)
    except KeyboardInterrupt:  # before `run` could take it
        _leave(SystemExit(_interrupted(sys.argv[1:])))


def _leave(ended: SystemExit) -> NoReturn:
    """End at once, when nobody else has something to finish; what asked to be called at the end is."""
    import atexit
    import os

    if (threading := sys.modules.get("threading")) and any(
        not each.daemon and each is not threading.main_thread() for each in threading.enumerate()
    ):
        raise ended
    atexit._run_exitfuncs()
    for stream in (sys.stdout, sys.stderr):
        with contextlib.suppress(OSError, ValueError):  # it was closed, or nobody reads it any more
            stream.flush()
    os._exit(ended.code if isinstance(ended.code, int) else 0)


def main() -> NoReturn:
    """Run the command that the arguments name; raises SystemExit with its exit code."""
    _open_streams()
    if sys.argv[1:2] == ["listen"]:
        _end_as_by_ctrl_c()
    sys.exit(run(_everywhere(sys.argv[1:])))


def _open_streams() -> None:
    """A standard stream that was closed (`>&-`) leads nowhere, in this order: each takes the lowest free number."""
    import os

    for name, mode in (("stdin", "r"), ("stdout", "w"), ("stderr", "w")):
        if getattr(sys, name) is None:
            setattr(sys, name, os.fdopen(os.open(os.devnull, os.O_RDWR), mode))


EVERYWHERE = {"--debug": ("WHCLI_DEBUG", "1"), "--no-pager": ("WHCLI_PAGER", "")}
"""Flags that every command takes, at any place: each is short for a variable."""


def _everywhere(arguments: list[str]) -> list[str]:
    """The arguments without the flags for everywhere, which are set; behind `--` nothing is a flag."""
    import os

    end = arguments.index("--") if "--" in arguments else len(arguments)
    for flag in EVERYWHERE.keys() & set(arguments[:end]):
        name, value = EVERYWHERE[flag]
        os.environ[name] = value
    left = [each for each in arguments[:end] if each not in EVERYWHERE] + arguments[end:]
    return left[1:] if left[:1] == ["--"] else left


def version(rest: list[str]) -> int:
    """One line, before anything heavy is imported."""
    from . import __version__

    if "--json" in rest:
        import platform
        import sqlite3

        from .rules.archive import line

        about = {"version": __version__, "python": platform.python_version(), "sqlite": sqlite3.sqlite_version}
        sys.stdout.write(line({"schema": "whcli.version/1", **about, "platform": platform.platform()}) + "\n")
    else:
        sys.stdout.write(f"whcli {__version__}\n")
    return 0


def run(arguments: list[str]) -> int:
    """Run one command; its exit code."""
    from .words.errors import Exit, WhcliError

    try:
        code = version(arguments[1:]) if arguments[:1] in (["--version"], ["-V"]) else _call(arguments)
        sys.stdout.flush()
        return code
    except WhcliError as error:
        return _explain(error, arguments)
    except KeyboardInterrupt:
        return _interrupted(arguments)
    except BrokenPipeError:
        _drop(sys.stdout)
        return Exit.CLOSED_PIPE
    except OSError as error:
        tell = _unwritten if error.errno in FULL else _too_many if error.errno in TOO_MANY else _crashed
        return tell(error, arguments)
    except Exception as error:
        return _crashed(error, arguments)


def _end_as_by_ctrl_c() -> None:
    """SIGTERM is an interrupt until the listener has handlers of its own."""
    import signal

    if signal.getsignal(signal.SIGTERM) is signal.SIG_DFL:
        signal.signal(signal.SIGTERM, signal.default_int_handler)


def _interrupted(arguments: list[str]) -> int:
    """The exit code of a command that was cut short; `listen` is ended so, and has kept all that it took: 0."""
    return 0 if arguments[:1] == ["listen"] else 130


def _call(arguments: list[str]) -> int:
    """Parse and run; click's own complaints become ours.

    The command is invoked without click's `main`, which would turn a closed pipe into exit 1.
    """
    if arguments[:1] == [COMPLETE]:
        from .commands.completing import complete

        return complete(arguments[1:])
    import typer
    from typer._click.exceptions import ClickException, NoArgsIsHelpError  # typer keeps a click of its own

    from .words.errors import Exit

    try:
        command = typer.main.get_command(application(arguments))
        with command.make_context("whcli", arguments or ["--help"]) as context:
            _collect_from_now_on()
            result = command.invoke(context)
    except typer.Exit as ended:
        return ended.exit_code
    except NoArgsIsHelpError as error:
        sys.stdout.write(error.format_message() + "\n")
        return Exit.DONE
    except ClickException as error:
        raise _usage(error, arguments) from error
    except typer.Abort:
        return Exit.INTERRUPTED
    return int(result or 0)


def _collect_from_now_on() -> None:
    """Look for garbage again: never among what is there now, and seldom, since what commands read in is none."""
    import gc

    if not gc.isenabled():
        gc.freeze()
        gc.set_threshold(10_000)
        gc.enable()


def application(arguments: list[str]) -> typer.Typer:
    """The Typer application with the command that the arguments name, or with the names of all, for help."""
    import typer

    app = typer.Typer(
        add_completion=False,
        rich_markup_mode=None,
        pretty_exceptions_enable=False,
        context_settings={"help_option_names": ["-h", "--help"]},
        help="Capture any webhook on your machine, keep it byte for byte, and send it again as if the provider had "
        "sent it just now.",
        epilog="Start with: whcli demo. Exit codes, filters, configuration: whcli help.",
    )
    app.callback()(_evaluated(_callback()))
    named = arguments[0] if arguments else ""
    name = ALIASES.get(named, named)
    if name in COMMANDS:
        _register(app, name, named)
    else:
        for command, (_, summary) in COMMANDS.items():
            app.command(name=command, help=summary)(lambda: None)
    return app


def _callback() -> Callable[..., None]:
    """Options before the command, for its help: `main` and `run` have dealt with them already."""
    import typer

    def options(
        version: bool = typer.Option(False, "--version", "-V", help="Print the version."),
        debug: bool = typer.Option(False, "--debug", help="Show the traceback of a crash; at any place."),
        no_pager: bool = typer.Option(False, "--no-pager", help="Print long output at once; at any place."),
    ) -> None:
        pass

    return options


def _register(app: typer.Typer, command: str, name: str) -> None:
    module = import_module(f"{__package__}.commands.{COMMANDS[command][0]}")
    if hasattr(module, "app"):
        app.add_typer(module.app, name=name)
    else:
        app.command(name=name, epilog=module.EXAMPLES, cls=_shape(module))(_evaluated(module.command))


def _evaluated(command: Callable[..., Any]) -> Callable[..., Any]:
    """The function with its annotations evaluated: typer would do that four times with each that is left as a text."""
    from typing import get_type_hints

    command.__annotations__ = get_type_hints(command, include_extras=True)
    return command


def _shape(module: Any) -> Any:
    """The command's class: one with sections in its help, where the module has a table of them."""
    from .commands.sections import Command, in_sections

    return in_sections(module.SECTIONS) if hasattr(module, "SECTIONS") else Command


def _usage(error: Any, arguments: list[str]) -> WhcliError:
    from typer._click.exceptions import ClickException

    from .words.errors import WrongUsage

    text = error.format_message() if isinstance(error, ClickException) else str(error)
    text, _, meant = text.partition(". Did you mean ")
    if possible := getattr(error, "possibilities", None):
        text, meant = error.message, " or ".join(f"'{each}'" for each in possible)
    details = (("did you mean", meant.rstrip("?").replace(", ", " or ")),) if meant else ()
    context = getattr(error, "ctx", None)
    path = context.command_path if context else "whcli"
    return WrongUsage(text.rstrip(".").replace("\n", " "), details=details, next=f"{path} --help")


def _explain(error: WhcliError, arguments: list[str]) -> int:
    from .hands.render import show_error

    try:
        sys.stdout.flush()
    except OSError:
        _drop(sys.stdout)
    try:
        show_error(error, json="--json" in arguments, colour=_colour(arguments))
    except OSError:
        _drop(sys.stderr)
    return error.exit


def _colour(arguments: list[str]) -> str:
    """What `--color` says, for a mistake that ended the command: it may lie in the arguments themselves."""
    words = " ".join(arguments).replace("--color ", "--color=").split()
    said = [each.removeprefix("--color=") for each in words if each.startswith("--color=")]
    return said[-1] if said and said[-1] in ("always", "never") else "auto"


FULL = (errno.ENOSPC, errno.EDQUOT, errno.EFBIG, errno.EIO)
"""Why a file, a device or a terminal that went away takes no more output."""


def _unwritten(error: OSError, arguments: list[str]) -> int:
    """Standard output took no more. What failed in the store or in a file is named by who wrote there."""
    from .words.errors import Exit, WhcliError

    _drop(sys.stdout)
    full = WhcliError(
        f"standard output cannot be written: {error.strerror}",
        next="make room, or send it elsewhere: whcli ... > FILE",
        code="output_failed",
    )
    full.exit = Exit.DOES_NOT_HOLD
    return _explain(full, arguments)


TOO_MANY = (errno.EMFILE, errno.ENFILE)
"""Why no further file or connection can be opened: the limit of this process, or that of the machine."""


def _too_many(error: OSError, arguments: list[str]) -> int:
    """The limit is far below what any command needs, or others have taken all there are."""
    from .words.errors import Exit, WhcliError

    few = WhcliError(f"no more files can be opened: {error.strerror}", next="ulimit -n 1024", code="too_many_files")
    few.exit = Exit.DOES_NOT_HOLD
    return _explain(few, arguments)


def _drop(stream: TextIO) -> None:
    """Nobody takes this output any more: let the interpreter's last flush go nowhere instead of failing."""
    import os

    os.dup2(os.open(os.devnull, os.O_WRONLY), stream.fileno())


def _crashed(error: Exception, arguments: list[str]) -> int:
    """A bug of ours: one line and a crash log."""
    import os
    import traceback

    from .words.errors import Exit, WhcliError
    from .words.secret import without_secrets

    name = type(error).__name__
    try:
        bug = WhcliError(f"this is a bug in whcli ({name}): the crash log is {_log(error)}", next=ISSUES, code="bug")
    except OSError as full:
        why = f"this is a bug in whcli ({name}), and no crash log can be written: {full.strerror}"
        bug = WhcliError(why, next="the same with --debug shows where; please report that", code="bug")
    bug.exit = Exit.BUG
    code = _explain(bug, arguments)
    if os.environ.get("WHCLI_DEBUG"):
        sys.stderr.write(without_secrets("".join(traceback.format_exception(error))))
    return code


def _log(error: Exception) -> str:
    """Write where it happened; the path. The log holds no arguments and no values, so no secret either."""
    import os
    import tempfile
    import traceback

    from . import __version__

    handle, path = tempfile.mkstemp(prefix="whcli-crash-", suffix=".log")  # mode 0600
    with os.fdopen(handle, "w") as log:
        log.write(f"whcli {__version__}, Python {sys.version}\n")
        log.write("".join(traceback.format_tb(error.__traceback__)) + type(error).__name__ + "\n")
    return path
