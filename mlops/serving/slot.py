"""One model as it is served now: champion, challenger, its logs, its figures."""

import time
from collections import deque

from mlops.places import Places
from mlops.predictions.records import Label, Stamps
from mlops.predictions.writing import BufferedLog
from mlops.serving.figures import Latency, ShadowFigures, SlotFigures
from mlops.serving.served import Served

LABELS_TOLD = 10
LOSS_TOLD_S = 600.0  # after the last line that was lost; the count stays in the statistics


class Slot:
    """`champion` is replaced as a whole: a request takes it once and is scored and stamped by that one."""

    def __init__(self, places: Places, name: str, *, log_room: int = 100_000, keep_days: int = 90) -> None:
        self.places, self.name = places, name
        self.champion: Served | None = None
        self.challenger: Served | None = None
        self.generation = 0  # of the registry's pointer
        self.since = ""  # when the champion began to serve here
        self.problem = "the registry has not been read yet"  # why there is no champion
        self.refused = ""  # why a newer champion or challenger was not taken
        self.damaged = ""  # what is wrong with the champion's files, though it serves from memory
        self.stamps = Stamps()
        self.log = BufferedLog(places.predictions(name), room=log_room, keep_days=keep_days)
        self.labels = BufferedLog(places.labels(name), room=log_room, keep_days=keep_days)
        self.figures = SlotFigures()
        self.latency = Latency()
        self.shadow = ShadowFigures()
        self.last_labels: deque[Label] = deque(maxlen=LABELS_TOLD)
        self.started = time.time()

    @property
    def problems(self) -> list[str]:
        """What is wrong though answers are given."""
        told = [self.refused, self.damaged, *(log.figures.problem for log in (self.log, self.labels))]
        lost_for_s = time.monotonic() - self.log.figures.lost_at
        if self.log.figures.lost and lost_for_s < LOSS_TOLD_S:
            told.append(f"{self.log.figures.lost} predictions could not be logged and are lost")
        return [each for each in told if each]
