"""Which scheme, secrets and URL belong to an event: flags, routes, environment and file, asked in that order."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from functools import cached_property
from typing import Any

from ..rules.detect import detect
from ..rules.digests import BadKey
from ..rules.generic import Signed
from ..rules.resign import resigned
from ..rules.routes import Route, route_of, signed_url
from ..rules.scheme import Scheme
from ..rules.signing import sign, verify
from ..words.errors import WrongUsage
from ..words.event import Event, Facts, Message, Outgoing, Verdict
from ..words.secret import Secret
from .config import Config, routes_of, secrets_for, variable

UNKNOWN = Verdict(state="unknown", reason="unknown_scheme", detail="no known signature scheme was recognised")


def required(scheme: Scheme, secrets: tuple[Secret, ...]) -> tuple[Secret, ...]:
    """The secrets, or the error that says how to give one."""
    if secrets:
        return secrets
    raise WrongUsage(
        f"no secret for {scheme.name} is known",
        code="no_secret",
        details=(("its form", scheme.secret_form),),
        next=f"export {variable(scheme.name)}=...        or add --secret env:NAME, file:PATH or -",
    )


Kept = Callable[[str, str], Sequence[Secret]]
"""The secrets that arrived in handshakes: by scheme and path."""


def signed(row: Scheme, message: Message, secrets: Sequence[Secret], **how: Any) -> Signed:
    """Sign (see `signing.sign`); a secret that does not have the scheme's form raises WrongUsage, never showing it."""
    try:
        return sign(row, message, secrets, **how)
    except BadKey as error:
        raise WrongUsage(
            f"the secret from {secrets[0].label} {error}, which {row.name} needs",
            code="secret_malformed",
            details=(("its form", row.secret_form),),
            next=f"whcli schemes show {row.name}        explains it",
        ) from None


def no_kept(scheme: str, path: str) -> Sequence[Secret]:
    """Where no store is at hand."""
    return ()


class Keyring:
    """What is known for verifying and signing. Holds secrets, so it is never printed.

    `given` are the references of `--secret`, `scheme` and `public_url` what the flags have fixed.
    """

    def __init__(
        self,
        config: Config,
        *,
        given: Sequence[str] = (),
        scheme: str | None = None,
        public_url: str | None = None,
        kept: Kept = no_kept,
    ) -> None:
        if scheme is not None:
            config.scheme(scheme)
        self._config = config
        self._given = given
        self._scheme = scheme
        self._public_url = public_url
        self._known: dict[str, tuple[Secret, ...]] = {}
        self.kept = kept

    @cached_property
    def routes(self) -> tuple[Route, ...]:
        """The configured routes, their secrets read."""
        return routes_of(self._config)

    @cached_property
    def given(self) -> tuple[Secret, ...]:
        """The secrets of the flags, read once: one of them may be stdin."""
        return secrets_for("", self._config, self._given) if self._given else ()

    def scheme(self, name: str) -> Scheme:
        """A scheme by name, the user's own included."""
        return self._config.scheme(name)

    def secrets(self, scheme: str, path: str = "/") -> tuple[Secret, ...]:
        """The secrets for a scheme at a path; the first signs, all verify.

        Those that arrived in a handshake at that path come first: they are the provider's newest word.
        """
        if self.given:
            return self.given
        route = route_of(self.routes, path)
        if route.secrets and route.scheme in (None, scheme):
            return route.secrets
        if scheme not in self._known:
            self._known[scheme] = secrets_for(scheme, self._config)
        return (*self.kept(scheme, path), *self._known[scheme])

    def keep(self, scheme: str, path: str, secret: Secret) -> None:
        """Use a secret that arrived in a handshake, before those that were kept earlier."""
        earlier = self.kept

        def kept(name: str, at: str) -> Sequence[Secret]:
            return (secret, *earlier(name, at)) if (name, at) == (scheme, path) else earlier(name, at)

        self.kept = kept

    def provider_of(self, path: str) -> str | None:
        """The provider that a route has fixed for a path."""
        name = self._scheme or route_of(self.routes, path).scheme
        return self.scheme(name).provider if name else None

    def any_secret(self) -> bool:
        """Whether there is a secret for anything at all."""
        return bool(self.given or any(route.secrets for route in self.routes) or self.known())

    def known(self) -> list[tuple[Scheme, Secret]]:
        """All secrets of environment and file, each with its scheme."""
        names = self._config.scheme_names
        found = [(name, secret) for name in names for secret in secrets_for(name, self._config)]
        return [(self.scheme(name), secret) for name, secret in found]

    def recognise(self, event: Event) -> Facts:
        """Provider, scheme, type and delivery id of an event; flags and routes fix the scheme."""
        facts = detect(event.headers, event.body, self._scheme or route_of(self.routes, event.path).scheme)
        return self._recognise_own(event, facts) if facts.scheme is None and self._config.schemes else facts

    def _recognise_own(self, event: Event, facts: Facts) -> Facts:
        """The user's own scheme whose signature header is there."""
        names = {name.lower() for name, _ in event.headers}
        found = next((row for row in self._config.schemes.values() if row.header.lower().encode() in names), None)
        return replace(facts, provider=found.provider, scheme=found.name) if found else facts

    def public_url(self, event: Event) -> str | None:
        """What a URL-signing provider was told, where the user says so."""
        given: str | None = self._public_url or route_of(self.routes, event.path).public_url
        return given or self._config.listen.get("public_url")

    def message(self, event: Event) -> Message:
        """The parts of an event that a signature can cover."""
        return Message(
            method=event.method.decode("ascii"),
            url=signed_url(self.public_url(event), event.target, event.headers),
            headers=event.headers,
            body=event.body,
        )

    def verdict(self, event: Event, scheme: str | None, *, now: float, tolerance: float | None = None) -> Verdict:
        """Whether an event's signature holds at `now` (unix seconds UTC) under a recognised scheme."""
        if scheme is None:
            return UNKNOWN
        return verify(
            self.scheme(scheme), self.message(event), self.secrets(scheme, event.path), now=now, tolerance=tolerance
        )

    def facts(self, event: Event) -> Facts:
        """All that is worked out from an event as of its arrival, but for duplicates and our reply."""
        facts = self.recognise(event)
        verdict = self.verdict(event, facts.scheme, now=event.received_at)
        return replace(facts, signature=verdict.state, reason=verdict.reason, age=verdict.age)

    def resign(self, event: Event, outgoing: Outgoing, *, scheme: str | None, now: float, token: str) -> Outgoing:
        """The request signed afresh as its provider would at `now`; as it is, with a note, where that cannot be.

        `scheme` forces one, and then a missing secret raises WrongUsage. What is signed as the URL is the public URL
        where one is known, else the target's.
        """
        name = scheme or self.recognise(event).scheme
        if name is None:
            return outgoing
        row, secrets = self.scheme(name), self.secrets(name, event.path)
        if scheme is not None:
            secrets = required(row, secrets)
        if not secrets or not row.signs:
            why = f"set {variable(name)} to sign it afresh" if row.signs else f"only {row.title} itself can sign"
            return replace(outgoing, note=f"as captured, not signed by {row.title}'s scheme afresh: {why}")
        public = self.public_url(event)
        url = signed_url(public, event.target, event.headers) if public else outgoing.url
        message = Message(method=outgoing.method.decode(), url=url, headers=outgoing.headers, body=outgoing.body)
        return resigned(outgoing, message, signed(row, message, secrets, now=now, token=token), name)
