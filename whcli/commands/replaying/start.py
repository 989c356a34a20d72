"""From what was asked to a replay, and through it to the exit code."""

from __future__ import annotations

import asyncio
import signal
from collections.abc import Coroutine, Iterator
from contextlib import closing, contextmanager, suppress
from dataclasses import replace
from pathlib import Path
from typing import Any

from ...hands.config import Config, load_config, store_folder
from ...hands.events import Source
from ...hands.filelimit import let_open
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
from ...rules.replaying.pace import MAX
from ...rules.replaying.plan import plan_of
from ...rules.replaying.report import JUNIT
from ...rules.target import parse_target
from ...rules.text import seconds
from ...words.errors import Exit, NothingMatched, NotWritten, WrongUsage
from ..trust import Trust
from .asked import Asked, Choice, Ways, compression, edited_by_hand, options, schedule, with_changes
from .comparison import Comparison
from .proof import output_of, state_of
from .run import Manners, Replay
from .sense import require_sense

FILES = 4096  # open at once, if that may be: a connection for each delivery under way
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
    if choice.wanted is not None and not choice.wanted.failed and not len(chosen):
        raise NothingMatched("no event matches", next="whcli list        shows what is there")
    keyring = Keyring(config, given=ways.secrets, public_url=ways.public_url, kept=kept_in(folder))
    how = options(asked)
    plan = plan_of(how, [0.0] * len(chosen) if how.speed == MAX else chosen.arrivals, ways.seed)
    trust = Trust(config.targets.values(), yes=ways.yes, send_credentials=ways.send_credentials)
    manners = replace(manners_of(asked, ways), refuse=lambda url: refuse_loop(url, folder))
    rival = config.target(choice.compare_to) if choice.compare_to else None
    ended = Ended()
    screen = stdout(colour, ended)

    def once() -> int:
        one = Replayer(source, chosen, keyring, changes)
        if rival is None or ways.dry_run:
            run = Replay(screen, one, plan, manners, json=json, talk=stderr(colour))
            return run.dry() if ways.dry_run else walked(run, trust, ended)
        other = Replayer(source, chosen, keyring, replace(changes, to=rival))
        return walked(Comparison(screen, one, other, plan, manners, json=json), trust, ended)

    if ways.watch is None:
        return once()
    from .watching import watched

    target = parse_target(to) if to is not None else None

    def alive() -> bool:
        return target is not None and answers(target.host, target.port)

    return watched(ways.watch, [folder, *([ways.junit] if ways.junit else [])], once, alive, stderr())


def walked(run: Replay | Comparison, trust: Trust, ended: Ended) -> int:
    """Walk the plan; the exit code."""
    let_open(FILES)
    with ended.by_signal():
        try:
            code = reported(run, trust, ended)
        except KeyboardInterrupt:  # again, or while the last lines were written
            return ended.exit or Exit.INTERRUPTED
    return code if ended.exit is None else ended.exit


def reported(run: Replay | Comparison, trust: Trust, ended: Ended) -> int:
    """Walk; an interruption still tells what was done, and so does an error once something was sent."""
    try:
        on_loop(ended.walk(run.go(trust)))
    except (KeyboardInterrupt, asyncio.CancelledError):
        ended.exit = ended.exit or Exit.INTERRUPTED
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
    """Whether walking has ended before its time, and how: by Ctrl-C, or by a signal that is treated like it.

    Those are SIGTERM, and SIGHUP of a terminal that was closed; one that is ignored, as under nohup, stays so. The
    handlers are Python's, not the event loop's: they also run while standard output waits for a reader.
    """

    def __init__(self) -> None:
        self.exit: Exit | None = None
        self._task: asyncio.Task[Any] | None = None

    def __call__(self) -> bool:
        return self.exit is not None

    @contextmanager
    def by_signal(self) -> Iterator[None]:
        """Until the end of this a signal ends the walk, so that what is under way is told and recorded."""
        before = {}
        for name, usual in ENDING.items():
            number = getattr(signal, name, None)  # Windows has no SIGHUP
            if number is not None and signal.getsignal(number) is usual:
                with suppress(ValueError):  # not the main thread
                    before[number] = signal.signal(number, self._end)
        try:
            yield
        finally:
            for number, handler in before.items():
                signal.signal(number, handler)

    async def walk(self, walk: Coroutine[Any, Any, None]) -> None:
        """Walk until there is a signal."""
        self._task = asyncio.current_task()
        try:
            await walk
        finally:
            self._task = None

    def _end(self, number: int, frame: object) -> None:
        """Cancel the walk; again, or when nothing walks, interrupt whatever is done."""
        again, self.exit = self.exit, Exit.INTERRUPTED if number == signal.SIGINT else Exit.TERMINATED
        if again is not None or self._task is None:
            raise KeyboardInterrupt
        self._task.cancel()
        self._task.get_loop().call_soon_threadsafe(lambda: None)  # it may sleep


ENDING: dict[str, Any] = {
    "SIGINT": signal.default_int_handler,
    "SIGTERM": signal.SIG_DFL,
    "SIGHUP": signal.SIG_DFL,
}
"""What ends a walk, where nobody has said otherwise: how Python minds it from the start."""


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
