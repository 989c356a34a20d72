"""The parts of `whcli replay`: what was asked, the run, the proof of idempotency, the comparison, what is shown."""
