import pytest

from dashboard.paging import LISTINGS, ParameterError, cursor_of, page

INCIDENTS = next(listing for listing in LISTINGS if listing.name == "incidents")
METRICS = next(listing for listing in LISTINGS if listing.name == "metrics")
ITEMS = [{"id": f"i{n}", "service": "ab"[n % 2], "status": "closed"} for n in range(250)]


def test_a_page_holds_a_hundred_unless_fewer_are_asked_for() -> None:
    assert len(page(INCIDENTS, ITEMS, [])["items"]) == 100
    assert len(page(INCIDENTS, ITEMS, [("limit", "7")])["items"]) == 7


def test_the_last_page_says_that_nothing_follows() -> None:
    exactly = page(INCIDENTS, ITEMS[:100], [])
    assert len(exactly["items"]) == 100
    assert exactly["next"] is None


def test_filtered_pages_follow_one_another() -> None:
    first = page(INCIDENTS, ITEMS, [("service", "b")])
    second = page(INCIDENTS, ITEMS, [("service", "b"), ("cursor", first["next"])])
    assert [i["id"] for i in first["items"] + second["items"]] == [f"i{n}" for n in range(1, 250, 2)]


def test_a_cursor_whose_item_is_no_longer_kept_is_past_the_end() -> None:
    assert page(INCIDENTS, ITEMS, [("cursor", cursor_of("gone"))]) == {"items": [], "next": None}


def test_a_key_of_any_length_makes_a_cursor_that_works() -> None:
    items = [{"service": "s", "name": f"{'x' * 900}é{n}", "value": 1.0} for n in range(3)]
    first = page(METRICS, items, [("limit", "1")])
    second = page(METRICS, items, [("limit", "1"), ("cursor", first["next"])])
    assert second["items"] == [items[1]]


@pytest.mark.parametrize("limit", ["0", "101", "-1", "1.0", "", "٥", "1e1", "9999999"])
def test_a_limit_out_of_range_is_named(limit: str) -> None:
    with pytest.raises(ParameterError) as caught:
        page(INCIDENTS, ITEMS, [("limit", limit)])
    assert caught.value.parameter == "limit"


def test_a_status_that_does_not_exist_is_an_error_and_not_an_empty_list() -> None:
    with pytest.raises(ParameterError, match="open, waiting_approval"):
        page(INCIDENTS, ITEMS, [("status", "Open")])
