"""Nobody listens between a service and its dependency: the fault proxy is switched off."""

from platforms.chaos.toxic import DownFault

FAULT = DownFault
