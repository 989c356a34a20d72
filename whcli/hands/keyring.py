"""Which scheme, secrets and URL belong to an event: flags, routes, environment and file, asked in that order."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from functools import cached_property

from ..rules.detect import detect
from ..rules.resign import resigned
from ..rules.routes import Route, route_of, signed_url
from ..rules.scheme import Scheme
from ..rules.schemes import NAMES, scheme_named
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


class Keyring:
    """What is known for verifying and signing. Holds secrets, so it is never printed.

    `given` are the references of `--secret`, `scheme` and `public_url` what the flags have fixed.
    """

    def __init__(
        self, config: Config, *, given: Sequence[str] = (), scheme: str | None = None, public_url: str | None = None
    ) -> None:
        if scheme is not None:
            scheme_named(scheme)
        self._config = config
        self._given = given
        self._scheme = scheme
        self._public_url = public_url
        self._known: dict[str, tuple[Secret, ...]] = {}

    @cached_property
    def routes(self) -> tuple[Route, ...]:
        """The configured routes, their secrets read."""
        return routes_of(self._config)

    @cached_property
    def given(self) -> tuple[Secret, ...]:
        """The secrets of the flags, read once: one of them may be stdin."""
        return secrets_for("", self._config, self._given) if self._given else ()

    def secrets(self, scheme: str, path: str = "/") -> tuple[Secret, ...]:
        """The secrets for a scheme at a path; the first signs, all verify."""
        if self.given:
            return self.given
        route = route_of(self.routes, path)
        if route.secrets and route.scheme in (None, scheme):
            return route.secrets
        if scheme not in self._known:
            self._known[scheme] = secrets_for(scheme, self._config)
        return self._known[scheme]

    def any_secret(self) -> bool:
        """Whether there is a secret for anything at all."""
        return bool(self.given) or any(route.secrets for route in self.routes) or bool(self.known_schemes())

    def known_schemes(self) -> list[tuple[str, Secret]]:
        """The schemes with a secret in environment or file, and the secret that signs."""
        found = [(name, secrets_for(name, self._config)) for name in NAMES]
        return [(name, secrets[0]) for name, secrets in found if secrets]

    def recognise(self, event: Event) -> Facts:
        """Provider, scheme, type and delivery id of an event; flags and routes fix the scheme."""
        return detect(event.headers, event.body, self._scheme or route_of(self.routes, event.path).scheme)

    def public_url(self, event: Event) -> str | None:
        """What a URL-signing provider was told, where the user says so."""
        given: str | None = self._public_url or route_of(self.routes, event.path).public_url
        return given or self._config.listen.get("public_url")

    def message(self, event: Event) -> Message:
        """The parts of an event that a signature can cover."""
        public = (
            self._public_url or route_of(self.routes, event.path).public_url or self._config.listen.get("public_url")
        )
        return Message(
            method=event.method.decode("ascii"),
            url=signed_url(public, event.target, event.headers),
            headers=event.headers,
            body=event.body,
        )

    def verdict(self, event: Event, scheme: str | None, *, now: float, tolerance: float | None = None) -> Verdict:
        """Whether an event's signature holds at `now` (unix seconds UTC) under a recognised scheme."""
        if scheme is None:
            return UNKNOWN
        return verify(
            scheme_named(scheme), self.message(event), self.secrets(scheme, event.path), now=now, tolerance=tolerance
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
        row, secrets = scheme_named(name), self.secrets(name, event.path)
        if scheme is not None:
            secrets = required(row, secrets)
        if not secrets or not row.signs:
            why = f"set {variable(name)} to sign it afresh" if row.signs else f"only {row.title} itself can sign"
            return replace(outgoing, note=f"the old {row.title} signature goes out: {why}")
        public = self.public_url(event)
        url = signed_url(public, event.target, event.headers) if public else outgoing.url
        message = Message(method=outgoing.method.decode(), url=url, headers=outgoing.headers, body=outgoing.body)
        return resigned(outgoing, sign(row, message, secrets, now=now, token=token), name)
