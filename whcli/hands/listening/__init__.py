"""The listener, from the socket to the line on the screen."""
