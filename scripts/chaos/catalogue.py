"""All scenarios, and how they are dealt out to stages: one daemon each, as many cells as it can be asked to bear."""

from collections.abc import Sequence
from itertools import zip_longest

from scripts.chaos import calm, links, models, processes, releases, remote, resources, watcher
from scripts.chaos.scenario import Scenario

FAULTS_PER_STAGE = 11


def every() -> list[Scenario]:
    return [
        *processes.scenarios(),
        *releases.scenarios(),
        *resources.scenarios(),
        *links.scenarios(),
        *watcher.scenarios(),
        *remote.scenarios(),
        *models.scenarios(),
        *calm.scenarios(),
    ]


def by_name() -> dict[str, Scenario]:
    return {scenario.name: scenario for scenario in every()}


def stages(chosen: Sequence[Scenario]) -> list[list[Scenario]]:
    """Those that need a daemon of their own alone; the others dealt out evenly, faults beside runs without one."""
    shared = [one for one in chosen if not one.lone and one.stage == "cells"]
    faults, calm_ones = [one for one in shared if one.is_fault], [one for one in shared if not one.is_fault]
    count = max(1, -(-len(faults) // FAULTS_PER_STAGE), -(-len(shared) // (2 * FAULTS_PER_STAGE)))
    dealt: list[list[Scenario]] = [[] for _ in range(count)]
    for row in zip_longest(*[iter(faults)] * count):
        for number, scenario in enumerate(row):
            dealt[number] += [scenario] if scenario else []
    for number, scenario in enumerate(calm_ones):
        dealt[number % count].append(scenario)
    elsewhere = [[one for one in chosen if one.stage == stage] for stage in ("render", "models")]
    return [each for each in (*dealt, *elsewhere, *([one] for one in chosen if one.lone)) if each]
