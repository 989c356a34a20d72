"""How many files and connections this process may have open, and more of them where the system lets us.

macOS gives a shell 256, most Linux systems 1,024; both let a process raise that by itself, up to a hard limit.
"""

from __future__ import annotations

import sys
from contextlib import suppress


def open_files() -> int | None:
    """How many may be open; None for no limit, and where there is none to be seen."""
    if sys.platform == "win32":
        return None
    import resource

    soft, _ = resource.getrlimit(resource.RLIMIT_NOFILE)
    return None if soft == resource.RLIM_INFINITY else soft


def let_open(wanted: int) -> int | None:
    """Raise the soft limit to as many, or as far as the hard one lets us; how many may be open then."""
    if sys.platform == "win32":
        return None
    import resource

    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    unlimited = resource.RLIM_INFINITY
    if soft != unlimited and soft < wanted:
        soft = wanted if hard == unlimited else min(wanted, hard)
        with suppress(ValueError, OSError):  # macOS has another limit beside
            resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))
    return open_files()
