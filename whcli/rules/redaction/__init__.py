"""What looks secret or personal in a request, and the stable pseudonym that takes its place.

`kinds.py` and `names.py` are the tables, `pseudonyms.py` makes what goes in instead, `views.py` reads through escapes
without losing the place, `texts.py` walks a text, `requests.py` a whole request. Nothing but the values changes.
"""
