"""The parts of `whcli test`: what is tested, the run, what is told."""
