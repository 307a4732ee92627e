"""Runs an experiment: steady state, method, steady state again; then the rollbacks, always, and a look that nothing is left."""

import signal
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import contextmanager
from typing import Any

from scripts import chaos_toolkit
from scripts.control import ControlError
from scripts.experiments.activities import carry_out
from scripts.experiments.document import Activity, Experiment, now_text
from scripts.experiments.tolerance import within

Entry = dict[str, Any]
Told = Callable[[str, str, Entry], None]  # part, how it went, entry


class Interrupted(BaseException):
    """Somebody ended it, by Ctrl-C or SIGTERM."""


class Run:
    """One run; `journal` is in Chaos Toolkit's own format."""

    def __init__(
        self, experiment: Experiment, document: Any, variables: Mapping[str, Any], told: Told
    ) -> None:
        self._experiment = experiment
        self._variables = variables
        self._told = told
        self.journal: Entry = {
            "chaoslib-version": "nightwarden",
            "experiment": document,
            "start": now_text(),
            "status": "completed",
            "deviated": False,
            "steady_states": {"before": None, "after": None, "during": []},
            "run": [],
            "rollbacks": [],
        }

    def run(self) -> Entry:
        with _interruptible():
            try:
                self._before_and_after()
            except Interrupted:
                self.journal["status"] = "interrupted"
            finally:
                with _deaf():  # whoever is impatient gets a way back all the same
                    self._roll_back()
        self.journal["end"] = now_text()
        return self.journal

    @property
    def is_good(self) -> bool:
        journal = self.journal
        return (
            journal["status"] == "completed"
            and not journal["deviated"]
            and all(entry["status"] == "succeeded" for entry in journal["rollbacks"])
            and not journal.get("left")
        )

    def _before_and_after(self) -> None:
        states = self.journal["steady_states"]
        states["before"] = self._steady("before")
        if not states["before"]["steady_state_met"]:
            self.journal["status"] = "failed"  # it says nothing about the fault
            return
        self._method()
        states["after"] = self._steady("after")
        self.journal["deviated"] = not states["after"]["steady_state_met"]

    def _steady(self, when: str) -> Entry:
        state: Entry = {"steady_state_met": True, "probes": []}
        for probe in self._experiment.hypothesis.probes if self._experiment.hypothesis else ():
            entry = carry_out(probe, self._variables)
            met = entry["status"] == "succeeded" and within(probe.tolerance, entry["output"])
            entry["tolerance_met"] = met
            state["probes"].append(entry)
            self._told(f"steady state {when}", "as it should be" if met else "NOT as it should be", entry)
            if not met:
                state["steady_state_met"] = False
                break
        return state

    def _method(self) -> None:
        with ThreadPoolExecutor() as pool:
            later: list[tuple[Activity, Future[Entry]]] = []
            for activity in self._experiment.method:
                if activity.background:
                    later.append((activity, pool.submit(carry_out, activity, self._variables)))
                else:
                    self._add("run", "method", carry_out(activity, self._variables))
            for _, future in later:
                self._add("run", "method", future.result())

    def _roll_back(self) -> None:
        self._each("rollbacks", "rollback", self._experiment.rollbacks)
        try:
            if not chaos_toolkit.no_fault_left(self._variables):
                chaos_toolkit.end_faults(configuration=self._variables)
            left = "" if chaos_toolkit.no_fault_left(self._variables) else "a fault is still in"
        except ControlError as error:
            left = f"nobody can tell what is left of it: {error}"
        self.journal["left"] = left

    def _each(self, part: str, called: str, activities: Sequence[Activity]) -> None:
        for activity in activities:
            self._add(part, called, carry_out(activity, self._variables))

    def _add(self, part: str, called: str, entry: Entry) -> None:
        self.journal[part].append(entry)
        self._told(called, entry["status"], entry)


@contextmanager
def _interruptible() -> Iterator[None]:
    def interrupt(*_: Any) -> None:
        raise Interrupted

    before = {number: signal.signal(number, interrupt) for number in (signal.SIGINT, signal.SIGTERM)}
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


@contextmanager
def _deaf() -> Iterator[None]:
    before = {number: signal.signal(number, signal.SIG_IGN) for number in (signal.SIGINT, signal.SIGTERM)}
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
