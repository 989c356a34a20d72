"""The architecture table of the README: every module with the first sentence of its docstring.

`python -m tests.rooms` prints it.
"""

from __future__ import annotations

import ast
from pathlib import Path

ROOT = Path(__file__).parent.parent / "whcli"
FLOORS = (
    ("words", "0 words: the records and errors that every room speaks of"),
    ("rules", "1 rules: pure functions and tables of facts"),
    ("hands", "2 hands: one outside thing each"),
    ("commands", "3 doors: one module per command"),
)
FOLDERS = ("rules/schemes", "rules/autopsy", "rules/samples", "commands/listening", "commands/replaying")


def sentence(path: Path) -> str:
    """The first paragraph of a module's docstring, in one line."""
    text = ast.get_docstring(ast.parse(path.read_text())) or ""
    return " ".join(text.split("\n\n")[0].split()).replace("|", "\\|")


def table() -> str:
    """The table's lines."""
    lines = ["| room | what it holds |", "|---|---|"]
    for folder, title in FLOORS:
        lines.append(f"| **{title}** | `{folder}/` |")
        for path in sorted((ROOT / folder).glob("*")):
            name = path.relative_to(ROOT).as_posix()
            if name in FOLDERS:
                lines.append(f"| `{name}/` | {sentence(path / '__init__.py')} |")
            elif path.suffix == ".py" and path.name != "__init__.py" and folder != "commands":
                lines.append(f"| `{name}` | {sentence(path)} |")
    return "\n".join(lines)


if __name__ == "__main__":
    print(table())
