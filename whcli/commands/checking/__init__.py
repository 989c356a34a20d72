"""The parts of `whcli doctor`: the store, what the user has set, the machine."""
