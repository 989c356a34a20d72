"""Coverage-guided fuzzing with atheris: `python -m tests.fuzz.coverage requests --seconds 120`.

atheris is no dependency of the project: `pip install atheris` where it has a wheel for this Python (3.0.0: CPython 3.11
to 3.13 on Linux). An input that fails is printed by libFuzzer and written to a file; give that to try it again.
"""

from __future__ import annotations

import argparse
import sys
import tempfile
from pathlib import Path


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("target")
    parser.add_argument("files", nargs="*", help="try these inputs and end")
    parser.add_argument("--seconds", type=int, default=60)
    parser.add_argument("--seed", type=int, default=1)
    asked = parser.parse_args()
    import atheris

    with atheris.instrument_imports(include=["whcli"]):
        from tests.fuzz.targets import TARGETS
    if asked.target not in TARGETS:
        parser.error("the targets are " + ", ".join(TARGETS))
    target, seeds = TARGETS[asked.target]
    folder = Path(tempfile.mkdtemp(prefix="whcli-fuzz-"))
    (corpus := folder / "corpus").mkdir()
    for number, seed in enumerate(seeds()):
        (corpus / str(number)).write_bytes(seed)
    flags = [
        f"-max_total_time={asked.seconds}",
        f"-seed={asked.seed}",
        "-timeout=10",
        "-rss_limit_mb=1024",
        "-max_len=4096",
        f"-artifact_prefix={folder}/",
    ]
    atheris.Setup([sys.argv[0], *(asked.files or [*flags, str(corpus)])], target)
    atheris.Fuzz()


if __name__ == "__main__":
    main()
