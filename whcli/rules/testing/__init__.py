"""What a handler should answer to a fixture, where it answers otherwise, and how that is told."""
