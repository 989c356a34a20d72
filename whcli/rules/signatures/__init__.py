"""How providers sign: a row of facts each, one generic pair of functions, and what those are made of."""
