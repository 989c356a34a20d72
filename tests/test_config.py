"""What the user has set: where it is found, what is refused, and that no secret shows."""

from __future__ import annotations

import io
import os
import subprocess
import sys
import tempfile
import traceback
from pathlib import Path

import pytest

from tests.program import whcli
from whcli.hands.config import (
    Config,
    load_config,
    routes_of,
    secret_from,
    secrets_for,
    store_folder,
    upwards,
    variable,
)
from whcli.rules.signatures.schemes import NAMES
from whcli.words.errors import Exit, WhcliError, WrongUsage

CANARY = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"


def write(text: str | bytes, folder: Path | None = None) -> Path:
    path = (folder or Path.cwd()) / "whcli.toml"
    path.write_bytes(text if isinstance(text, bytes) else text.encode())
    return path


def refused(text: str | bytes) -> WrongUsage:
    path = write(text)
    with pytest.raises(WrongUsage) as caught:
        routes_of(load_config())
    assert caught.value.exit == Exit.USAGE
    assert str(path) in caught.value.message
    assert "\n" not in caught.value.message
    return caught.value


# -- found upwards --------------------------------------------------------------------------------------------------


def test_nothing_set_is_an_empty_configuration() -> None:
    assert load_config() == Config()


def test_the_nearest_file_upwards_is_read(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    deep = tmp_path / "a" / "b" / "c"
    deep.mkdir(parents=True)
    write('[listen]\nforward = "http://far"', tmp_path)
    monkeypatch.chdir(deep)
    assert load_config().listen["forward"] == "http://far"
    near = write('[listen]\nforward = "http://near"', tmp_path / "a" / "b")
    assert load_config().listen["forward"] == "http://near"
    assert load_config().path == near


def test_the_store_is_found_as_git_finds_its_own(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    deep = tmp_path / "a" / "b"
    deep.mkdir(parents=True)
    monkeypatch.chdir(deep)
    assert store_folder(None) == deep / ".whcli"
    assert not (deep / ".whcli").exists()
    (tmp_path / "a" / ".whcli").mkdir()
    assert store_folder(None) == tmp_path / "a" / ".whcli"
    monkeypatch.setenv("WHCLI_STORE", str(tmp_path / "env"))
    assert store_folder(None) == tmp_path / "env"
    assert store_folder(tmp_path / "flag") == tmp_path / "flag"
    monkeypatch.setenv("WHCLI_STORE", "")
    assert store_folder(None) == tmp_path / "a" / ".whcli"


def test_going_up_ends_at_the_root() -> None:
    assert upwards("no-such-file-anywhere-5f3a") is None
    assert upwards("no-such-file-anywhere-5f3a", Path("/")) is None


# -- the file -------------------------------------------------------------------------------------------------------


def test_everything_that_the_file_can_say(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    (tmp_path / "b.txt").write_text("two\n")
    write(
        """
        [listen]
        forward = "http://localhost:3000/webhooks"
        public_url = "https://abc.example.dev"
        host = "127.0.0.1"
        port = 9999
        [secrets]
        stripe = "env:STRIPE"
        github = ["env:NEW", "file:b.txt"]
        [targets]
        "größe" = "http://localhost:3000/ü"
        [[routes]]
        path = "/stripe/*"
        scheme = "stripe"
        secret = ["env:STRIPE", "env:UNSET"]
        forward = "http://localhost:3000/hooks/stripe"
        public_url = "https://abc.example.dev/stripe"
        [[routes]]
        path = "*"
        """
    )
    monkeypatch.setenv("STRIPE", CANARY)
    monkeypatch.setenv("NEW", "one")
    config = load_config()
    assert config.listen["port"] == 9999
    assert config.targets == {"größe": "http://localhost:3000/ü"}
    assert [secret.value for secret in secrets_for("github", config)] == [b"one", b"two"]
    first, second = routes_of(config)
    assert (first.path, first.scheme, first.forward) == ("/stripe/*", "stripe", "http://localhost:3000/hooks/stripe")
    assert first.public_url == "https://abc.example.dev/stripe"
    assert [secret.value.decode() for secret in first.secrets] == [CANARY]  # the unset one is no secret, not an error
    assert (second.path, second.scheme, second.secrets) == ("*", None, ())


def test_the_file_is_utf_8_in_every_locale(tmp_path: Path) -> None:
    """TOML is UTF-8 (toml.io/en/v1.0.0); what Python reads text as by default depends on the locale."""
    write('[targets]\n"größe" = "http://x"')
    code = "from whcli.hands.config import load_config; print(ascii(dict(load_config().targets)))"
    done = subprocess.run(
        [sys.executable, "-X", "utf8=0", "-c", code],
        capture_output=True,
        text=True,
        env={**os.environ, "LC_ALL": "C", "PYTHONCOERCECLOCALE": "0"},
    )
    assert done.stdout == "{'gr\\xf6\\xdfe': 'http://x'}\n", done.stderr


UNKNOWN = {
    "listn": ("[listn]\nport = 1", "'listn'", "'listen'"),
    "a key of listen": ("[listen]\nforwrad = 'x'", "'listen.forwrad'", "'listen.forward'"),
    "a key of a route": ("[[routes]]\npath = '/x'\nschema = 'stripe'", "'routes.schema'", "'routes.scheme'"),
    "a scheme": ("[secrets]\nstrype = 'env:A'", "'secrets.strype'", "'secrets.stripe'"),
    "a scheme with a dash": ("[secrets]\ngitlab_signing = 'env:A'", "'secrets.gitlab_signing'", "gitlab-signing"),
    "a route's scheme": ("[[routes]]\npath = '/x'\nscheme = 'gihtub'", "gihtub", "github"),
}


@pytest.mark.parametrize(("text", "key", "near"), UNKNOWN.values(), ids=UNKNOWN.keys())
def test_an_unknown_key_is_an_error_with_a_suggestion(text: str, key: str, near: str) -> None:
    error = refused(text)
    assert key in error.message
    assert near in dict(error.details)["did you mean"]


def test_an_unknown_key_like_no_other_has_no_suggestion() -> None:
    error = refused("[zzz]\n")
    assert error.details == ()
    assert error.code == "bad_config"


WRONG = {
    "no TOML": "listen = [",
    "TOML with a key twice": "[listen]\nport = 1\nport = 2",
    "no UTF-8": b'[targets]\na = "\xff"',
    "a table that is a number": "listen = 5",
    "a table that is a list": "secrets = []",
    "targets as text": "targets = 'x'",
    "routes as a table": "[routes]\npath = '/x'",
    "routes of numbers": "routes = [1]",
    "a route without a path": "[[routes]]\nscheme = 'stripe'",
    "a port as text": "[listen]\nport = '8765'",
    "a port that is true": "[listen]\nport = true",
    "a forward that is a number": "[listen]\nforward = 3000",
    "a forward that is a date": "[listen]\nforward = 2026-11-23",
    "a path that is a number": "[[routes]]\npath = 1",
    "a secret that is a number": "[secrets]\nstripe = 5",
    "a target that is a table": "[targets.app]\nurl = 'http://x'",
    "nesting without an end": "a = " + "[" * 20_000,
}


@pytest.mark.parametrize("text", WRONG.values(), ids=WRONG.keys())
def test_what_the_file_cannot_mean_is_one_sentence(text: str | bytes) -> None:
    assert refused(text).code == "bad_config"


def test_a_folder_in_the_files_place() -> None:
    Path("whcli.toml").mkdir()
    with pytest.raises(WrongUsage):
        load_config()


# -- secrets --------------------------------------------------------------------------------------------------------

LITERAL = {
    "as the secret of a scheme": f"[secrets]\nstripe = '{CANARY}'",
    "in a list": f"[secrets]\nstripe = ['env:A', '{CANARY}']",
    "as the secret of a route": f"[[routes]]\npath = '/x'\nscheme = 'stripe'\nsecret = '{CANARY}'",
}


@pytest.mark.parametrize("text", LITERAL.values(), ids=LITERAL.keys())
def test_a_secret_in_the_file_is_refused_and_not_repeated(text: str) -> None:
    write(text)
    with pytest.raises(WrongUsage) as caught:
        config = load_config()
        routes_of(config)
        secrets_for("stripe", config)
    assert caught.value.code == "secret_in_config"
    assert "env:NAME" in caught.value.next
    assert CANARY[8:-4] not in caught.value.message
    assert CANARY[8:-4] not in "".join(traceback.format_exception(caught.value)).replace(text, "")


def test_flags_beat_the_environment_and_the_environment_beats_the_file(monkeypatch: pytest.MonkeyPatch) -> None:
    write("[secrets]\ngithub = 'env:FROM_FILE'")
    monkeypatch.setenv("FROM_FILE", "file")
    config = load_config()
    assert [secret.value for secret in secrets_for("github", config)] == [b"file"]
    monkeypatch.setenv("WHCLI_SECRET_GITHUB", "environment")
    assert [secret.value for secret in secrets_for("github", config)] == [b"environment"]
    monkeypatch.setenv("FLAG", "flag")
    assert [secret.value for secret in secrets_for("github", config, ["env:FLAG"])] == [b"flag"]
    monkeypatch.setenv("WHCLI_SECRET_GITHUB", "")
    assert [secret.value for secret in secrets_for("github", config)] == [b"file"]
    assert secrets_for("stripe", config) == ()


def test_every_scheme_has_a_variable_of_its_own() -> None:
    assert variable("gitlab-signing") == "WHCLI_SECRET_GITLAB_SIGNING"
    assert len({variable(name) for name in NAMES}) == len(NAMES)
    assert all(variable(name).replace("_", "").isalnum() for name in NAMES)


FILES = {
    "as it is": (b"s3cret", b"s3cret"),
    "one line feed goes": (b"s3cret\n", b"s3cret"),
    "CR LF goes": (b"s3cret\r\n", b"s3cret"),
    "of two line feeds one stays": (b"s3cret\n\n", b"s3cret\n"),
    "blanks stay": (b" s3cret ", b" s3cret "),
    "bytes stay": (b"\x00\xff\xfe", b"\x00\xff\xfe"),
    "a PEM keeps its inner lines": (b"-----BEGIN\nA\n-----END\n", b"-----BEGIN\nA\n-----END"),
}


@pytest.mark.parametrize(("content", "value"), FILES.values(), ids=FILES.keys())
def test_a_files_last_line_end_is_no_part_of_the_secret(tmp_path: Path, content: bytes, value: bytes) -> None:
    (tmp_path / "secret").write_bytes(content)
    assert secret_from("file:secret").value == value
    assert secret_from(f"file:{tmp_path / 'secret'}").value == value


def test_the_files_of_a_configuration_lie_beside_it(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    write("[secrets]\ngithub = 'file:keys/github'")
    (tmp_path / "keys").mkdir()
    (tmp_path / "keys" / "github").write_text("one")
    (tmp_path / "deep").mkdir()
    monkeypatch.chdir(tmp_path / "deep")
    assert [secret.value for secret in secrets_for("github", load_config())] == [b"one"]


def test_a_tilde_is_the_home(tmp_path: Path) -> None:
    (Path(os.environ["HOME"]) / "secret").write_text("one")
    assert secret_from("file:~/secret").value == b"one"


NO_SECRET = ["env:NOT_SET", "env:", "file:absent", "file:", "file:empty", "file:newline", "", "file:/dev/null"]


@pytest.mark.parametrize("reference", NO_SECRET)
def test_a_reference_that_leads_to_nothing_is_one_sentence(reference: str) -> None:
    Path("empty").write_bytes(b"")
    Path("newline").write_bytes(b"\n")
    with pytest.raises(WrongUsage) as caught:
        secret_from(reference)
    assert caught.value.code == "no_secret"
    assert caught.value.next


def test_standard_input_without_its_last_line_end(monkeypatch: pytest.MonkeyPatch) -> None:
    code = "from whcli.hands.config import secret_from; s = secret_from('-'); print(s.value, s.label)"
    done = subprocess.run([sys.executable, "-c", code], input=b"s3cret\xff\r\n", capture_output=True)
    assert done.stdout == b"b's3cret\\xff' stdin\n"


def test_a_literal_works_with_a_warning_that_does_not_repeat_it(capsys: pytest.CaptureFixture[str]) -> None:
    secret = secret_from(CANARY)
    assert secret.value.decode() == CANARY
    assert secret.label == "the command line"
    out, err = capsys.readouterr()
    assert out == ""
    assert "warning" in err and "env:NAME" in err
    assert CANARY not in err


def test_a_variable_that_is_no_utf_8_keeps_its_bytes(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ODD", os.fsdecode(b"a\xff"))
    assert secret_from("env:ODD").value == b"a\xff"


def test_no_secret_shows_in_any_error_of_its_own_reading(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CANARY", CANARY)
    (tmp_path / "secret").write_text(CANARY)
    write(f"[secrets]\ngithub = 'env:CANARY'\nstripe = ['env:CANARY', '{CANARY}']\nslack = 'file:absent'")
    config = load_config()
    shown = io.StringIO()
    print(secrets_for("github", config), secret_from("file:secret"), secret_from("env:CANARY"), file=shown)
    for scheme in ("stripe", "slack"):
        try:
            secrets_for(scheme, config)
        except WhcliError as error:
            print(error, error.next, error.details, repr(error), traceback.format_exc(), file=shown)
    assert CANARY[6:-4] not in shown.getvalue()


@pytest.mark.skipif(not Path("/dev/zero").exists(), reason="no device here that never ends")
def test_a_file_that_never_ends_is_a_sentence(tmp_path: Path) -> None:
    endless = tmp_path / "endless"
    endless.symlink_to("/dev/zero")
    done = whcli("sign", "github", "--secret", "file:endless", "--body-file", "/dev/null", folder=tmp_path)
    assert done.code == 2 and "larger than 1 MiB" in done.err
    (tmp_path / "whcli.toml").symlink_to(endless)
    done = whcli("listen", "--port", "0", folder=tmp_path)
    assert done.code == 2 and "larger than 1 MiB" in done.err


@pytest.mark.skipif(os.name != "posix" or os.geteuid() != 0, reason="only root can give a file away")
@pytest.mark.parametrize(("owner", "code"), [(12345, "config_foreign"), (65534, None), (0, None)])
def test_another_users_file_above_us_says_nothing_to_us(
    monkeypatch: pytest.MonkeyPatch, owner: int, code: str | None
) -> None:
    """Whoever plants a `whcli.toml` in /tmp must not get what is captured in a folder of ours below it."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name).resolve()
        ours = folder / "ours"
        ours.mkdir()
        folder.chmod(0o755)
        os.chown(write('[listen]\nforward = "http://localhost:1"', folder), owner, owner)
        monkeypatch.chdir(ours)
        os.seteuid(65534)
        try:
            if code is None:
                assert load_config().listen["forward"] == "http://localhost:1"
            else:
                with pytest.raises(WrongUsage, match="another user") as caught:
                    load_config()
                assert caught.value.code == code
        finally:
            os.seteuid(0)
            monkeypatch.chdir("/")
