"""Spans as plain values: a bounded memory of traces, and their export by OTLP over HTTP where that is configured."""

import asyncio
import hashlib
import logging
from collections import deque
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from msgspec import Struct

TRACES_KEPT = 1000
WAITING_EXPORTS = 100
SEND_WITHIN_S = 5

log = logging.getLogger("nightwarden.tracing")

Value = str | int | float | bool


class Span(Struct, frozen=True, kw_only=True):
    """Ids are hex as W3C trace context has them: 32 digits for a trace, 16 for a span; times are Unix seconds."""

    trace_id: str
    span_id: str
    name: str
    start_s: float
    end_s: float
    parent_id: str = ""
    ok: bool = True
    attributes: Mapping[str, Value] = {}


def trace_id_of(seed: str) -> str:
    """The same seed gives the same id, so a repeated export is recognised."""
    return hashlib.sha256(f"trace:{seed}".encode()).hexdigest()[:32]


def span_id_of(seed: str) -> str:
    return hashlib.sha256(f"span:{seed}".encode()).hexdigest()[:16]


class TraceLog:
    """The last traces, newest first. `shown` makes of each, once, what is kept of it."""

    def __init__(
        self, kept: int = TRACES_KEPT, shown: Callable[[Sequence[Span]], Any] = lambda spans: spans
    ) -> None:
        self._traces: deque[Any] = deque(maxlen=kept)
        self._shown = shown

    def add(self, spans: Sequence[Span]) -> None:
        if spans:
            self._traces.append(self._shown(spans))

    def traces(self) -> list[Any]:
        return list(reversed(self._traces))


class Exporter:
    """Sends traces from a thread, one after the other; what cannot be sent is counted and told, never waited for."""

    def __init__(self, endpoint: str, service: str, waiting: int = WAITING_EXPORTS) -> None:
        self._endpoint = endpoint.rstrip("/") + "/v1/traces"
        self._service = service
        self._waiting: deque[Sequence[Span]] = deque()
        self._limit = waiting
        self._news = asyncio.Event()
        self._sender: Any = None
        self.sent = 0
        self.dropped = 0

    def add(self, spans: Sequence[Span]) -> None:
        if len(self._waiting) >= self._limit:
            self._waiting.popleft()
            self.dropped += 1
        self._waiting.append(spans)
        self._news.set()

    async def run(self) -> None:
        """Send until cancelled."""
        try:
            while True:
                while self._waiting:
                    await self._export(self._waiting.popleft())
                self._news.clear()
                await self._news.wait()
        finally:
            if self._sender is not None:
                self._sender.shutdown()  # ends its waiting between attempts, which would hold up our end

    async def _export(self, spans: Sequence[Span]) -> None:
        if await asyncio.to_thread(self._send, spans):
            self.sent += 1
        else:
            self.dropped += 1
            log.warning("a trace could not be sent to %s", self._endpoint)

    def _send(self, spans: Sequence[Span]) -> bool:
        """In a thread: the libraries are imported at the first trace, and the request may take its time."""
        try:
            from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter
            from opentelemetry.sdk.trace.export import SpanExportResult

            if self._sender is None:
                self._sender = OTLPSpanExporter(endpoint=self._endpoint, timeout=SEND_WITHIN_S)
            result = self._sender.export([_readable(span, self._service) for span in spans])
            return bool(result is SpanExportResult.SUCCESS)
        except Exception:
            log.exception("exporting a trace failed")
            return False


def _readable(span: Span, service: str) -> Any:
    from opentelemetry.sdk.resources import Resource
    from opentelemetry.sdk.trace import ReadableSpan
    from opentelemetry.trace import SpanContext, SpanKind, Status, StatusCode, TraceFlags

    def context(span_id: str) -> SpanContext:
        flags = TraceFlags(TraceFlags.SAMPLED)
        return SpanContext(int(span.trace_id, 16), int(span_id, 16), is_remote=False, trace_flags=flags)

    return ReadableSpan(
        name=span.name,
        context=context(span.span_id),
        parent=context(span.parent_id) if span.parent_id else None,
        resource=Resource({"service.name": service}),
        attributes=dict(span.attributes),
        kind=SpanKind.INTERNAL,
        status=Status(StatusCode.OK if span.ok else StatusCode.ERROR),
        start_time=int(span.start_s * 1e9),
        end_time=int(span.end_s * 1e9),
    )
