"""Which provider sent a request, and what it is: marks in headers and body, by one table of facts."""
