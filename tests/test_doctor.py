"""`whcli doctor`: each trouble that it names is made here, and found; what is well stays without a word of warning."""

from __future__ import annotations

import os
import signal
import socket
import sqlite3
import time
from pathlib import Path

import pytest

from tests.program import Done, listening, whcli
from tests.test_store import NOW, altered, arrival, digest, nobody
from whcli.commands.checking.store import store_checks
from whcli.hands.machine import hardware_time, is_ours, programs, remote_file_system
from whcli.hands.storing.examination import examined, has_reset_bug
from whcli.hands.storing.migrations import LATEST, STEPS, migrate
from whcli.hands.storing.private import FILE
from whcli.hands.storing.store import Store
from whcli.rules.checkup.moments import RELEASED, Times, judged
from whcli.rules.checkup.secrets import FORMS, findings
from whcli.rules.signatures.schemes import NAMES, scheme_named
from whcli.words.errors import StoreFailed

STRIPE = "whsec_" + "a1B2" * 8


@pytest.fixture
def path_of_ours(tmp_path: Path) -> dict[str, str]:
    """A PATH whose first `whcli` is the one under test, and a port that nobody is likely to hold."""
    import sys

    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    (tmp_path / "whcli.toml").write_text(f"[listen]\nport = {port}\n")
    return {"PATH": os.pathsep.join([str(Path(sys.executable).parent), os.environ["PATH"]])}


Parts = dict[str, list[tuple[str, str, str]]]


def doctor(folder: Path, *flags: str, env: dict[str, str] | None = None) -> tuple[Done, Parts]:
    """Its end, and what it said: state, message and what to do, by part."""
    done = whcli("doctor", "--json", *flags, folder=folder, env=env)
    parts: Parts = {}
    for line in done.lines:
        assert line["state"] == "ok" or line["next"], line
        parts.setdefault(line["part"], []).append((line["state"], line["message"], line["next"] or ""))
    return done, parts


def only(parts: Parts, part: str, state: str) -> str:
    """The message of the one check of a part in that state."""
    [message] = [said for found, said, _ in parts.get(part, ()) if found == state]
    return message


# -- all is well ----------------------------------------------------------------------------------------------------


def test_where_all_is_well_every_part_is_ok(folder: Path, tmp_path: Path, path_of_ours: dict[str, str]) -> None:
    with Store(folder, create=True) as store:
        store.add([arrival(at=time.time())])
    (tmp_path / "s.txt").write_text(STRIPE + "\n")
    (tmp_path / "s.txt").chmod(0o600)
    with (tmp_path / "whcli.toml").open("a") as file:
        file.write('[secrets]\nstripe = "file:s.txt"\n')
    done, parts = doctor(tmp_path, env=path_of_ours)
    assert done.code == 0, done.out
    assert {state for checks in parts.values() for state, _, _ in checks} == {"ok"}
    assert {"whcli", "sqlite", "path", "disk", "store", "permissions", "listener", "config"} <= parts.keys()
    assert {"secret", "port", "files", "clock"} <= parts.keys()
    assert "1 event" in only(parts, "store", "ok") and "every page is sound" in only(parts, "store", "ok")
    human = whcli("doctor", folder=tmp_path, env=path_of_ours)
    assert human.code == 0 and human.out.endswith("checks: all is well.\n") and human.out.count("✓") == len(done.lines)
    assert STRIPE not in done.out + human.out


def test_it_changes_nothing(folder: Path, tmp_path: Path) -> None:
    with Store(folder, create=True) as store:
        store.add([arrival()])
    (folder / FILE).chmod(0o644)
    before = (digest(folder / FILE), (folder / FILE).stat().st_mode, sorted(path.name for path in folder.iterdir()))
    whcli("doctor", folder=tmp_path)
    assert before[:2] == (digest(folder / FILE), (folder / FILE).stat().st_mode)
    assert set(before[2]) >= {path.name for path in folder.iterdir() if path.suffix != ".db-shm"} - {
        f"{FILE}-wal",
        f"{FILE}-shm",
    }


def test_without_a_store_it_says_where_one_would_be_and_makes_none(folder: Path, tmp_path: Path) -> None:
    _, parts = doctor(tmp_path)
    assert "the first whcli listen makes" in only(parts, "store", "ok") and not folder.exists()


# -- the store ------------------------------------------------------------------------------------------------------


def test_a_newer_store_is_a_problem_and_stays_as_it_is(folder: Path, tmp_path: Path) -> None:
    before = altered(folder, f"PRAGMA user_version = {LATEST + 1}")
    done, parts = doctor(tmp_path)
    assert done.code == 1 and "newer whcli" in only(parts, "store", "problem")
    assert digest(folder / FILE) == before


def test_an_older_store_is_no_trouble_and_not_migrated(folder: Path, tmp_path: Path) -> None:
    folder.mkdir(mode=0o700)
    db = sqlite3.connect(folder / FILE, isolation_level=None)
    migrate(db, STEPS[:1])
    db.close()
    _, parts = doctor(tmp_path)
    assert "brings it up to date" in only(parts, "schema", "ok") and "schema 1" in only(parts, "store", "ok")
    db = sqlite3.connect(folder / FILE)
    assert db.execute("PRAGMA user_version").fetchone() == (1,)
    db.close()


@pytest.mark.parametrize("damage", ["no database", "a page of zeros", "an index that lacks a row", "an orphan"])
def test_damage_is_a_problem(folder: Path, tmp_path: Path, damage: str) -> None:
    with Store(folder, create=True, holder=True) as store:
        store.add([arrival(n, body=bytes(5000)) for n in range(50)])
    if damage == "no database":
        (folder / FILE).write_bytes(b"a diary\n" * 1000)
    elif damage == "a page of zeros":
        with (folder / FILE).open("r+b") as file:
            file.seek(4096 * 20)
            file.write(bytes(4096))
    else:
        db = sqlite3.connect(folder / FILE)
        db.execute("PRAGMA writable_schema = ON")
        if damage == "an orphan":
            db.execute(
                "INSERT INTO facts (event_id, received_at, method, path, signature) VALUES (999, 1, 'a', 'b', 'valid')"
            )
        else:
            db.execute("UPDATE sqlite_master SET rootpage = 1 + rootpage WHERE name = 'events_uid'")
        db.commit()
        db.close()
    before = digest(folder / FILE)
    done, parts = doctor(tmp_path)
    assert done.code == 1 and "Traceback" not in done.err, done.out
    assert only(parts, "store", "problem")
    assert digest(folder / FILE) == before


def test_a_check_that_takes_too_long_ends_and_says_so(folder: Path) -> None:
    with Store(folder, create=True, holder=True) as store:
        store.add([arrival(n) for n in range(5000)])
    assert not examined(folder, 0.0).whole
    assert examined(folder, None).whole


def test_files_that_others_can_read_are_a_warning(folder: Path, tmp_path: Path, path_of_ours: dict[str, str]) -> None:
    Store(folder, create=True).close()
    folder.chmod(0o755)
    (folder / FILE).chmod(0o644)
    (folder / ".gitignore").unlink()
    (folder / ".gitignore").write_text("nothing\n")
    done, parts = doctor(tmp_path, env=path_of_ours)
    assert done.code == 0
    assert f"{folder} (0755)" in only(parts, "permissions", "warning") and "and 2 more" in parts["permissions"][0][1]
    assert "git may take" in only(parts, "git", "warning")


def test_the_listener_is_named_while_it_lives_and_not_when_it_was_killed(tmp_path: Path) -> None:
    with listening(folder=tmp_path) as listener:
        _, parts = doctor(tmp_path)
        assert f"pid {listener.process.pid} captures" in only(parts, "listener", "ok")
        listener.end(signal.SIGKILL)
    _, parts = doctor(tmp_path)
    assert only(parts, "listener", "ok") == "none captures into this store now"


# -- what the user has set ------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("toml", "words"),
    [
        ("[listne]\n", "unknown key 'listne'"),
        ("[listen\n", "cannot be read"),
        ('[listen]\nkeep = "ten"\n', "--keep takes no 'ten'"),
        ('[listen]\nmax_body = "huge"\n', "is not a size"),
        ('[listen]\npublic_url = "ftp://x"\n', "http and https"),
        ('[[routes]]\npath = "/x"\nscheme = "strip"\n', "unknown key 'routes.scheme = strip'"),
    ],
)
def test_a_configuration_that_cannot_be_is_a_problem(tmp_path: Path, toml: str, words: str) -> None:
    (tmp_path / "whcli.toml").write_text(toml)
    done, parts = doctor(tmp_path)
    assert done.code == 1 and words in only(parts, "config", "problem")


def test_routes_are_knocked_at_and_hidden_ones_named(tmp_path: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as handler, socket.create_server(("127.0.0.1", 0)) as gone:
        up, down = (f"http://127.0.0.1:{each.getsockname()[1]}" for each in (handler, gone))
        gone.close()
        (tmp_path / "whcli.toml").write_text(
            f'[[routes]]\npath = "/a/*"\nforward = "{up}"\n'
            f'[[routes]]\npath = "/a/b"\nforward = "{down}"\n'
            '[[routes]]\npath = "/c"\nforward = "https://example.com"\n'
        )
        done, parts = doctor(tmp_path)
    states = [state for state, _, _ in parts["route"]]
    assert states == ["warning", "ok", "warning", "problem"] and done.code == 1
    assert "/a/b never matches: /a/*" in parts["route"][0][1]
    assert "nothing listens there now" in parts["route"][2][1]
    assert "example.com is not on this machine" in parts["route"][3][1]


SECRETS = {
    "white space": (STRIPE + " ", "problem", "white space"),
    "a newline": (STRIPE + "\n", "problem", "white space or a newline"),
    "quotes": (f'"{STRIPE}"', "problem", "quotes around it"),
    "curly quotes": (f"“{STRIPE}”", "problem", "quotes around it"),
    "a whole line": (f"STRIPE_SECRET={STRIPE}", "problem", "NAME=value"),
    "a placeholder": ("whsec_...", "warning", "placeholder"),
    "another provider's": ("sk_live_0123456789abcdef", "warning", "does not look like one of Stripe"),
}


@pytest.mark.parametrize(("value", "state", "words"), SECRETS.values(), ids=SECRETS.keys())
def test_a_secret_that_cannot_be_right_is_named_and_never_shown(
    tmp_path: Path, value: str, state: str, words: str
) -> None:
    done, parts = doctor(tmp_path, env={"WHCLI_SECRET_STRIPE": value})
    assert words in only(parts, "secret", state) and "$WHCLI_SECRET_STRIPE" in only(parts, "secret", state)
    assert value.strip() not in done.out and STRIPE not in done.out
    assert done.code >= (state == "problem")


def test_keys_that_their_scheme_cannot_read_are_problems(tmp_path: Path) -> None:
    env = {"WHCLI_SECRET_SVIX": "whsec_!!!not-base64", "WHCLI_SECRET_DISCORD": "abc", "WHCLI_SECRET_ADYEN": "xyz"}
    _, parts = doctor(tmp_path, env=env)
    said = {message.partition(":")[0]: (state, message) for state, message, _ in parts["secret"]}
    assert said["svix"][0] == "problem" and "is not base64" in said["svix"][1]
    assert said["discord"][0] == "problem" and said["adyen"][0] == "problem"


def test_references_that_lead_nowhere_and_names_that_mean_nothing(tmp_path: Path) -> None:
    (tmp_path / "s.txt").write_text("0123456789abcdef")
    (tmp_path / "s.txt").chmod(0o644)
    (tmp_path / "whcli.toml").write_text(
        '[secrets]\nstripe = "env:NOT_SET"\ngithub = ["file:missing", "file:s.txt"]\nslack = "literal-secret-0123"\n'
    )
    env = {"WHCLI_SECRET_STRIPPE": "x", "WHCLI_STROE": "x", "HTTPS_PROXY": "http://me:hunter2@proxy:1"}
    done, parts = doctor(tmp_path, env=env)
    found = [(state, message) for state, message, _ in parts["secret"]]
    assert ("warning", "env:NOT_SET is not set: no signature of stripe is checked with it") in found
    assert any(state == "problem" and "missing cannot be read" in message for state, message in found)
    assert any(state == "problem" and "holds a secret where a reference belongs" in message for state, message in found)
    assert any(state == "warning" and "(0644)" in message for state, message in found)
    assert any("$WHCLI_SECRET_STRIPPE belongs to no scheme: WHCLI_SECRET_STRIPE" in message for _, message in found)
    assert "WHCLI_STORE may be meant" in only(parts, "variable", "warning")
    assert "$HTTPS_PROXY" in only(parts, "proxy", "ok")
    assert "hunter2" not in done.out and "literal-secret" not in done.out and done.code == 1


@pytest.mark.parametrize("name", NAMES)
def test_no_scheme_refuses_a_secret_of_the_form_that_it_describes(name: str) -> None:
    row = scheme_named(name)
    good = {
        "whsec": "whsec_" + "A1b2" * 8,
        "whsec-or-text": "whsec_" + "A1b2" * 8,
        "base64": "A1b2" * 8,
        "hex": "a1b2" * 16,
    }.get(row.key, STRIPE)
    own = {
        "elevenlabs": "wsec_" + "a1b2" * 8,
        "paddle": "pdl_ntfset_01abcdefghij_xyz",
        "linear": "lin_wh_abcdefghij0123",
        "notion": "secret_abcdefghij0123",
        "slack": "a1b2" * 8,
        "twilio": "a1b2" * 8,
        "paystack": "sk_test_0123456789abcdef",
        "coinbase-commerce": "01234567-89ab-cdef-0123-456789abcdef",
        "contentful": "a1B2" * 16,
        **dict.fromkeys(("postmark", "livekit", "braintree", "paypal"), "public01:private01"),
    }
    if (row.pair and not good.startswith("whsec_")) or (row.pair and row.key == "text"):
        from whcli.rules.signatures.keys import keygen

        good = keygen(row.pair).public
    assert list(findings(own.get(name, good).encode(), row)) == []


def test_every_form_is_of_a_scheme_that_there_is() -> None:
    assert FORMS.keys() <= set(NAMES)


# -- the machine ----------------------------------------------------------------------------------------------------


def test_a_port_that_is_taken_is_a_problem_with_its_holders_name(tmp_path: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        (tmp_path / "whcli.toml").write_text(f"[listen]\nport = {taken.getsockname()[1]}\n")
        done, parts = doctor(tmp_path)
    assert done.code == 1 and f"pid {os.getpid()}" in only(parts, "port", "problem")


def test_the_port_of_this_stores_own_listener_is_no_trouble(tmp_path: Path) -> None:
    with listening(folder=tmp_path) as listener:
        (tmp_path / "whcli.toml").write_text(f"[listen]\nport = {listener.port}\n")
        _, parts = doctor(tmp_path)
    assert "held by the listener on this store" in only(parts, "port", "ok")


def test_a_strange_whcli_first_on_path_is_a_warning(tmp_path: Path, path_of_ours: dict[str, str]) -> None:
    strange = tmp_path / "bin" / "whcli"
    strange.parent.mkdir()
    strange.write_text("#!/usr/bin/env node\nconsole.log('another tool')\n")
    strange.chmod(0o755)
    env = {"PATH": os.pathsep.join([str(strange.parent), path_of_ours["PATH"]])}
    done, parts = doctor(tmp_path, env=env)
    assert f"{strange}, another program of the same name" in only(parts, "path", "warning") and done.code == 0
    env = {"PATH": os.pathsep.join([path_of_ours["PATH"], str(strange.parent)])}
    _, parts = doctor(tmp_path, env=env)
    assert any(state == "ok" and "comes later on PATH" in said for state, said, _ in parts["path"])
    _, parts = doctor(tmp_path, env={"PATH": str(tmp_path)})
    assert "no whcli is on PATH" in only(parts, "path", "warning")


def test_a_programs_kind_is_seen_by_what_it_starts(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for name, text in (("a", "#!/usr/bin/python\nfrom whcli.cli import main\n"), ("b", "#!/bin/sh\n")):
        (tmp_path / name).mkdir()
        (tmp_path / name / "whcli").write_text(text)
        (tmp_path / name / "whcli").chmod(0o755)
    (tmp_path / "c").symlink_to(tmp_path / "a")
    monkeypatch.setenv("PATH", os.pathsep.join(str(tmp_path / name) for name in "bca"))
    found = programs("whcli")
    assert [is_ours(path) for path in found] == [False, True]


def times(**changes: object) -> Times:
    now = RELEASED + 1e6
    usual = {"now": now, "jump": 0.0, "past": {"the newest event": now - 5}, "written": now, "hardware": now + 3600}
    return Times(**{**usual, **changes})  # type: ignore[arg-type]


def test_a_clock_that_nothing_contradicts_is_ok_and_says_what_it_was_compared_with() -> None:
    check = judged(times())
    assert check.state == "ok" and "no server was asked" in check.says
    assert "later than the newest event" in check.says and "clock chip" in check.says
    assert "chip" not in judged(times(hardware=None)).says


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"now": 0.0, "past": {}, "written": None, "hardware": None}, "1970-01-01, before this whcli was written"),
        ({"jump": -3600.0}, "jumped by 1h"),
        ({"past": {"the newest event": RELEASED + 1e6 + 7200}}, "2h behind the newest event"),
        ({"written": RELEASED + 1e6 - 600}, "file system's clock differs by 10m"),
        ({"hardware": RELEASED + 1e6 + 400}, "clock chip differs by 6.67m"),
        ({"hardware": RELEASED + 1e6 + 90000}, "clock chip differs by 1.04d"),
    ],
    ids=["an epoch", "a jump", "an event of the future", "the file system", "the chip", "the chip by a day"],
)
def test_a_clock_that_is_contradicted_is_a_problem(changes: dict[str, object], words: str) -> None:
    check = judged(times(**changes))
    assert check.state == "problem" and words in check.says and "300 s" in check.says and check.next


def test_an_event_of_the_future_shows_that_the_clock_went_back(folder: Path, tmp_path: Path) -> None:
    with Store(folder, create=True) as store:
        store.add([arrival(at=time.time() + 7200)])
    done, parts = doctor(tmp_path)
    assert done.code == 1 and "behind the newest event" in only(parts, "clock", "problem")


@pytest.mark.parametrize(
    ("version", "bug"),
    [
        *[((3, 40, 1), True), ((3, 44, 5), True), ((3, 44, 6), False), ((3, 45, 0), True), ((3, 50, 6), True)],
        *[((3, 50, 7), False), ((3, 51, 2), True), ((3, 51, 3), False), ((3, 53, 0), False), ((4, 0, 0), False)],
    ],
)
def test_which_sqlite_has_the_wal_reset_bug(version: tuple[int, ...], bug: bool) -> None:
    assert has_reset_bug(version) is bug


@pytest.mark.skipif(not Path("/proc/self/mounts").exists(), reason="mounts are seen on Linux")
def test_a_local_folder_is_on_no_network_file_system(tmp_path: Path) -> None:
    assert remote_file_system(tmp_path) is None
    at = hardware_time()
    assert at is None or at > NOW


def test_few_open_files_are_a_warning(tmp_path: Path) -> None:
    import resource
    import subprocess
    import sys

    from tests.program import environment

    limit = (resource.RLIMIT_NOFILE, (100, 100))
    done = subprocess.run(
        [sys.executable, "-m", "whcli", "doctor"],
        cwd=tmp_path,
        env=environment(),
        capture_output=True,
        text=True,
        preexec_fn=lambda: resource.setrlimit(*limit),
    )
    assert "warning: only 100 may be open at once, so a listener takes 36 connections" in done.stdout
    assert "next: ulimit -n" in done.stdout


def test_a_file_where_the_folder_should_be_is_a_problem_and_no_crash(tmp_path: Path, folder: Path) -> None:
    folder.write_text("mine")
    done, parts = doctor(tmp_path)
    assert done.code == 1 and done.err == "" and "is a file" in only(parts, "store", "problem")
    with pytest.raises(StoreFailed):
        examined(folder, None)


@pytest.mark.skipif(os.name != "posix", reason="modes are POSIX")
@pytest.mark.parametrize("mode", [0o000, 0o500], ids=oct)
def test_a_folder_that_is_closed_to_us_is_a_problem_and_no_crash(outside: Path, mode: int) -> None:
    """Looked at in this process: root can only here become somebody whom a mode keeps out."""
    folder = outside / "s"
    with nobody():
        Store(folder, create=True).close()
        folder.chmod(mode)
        found = [check for check in store_checks(folder, full=False, seen=[]) if check.part == "store"]
        folder.chmod(0o700)
    assert [check.state for check in found] == ["problem"] and "\n" not in found[0].says
