"""Hostile input as tables, for any test."""
