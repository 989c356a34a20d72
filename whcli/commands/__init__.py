"""Floor 3, doors: one module per command; each calls, shows, returns."""
