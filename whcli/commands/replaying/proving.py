"""The proof of idempotency over a run: the handler's state around each delivery, or around what races."""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Awaitable, Callable
from dataclasses import replace
from typing import Protocol

from ...hands.render import Screen
from ...hands.sending.sender import Look, together
from ...rules.archive import difference_json
from ...rules.replaying.plan import Run, Step
from ...rules.replaying.probe import Probe, effects_differ, probe_json, probe_lines, state_noise
from ...rules.text import safe
from ...words.errors import WrongUsage
from ...words.event import Delivery, Difference
from ...words.record import record
from .proof import State, at_rest


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
        mark = ("✓ ", "green") if probe.holds else ("✗ ", "red")
        for line in probe_lines(probe):
            self._screen.say(mark, (name, "bold"), f"  {line}")
        self._say_noise(probe.noise)

    # -- at one instant

    async def _together(self, run: Run) -> bool:
        """What one delivery alone changes must be all that racing copies change together.

        With a reset both start from the same state; without, each has a fresh delivery id of its own.
        """
        began, failed = time.monotonic(), False
        for steps in together(run):
            noise, alone = await self._effect(replace(run, steps=(replace(steps[0], race=None),)), began, "alone")
            more, race = await self._effect(replace(run, steps=tuple(steps)), began, "race")
            found = effects_differ(alone, race, noise | more)
            failed |= bool(found)
            self._say_effects(run, steps, found, noise | more)
        return failed

    async def _effect(self, run: Run, began: float, phase: str) -> tuple[frozenset[str], tuple[bytes, bytes]]:
        before, noise = await self._clean()
        await self._walk(run, began=began, phase="" if self._proof.resets else phase)
        return noise, (before, await at_rest(self._proof.state, before, self._proof.settle, noise))

    def _say_effects(self, run: Run, steps: list[Step], found: tuple[Difference, ...], noise: frozenset[str]) -> None:
        name = self._proof.name(steps[0].event)
        if self._json:
            items = [difference_json(each) for each in found]
            record = {"schema": "whcli.probe/1", "holds": not found, "noise": sorted(noise), "differences": items}
            self._screen.json({**record, "run": run.number, "event": name})
            return
        mark = ("✗ ", "red") if found else ("✓ ", "green")
        text = "changed more than one delivery alone" if found else "changed no more than one delivery alone"
        self._screen.say(mark, (name, "bold"), f"  {len(steps)} copies at the same instant {text}")
        for difference in found:
            self._screen.say(f"  {difference.field}: {difference.wanted} after one, {difference.got} after all")
        self._say_noise(noise)

    def _say_noise(self, noise: frozenset[str]) -> None:
        if noise:
            names = safe(", ".join(sorted(noise)))
            self._screen.say(("     ↳ ", "dim"), f"not compared, it changes by itself: {names}")
