"""`python -m whcli`."""

from .cli import main

main()
