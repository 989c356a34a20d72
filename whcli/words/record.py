"""How the records are made: `@record` is `@dataclass(frozen=True, slots=True, kw_only=True)`, made sooner.

Every command makes some twenty classes of records before it does anything, and the standard library writes and compiles
six functions for each: a sixth of the time that `whcli sign` took. Here `__init__` alone is compiled, when the first
record is made (most classes that a command reads in are never used by it); comparing, hashing and showing are the same
for all, and less often done. The standard library still lays out the fields, so that `replace`, `fields` and `asdict`
work on a record as on any dataclass.
"""

from __future__ import annotations

from dataclasses import MISSING, Field, FrozenInstanceError, dataclass, field, fields
from typing import Any, NoReturn, TypeVar, cast, dataclass_transform

Class = TypeVar("Class", bound=type)


@dataclass_transform(kw_only_default=True, frozen_default=True, field_specifiers=(field,))
def record(cls: Class) -> Class:
    """A class of immutable values with these fields, given by name; equal when all of them are."""
    own = vars(cls).keys()
    made: Any = dataclass(cls, init=False, repr=False, eq=False, slots=True, kw_only=True)
    made.__init__ = _first(made)
    for name, method in _SHARED.items():
        if name not in own:
            setattr(made, name, method)
    return cast(Class, made)


def _first(cls: Any) -> Any:
    """The `__init__` of the first record: it puts the compiled one in its own place."""

    def __init__(self: Any, **values: Any) -> None:
        cls.__init__ = _init(cls)
        cls.__init__(self, **values)

    return __init__


def _init(cls: type) -> Any:
    """A field's value is set through its slot, since the record's own `__setattr__` refuses."""
    names = [each.name for each in fields(cls)]
    given = ", ".join(each.name if _is_required(each) else f"{each.name}=__default_{each.name}" for each in fields(cls))
    lines = [f"    __set_{each.name}(self, {_value(each)})" for each in fields(cls)]
    if hasattr(cls, "__post_init__"):
        lines.append("    self.__post_init__()")
    known: dict[str, Any] = {"__missing": MISSING}
    known |= {f"__set_{each.name}": getattr(cls, each.name).__set__ for each in fields(cls)}
    known |= {f"__default_{each.name}": each.default for each in fields(cls)}
    known |= {f"__make_{each.name}": each.default_factory for each in fields(cls)}
    exec("\n".join([f"def __init__(self, *, {given}):" if names else "def __init__(self):", *lines]), known)  # noqa: S102
    init = known["__init__"]
    init.__qualname__ = f"{cls.__qualname__}.__init__"
    return init


def _is_required(each: Field[Any]) -> bool:
    return each.default is MISSING and each.default_factory is MISSING


def _value(each: Field[Any]) -> str:
    if each.default_factory is MISSING:
        return each.name
    return f"__make_{each.name}() if {each.name} is __missing else {each.name}"


def _values(self: Any) -> tuple[Any, ...]:
    return tuple(getattr(self, name) for name in self.__dataclass_fields__)


def _repr(self: Any) -> str:
    shown = [f"{each.name}={getattr(self, each.name)!r}" for each in fields(self) if each.repr]
    return f"{type(self).__qualname__}({', '.join(shown)})"


def _eq(self: Any, other: object) -> Any:
    return _values(self) == _values(other) if other.__class__ is self.__class__ else NotImplemented


def _hash(self: Any) -> int:
    return hash(_values(self))


def _set(self: Any, name: str, value: object) -> NoReturn:
    raise FrozenInstanceError(f"cannot assign to field {name!r}")


def _delete(self: Any, name: str) -> NoReturn:
    raise FrozenInstanceError(f"cannot delete field {name!r}")


def _state(self: Any) -> tuple[Any, ...]:
    """For `pickle` and `copy`, which would set the fields otherwise."""
    return _values(self)


def _restore(self: Any, values: tuple[Any, ...]) -> None:
    for name, value in zip(self.__dataclass_fields__, values, strict=True):
        object.__setattr__(self, name, value)


_SHARED = {
    **{"__repr__": _repr, "__eq__": _eq, "__hash__": _hash, "__setattr__": _set, "__delattr__": _delete},
    **{"__getstate__": _state, "__setstate__": _restore},
}
