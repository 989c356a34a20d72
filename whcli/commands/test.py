"""`whcli test`: fixtures as tests of a handler."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import closing, contextmanager, nullcontext
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from ..words.errors import Exit, WrongUsage
from .options import Ca, Colour, Insecure, Json, PublicUrl, Secrets, StoreDir, Yes, certificates_of, colour_of

if TYPE_CHECKING:
    from ..hands.app import App
    from ..hands.config import Config
    from .testing.run import Run
    from .testing.telling import Telling
    from .trust import Trust

EXAMPLES = """Examples:

  whcli test tests/hooks/ --to http://localhost:3000

  whcli test tests/hooks/ --start 'npm start' --to http://localhost:3000 --junit report.xml

  whcli test tests/hooks/ --to http://localhost:3000 --update        keeps the replies, to be compared from then on

A fixture says under "expect" what is asked: status, headers, body, max_time, idempotent, ignore. Without it: 2xx.
"""


def command(
    paths: Annotated[list[str], typer.Argument(help="Fixtures that `whcli export` wrote, or folders of them.")],
    to: Annotated[
        str | None, typer.Option(help="The handler: a URL or a name in [targets] (default: [listen] forward).")
    ] = None,
    word: Annotated[str | None, typer.Option("-k", help="Only tests with this in name, provider or type.")] = None,
    verbose: Annotated[bool, typer.Option("--verbose", "-v", help="Names instead of dots.")] = False,
    first: Annotated[bool, typer.Option("--exitfirst", "-x", help="Stop at the first failure.")] = False,
    update: Annotated[bool, typer.Option("--update", help="Write the replies into the fixtures as snapshots.")] = False,
    start: Annotated[str | None, typer.Option(help="A command that starts the handler, until the end.")] = None,
    ready: Annotated[str | None, typer.Option(help="A URL that answers once it is up (default: --to).")] = None,
    ready_timeout: Annotated[str, typer.Option(help="How long the start may take.")] = "30s",
    junit: Annotated[Path | None, typer.Option(help="Write a JUnit report here.")] = None,
    probe: Annotated[str | None, typer.Option(help="A command that prints the handler's state.")] = None,
    probe_url: Annotated[str | None, typer.Option(help="A URL that answers with the handler's state.")] = None,
    settle: Annotated[str | None, typer.Option(help="How long the state may take to come to rest: 500ms.")] = None,
    reset: Annotated[str | None, typer.Option(help="A command that clears the state, before each test.")] = None,
    new_id: Annotated[bool, typer.Option("--new-id", help="With fresh delivery ids.")] = False,
    shift_time: Annotated[str | None, typer.Option(help="Move all times along: now, 2h, -30d.")] = None,
    exact_url: Annotated[bool, typer.Option("--exact-url", help="Use the target as it stands.")] = False,
    no_resign: Annotated[bool, typer.Option("--no-resign", help="Send the old signatures.")] = False,
    secret: Secrets = None,
    public_url: PublicUrl = None,
    timeout: Annotated[str, typer.Option(help="How long the handler may take; 0 for ever.")] = "30s",
    send_credentials: Annotated[
        bool, typer.Option("--send-credentials", help="Send captured Authorization and cookies to another machine too.")
    ] = False,
    ca: Ca = None,
    insecure: Insecure = False,
    store: StoreDir = None,
    yes: Yes = False,
    colour: Colour = "auto",
    json: Json = False,
) -> int:
    """Send fixtures to a handler, signed afresh, and check that it answers as they expect."""
    from ..hands.config import load_config, store_folder
    from ..hands.events import Source
    from ..hands.files import check_report
    from ..hands.keyring import Keyring
    from ..hands.render import stdout
    from ..hands.sending.replayer import Changes, Chosen, Replayer
    from ..hands.storing.store import kept_in
    from ..rules.replaying.report import JUNIT
    from ..rules.replaying.shift import shift_of
    from ..rules.text import seconds
    from .replaying.proof import output_of, state_of
    from .testing.chosen import trials_of
    from .testing.run import Manners, Run
    from .testing.telling import Telling
    from .trust import Trust

    config, folder = load_config(), store_folder(store)
    target = target_of(to, config)
    if junit is not None:
        check_report(junit, JUNIT)
    if settle is not None and probe is None and probe_url is None:
        raise WrongUsage("--settle is for --probe or --probe-url", next="whcli test --help")
    if ready is not None and start is None:
        raise WrongUsage("--ready goes with --start", next="add --start 'COMMAND'")
    certificates = certificates_of(ca, insecure)
    manners = Manners(
        timeout=seconds(timeout) or None,
        state=state_of(probe, probe_url, certificates),
        settle=seconds(settle) if settle else 0.0,
        reset=(lambda: output_of(reset, "--reset")) if reset else None,
        new_id=new_id,
        update=update,
        first=first,
        certificates=certificates,
    )
    keyring = Keyring(config, given=secret or (), public_url=public_url, kept=kept_in(folder))
    trials = trials_of(paths, word, lambda fixture: keyring.recognise(fixture.event))
    changes = Changes(
        to=target,
        exact=exact_url,
        sign=not no_resign,
        shift=shift_of(shift_time) if shift_time else None,
        shifts=shift_time is not None,
    )
    telling = Telling(stdout(colour_of(colour)), verbose=verbose, json=json, report=junit)
    with closing(Source(folder)) as source:
        chosen = Chosen(source, (), [trial.fixture.event for trial in trials])
        run = Run(trials, Replayer(source, chosen, keyring, changes), manners, telling.told)
        trust = Trust(config.targets.values(), yes=yes, send_credentials=send_credentials)
        return tested(run, telling, trust, app_of(start, ready or target, seconds(ready_timeout)))


def target_of(to: str | None, config: Config) -> str:
    """The handler's URL."""
    target = to or config.listen.get("forward")
    if target is None:
        raise WrongUsage("there is no target", next="add --to URL, such as --to http://localhost:3000/webhooks")
    return config.targets.get(target, target)


def app_of(start: str | None, ready: str, patience: float) -> App | None:
    """The application to be started, if any."""
    from ..hands.app import App

    return App(start, ready, patience) if start else None


class Terminated(KeyboardInterrupt):
    """SIGTERM: as Ctrl-C, so that whatever was started is stopped."""


@contextmanager
def terminable() -> Iterator[None]:
    """SIGTERM ends what is inside as Ctrl-C does."""

    import signal

    def end(number: int, frame: Any) -> None:
        raise Terminated

    before = signal.signal(signal.SIGTERM, end)
    try:
        yield
    finally:
        signal.signal(signal.SIGTERM, before)


def tested(run: Run, telling: Telling, trust: Trust, app: App | None) -> int:
    """Start what is to be started, test, stop it; an interruption still tells what was tested."""
    import asyncio

    try:
        with terminable(), app or nullcontext():
            run.app = app
            asyncio.run(run.go(trust))
    except KeyboardInterrupt as error:
        telling.end(missing=run.left)
        return Exit.TERMINATED if isinstance(error, Terminated) else Exit.INTERRUPTED
    return telling.end(missing=run.left)
