"""From what was asked to a replay, and through it to the exit code."""

from __future__ import annotations

import asyncio
import signal
from collections.abc import Coroutine
from contextlib import closing, suppress
from dataclasses import replace
from pathlib import Path
from typing import Any

from ...hands.config import Config, load_config, store_folder
from ...hands.events import Source
from ...hands.files import check_report
from ...hands.keyring import Keyring
from ...hands.listening.lock import holder
from ...hands.loops import run as on_loop
from ...hands.places import answers, leads_to
from ...hands.render import stderr, stdout
from ...hands.sending.replayer import Changes, Chosen, Replayer
from ...hands.sending.sender import Walking
from ...hands.storing.store import kept_in
from ...rules.conduct.schedules import Schedule
from ...rules.outgoing import parse_target
from ...rules.replaying.pace import MAX
from ...rules.replaying.plan import plan_of
from ...rules.replaying.report import JUNIT
from ...rules.text import seconds
from ...words.errors import Exit, NotWritten, WrongUsage
from ..trust import Trust
from .asked import Asked, Choice, Ways, compression, edited_by_hand, options, schedule, with_changes
from .comparison import Comparison
from .proof import output_of, state_of
from .run import Manners, Replay
from .sense import require_sense

PATIENCE = 30.0  # seconds for an answer, where neither a flag nor a provider says otherwise


def replay(asked: Asked, choice: Choice, ways: Ways, *, store: Path | None, colour: str, json: bool) -> int:
    """Replay; the exit code."""
    folder = store_folder(store)
    with closing(Source(folder)) as source:
        return replayed(asked, choice, ways, source, folder, colour=colour, json=json)


def replayed(asked: Asked, choice: Choice, ways: Ways, source: Source, folder: Path, *, colour: str, json: bool) -> int:
    """Replay events of a source whose store is in a folder; the exit code."""
    require_sense(asked, choice, ways)
    config = load_config()
    to = config.target(choice.to) if choice.to else None
    changes = changes_of(asked, choice, ways, config, source, to)
    chosen = Chosen(source, choice.references, source.matching(choice.wanted) if choice.wanted else ())
    keyring = Keyring(config, given=ways.secrets, public_url=ways.public_url, kept=kept_in(folder))
    how = options(asked)
    plan = plan_of(how, [0.0] * len(chosen) if how.speed == MAX else chosen.arrivals, ways.seed)
    trust = Trust(config.targets.values(), yes=ways.yes, send_credentials=ways.send_credentials)
    manners = replace(manners_of(asked, ways), refuse=lambda url: refuse_loop(url, folder))
    rival = config.target(choice.compare_to) if choice.compare_to else None
    screen = stdout(colour)

    def once() -> int:
        one = Replayer(source, chosen, keyring, changes)
        if rival is None or ways.dry_run:
            run = Replay(screen, one, plan, manners, json=json, talk=stderr(colour))
            return run.dry() if ways.dry_run else walked(run, trust)
        other = Replayer(source, chosen, keyring, replace(changes, to=rival))
        return walked(Comparison(screen, one, other, plan, manners, json=json), trust)

    if ways.watch is None:
        return once()
    from .watching import watched

    target = parse_target(to) if to is not None else None

    def alive() -> bool:
        return target is not None and answers(target.host, target.port)

    return watched(ways.watch, [folder, *([ways.junit] if ways.junit else [])], once, alive, stderr())


def walked(run: Replay | Comparison, trust: Trust) -> int:
    """Walk the plan; an interruption still tells what was done, and so does an error once something was sent."""
    ended = Ended()
    try:
        on_loop(ended.by_signal(run.go(trust)))
    except (KeyboardInterrupt, asyncio.CancelledError):
        run.end()
        return ended.exit
    except Exception as error:  # of the tasks that walked, it can be a group
        if run.begun:
            with suppress(OSError, NotWritten):  # standard output may be what took no more, or the disk be full
                run.end()
        raise first_of(error) from None
    return run.end()


def first_of(error: Exception) -> Exception:
    """The first of the troubles that came together; it tells enough."""
    return first_of(error.exceptions[0]) if isinstance(error, ExceptionGroup) else error


class Ended:
    """How a walk ended before its time: Ctrl-C, which asyncio minds, or a signal that is treated like it.

    Those are SIGTERM, and SIGHUP of a terminal that was closed, unless it is ignored as under nohup.
    """

    def __init__(self) -> None:
        self.exit = Exit.INTERRUPTED

    async def by_signal(self, walk: Coroutine[Any, Any, None]) -> None:
        """Walk, and cancel that when a signal comes, so that what is under way is told and recorded."""
        task = asyncio.current_task()

        def end() -> None:
            self.exit = Exit.TERMINATED
            if task is not None:
                task.cancel()

        with suppress(NotImplementedError, RuntimeError, ValueError):  # Windows; not the main thread
            asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, end)
            if signal.getsignal(signal.SIGHUP) is signal.SIG_DFL:
                asyncio.get_running_loop().add_signal_handler(signal.SIGHUP, end)
        await walk


def changes_of(asked: Asked, choice: Choice, ways: Ways, config: Config, source: Source, to: str | None) -> Changes:
    """What is changed on the way out."""
    changes = Changes(
        to=to, fallback=config.listen.get("forward"), exact=choice.exact, sign=ways.sign, scheme=ways.scheme
    )
    changes = with_changes(changes, asked)
    if not choice.edit:
        return changes
    if len(choice.references) != 1:
        raise WrongUsage("--edit takes one event", next="whcli replay 42 --edit")
    return replace(changes, edits=replace(changes.edits, body=edited_by_hand(source, choice.references[0])))


def manners_of(asked: Asked, ways: Ways) -> Manners:
    """How the replay goes about its work."""
    if ways.concurrency < 1:
        raise WrongUsage("--concurrency must be at least 1", next="whcli replay --help")
    if ways.junit is not None:
        check_report(ways.junit, JUNIT)
    retries = schedule(asked)
    reset = ways.reset
    return Manners(
        walking=Walking(concurrency=ways.concurrency, schedule=retries, compress=compression(asked), seed=ways.seed),
        timeout=patience(ways.timeout, retries),
        proxy=ways.proxy,
        certificates=ways.certificates,
        state=state_of(ways.probe, ways.probe_url, ways.certificates),
        settle=seconds(ways.settle) if ways.settle is not None else 0.0,
        reset=(lambda: output_of(reset, "--reset")) if reset else None,
        report=ways.report,
        junit=ways.junit,
        new_id=ways.new_id,
    )


def patience(given: str | None, retries: Schedule | None) -> float | None:
    """How long an answer is awaited, in seconds: the flag, the provider's own patience, else PATIENCE."""
    if given is not None:
        return seconds(given) or None
    return retries.timeout if retries and retries.timeout else PATIENCE


def refuse_loop(to: str, folder: Path) -> None:
    """A listener on this very store as the target would capture its own replay."""
    own = holder(folder).get("url")
    here, target = parse_target(str(own)) if own else None, parse_target(to)
    if here and leads_to(target.host, target.port, [(here.host, here.port), ("::1", here.port)]):
        raise WrongUsage(
            f"{target.origin} is the listener on this very store", code="loop", next="--to takes your own handler's URL"
        )
