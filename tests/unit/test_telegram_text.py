"""Cutting Telegram's HTML: whatever comes out, the strict parser of the stand-in takes it."""

import random
from html import escape

import pytest

from platforms.telegram.content import Content
from platforms.telegram.port import Button, Said
from platforms.telegram.text import cut_plain, fit, plain, units
from tests.fixtures.bot_api import html

LETTERS = "ab <>&\"'\n\N{FIRE}é"
TAGS = ("b", "i", "code", "pre", "blockquote", 'a href="https://e.org/?a=1&amp;b=>"')


def document(chance: random.Random, depth: int = 3) -> str:
    """Good HTML: words, escaped, and tags inside one another."""
    parts = []
    for _ in range(chance.randrange(4)):
        if depth and chance.random() < 0.5:
            tag = chance.choice(TAGS)
            parts.append(f"<{tag}>{document(chance, depth - 1)}</{tag.split()[0]}>")
        else:
            parts.append(escape(words(chance)))
    return "".join(parts)


def words(chance: random.Random) -> str:
    return "".join(chance.choices(LETTERS, k=chance.randrange(12)))


@pytest.mark.parametrize("seed", range(20))
def test_what_is_cut_is_always_good_html_of_the_right_length_and_a_beginning(seed: int) -> None:
    chance = random.Random(seed)
    for _ in range(50):
        source, limit = document(chance), chance.randint(1, 40)
        whole, cut = html.parse(source), html.parse(fit(source, limit))
        assert cut.careless == ()
        assert html.units(cut.text) <= limit
        if html.units(whole.text) <= limit:
            assert fit(source, limit) == source
        else:
            assert cut.text.endswith("…")
            assert whole.text.startswith(cut.text[:-1])


@pytest.mark.parametrize("seed", range(10))
def test_plain_text_is_what_telegram_would_show(seed: int) -> None:
    chance = random.Random(seed)
    for source in (document(chance) for _ in range(50)):
        assert plain(source) == html.parse(source).text


def test_plain_text_is_cut_between_characters() -> None:
    chance = random.Random(1)
    for text in (words(chance) for _ in range(500)):
        limit = chance.randint(1, 12)
        cut = cut_plain(text, limit)
        assert units(cut) <= limit
        assert cut == text or (cut.endswith("…") and text.startswith(cut[:-1]))


def test_a_long_message_loses_as_little_as_can_be() -> None:
    assert html.units(html.parse(fit("<b>" + "x" * 5000 + "</b>", 4096)).text) == 4096


def test_markup_is_bounded_too_though_nobody_sees_it() -> None:
    cut = fit("<b>x</b>" * 4096, 4096)
    assert len(cut) < 32_768
    assert html.parse(cut).text.startswith("xxx")
    assert len(fit("x" + "<b></b>" * 10_000, 4096)) < 32_768


def test_a_refused_message_loses_its_picture_then_its_marks_then_its_buttons() -> None:
    content = Content("<b>a &amp; b</b>", ((Button("Why", "w"),),), photo=b"x")
    steps = []
    while poorer := content.poorer():
        content = poorer
        steps.append((content.text, bool(content.buttons), content.photo, content.rich))
    assert steps == [
        ("<b>a &amp; b</b>", True, None, True), ("a & b", True, None, False), ("a & b", False, None, False)
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("text", "data"), [("Why", ""), ("Why", "x" * 65), ("Why", "\N{FIRE}" * 17), (" ", "w")]
)
def test_a_button_that_telegram_would_refuse_cannot_be_made(text: str, data: str) -> None:
    with pytest.raises(ValueError, match="needs"):
        Button(text, data)


@pytest.mark.parametrize(
    ("text", "command", "rest"),
    [
        ("/pause", "pause", ""),
        ("/Pause@our_bot  shop  now ", "pause", "shop  now"),
        ("pause", "", ""),
        ("hello /pause", "", "/pause"),
        ("  ", "", ""),
    ],
)
def test_a_command_is_a_word_behind_a_slash(text: str, command: str, rest: str) -> None:
    said = Said(text, 7, "@ann", 7, 1)
    assert (said.command, said.rest) == (command, rest)
