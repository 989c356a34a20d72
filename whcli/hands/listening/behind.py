"""A thread of a listener's that works behind the acknowledgements: sleeps until there is news, ends when told to."""

from __future__ import annotations

from threading import Event as Flag
from threading import Thread


class Behind:
    """Runs `run` in a thread named `name` from `start` to `stop`; what it does is its subclass's matter."""

    def __init__(self, name: str) -> None:
        self._news = Flag()
        self._over = Flag()
        self._thread = Thread(target=self._run, name=name, daemon=True)

    def start(self) -> None:
        """Begin with what there is to do already."""
        self._thread.start()

    def wake(self) -> None:
        """There may be something to do; from any thread."""
        self._news.set()

    def stop(self, patience: float) -> None:
        """Finish what is under way, for at most `patience` seconds; what is left is done another time."""
        self._over.set()
        self._news.set()
        if self._thread.ident is not None:
            self._thread.join(patience)

    def _run(self) -> None:
        raise NotImplementedError
