"""Floor 0, words: the records and errors that every other room speaks of.

Nothing here reads, prints or asks the time.
"""
