"""From the flags of `listen` and the file to its plan."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import field
from pathlib import Path
from typing import TYPE_CHECKING

from ...hands.config import Config, secret_from
from ...hands.keyring import Keyring
from ...hands.listening.plan import ListenPlan
from ...hands.storing.store import kept_in
from ...rules.loops import signed_by_us
from ...rules.replies import Replies, checked, sequence_of
from ...rules.routes import Route
from ...rules.text import safe, seconds
from ...words.errors import WrongUsage
from ...words.event import Reply
from ...words.record import record
from ..signatures import headers_of
from .limits import limits_of

ALL = "*"  # the path of a handler that gets every event

if TYPE_CHECKING:
    from ...rules.conduct.schedules import Schedule
    from ...rules.retention import Keep


@record
class Options:
    """The flags of `listen` that shape its plan."""

    forward: Sequence[str] = ()
    concurrency: int = 1
    forward_timeout: str | None = None
    retries: str | None = None  # a provider
    compress: str | None = None
    relay: bool = False
    reply: str = "200"
    reply_body: str = ""
    reply_headers: Sequence[str] = ()
    reply_delay: float = 0.0  # seconds
    verify: bool = False
    send_credentials: bool = False
    certificates: bool | str = True  # as `Client` takes them
    handshakes: bool = True
    verify_token: str | None = None
    confirm_subscriptions: bool = False
    secrets: Sequence[str] = ()
    scheme: str | None = None
    public_url: str | None = None
    limits: Mapping[str, str | None] = field(default_factory=dict)  # by key of `LIMITS`
    keep: str | None = None
    yes: bool = False


def plan_of(options: Options, config: Config, folder: Path) -> ListenPlan:
    """The plan that flags and file describe; raises WrongUsage for one that makes no sense."""
    keyring = Keyring(
        config,
        given=options.secrets,
        scheme=options.scheme,
        public_url=options.public_url,
        kept=kept_in(folder),
    )
    keyring.check()
    if options.verify and not keyring.any_secret():
        raise WrongUsage(
            "--verify needs a secret, and none is known",
            code="no_secret",
            next="export WHCLI_SECRET_STRIPE=...        or add --secret env:NAME, or [secrets] to whcli.toml",
        )
    if options.concurrency < 1:
        raise WrongUsage("--concurrency must be at least 1", next="whcli listen --help")
    forwards = tuple(allowed(route, config, options.yes) for route in forwards_of(options.forward, config))
    idle = tuple(route.path for route in in_file(config) if not (_takes_all(route) or route in forwards))
    if options.relay and not forwards:
        raise WrongUsage("--relay-reply needs a handler", next="add --forward http://localhost:3000")
    retries = retries_of(options, forwards)
    return ListenPlan(
        replies=replies_of(options),
        keyring=keyring,
        forwards=forwards,
        idle=idle,
        concurrency=options.concurrency,
        forward_timeout=patience(options, retries),
        retries=retries,
        compress=shrunk(options.compress),
        relay=options.relay,
        verify=options.verify,
        send_credentials=options.send_credentials,
        certificates=options.certificates,
        handshakes=options.handshakes and not options.relay,
        verify_token=token_of(options.verify_token),
        confirm_subscriptions=options.confirm_subscriptions,
        limits=limits_of(options.limits, config.listen),
        keep=kept(options.keep or config.listen.get("keep")),
    )


def patience(options: Options, retries: Schedule | None) -> float | None:
    """Seconds that a handler may take: the flag, the provider's own patience, else 10 for a waiting sender, or 60."""
    if options.forward_timeout:
        return seconds(options.forward_timeout) or None
    return retries.timeout if retries and retries.timeout else (10.0 if options.relay else 60.0)


def kept(text: str | int | None) -> Keep | None:
    """What `--keep` keeps, if it is given."""
    if text is None:
        return None
    from ...rules.retention import keep_of

    return keep_of(str(text))


def shrunk(text: str | None) -> float:
    """What the waiting between attempts is divided by."""
    if not text:
        return 1.0
    from ...rules.replaying.pace import compress_of

    return compress_of(text)


def retries_of(options: Options, forwards: Sequence[Route]) -> Schedule | None:
    """Whose way of trying again is followed; raises WrongUsage where nothing could be tried again."""
    if options.retries is None:
        if options.compress is not None:
            raise WrongUsage("--compress shrinks the waiting of --retries", next="add --retries stripe")
        return None
    if options.relay:
        raise WrongUsage("--retries and --relay-reply exclude each other", next="the sender itself tries again")
    if not forwards:
        raise WrongUsage("--retries needs a handler", next="add --forward http://localhost:3000")
    from ...rules.conduct.schedules import schedule_of  # a table of all providers

    return schedule_of(options.retries)


def token_of(reference: str | None) -> str | None:
    """The verify token that a reference leads to."""
    return secret_from(reference).value.decode("utf-8", "replace") if reference else None


def replies_of(options: Options) -> Replies:
    """`--reply` and its siblings."""
    statuses = [_status(text) for text in options.reply.split(",")]
    headers = signed_by_us(checked(headers_of(options.reply_headers, "--reply-header")))
    like = Reply(status=200, headers=headers, body=options.reply_body.encode())
    return Replies(sequence_of(statuses, like), delay=options.reply_delay)


def _status(text: str) -> int:
    if re.fullmatch(r"[2-5]\d\d", text.strip()):
        return int(text)
    raise WrongUsage(f"--reply takes no '{safe(text)}'", next="--reply 204        or a sequence: --reply 500,500,200")


def forwards_of(texts: Sequence[str], config: Config) -> list[Route]:
    """The routes with a handler: flags first, `PATH=URL` before a bare URL, then the file's, unless a URL takes all.

    Raises WrongUsage for two handlers of one path: an event goes to one.
    """
    flags = sorted((_forward(text, config) for text in texts), key=_takes_all)
    for path, count in Counter(route.path for route in flags).items():
        if count > 1:
            raise WrongUsage(
                f"--forward names {count} handlers for {'every path' if path == ALL else safe(path)}",
                next="--forward /stripe/*=URL --forward URL        sends some here, all others there",
            )
    return flags if any(map(_takes_all, flags)) else [*flags, *in_file(config)]


def _takes_all(route: Route) -> bool:
    return route.path == ALL


def in_file(config: Config) -> list[Route]:
    """The file's routes with a handler, its own for everything last."""
    routes = [
        Route(path=route["path"], forward=config.target(route["forward"]))
        for route in config.routes
        if route.get("forward")
    ]
    general = config.listen.get("forward")
    return [*routes, Route(forward=config.target(general))] if general else routes


def _forward(text: str, config: Config) -> Route:
    path, equals, url = text.partition("=")
    if equals and path.startswith("/"):
        return Route(path=path, forward=config.target(url))
    return Route(forward=config.target(text))


def allowed(route: Route, config: Config, yes: bool) -> Route:
    """Refuse a handler on another machine that the user has not vouched for."""
    from ...rules.target import is_loopback, parse_target

    target = parse_target(route.forward or "")
    known = {parse_target(url).origin for url in config.targets.values()}
    if yes or target.origin in known or target.host in ("localhost",) or is_loopback(target.host):
        return route
    raise WrongUsage(
        f"{target.origin} is not on this machine",
        code="target_refused",
        next=f'add --yes, or to whcli.toml:  [targets]  name = "{target.origin}"',
    )
