"""whcli: capture any webhook on your machine, keep it byte for byte, and send it again signed afresh."""

__version__ = "0.1.0"
