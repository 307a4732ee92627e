import asyncio

from prometheus_client.parser import text_string_to_metric_families

from utils.metrics_collector import Family, Histogram, Renderer


async def text_of(*families: Family, renderer: Renderer | None = None) -> str:
    return (await (renderer or Renderer()).render(families)).decode()


def gauge(*samples: tuple[tuple[str, ...], float]) -> Family:
    return Family(name="up", kind="gauge", help='a "line"\nand \\ more', labels=("who",), samples=samples)


async def test_any_label_value_survives_the_way_to_the_reference_parser() -> None:
    hostile = ['a"b', "back\\slash", "line\nbreak", "é…", "", "} 1\nup 2", "\\n"]
    text = await text_of(gauge(*(((value,), float(n)) for n, value in enumerate(hostile))))
    [family] = text_string_to_metric_families(text)
    assert [sample.labels["who"] for sample in family.samples] == hostile
    assert [sample.value for sample in family.samples] == [float(n) for n in range(len(hostile))]
    assert family.documentation == 'a "line"\nand \\ more'


async def test_special_values_are_written_as_prometheus_reads_them() -> None:
    values = (0.1, 1e300, -3.0, float("inf"), float("-inf"), 123456789012.0)
    text = await text_of(gauge(*(((str(v),), v) for v in values)))
    [family] = text_string_to_metric_families(text)
    assert [sample.value for sample in family.samples] == list(values)
    assert "NaN" in await text_of(gauge((("x",), float("nan"))))


async def test_a_histogram_is_cumulative_and_ends_at_infinity() -> None:
    seconds = Histogram((1.0, 5.0))
    for value in (0.5, 1.0, 3.0, 70.0):
        seconds.observe(value)
    text = await text_of(Family(name="s", kind="histogram", help="h", histograms=[((), seconds)]))
    assert text.splitlines()[2:] == [
        's_bucket{le="1"} 2',
        's_bucket{le="5"} 3',
        's_bucket{le="+Inf"} 4',
        "s_sum 74.5",
        "s_count 4",
    ]


async def test_others_run_between_the_pieces() -> None:
    turns = 0

    async def other() -> None:
        nonlocal turns
        while True:
            turns += 1
            await asyncio.sleep(0)

    task = asyncio.ensure_future(other())
    await text_of(gauge(*(((str(n),), 1.0) for n in range(10_000))))
    task.cancel()
    assert turns >= 20


async def test_label_values_that_come_and_go_do_not_pile_up() -> None:
    renderer = Renderer(prefixes_kept=100)
    for start in range(0, 1000, 50):
        text = await text_of(gauge(*(((str(n),), 1.0) for n in range(start, start + 50))), renderer=renderer)
        assert f'up{{who="{start}"}} 1' in text
    assert len(renderer._prefixes) <= 100
