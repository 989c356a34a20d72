"""`--watch`: replays, and again whenever a file changes, until it passes."""

from __future__ import annotations

import time
from collections.abc import Callable, Collection
from pathlib import Path
from threading import Event as Flag

from watchfiles import Change, DefaultFilter, watch

from ...hands.render import Screen, show_error
from ...rules.text import safe
from ...words.errors import Exit, WhcliError, WrongUsage

LOOK = 500  # milliseconds after which a wait without changes looks up: for Ctrl-C, and for a handler that is back
SETTLE = 0.3  # seconds that a handler which reloads itself gets to notice the change too

# What a handler writes while it answers, what is made of its sources, and files of ours that are not whole yet: none
# is a change of the code.
WRITTEN = (r"\.log$", r"\.db$", r"\.sqlite3?$", r"-journal$", r"-wal$", r"-shm$", r"\.pid$", r"\.tmp$", r"^\.whcli-")


def watched(
    path: Path,
    ignored: Collection[Path],
    replay: Callable[[], int],
    alive: Callable[[], bool],
    talk: Screen,
    *,
    stop: Flag | None = None,
) -> int:
    """Replay until it passes (0) or the user interrupts (130); `stop` ends it from another thread.

    Watching begins before the first replay, so no change goes unseen. `ignored` are files and folders that whcli itself
    writes. When the handler could not be reached, it is enough that it is `alive` again.
    """
    root = path.resolve()
    if not root.exists():
        raise WrongUsage(f"there is nothing at {safe(str(path))} to watch", next="--watch src")
    changes = watch(
        root,
        watch_filter=counting(root, [each.resolve() for each in ignored]),
        rust_timeout=LOOK,
        yield_on_timeout=True,
        stop_event=stop,
    )
    try:
        next(changes, None)  # the watch stands when this returns
        code = replay()
        talk.say(*waiting(code, path))
        for found in () if over(code) else changes:
            if found:
                talk.say(f"{named(root, found)} changed")
                time.sleep(SETTLE)
            elif code != Exit.UNREACHABLE or not alive():
                continue
            code = again(replay)
            if over(code):
                break
            talk.say(*waiting(code, path))
    except KeyboardInterrupt:
        return Exit.INTERRUPTED
    finally:
        changes.close()
    return code


def over(code: int) -> bool:
    """Whether there is nothing more to wait for."""
    return code in (Exit.DONE, Exit.INTERRUPTED, Exit.TERMINATED)


def again(replay: Callable[[], int]) -> int:
    """One more replay; what went wrong with it is told, since the next change may mend that too."""
    try:
        return replay()
    except WhcliError as error:
        show_error(error, json=False)
        return error.exit


def waiting(code: int, path: Path) -> tuple[str, ...]:
    """What is said after a replay."""
    return ("it passes",) if code == Exit.DONE else (f"waiting for a change in {safe(str(path))}; Ctrl-C ends",)


def counting(root: Path, ignored: Collection[Path]) -> Callable[[Change, str], bool]:
    """Which changes count: sources below `root`, not what version control, editors, handlers or whcli write."""
    usual = DefaultFilter(
        ignore_dirs=(*DefaultFilter.ignore_dirs, ".whcli"),
        ignore_entity_patterns=(*DefaultFilter.ignore_entity_patterns, *WRITTEN),
    )

    def counts(change: Change, changed: str) -> bool:
        """Folders above `root` are nobody's business: the project itself may lie in one called `node_modules`."""
        path = Path(changed)
        if any(path.is_relative_to(each) for each in ignored):
            return False
        return usual(change, str(path.relative_to(root) if path.is_relative_to(root) and path != root else path.name))

    return counts


def named(root: Path, found: Collection[tuple[Change, str]]) -> str:
    """The first file that changed, and how many more."""
    first, *more = sorted(Path(path) for _, path in found)
    name = first.relative_to(root) if first.is_relative_to(root) and first != root else first.name
    return safe(str(name)) + (f" and {len(more)} more" if more else "")
