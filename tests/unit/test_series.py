"""What a scrape means: rates of counters, means of sums, floors by unit."""

from analysis.series import sources


def test_buckets_and_dates_are_no_series() -> None:
    names = ('w_bucket{le="1"}', "process_start_time_seconds", "hits_created", "python_info")
    assert sources(names) == []


def test_a_sum_with_its_count_gives_a_mean_of_the_same_labels() -> None:
    names = ('w_sum{a="1"}', 'w_count{a="1"}', 'w_count{a="2"}')
    found = {source.name: (source.kind, source.index, source.per) for source in sources(names)}
    assert found['w_mean{a="1"}'] == ("mean", 0, 1)
    assert 'w_mean{a="2"}' not in found
    assert found['w_per_s{a="2"}'] == ("rate", 2, -1)


def test_a_lone_sum_is_a_rate_and_the_rest_are_gauges() -> None:
    assert [(s.name, s.kind) for s in sources(("bytes_sum", "depth"))] == [
        ("bytes_sum", "rate"),
        ("depth", "gauge"),
    ]


def test_resources_belong_to_one_life_and_only_their_rise_counts() -> None:
    [memory, depth] = sources(("rss_mib", "depth"))
    assert memory.resource
    assert memory.only_up
    assert memory.share < depth.share
    assert not depth.resource
