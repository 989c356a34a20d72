"""The parts of `whcli listen`: its plan, its lines, its session."""
