"""What the user has set: environment, `whcli.toml`, the store's place, secrets.

Flags beat environment, environment beats file. The file is meant to be committed, so it holds references to secrets,
never secrets. Nothing else is read.
"""

from __future__ import annotations

import errno
import os
import re
import sys
from collections.abc import Iterable, Mapping, Sequence
from contextlib import suppress
from dataclasses import field
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ..rules.near import did_you_mean, near, unknown
from ..rules.routes import Route
from ..rules.signatures.scheme import Scheme
from ..rules.signatures.schemes import NAMES, scheme_named
from ..rules.text import word
from ..words.errors import WrongUsage
from ..words.record import record
from ..words.secret import Secret, masked

if TYPE_CHECKING:
    from importlib.resources.abc import Traversable

FOLDER = ".whcli"
FILE = "whcli.toml"
SMALL = 1 << 20  # bytes of a configuration, a secret, a file of samples
BARE = re.compile(r"(?!localhost\Z)[A-Za-z][A-Za-z0-9_-]*")  # a name, or a machine without a port

KEYS: dict[str, dict[str, type | tuple[type, ...]]] = {
    "listen": {
        **{"forward": str, "public_url": str, "host": str, "port": int, "keep": (str, int)},
        **{"tls": bool, "tls_port": int, "cert": str, "key": str},
        **{"max_body": (str, int), "max_head": (str, int), "max_header_lines": int, "max_connections": int},
        **{
            "head_timeout": (str, int),
            "body_timeout": (str, int),
            "min_body_rate": (str, int),
            "keep_alive": (str, int),
        },
    },
    "send": {"samples": str},
    "routes": {"path": str, "scheme": str, "secret": (str, list), "forward": str, "public_url": str},
}
"""The keys of a table and the types they take; [secrets] and [targets] have names of the user's."""


@record
class Config:
    """What the nearest `whcli.toml` says; empty where there is none."""

    path: Path | None = None
    listen: Mapping[str, Any] = field(default_factory=dict)
    send: Mapping[str, Any] = field(default_factory=dict)
    secrets: Mapping[str, Any] = field(default_factory=dict)
    targets: Mapping[str, str] = field(default_factory=dict)
    routes: Sequence[Mapping[str, Any]] = ()
    schemes: Mapping[str, Scheme] = field(default_factory=dict)  # the user's own

    @property
    def samples(self) -> Path | None:
        """The folder with the user's own sample events; relative to the file."""
        folder = self.send.get("samples")
        return self.path.parent / os.path.expanduser(folder) if folder and self.path else None  # noqa: PTH111  # never raises

    def scheme(self, name: str) -> Scheme:
        """A scheme by name, the user's own first; raises WrongUsage with a suggestion."""
        return self.schemes[name] if name in self.schemes else scheme_named(name, tuple(self.schemes))

    def target(self, text: str) -> str:
        """A target's URL: its name in [targets], else the text as it stands.

        Raises WrongUsage with a suggestion for a bare word that is nearly one of the names.
        """
        if text in self.targets or not BARE.fullmatch(text) or not near(text, self.targets):
            return self.targets.get(text, text)
        raise unknown("target", text, self.targets, next=f"--to http://{text}        if it is a machine's name")

    @property
    def scheme_names(self) -> tuple[str, ...]:
        """All scheme names, the user's own first; one that takes the place of ours stands once."""
        return tuple(dict.fromkeys((*self.schemes, *NAMES)))


def upwards(name: str, start: Path | None = None) -> Path | None:
    """The nearest file or folder of that name, going up from `start` (the working directory)."""
    start = (start or here()).resolve()
    return next((folder / name for folder in (start, *start.parents) if _exists(folder / name)), None)


def _exists(path: Path) -> bool:
    """Whether it is there, as far as we may see."""
    try:
        return path.exists()
    except OSError:
        return False


def here() -> Path:
    """The working directory; raises WrongUsage when it was removed."""
    try:
        return Path.cwd()
    except FileNotFoundError:
        raise WrongUsage("the working directory is not there any more", next="cd to another one") from None


def store_folder(given: Path | None) -> Path:
    """The store's folder: the flag, `WHCLI_STORE`, the nearest `.whcli` upwards, else one in the working directory."""
    if given is not None:
        return given
    if os.environ.get("WHCLI_STORE"):
        return Path(os.environ["WHCLI_STORE"])
    return upwards(FOLDER) or here() / FOLDER


def read_small(path: Path | Traversable) -> bytes:
    """A file that people write, as bytes; raises OSError, for a larger one too: a link may lead to a device."""
    with path.open("rb") as file:
        data: bytes = file.read(SMALL + 1)
    if len(data) > SMALL:
        raise OSError(errno.EFBIG, f"it is larger than {SMALL >> 20} MiB")
    return data


# -- whcli.toml -----------------------------------------------------------------------------------------------------


def load_config() -> Config:
    """Read the nearest `whcli.toml`; raises WrongUsage for what it cannot mean."""
    path = upwards(FILE)
    if path is None:
        return Config()
    import tomllib

    _refuse_foreign(path)
    try:
        tables = tomllib.loads(read_small(path).decode("utf-8"))
    except (tomllib.TOMLDecodeError, UnicodeDecodeError, RecursionError, OSError) as error:
        why = getattr(error, "strerror", None) or error
        raise WrongUsage(f"{path} cannot be read: {why}", code="bad_config", next=f"edit {word(path)}") from error
    schemes = _schemes(path, tables.get("schemes", {}))
    _check(path, tables, (*schemes, *NAMES))
    return Config(
        path=path,
        schemes=schemes,
        listen=tables.get("listen", {}),
        send=tables.get("send", {}),
        secrets=tables.get("secrets", {}),
        targets=tables.get("targets", {}),
        routes=tables.get("routes", []),
    )


def _refuse_foreign(path: Path) -> None:
    """Raise WrongUsage for a file of another user's, but for root's: it says where captured webhooks are sent.

    Who plants one above your working directory, in a folder such as /tmp, must not be asked (see `storing.private`).
    """
    if os.name != "posix":
        return
    with suppress(OSError):  # reading it will tell
        owner = path.stat().st_uid
        if os.geteuid() not in (0, owner) and owner != 0:
            from .storing.private import name_of

            raise WrongUsage(
                f"{path} belongs to another user ({name_of(owner)}), and it says where webhooks are sent",
                code="config_foreign",
                next=f"ls -l {word(path)}        shows whose; one of your own, nearer by, takes its place",
            )


def _schemes(path: Path, tables: Any) -> dict[str, Scheme]:
    """The user's own schemes; the module that reads them is loaded only when there are some."""
    if not tables:
        return {}
    from ..rules.signatures.custom import in_file, scheme_from

    _named(path, "schemes", tables, (dict,))
    if "custom" in tables:
        raise _wrong(path, "schemes.custom", "has the name of the scheme that flags describe; give it another")
    return {name: scheme_from(name, table, str(path), in_file(name, path)) for name, table in tables.items()}


def _check(path: Path, tables: dict[str, Any], schemes: tuple[str, ...]) -> None:
    _known(path, "", tables, ("listen", "send", "secrets", "targets", "routes", "schemes"))
    for name in ("listen", "send"):
        _typed(path, name, tables.get(name, {}))
    routes = tables.get("routes", [])
    if not isinstance(routes, list):
        raise _wrong(path, "routes", "is not a list of tables; write [[routes]]")
    for route in routes:
        _typed(path, "routes", route)
        if "path" not in route:
            raise _wrong(path, "routes", 'lacks a path, such as path = "/stripe/*"')
        if "scheme" in route:
            _known(path, "routes.scheme = ", {route["scheme"]: None}, schemes)
    _named(path, "secrets", tables.get("secrets", {}), (str, list))
    _known(path, "secrets.", tables.get("secrets", {}), schemes)
    _named(path, "targets", tables.get("targets", {}), (str,))
    _reachable(path, tables)


def _reachable(path: Path, tables: dict[str, Any]) -> None:
    """Ports exist, and targets are URLs that can be sent to."""
    from ..rules.target import parse_target  # not for who has no file

    for name in ("port", "tls_port"):
        if not 0 <= tables.get("listen", {}).get(name, 0) <= 65535:
            raise _wrong(path, f"listen.{name}", "is no port: one lies between 0 and 65535, and 0 takes a free one")
    for name, url in tables.get("targets", {}).items():
        try:
            parse_target(url)
        except WrongUsage as error:
            raise _wrong(path, f"targets.{name}", f"is no target: {error.message}") from error


def _known(path: Path, prefix: str, table: Mapping[str, Any], names: Iterable[str]) -> None:
    for key in table:
        if key not in (known := tuple(names)):
            details = did_you_mean(key, known, prefix)
            raise WrongUsage(
                f"unknown key '{prefix}{key}' in {path}", code="bad_config", details=details, next=f"edit {word(path)}"
            )


def _typed(path: Path, name: str, table: Any) -> None:
    _named(path, name, table, (str, int, list))
    _known(path, f"{name}.", table, KEYS[name])
    for key, value in table.items():
        wanted = KEYS[name][key]
        if not isinstance(value, wanted) or (isinstance(value, bool) and wanted is not bool):  # `true` is a number too
            raise _wrong(path, f"{name}.{key}", "has the wrong type")


def _named(path: Path, name: str, table: Any, types: tuple[type, ...]) -> None:
    if not isinstance(table, dict):
        raise _wrong(path, name, "is not a table")
    for key, value in table.items():
        if not isinstance(value, types):
            raise _wrong(path, f"{name}.{key}", "has the wrong type")


def _wrong(path: Path, key: str, what: str) -> WrongUsage:
    return WrongUsage(f"'{key}' in {path} {what}", code="bad_config", next=f"edit {word(path)}")


def routes_of(config: Config) -> tuple[Route, ...]:
    """The file's [[routes]], with their secrets read."""
    return tuple(
        Route(
            path=route["path"],
            scheme=route.get("scheme"),
            secrets=referred(config, route.get("secret", ())),
            forward=route.get("forward"),
            public_url=route.get("public_url"),
        )
        for route in config.routes
    )


# -- secrets --------------------------------------------------------------------------------------------------------


def secrets_for(scheme: str, config: Config, given: Sequence[str] = ()) -> tuple[Secret, ...]:
    """The secrets known for a scheme: the flags, else `WHCLI_SECRET_<SCHEME>`, else the file. The first signs."""
    if given:
        return tuple(secret_from(reference) for reference in given)
    name = variable(scheme)
    if os.environ.get(name):
        return (Secret(value=os.environ[name].encode("utf-8", "surrogateescape"), label=f"${name}"),)
    return referred(config, config.secrets.get(scheme, ()))


def variable(scheme: str) -> str:
    """The environment variable for a scheme's secret: `WHCLI_SECRET_GITLAB_SIGNING`."""
    return "WHCLI_SECRET_" + scheme.upper().replace("-", "_")


def referred(config: Config, references: str | Sequence[str]) -> tuple[Secret, ...]:
    """The file's references that lead somewhere; an unset variable is no secret, not an error."""
    names = [references] if isinstance(references, str) else references
    for reference in names:
        if not isinstance(reference, str) or not reference.startswith(("env:", "file:")):
            raise WrongUsage(
                f"{config.path} holds a secret where a reference belongs ({masked(str(reference))})",
                code="secret_in_config",
                next='write "env:NAME" or "file:PATH" there: the file is meant to be committed',
            )
    present = [name for name in names if not name.startswith("env:") or os.environ.get(name.removeprefix("env:"))]
    return tuple(secret_from(name, config.path.parent if config.path else None) for name in present)


def secret_from(reference: str, base: Path | None = None) -> Secret:
    """The secret a reference leads to: `env:NAME`, `file:PATH`, `-` (stdin) or a literal, which earns a warning.

    A file's or stdin's last line end is no part of the secret. Raises WrongUsage when there is nothing.
    """
    kind, _, rest = reference.partition(":")
    if reference == "-":
        value, label = _typed_in(), "stdin"
    elif kind == "env":
        value, label = os.environ.get(rest, "").encode("utf-8", "surrogateescape"), f"${rest}"
    elif kind == "file":
        value, label = _read(rest, base), rest
    else:
        warn_literal()
        value, label = reference.encode("utf-8", "surrogateescape"), "the command line"
    if not value:
        raise WrongUsage(f"the secret from {label} is empty", code="no_secret", next=f"check {label}")
    return Secret(value=value, label=label)


def _read(name: str, base: Path | None) -> bytes:
    path = Path(name)
    try:
        path = (base or Path()) / path.expanduser()
        return read_small(path).removesuffix(b"\n").removesuffix(b"\r")
    except (OSError, RuntimeError, ValueError) as error:  # no such home; a NUL in the name
        why = getattr(error, "strerror", None) or error
        raise WrongUsage(
            f"the secret file {path} cannot be read: {why}", code="no_secret", next=f"ls -l {word(path)}"
        ) from error


def _typed_in() -> bytes:
    """Standard input: asked for without echo on a terminal."""
    if sys.stdin.isatty():
        from getpass import getpass

        return getpass("Secret: ", stream=sys.stderr).encode("utf-8", "surrogateescape")
    return sys.stdin.buffer.read().removesuffix(b"\n").removesuffix(b"\r")


def warn_literal() -> None:
    """Say that a secret in the arguments is no secret."""
    sys.stderr.write(
        "warning: a secret on the command line is visible to other processes and in the shell's history;"
        " use --secret env:NAME, file:PATH or -\n"
    )
