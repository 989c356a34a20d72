"""What providers do beside sending events: they ask before they send, and try again when they fail."""
