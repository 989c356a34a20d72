"""Floor 2, hands: one outside thing each - disk, socket, network, terminal, environment."""
