"""Requests on their way out, and the replies they bring back."""
