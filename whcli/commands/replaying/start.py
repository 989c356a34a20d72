"""From what was asked to a replay, and through it to the exit code."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from ...hands.config import Config, load_config, store_folder
from ...hands.events import Source
from ...hands.keyring import Keyring
from ...hands.lock import holder
from ...hands.render import stdout
from ...hands.replayer import Changes, Chosen, Replayer
from ...hands.sender import Walking
from ...hands.store import kept_in
from ...rules.match import Filter
from ...rules.outgoing import is_loopback, parse_target
from ...rules.plan import plan_of
from ...rules.schedules import Schedule
from ...rules.text import seconds
from ...words.errors import Exit, WrongUsage
from ..trust import Trust
from .asked import Asked, compression, edited_by_hand, options, schedule, with_changes
from .proof import output_of, state_of
from .run import Manners, Replay

PATIENCE = 30.0  # seconds for an answer, where neither a flag nor a provider says otherwise


@dataclass(frozen=True, slots=True, kw_only=True)
class Choice:
    """Which events, and where to."""

    references: Sequence[str]
    wanted: Filter | None
    edit: bool
    to: str | None
    exact: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class Ways:
    """How it is done."""

    sign: bool
    scheme: str | None
    secrets: Sequence[str]
    public_url: str | None
    concurrency: int
    seed: int
    new_id: bool
    probe: str | None
    probe_url: str | None
    reset: str | None
    report: bool
    junit: Path | None
    timeout: str | None
    proxy: str | None
    send_credentials: bool
    yes: bool
    dry_run: bool


def replay(asked: Asked, choice: Choice, ways: Ways, *, store: Path | None, colour: str, json: bool) -> int:
    """Replay; the exit code."""
    config = load_config()
    folder = store_folder(store)
    source = Source(folder)
    to = config.targets.get(choice.to, choice.to) if choice.to else None
    if to is not None:
        refuse_loop(to, folder)
    changes = changes_of(asked, choice, ways, config, source, to)
    chosen = Chosen(source, choice.references, source.matching(choice.wanted) if choice.wanted else ())
    keyring = Keyring(config, given=ways.secrets, public_url=ways.public_url, kept=kept_in(folder))
    replayer = Replayer(source, chosen, keyring, changes)
    plan = plan_of(options(asked), chosen.arrivals if asked.speed else [0.0] * len(chosen), ways.seed)
    trust = Trust(config.targets.values(), yes=ways.yes, send_credentials=ways.send_credentials)
    run = Replay(stdout(colour), replayer, plan, manners_of(asked, ways), json=json)
    return run.dry() if ways.dry_run else walked(run, trust)


def walked(run: Replay, trust: Trust) -> int:
    """Walk the plan; an interruption still tells what was done."""
    try:
        asyncio.run(run.go(trust))
    except KeyboardInterrupt:
        run.end()
        return Exit.INTERRUPTED
    except ExceptionGroup as group:  # of the tasks that walked; the first trouble tells enough
        raise group.exceptions[0] from None
    return run.end()


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
    retries = schedule(asked)
    reset = ways.reset
    return Manners(
        walking=Walking(concurrency=ways.concurrency, schedule=retries, compress=compression(asked), seed=ways.seed),
        timeout=patience(ways.timeout, retries),
        proxy=ways.proxy,
        state=state_of(ways.probe, ways.probe_url),
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
    target = parse_target(to)
    if own and target.port == parse_target(str(own)).port and (target.host == "localhost" or is_loopback(target.host)):
        raise WrongUsage(
            f"{target.origin} is the listener on this very store", code="loop", next="--to takes your own handler's URL"
        )
