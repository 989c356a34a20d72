"""whcli: capture any webhook on your machine, keep it byte for byte, and send it again signed afresh."""

__version__ = "0.1.0"

PUBLIC = {
    "Delivery": "words.event",
    "Entry": "words.event",
    "Event": "words.event",
    "Facts": "words.event",
    "Filter": "rules.match",
    "HandlerReply": "hands.testing.received",
    "ReceivedEvent": "hands.testing.received",
    "Reply": "words.event",
    "SignedMessage": "words.event",
    "Store": "hands.storing.store",
    "Verdict": "words.event",
    "WebhookListener": "hands.testing.listener",
    "WebhookListeners": "hands.testing.listener",
    "WebhookSecrets": "hands.testing.secrets",
    "WebhookSender": "hands.testing.sender",
    "sign": "library",
    "verify": "library",
    "WhcliError": "words.errors",
    "CannotListen": "words.errors",
    "NoReply": "words.errors",
    "NothingMatched": "words.errors",
    "StoreFailed": "words.errors",
    "TimeRanOut": "words.errors",
    "Unreachable": "words.errors",
    "WrongUsage": "words.errors",
}
"""What a program of yours may import from here, and the module it is in; anything else can change at any time."""

__all__ = ["__version__", *PUBLIC]

TYPE_CHECKING = False  # what type checkers take for true; `typing` itself would be the slowest thing here
if TYPE_CHECKING:
    from .hands.storing.store import Store as Store
    from .hands.testing.listener import WebhookListener as WebhookListener
    from .hands.testing.listener import WebhookListeners as WebhookListeners
    from .hands.testing.received import HandlerReply as HandlerReply
    from .hands.testing.received import ReceivedEvent as ReceivedEvent
    from .hands.testing.secrets import WebhookSecrets as WebhookSecrets
    from .hands.testing.sender import WebhookSender as WebhookSender
    from .library import sign as sign
    from .library import verify as verify
    from .rules.match import Filter as Filter
    from .words.errors import CannotListen as CannotListen
    from .words.errors import NoReply as NoReply
    from .words.errors import NothingMatched as NothingMatched
    from .words.errors import StoreFailed as StoreFailed
    from .words.errors import TimeRanOut as TimeRanOut
    from .words.errors import Unreachable as Unreachable
    from .words.errors import WhcliError as WhcliError
    from .words.errors import WrongUsage as WrongUsage
    from .words.event import Delivery as Delivery
    from .words.event import Entry as Entry
    from .words.event import Event as Event
    from .words.event import Facts as Facts
    from .words.event import Reply as Reply
    from .words.event import SignedMessage as SignedMessage
    from .words.event import Verdict as Verdict
else:

    def __getattr__(name: str) -> object:
        """A public name is imported when it is first asked for, so that `import whcli` costs nothing."""
        if name not in PUBLIC:
            raise AttributeError(f"module 'whcli' has no attribute '{name}'")
        from importlib import import_module

        value = globals()[name] = getattr(import_module(f"whcli.{PUBLIC[name]}"), name)
        return value

    def __dir__() -> list[str]:
        """For completion in a Python shell."""
        return sorted({*globals(), *PUBLIC})
