"""What a test holds in its hand: a listener and a sender inside the test's own process, and the secrets of both."""
