"""Which flags of `whcli replay` mean something only beside others, and which exclude each other.

What one flag says is checked where it is read, and what the plan's own flags exclude is in `rules/replaying/plan.py`.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import fields

from ...words.errors import WrongUsage
from .asked import Asked, Choice, Ways

Given = Callable[[Asked, Choice, Ways], object]
"""Whether a flag is there."""

FLAGS: dict[str, Given] = {
    "--body-file": lambda asked, choice, ways: asked.body_file is not None,
    "--compare-to": lambda asked, choice, ways: choice.compare_to is not None,
    "--compress": lambda asked, choice, ways: asked.compress is not None,
    "--concurrency": lambda asked, choice, ways: ways.concurrency > 1,
    "--dry-run": lambda asked, choice, ways: ways.dry_run,
    "--duplicate": lambda asked, choice, ways: asked.duplicate > 1,
    "--edit": lambda asked, choice, ways: choice.edit,
    "--junit": lambda asked, choice, ways: ways.junit is not None,
    "--lost-ack": lambda asked, choice, ways: asked.lost_ack,
    "--no-resign": lambda asked, choice, ways: not ways.sign,
    "--permutations": lambda asked, choice, ways: asked.permutations,
    "--probe": lambda asked, choice, ways: ways.probe,
    "--probe-url": lambda asked, choice, ways: ways.probe_url,
    "--proxy": lambda asked, choice, ways: ways.proxy,
    "--public-url": lambda asked, choice, ways: ways.public_url is not None,
    "--race": lambda asked, choice, ways: asked.race > 1,
    "--report": lambda asked, choice, ways: ways.report,
    "--resign": lambda asked, choice, ways: ways.scheme is not None,
    "--retries": lambda asked, choice, ways: asked.retries is not None,
    "--reverse": lambda asked, choice, ways: asked.reverse,
    "--secret": lambda asked, choice, ways: ways.secrets,
    "--settle": lambda asked, choice, ways: ways.settle is not None,
    "--shuffle": lambda asked, choice, ways: asked.shuffle,
    "--watch": lambda asked, choice, ways: ways.watch is not None,
}

PROBES = ("--probe", "--probe-url")
AGAIN = ("--duplicate", "--race", "--lost-ack", "--retries")

PROOF = "proves that further deliveries of an event change nothing"
REPEAT = "--duplicate 2, or --race 8, --lost-ack, --retries PROVIDER"
# A flag, those of which it needs one, why, and what to type.
NEEDS: tuple[tuple[str, tuple[str, ...], str, str], ...] = (
    ("--compress", ("--retries",), "shrinks the waiting between a provider's attempts", "--retries shopify"),
    ("--settle", PROBES, "gives the state that a probe looks at time to come to rest", "--probe 'CMD'"),
    ("--probe", AGAIN, PROOF, REPEAT),
    ("--probe-url", AGAIN, PROOF, REPEAT),
)

# A flag and those that it excludes; why, where that does not go without saying.
EXCLUDES: tuple[tuple[str, tuple[str, ...], str], ...] = (
    ("--no-resign", ("--resign", "--secret", "--public-url"), "nothing is signed"),
    ("--edit", ("--body-file",), "either is the whole body"),
    ("--proxy", ("--race", "--lost-ack"), "a proxy sends and hangs up when it likes"),
    ("--shuffle", ("--reverse",), ""),
    ("--watch", ("--dry-run",), ""),
    ("--probe", ("--probe-url",), ""),
    ("--concurrency", PROBES, "the state is looked at after each delivery, so they cannot overlap"),
    ("--concurrency", ("--permutations",), "an order is kept by one delivery at a time"),
    # what asks more of a handler than one reply to one request, or tells of something else than replies
    ("--compare-to", (*AGAIN, "--permutations", "--concurrency", *PROBES, "--report", "--junit"), ""),
)


def require_sense(asked: Asked, choice: Choice, ways: Ways) -> None:
    """Raise WrongUsage for a flag that would be passed over in silence."""
    require_values(asked, choice, ways)
    there = {flag for flag, given in FLAGS.items() if given(asked, choice, ways)}
    for flag, excluded, why in EXCLUDES:
        for other in excluded:
            if {flag, other} <= there:
                reason = f": {why}" if why else ""
                raise WrongUsage(f"{flag} and {other} exclude each other{reason}", next=f"leave one out: {other}")
    for flag, wanted, why, typed in NEEDS:
        if flag in there and not there.intersection(wanted):
            raise WrongUsage(f"{flag} {why}; alone it does nothing", next=f"add {typed}")


def require_values(*typed: Asked | Choice | Ways) -> None:
    """Raise WrongUsage for a flag with an empty value, as a shell variable that is not set leaves it."""
    for each in typed:
        for field in fields(each):
            if getattr(each, field.name) == "":
                flag = "--resign" if field.name == "scheme" else f"--{field.name.replace('_', '-')}"
                raise WrongUsage(f"{flag} is empty", next="give it a value, or leave it out")
