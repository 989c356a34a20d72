"""Whether what the user has set can work: whcli.toml, routes, secrets, variables."""

from __future__ import annotations

import os
import stat
from collections.abc import Iterator, Sequence
from contextlib import suppress
from difflib import get_close_matches
from pathlib import Path

from ...hands.config import Config, load_config, referred, variable
from ...hands.places import answers
from ...rules.checkup.check import Check, failed
from ...rules.checkup.secrets import findings
from ...rules.retention import keep_of
from ...rules.routes import Route, glob
from ...rules.target import is_loopback, parse_target
from ...rules.text import plural, safe, word
from ...words.errors import WhcliError
from ...words.secret import Secret
from ..listening.limits import limits_of
from ..listening.plan import allowed, forwards_of

VARIABLES = ("WHCLI_STORE", "WHCLI_DEBUG", "WHCLI_PAGER")
PREFIX = variable("")
PROXIES = ("http_proxy", "https_proxy", "all_proxy")


def read_config() -> tuple[Config | None, Check]:
    """The configuration, or None where it cannot be read; and its check."""
    try:
        config = load_config()
        limits_of({}, config.listen)
        if "keep" in config.listen:
            keep_of(str(config.listen["keep"]))
        if "public_url" in config.listen:
            parse_target(config.listen["public_url"])
    except WhcliError as error:
        return None, failed("config", error)
    if config.path is None:
        return config, Check(part="config", says="no whcli.toml here or above; none is needed")
    tables = [
        plural(len(table), word)
        for table, word in ((config.routes, "route"), (config.secrets, "secret"), (config.targets, "target"))
        if table
    ]
    return config, Check(part="config", says=": ".join(filter(None, [str(config.path), ", ".join(tables)])))


# -- routes ---------------------------------------------------------------------------------------------------------


def route_checks(config: Config) -> Iterator[Check]:
    """Every route can match something, and its handler can be sent to."""
    paths = [route["path"] for route in config.routes]
    for number, path in enumerate(paths):
        if before := next((earlier for earlier in paths[:number] if covers(earlier, path)), None):
            yield Check(
                part="route",
                state="warning",
                says=f"the route {safe(path)} never matches: {safe(before)} stands before it and takes its paths",
                next=f"edit {word(config.path)}: put the narrower route first",
            )
    try:
        routes = forwards_of((), config)
    except WhcliError as error:
        yield failed("route", error)
        return
    yield from (handler(route, config) for route in routes)


def covers(earlier: str, later: str) -> bool:
    """Whether every path of the later pattern matches the earlier one, as far as a few paths can tell."""
    return all(glob(earlier).match(later.replace("*", filling)) for filling in ("", "x", "a/b", "*"))


def handler(route: Route, config: Config) -> Check:
    """A handler on this machine is knocked at; nothing is sent to another one."""
    try:
        allowed(route, config, yes=False)
        target = parse_target(route.forward or "")
    except WhcliError as error:
        return failed("route", error)
    what = f"{safe(route.path)} → {safe(target.origin)}"
    if target.host != "localhost" and not is_loopback(target.host):
        return Check(part="route", says=f"{what}: on another machine, which was not asked")
    if answers(target.host, target.port):
        return Check(part="route", says=f"{what}: something listens there")
    return Check(part="route", state="warning", says=f"{what}: nothing listens there now", next="start your handler")


# -- secrets --------------------------------------------------------------------------------------------------------


def secret_checks(config: Config) -> Iterator[Check]:
    """Every secret that file and environment name: there, whole, and of its provider's form."""
    found = 0
    for scheme, references in asked_for(config):
        for reference in references:
            found += 1
            yield from one_reference(config, scheme, reference)
    for name in sorted(name for name in os.environ if name.startswith(PREFIX)):
        found += 1
        yield from one_variable(config, name)
    if not found:
        yield Check(
            part="secrets",
            says="none is known, so signatures are not checked",
            next="export WHCLI_SECRET_STRIPE=...        or [secrets] in whcli.toml: whcli help config",
        )


def asked_for(config: Config) -> Iterator[tuple[str | None, Sequence[str]]]:
    """What the file says of secrets: the scheme, where it is named, and the references."""
    tables = [*config.secrets.items(), *((r.get("scheme"), r["secret"]) for r in config.routes if "secret" in r)]
    found = [(scheme, (value,) if isinstance(value, str) else tuple(value)) for scheme, value in tables]
    yield from dict.fromkeys(found)  # a route may name what [secrets] does


def one_reference(config: Config, scheme: str | None, reference: str) -> Iterator[Check]:
    """A reference of the file's: where it leads, and what is there."""
    try:
        secrets = referred(config, [reference])
    except WhcliError as error:
        yield failed("secret", error)
        return
    if not secrets:
        yield Check(
            part="secret",
            state="warning",
            says=f"{safe(reference)} is not set: no signature of {scheme or 'its route'} is checked with it",
            next=f"export {safe(reference.removeprefix('env:'))}=...",
        )
        return
    yield from one_secret(config, scheme, secrets[0])
    if reference.startswith("file:") and config.path:
        yield from secret_file(config.path.parent / Path(reference.removeprefix("file:")).expanduser())


def one_variable(config: Config, name: str) -> Iterator[Check]:
    """A variable `WHCLI_SECRET_...`: of a scheme that there is, and what is in it."""
    schemes = {variable(scheme): scheme for scheme in config.scheme_names}
    if name not in schemes:
        near = get_close_matches(name, schemes, n=1)
        meant = f": {near[0]} may be meant" if near else ""
        yield Check(
            part="secret", state="warning", says=f"${safe(name)} belongs to no scheme{meant}", next="whcli schemes"
        )
    elif os.environ[name]:
        value = os.environ[name].encode("utf-8", "surrogateescape")
        yield from one_secret(config, schemes[name], Secret(value=value, label=f"${name}"))


def one_secret(config: Config, scheme: str | None, secret: Secret) -> Iterator[Check]:
    """A secret's value against its scheme; where no scheme is named, as plain text."""
    row = config.scheme(scheme or "github")
    who = f"{scheme}: " if scheme else ""
    wrong = next(findings(secret.value, row), None)
    if wrong is None:
        yield Check(part="secret", says=f"{who}{safe(secret.label)} ({safe(secret.mask)}) has the right form")
        return
    state, words = wrong
    explain = f"; whcli schemes show {scheme} explains it" if scheme else ""
    label = safe(secret.label)
    yield Check(
        part="secret", state=state, says=f"{who}the secret from {label} {words}", next=f"set {label} anew{explain}"
    )


def secret_file(path: Path) -> Iterator[Check]:
    """A file with a secret is for its owner alone."""
    with suppress(OSError):
        mode = stat.S_IMODE(path.stat().st_mode)
        if os.name == "posix" and mode & 0o077:
            yield Check(
                part="secret",
                state="warning",
                says=f"{safe(str(path))} can be read by other users ({mode:04o})",
                next=f"chmod 600 {safe(str(path))}",
            )


# -- variables ------------------------------------------------------------------------------------------------------


def variable_checks() -> Iterator[Check]:
    """Variables that do nothing: mistyped ones of ours, and the proxies of other programs."""
    for name in sorted(name for name in os.environ if name.startswith("WHCLI_") and not name.startswith(PREFIX)):
        if name not in VARIABLES:
            near = get_close_matches(name, VARIABLES, n=1)
            meant = f": {near[0]} may be meant" if near else ""
            yield Check(
                part="variable",
                state="warning",
                says=f"${safe(name)} means nothing to whcli{meant}",
                next="whcli help environment",
            )
    proxies = [name for name in os.environ if name.lower() in PROXIES and os.environ[name]]
    if proxies:
        names = ", ".join(f"${safe(name)}" for name in sorted(proxies))
        yield Check(part="proxy", says=f"{names} are not followed: whcli sends straight; replay and send take --proxy")
