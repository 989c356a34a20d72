"""Replays as data: what is changed, sent, when and how often, and what came of it."""
