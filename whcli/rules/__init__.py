"""Floor 1, rules: pure functions and tables of facts. Nothing here opens, prints, sleeps or asks the time."""
