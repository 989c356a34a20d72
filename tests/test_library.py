"""What programs import from `whcli`: the list, the functions, and that none of it costs anything before it is used."""

from __future__ import annotations

import subprocess
import sys
import traceback
from importlib.resources import files
from pathlib import Path
from typing import Any

import pytest

import whcli
from tests.program import environment, listening
from tests.receivers import Receiver
from tests.test_listen import post
from tests.test_signing import PLAIN, known
from whcli import Event, Filter, Store, WhcliError, WrongUsage, sign, verify

BODY = b'{"id":"evt_1"}'


def test_this_is_what_is_public() -> None:
    """A name is added here together with its line in the changelog, and none is taken away."""
    assert sorted(whcli.__all__) == [
        "CannotListen",
        "Delivery",
        "Entry",
        "Event",
        "Facts",
        "Filter",
        "HandlerReply",
        "NoReply",
        "NothingMatched",
        "ReceivedEvent",
        "Reply",
        "SignedMessage",
        "Store",
        "StoreFailed",
        "TimeRanOut",
        "Unreachable",
        "Verdict",
        "WebhookListener",
        "WebhookListeners",
        "WebhookSecrets",
        "WebhookSender",
        "WhcliError",
        "WrongUsage",
        "__version__",
        "sign",
        "verify",
    ]


@pytest.mark.parametrize("name", whcli.__all__)
def test_every_public_name_can_be_imported_and_says_what_it_is(name: str) -> None:
    found = getattr(whcli, name)
    assert name in dir(whcli)
    assert name == "__version__" or found.__doc__ or issubclass(found, WhcliError)


def test_a_name_that_is_not_public_is_no_attribute() -> None:
    with pytest.raises(AttributeError, match="'whcli' has no attribute 'sing'"):
        _ = whcli.sing  # type: ignore[attr-defined]


def test_importing_the_package_imports_nothing_else() -> None:
    program = "import sys; before = set(sys.modules); import whcli; print(*sorted(set(sys.modules) - before))"
    done = subprocess.run([sys.executable, "-c", program], env=environment(), capture_output=True, text=True)
    assert done.stdout.split() == ["whcli"]


def test_type_checkers_are_told_that_there_are_types() -> None:
    assert files("whcli").joinpath("py.typed").is_file()


# -- sign and verify ------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("vector", PLAIN, ids=lambda vector: f"{vector['provider']}: {vector['source']}")
def test_a_published_vector_verifies_as_published(vector: dict[str, Any]) -> None:
    headers = {**vector["headers"], **vector["expected_headers"]}
    how = {"secret": vector["secret"], "method": vector["method"], "url": vector["url"]}
    verdict = verify(known(vector), headers, vector["body"], **how, now=vector.get("now_unix", 0))
    assert verdict.ok is vector["valid"], verdict


def test_what_is_signed_is_verified_by_any_of_the_secrets() -> None:
    signed = sign("stripe", BODY, secret="whsec_new", headers={"Content-Type": "application/json"}, now=1700000000)
    assert signed.body == BODY and list(signed.headers) == ["Content-Type", "Stripe-Signature"]
    verdict = verify("stripe", signed.headers, BODY, secret=["whsec_old", b"whsec_new"], now=1700000010)
    assert verdict.ok and verdict.secret == "secret 2" and verdict.age == 10
    assert verify("stripe", signed.headers, BODY, secret="whsec_new", now=1700001000).state == "stale"
    assert verify("stripe", signed.headers, BODY, secret="whsec_new", now=1700001000, tolerance=1000).ok
    assert verify("stripe", signed.headers, BODY + b" ", secret="whsec_new", now=1700000010).reason == "no_match"


def test_the_clock_is_read_where_no_time_is_given() -> None:
    signed = sign("stripe", BODY, secret="whsec_x")
    assert verify("stripe", signed.headers, BODY, secret="whsec_x").ok


def test_headers_come_as_a_mapping_or_as_pairs_of_texts_or_bytes() -> None:
    value = sign("github", "{}", secret="hush").headers["X-Hub-Signature-256"]
    for headers in (
        {"x-hub-signature-256": value},
        [("X-Hub-Signature-256", value)],
        ((b"x-hub-signature-256", value.encode()),),
    ):
        assert verify("github", headers, b"{}", secret="hush").ok


def test_a_signature_takes_the_place_of_an_old_one() -> None:
    signed = sign("github", b"{}", secret="hush", headers={"x-hub-signature-256": "sha256=old", "X-GitHub-Event": "a"})
    assert sorted(signed.headers) == ["X-GitHub-Event", "X-Hub-Signature", "X-Hub-Signature-256"]


def test_a_scheme_of_ones_own_is_a_table() -> None:
    acme = {"header": "X-Acme", "content": "{ts}.{body}", "layout": "t={ts},s={sig}", "separator": ","}
    signed = sign(acme, BODY, secret="hush")
    assert verify(acme, signed.headers, BODY, secret="hush").ok
    assert not verify(acme, signed.headers, BODY, secret="else").ok
    with pytest.raises(WrongUsage, match="'algorithm'"):
        sign({**acme, "algorithm": "rot13"}, BODY, secret="hush")


@pytest.mark.parametrize("secret", ["", b"", [], ["whsec_x", ""], None], ids=repr)
def test_an_empty_secret_is_refused_since_anybody_can_sign_with_it(secret: Any) -> None:
    with pytest.raises(WrongUsage) as caught:
        verify("github", {}, b"", secret=secret)
    assert caught.value.code == "no_secret"


def test_a_time_that_compares_with_nothing_makes_no_old_signature_valid() -> None:
    old = sign("stripe", BODY, secret="hush", now=1000.0)
    assert verify("stripe", old.headers, BODY, secret="hush").state == "stale"
    nan, inf = float("nan"), float("inf")
    wrongs: list[dict[str, Any]] = [{"now": nan}, {"now": inf}, {"tolerance": nan}, {"tolerance": -1.0}]
    for wrong in wrongs:
        with pytest.raises(WrongUsage):
            verify("stripe", old.headers, BODY, secret="hush", **wrong)
    with pytest.raises(WrongUsage):
        sign("stripe", BODY, secret="hush", now=float("nan"))
    assert verify("stripe", old.headers, BODY, secret="hush", tolerance=float("inf")).ok


@pytest.mark.parametrize("body", [{"id": "evt_1"}, None, 5, ["x"], "\ud800"])
def test_a_body_that_is_parsed_already_is_told_from_raw_bytes(body: Any) -> None:
    for call in (
        lambda: sign("github", body, secret="hush"),
        lambda: verify("github", {"X-Hub-Signature-256": "sha256=00"}, body, secret="hush"),
    ):
        with pytest.raises(WrongUsage, match="raw bytes") as raised:
            call()
        assert raised.value.code == "no_bytes"


def test_other_kinds_of_bytes_and_lists_of_values_are_taken() -> None:
    made = sign("github", BODY, secret="hush")
    lists = {name: [value] for name, value in made.headers.items()}
    for body in (bytearray(BODY), memoryview(BODY)):
        assert verify("github", lists, body, secret="hush").ok  # type: ignore[arg-type]
    assert sign("github", bytearray(BODY), secret="hush").body == BODY  # type: ignore[arg-type]


def test_a_traceback_says_what_to_do_next() -> None:
    with pytest.raises(WrongUsage) as raised:
        sign("stirpe", BODY, secret="hush")
    shown = "".join(traceback.format_exception(raised.value))
    assert "did you mean: 'stripe'" in shown and "next: whcli schemes" in shown


def test_a_note_that_somebody_adds_to_an_error_stays() -> None:
    error = WrongUsage("what", next="one")
    error.add_note("added")
    error.next = "two"
    assert "".join(traceback.format_exception(error)).splitlines()[-3:] == [
        "whcli.words.errors.WrongUsage: what",
        "  next: two",
        "added",
    ]


def test_mistakes_are_told_by_their_code() -> None:
    with pytest.raises(WrongUsage) as caught:
        sign("strype", BODY, secret="x")
    assert caught.value.code == "unknown_name" and "stripe" in dict(caught.value.details)["did you mean"]
    with pytest.raises(WrongUsage) as caught:
        sign("svix", BODY, secret="not base64!")
    assert caught.value.code == "secret_malformed"
    with pytest.raises(WrongUsage, match="signs the URL"):
        sign("twilio", b"A=b", secret="x")


def test_nothing_in_a_request_makes_verifying_raise() -> None:
    hostile = {"Stripe-Signature": "t=∞,v1=\x00", "X-\udcff": "\udcff"}
    assert verify("stripe", hostile, b"\xff", secret="x").state == "invalid"
    assert verify("stripe", {}, b"", secret="x").state == "unsigned"


# -- the store ------------------------------------------------------------------------------------------------------


def test_a_program_reads_what_a_listener_has_captured(tmp_path: Path) -> None:
    with listening("--count", "2", folder=tmp_path) as listener:
        post(listener.url + "/a", b'{"n":1}')
        post(listener.url + "/b", b'{"n":2}')
        listener.wait()
    with Store(str(tmp_path / ".whcli")) as store:
        [entry] = store.entries(Filter(path="/b"))
        event = store.event(entry.id)
    assert isinstance(event, Event) and event.body == b'{"n":2}'


def test_a_store_that_is_not_there_is_an_error_of_ours(tmp_path: Path) -> None:
    with pytest.raises(WhcliError, match="there is no store"):
        Store(tmp_path / "nowhere")


def test_the_readme_shows_code_that_runs(tmp_path: Path) -> None:
    """The block is run as it stands, beside a store with one event and before a handler that listens."""
    readme = (Path(whcli.__file__).parent.parent / "README.md").read_text()
    [block] = [
        part.partition("```")[0] for part in readme.split("```python\n")[1:] if "from whcli import Filter" in part
    ]
    with listening("--count", "1", folder=tmp_path) as listener:
        post(listener.url + "/stripe", b'{"id":"evt_1"}')
        listener.wait()
    with Receiver() as handler:
        done = subprocess.run(
            [sys.executable, "-c", block.replace("http://localhost:3000", handler.url)],
            cwd=tmp_path,
            env=environment({"STRIPE_SECRET": "whsec_x"}),
            capture_output=True,
            text=True,
        )
        assert done.returncode == 0, done.stderr
        assert len(handler.requests) == 1
    wanted = [line.rpartition("  # ")[2] for line in block.splitlines() if line.startswith("print(verdict")]
    assert done.stdout.splitlines()[:2] == wanted
    assert done.stdout.splitlines()[2].startswith("1 None ((b'")
