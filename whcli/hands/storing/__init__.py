"""The store: one SQLite file, its schema, its rows, its one door."""
