"""Numbers and texts of the configuration, with what they must hold."""

from typing import Annotated

from msgspec import Meta

SHORTEST_INTERVAL_S = 0.01  # whoever is asked more often is kept from its work, and so are we
Seconds = Annotated[float, Meta(gt=0)]
Pace = Annotated[float, Meta(ge=SHORTEST_INTERVAL_S)]
Share = Annotated[float, Meta(ge=0, le=1)]
Count = Annotated[int, Meta(ge=1)]
Text = Annotated[str, Meta(min_length=1)]
