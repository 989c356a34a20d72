"""The proof of idempotency over a run: the handler's state around each delivery, or around what races."""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Awaitable, Callable
from dataclasses import replace
from typing import NamedTuple, Protocol

from ...hands.render import Screen
from ...hands.sending.sender import Look, together
from ...rules.archive import difference_json
from ...rules.replaying.plan import Run, Step
from ...rules.replaying.probe import BLIND, Probe, effects_differ, probe_json, probe_lines, state_noise, states_differ
from ...rules.text import safe
from ...words.errors import WrongUsage
from ...words.event import Delivery, Difference
from ...words.record import record
from .proof import State, at_rest

HOLDS, FAILS, UNPROVEN = ("✓ ", "green"), ("✗ ", "red"), ("? ", "yellow")


class Effect(NamedTuple):
    """What some deliveries did together."""

    noise: frozenset[str]  # fields that change by themselves
    states: tuple[bytes, bytes]  # before and after
    copies: int  # of the event that were delivered


class Outcome(NamedTuple):
    """What came of a race, beside one delivery alone."""

    proves: bool  # there were two copies at least
    blind: bool  # nothing changed at all
    noise: frozenset[str]
    found: tuple[Difference, ...]
    copies: int


class Walk(Protocol):
    """Makes the deliveries of a run; those of a `phase` get delivery ids of their own."""

    async def __call__(
        self, run: Run, *, began: float | None = None, phase: str = "", look: Look | None = None
    ) -> None: ...


@record
class Proof:
    """What a proof needs: how to look at the state, and how to clear it."""

    state: State
    settle: float  # seconds that the state may take to come to rest after a delivery
    reset: Callable[[], Awaitable[object]]
    resets: bool  # False: `reset` does nothing
    taken: Callable[[Delivery], bool]  # whether the handler said that it has taken a delivery
    name: Callable[[int], str]  # of an event, for people


class Proving:
    """Proves one run after another, and shows what it sees."""

    def __init__(self, proof: Proof, walk: Walk, screen: Screen, *, json: bool) -> None:
        self._proof = proof
        self._walk = walk
        self._screen = screen
        self._json = json
        self.proved = False  # at least one event was delivered again

    async def fails(self, run: Run) -> bool:
        """Make a run's deliveries; True when something changed that may not."""
        if any(step.race for step in run.steps):
            return await self._together(run)
        return await self._one_by_one(run)

    async def _clean(self) -> tuple[bytes, frozenset[str]]:
        """The state after a reset, and what changes in it while nothing is delivered: clocks, counters of requests."""
        await self._proof.reset()
        once, again = await self._proof.state(), await self._proof.state()
        noise = state_noise(once, again)
        if "state" in noise:
            raise WrongUsage(
                "the handler's state changes as a whole although nothing is delivered, so it can prove nothing",
                next="let the probe show what the handler keeps, without clocks and counters of requests",
            )
        return again, noise

    # -- one after another

    async def _one_by_one(self, run: Run) -> bool:
        """The state is looked at after each delivery: an event's first may change it, its further ones may not."""
        before, noise = await self._clean()
        probes: dict[int, Probe] = {}  # of events whose deliveries are not over
        left = Counter(step.event for step in run.steps)
        failed = False

        def conclude(event: int) -> None:
            nonlocal failed
            probe = probes.pop(event)
            failed |= not probe.holds
            self.proved |= probe.proves
            self._say(run, self._proof.name(event), probe)

        async def look(step: Step, delivery: Delivery, last: bool) -> None:
            nonlocal before
            probe = probes.setdefault(step.event, Probe(noise))
            after = await at_rest(self._proof.state, before, self._proof.settle, noise)
            probe.saw(before, after, taken=self._proof.taken(delivery))
            before = after
            left[step.event] -= last
            if not left[step.event]:
                conclude(step.event)

        try:
            await self._walk(run, look=look)
        finally:
            for event in [*probes]:  # of which not all deliveries were made
                conclude(event)
        return failed

    def _say(self, run: Run, name: str, probe: Probe) -> None:
        if self._json:
            self._screen.json({**probe_json(probe), "run": run.number, "event": name})
            return
        mark = UNPROVEN if not probe.proves else HOLDS if probe.holds else FAILS
        for line in probe_lines(probe):
            self._screen.say(mark, (name, "bold"), f"  {line}")
        self._hint(BLIND if probe.proves and probe.blind else "")
        self._say_noise(probe.noise)

    # -- at one instant

    async def _together(self, run: Run) -> bool:
        """What one delivery alone changes must be all that racing copies change together.

        With a reset both start from the same state; without, each has a fresh delivery id of its own.
        """
        began, failed = time.monotonic(), False
        for steps in together(run):
            alone = await self._effect(replace(run, steps=(replace(steps[0], race=None),)), began, "alone")
            race = await self._effect(replace(run, steps=tuple(steps)), began, "race")
            noise = alone.noise | race.noise
            found = effects_differ(alone.states, race.states, noise)
            proves = alone.copies > 0 and race.copies > 1
            failed |= bool(found)
            self.proved |= proves
            blind = not any(states_differ(*each.states, noise) for each in (alone, race))
            outcome = Outcome(proves, blind, noise, found, race.copies)
            self._say_outcome(run, self._proof.name(steps[0].event), outcome)
        return failed

    async def _effect(self, run: Run, began: float, phase: str) -> Effect:
        before, noise = await self._clean()
        copies: set[int] = set()

        async def look(step: Step, delivery: Delivery, last: bool) -> None:
            copies.add(step.copy)

        await self._walk(run, began=began, phase="" if self._proof.resets else phase, look=look)
        return Effect(noise, (before, await at_rest(self._proof.state, before, self._proof.settle, noise)), len(copies))

    def _say_outcome(self, run: Run, name: str, outcome: Outcome) -> None:
        proves, blind, noise, found, copies = outcome
        if self._json:
            told = {"schema": "whcli.probe/1", "holds": not found, "proves": proves, "blind": blind}
            items = [difference_json(each) for each in found]
            self._screen.json({**told, "noise": sorted(noise), "differences": items, "run": run.number, "event": name})
            return
        more = "changed more" if found else "changed no more"
        text = f"{copies} copies at the same instant {more} than one delivery alone"
        mark = UNPROVEN if not proves else FAILS if found else HOLDS
        self._screen.say(mark, (name, "bold"), f"  {text if proves else 'not delivered twice, so nothing was proven'}")
        for difference in found:
            self._screen.say(f"  {difference.field}: {difference.wanted} after one, {difference.got} after all")
        self._hint(BLIND if proves and blind else "")
        self._say_noise(noise)

    def _say_noise(self, noise: frozenset[str]) -> None:
        self._hint(f"not compared, it changes by itself: {safe(', '.join(sorted(noise)))}" if noise else "")

    def _hint(self, text: str) -> None:
        if text:
            self._screen.say(("     ↳ ", "dim"), text)
