"""`python -m whcli`."""

from .cli import program

program()
