"""Which scheme, secrets and URL belong to an event: flags, routes, environment and file, asked in that order."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from functools import cache, cached_property
from typing import TYPE_CHECKING

from ..rules.routes import NO_ROUTE, Route, route_of, signed_url
from ..rules.signatures.scheme import BadKey, Scheme
from ..rules.signatures.signing import sign, verify
from ..words.errors import WrongUsage
from ..words.event import Event, Facts, Headers, Message, Outgoing, Verdict
from ..words.fixture import is_redacted
from ..words.secret import Secret
from .config import Config, routes_of, secrets_for, variable

if TYPE_CHECKING:
    from ..rules.signatures.carried import Signed

MOST = 100  # secrets kept from handshakes at one path: Asana gives every webhook its own
BARE = 64  # characters of an Ed25519 key of 32 bytes, in hexadecimal; base64 is shorter
HASHED = 32 << 20  # bytes of a body up to which the listener loads it to check its signature
UNKNOWN = Verdict(state="unknown", reason="unknown_scheme", detail="no known signature scheme was recognised")
TOO_LARGE = Verdict(state="unknown", reason="body_too_large", detail="the body is too large to be checked on arrival")


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


def secret_of_fixtures(row: Scheme) -> Secret:
    """The secret that redacted fixtures are signed with where none is configured."""
    from ..rules.signatures.testsecrets import secret_for_tests

    return secret_for_tests(row).secret


def told_of_fixtures(outgoing: Outgoing, scheme: str) -> Outgoing:
    """The request with a line that says so, and what the handler needs."""
    line = f"signed with the test secret: `whcli fixtures secret {scheme}` prints what your handler needs"
    return replace(outgoing, changes=(line, *outgoing.changes))


Kept = Callable[[str, str], Sequence[Secret]]
"""The secrets that arrived in handshakes: by scheme and path."""
Recognise = Callable[[Headers, bytes, str | None], Facts]
"""What a request is recognised as; its text is the scheme that a route has fixed."""


def signed(
    row: Scheme, message: Message, secrets: Sequence[Secret], *, now: float, token: str, id: str | None = None
) -> Signed:
    """Sign (see `signing.sign`); a secret that does not have the scheme's form raises WrongUsage, never showing it."""
    try:
        return sign(row, message, secrets, now=now, token=token, id=id)
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
        self._used: dict[str, tuple[Secret, ...]] = {}  # by scheme, in the place of all others
        self._arrived: dict[tuple[str, str], tuple[Secret, ...]] = {}  # by scheme and path, the newest first

    @cached_property
    def routes(self) -> tuple[Route, ...]:
        """The configured routes, their secrets read."""
        return routes_of(self._config)

    @cached_property
    def given(self) -> tuple[Secret, ...]:
        """The secrets of the flags, read once: one of them may be stdin."""
        return secrets_for("", self._config, self._given) if self._given else ()

    def check(self) -> None:
        """Read every secret that flags, routes and file refer to; raises WrongUsage for one that leads nowhere.

        A listener does so before it begins: a mistake must not wait for the first event.
        """
        _ = self.given, self.routes, self.known()

    def scheme(self, name: str) -> Scheme:
        """A scheme by name, the user's own included."""
        return self._config.scheme(name)

    def secrets(self, scheme: str, path: str = "/") -> tuple[Secret, ...]:
        """The secrets for a scheme at a path; the first signs, all verify.

        Those that arrived in a handshake at that path come first: they are the provider's newest word.
        """
        if self.given:
            return self.given
        if scheme in self._used:
            return self._used[scheme]
        route = route_of(self.routes, path) if self.routes else NO_ROUTE
        if route.secrets and route.scheme in (None, scheme):
            return route.secrets
        if scheme not in self._known:
            self._known[scheme] = secrets_for(scheme, self._config)
        arrived = self._arrived.get((scheme, path), ())
        earlier = [secret for secret in self.kept(scheme, path) if secret not in arrived]
        return (*arrived, *earlier, *self._known[scheme])

    def keep(self, scheme: str, path: str, secret: Secret) -> None:
        """Use a secret that arrived in a handshake, before those that were kept earlier; MOST at a path."""
        earlier = [each for each in self._arrived.get((scheme, path), ()) if each != secret]
        self._arrived[scheme, path] = (secret, *earlier)[:MOST]

    def use(self, scheme: str, secrets: Sequence[Secret]) -> None:
        """Use these secrets for a scheme from now on, at every path; raises WrongUsage for an unknown scheme."""
        self._used[self.scheme(scheme).name] = tuple(secrets)

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

    def others(self, scheme: Scheme, secrets: Sequence[Secret]) -> list[tuple[Scheme, Secret]]:
        """All known secrets beside these, those of the routes too; a route without a scheme may be of this one."""
        routed = [
            (self.scheme(route.scheme) if route.scheme else scheme, secret)
            for route in self.routes
            for secret in route.secrets
        ]
        values = {secret.value for secret in secrets}
        return [(row, secret) for row, secret in (*self.known(), *routed) if secret.value not in values]

    def recognise(self, event: Event) -> Facts:
        """Provider, scheme, type and delivery id of an event; flags and routes fix the scheme."""
        from ..rules.recognition.detect import detect  # its tables are not needed to sign

        return self._recognised(event, detect)

    def signer(self, event: Event) -> Facts:
        """As `recognise`, for signing: without type and ids, which stand in the body."""
        return self._recognised(event, _signer())

    def _route(self, event: Event) -> Route:
        return route_of(self.routes, event.path) if self.routes else NO_ROUTE

    def _recognised(self, event: Event, read: Recognise) -> Facts:
        facts = read(event.headers, event.body, self._scheme or self._route(event).scheme)
        return self._recognise_own(event, facts) if facts.scheme is None and self._config.schemes else facts

    def _recognise_own(self, event: Event, facts: Facts) -> Facts:
        """The user's own scheme whose signature header is there; where several are, none is guessed."""
        names = {name.lower() for name, _ in event.headers}
        found = [row for row in self._config.schemes.values() if row.header.lower().encode() in names]
        if len(found) == 1:
            return replace(facts, provider=found[0].provider, scheme=found[0].name, candidates=())
        return replace(facts, candidates=tuple(row.name for row in found)) if found else facts

    def public_urls(self) -> set[str]:
        """All URLs that providers were told, by flag, route or file."""
        told = (self._public_url, self._config.listen.get("public_url"), *(route.public_url for route in self.routes))
        return {url for url in told if url}

    def public_url(self, event: Event) -> str | None:
        """What a URL-signing provider was told, where the user says so."""
        given: str | None = self._public_url or self._route(event).public_url
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
        return _judged(facts, self.verdict(event, facts.scheme, now=event.received_at))

    def facts_unread(self, event: Event, load: Callable[[], Event | None]) -> Facts:
        """The same of an event whose body was not read: recognised by its headers alone.

        The body is loaded only to be hashed, and only up to HASHED bytes: what a sender sends must not fill memory.
        """
        facts = self.recognise(event)
        if facts.scheme is None:
            return _judged(facts, UNKNOWN)
        if event.unread > HASHED or not self.scheme(facts.scheme).hashes or (whole := load()) is None:
            return _judged(facts, TOO_LARGE)
        return _judged(facts, self.verdict(whole, facts.scheme, now=event.received_at))

    def resign(self, event: Event, outgoing: Outgoing, *, scheme: str | None, now: float, token: str) -> Outgoing:
        """The request signed afresh as its provider would at `now`; as it is, with a note, where that cannot be.

        `scheme` forces one, and then what keeps us from signing raises WrongUsage. What is signed as the URL is the
        public URL where one is known, else the target's.
        """
        facts = Facts(scheme=scheme) if scheme else self.signer(event)
        if (name := facts.scheme) is None:
            who = " or ".join(facts.candidates)
            return replace(outgoing, note=f"not signed afresh: it may be from {who}; see --resign") if who else outgoing
        row, secrets = self.scheme(name), self.secrets(name, event.path)
        public = self.public_url(event)
        url = signed_url(public, event.target, event.headers) if public else outgoing.url
        message = Message(method=outgoing.method.decode(), url=url, headers=outgoing.headers, body=outgoing.body)
        try:
            if row.signs and not secrets and is_redacted(event):
                secrets, outgoing = (secret_of_fixtures(row),), told_of_fixtures(outgoing, name)
            secrets = required(row, secrets) if row.signs else secrets
            self._demand_private(row, event, secrets)
            return _resigned()(outgoing, message, signed(row, message, secrets, now=now, token=token), name)
        except WrongUsage as error:
            if scheme is not None:
                raise
            why = f"set {variable(name)}" if error.code == "no_secret" else error.message
            return replace(outgoing, note=f"not signed afresh: {why}")

    def _demand_private(self, row: Scheme, event: Event, secrets: tuple[Secret, ...]) -> None:
        """Refuse to sign with a public key: 32 bytes alone can be one or the other, and the capture tells which."""
        if row.pair and secrets and len(secrets[0].value.strip()) <= BARE:
            verdict = verify(row, self.message(event), secrets[:1], now=event.received_at)
            if verdict.state in ("valid", "stale"):
                raise WrongUsage(
                    f"{secrets[0].label} holds the public key, which can only verify",
                    code="secret_malformed",
                    next=f"whcli schemes keygen {row.name}        makes a pair for tests",
                )


@cache
def _signer() -> Recognise:
    """Imported once and when it is needed: an import in a function costs each time, and not every command signs so."""
    from ..rules.recognition.detect import signer

    return signer


@cache
def _resigned() -> Callable[[Outgoing, Message, Signed, str], Outgoing]:
    from ..rules.replaying.resign import resigned

    return resigned


def _judged(facts: Facts, verdict: Verdict) -> Facts:
    return replace(facts, signature=verdict.state, reason=verdict.reason, age=verdict.age)
