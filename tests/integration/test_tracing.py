"""The export of spans against a receiver that speaks OTLP over HTTP."""

import asyncio
import contextlib
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager

from aiohttp import web
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest

from utils.tracing import Exporter, Span, TraceLog, span_id_of, trace_id_of


def tree(seed: str = "i1") -> tuple[Span, ...]:
    root = Span(
        trace_id=trace_id_of(seed), span_id=span_id_of(seed), name="incident", start_s=1e9, end_s=1e9 + 2
    )
    child = Span(
        trace_id=root.trace_id,
        span_id=span_id_of(f"act:{seed}"),
        parent_id=root.span_id,
        name="act",
        start_s=1e9 + 0.5,
        end_s=1e9 + 1.5,
        ok=False,
        attributes={"nightwarden.fix": "restart", "nightwarden.confidence": 0.9},
    )
    return root, child


@asynccontextmanager
async def collector(
    status: int = 200,
) -> AsyncIterator[tuple[str, "asyncio.Queue[ExportTraceServiceRequest]"]]:
    received: asyncio.Queue[ExportTraceServiceRequest] = asyncio.Queue()

    async def take(request: web.Request) -> web.Response:
        received.put_nowait(ExportTraceServiceRequest.FromString(await request.read()))
        return web.Response(status=status)

    app = web.Application()
    app.router.add_post("/v1/traces", take)
    runner = web.AppRunner(app)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    try:
        yield f"http://127.0.0.1:{runner.addresses[0][1]}", received
    finally:
        await runner.cleanup()


@asynccontextmanager
async def running(exporter: Exporter) -> AsyncIterator[None]:
    task = asyncio.ensure_future(exporter.run())
    try:
        yield
    finally:
        task.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await task


async def test_spans_arrive_with_their_ids_times_and_attributes() -> None:
    async with collector() as (url, received):
        exporter = Exporter(url + "/", "nightwarden")
        async with running(exporter):
            exporter.add(tree())
            request = await asyncio.wait_for(received.get(), 20)
    [resource] = request.resource_spans
    assert resource.resource.attributes[0].value.string_value == "nightwarden"
    root, act = resource.scope_spans[0].spans
    assert root.trace_id.hex() == trace_id_of("i1")
    assert act.parent_span_id == root.span_id
    assert act.end_time_unix_nano - act.start_time_unix_nano == 10**9
    assert {a.key for a in act.attributes} == {"nightwarden.fix", "nightwarden.confidence"}
    assert act.status.code == 2  # error


async def test_a_receiver_that_refuses_is_counted_and_the_next_trace_is_sent() -> None:
    async with collector(status=400) as (url, received):
        exporter = Exporter(url, "nightwarden")
        async with running(exporter):
            exporter.add(tree("i1"))
            exporter.add(tree("i2"))
            for _ in range(2):
                await asyncio.wait_for(received.get(), 20)
            async with asyncio.timeout(20):
                while exporter.dropped < 2:  # noqa: ASYNC110  # the count comes back from a thread
                    await asyncio.sleep(0.01)
    assert (exporter.sent, exporter.dropped) == (0, 2)


async def test_what_cannot_be_sent_does_not_pile_up() -> None:
    exporter = Exporter("http://127.0.0.1:9", "nightwarden", waiting=3)
    for number in range(5):
        exporter.add(tree(str(number)))
    assert exporter.dropped == 2
    assert [spans[0].trace_id for spans in exporter._waiting] == [trace_id_of(n) for n in "234"]


def test_the_memory_of_traces_is_bounded_and_newest_first() -> None:
    traces = TraceLog(kept=2)
    for seed in ("a", "b", "c"):
        traces.add(tree(seed))
    traces.add(())
    assert [spans[0].trace_id for spans in traces.traces()] == [trace_id_of("c"), trace_id_of("b")]


def test_what_is_kept_of_a_trace_is_made_once() -> None:
    made: list[str] = []

    def shown(spans: Sequence[Span]) -> str:
        made.append(spans[0].name)
        return spans[0].name

    traces = TraceLog(shown=shown)
    traces.add(tree())
    assert traces.traces() == traces.traces() == ["incident"]
    assert made == ["incident"]
