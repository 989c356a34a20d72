"""`whcli demo`: the first thing a new user runs."""

from __future__ import annotations

from pathlib import Path

from tests.program import whcli


def test_the_demo_holds_and_says_what_to_type_next(tmp_path: Path) -> None:
    done = whcli("demo", folder=tmp_path)
    assert done.code == 0, done.out + done.err
    assert "three webhooks captured, verified and forwarded, one replayed signed afresh" in done.out
    assert "whcli listen --forward" in done.out
    assert not (tmp_path / ".whcli").exists()


def test_the_demo_as_json_names_every_step(tmp_path: Path) -> None:
    done = whcli("demo", "--json", folder=tmp_path)
    [report] = done.lines
    assert report["ok"] is True and len(report["steps"]) >= 7 and all(report["steps"].values())


def test_the_demo_fails_when_a_step_does_not_hold(tmp_path: Path) -> None:
    """With a handler that accepts nothing, the demo must not call itself a success."""
    (tmp_path / "sitecustomize.py").write_text(
        "import sys\n"
        "if 'demo' in sys.argv:\n"
        "    import whcli.commands.demo_handler as handler\n"
        "    handler.CHECKS = {name: lambda *a: False for name in handler.CHECKS}\n"
    )
    from tests.program import ROOT

    done = whcli("demo", folder=tmp_path, env={"PYTHONPATH": f"{tmp_path}:{ROOT}"})
    assert done.code == 1 and "this step failed" in done.out
