"""The stand-in of the Bot API, driven by python-telegram-bot."""

import asyncio

import pytest
from telegram import Bot, InlineKeyboardButton, InlineKeyboardMarkup, InputMediaPhoto
from telegram.error import BadRequest, ChatMigrated, Forbidden, InvalidToken

from tests.fixtures.bot_api import html
from tests.fixtures.bot_api.errors import ApiError
from tests.fixtures.bot_api.standin import StandIn
from tests.fixtures.pictures import png
from tests.integration.telegram.bots import ANN, bot_of, keyboard

# --- tokens ----------------------------------------------------------------------------------------------------------


async def test_the_bot_learns_its_name(bot: Bot) -> None:
    assert (bot.username, bot.bot.is_bot) == ("nightwarden_test_bot", True)


@pytest.mark.parametrize(("token", "code"), [("123:wrong-but-well-formed", 401), ("nonsense", 404)])
async def test_a_wrong_token_is_refused(telegram: StandIn, token: str, code: int) -> None:
    with pytest.raises(InvalidToken):
        await bot_of(telegram, token).initialize()
    assert telegram.calls[-1].status == code
    assert telegram.violations


async def test_an_unknown_method_is_a_404(telegram: StandIn, bot: Bot) -> None:
    with pytest.raises(InvalidToken):
        await bot.get_my_commands()
    assert telegram.calls[-1].status == 404


# --- messages --------------------------------------------------------------------------------------------------------


async def test_a_message_is_sent_and_edited_in_place(telegram: StandIn, bot: Bot) -> None:
    sent = await bot.send_message(
        ANN, "<b>shop</b> is down", parse_mode="HTML", reply_markup=keyboard(("Why", "w"))
    )
    await bot.edit_message_text("shop is &lt;up&gt;", ANN, sent.message_id, parse_mode="HTML")
    [message] = telegram.messages(ANN)
    assert [version.text for version in message.versions] == ["shop is down", "shop is <up>"]
    assert message.versions[0].entities[0].kind == "bold"
    assert message.buttons == []
    assert telegram.violations == []


async def test_what_is_the_same_is_not_modified(bot: Bot) -> None:
    sent = await bot.send_message(ANN, "a", reply_markup=keyboard(("Why", "w")))
    with pytest.raises(BadRequest, match="not modified"):
        await bot.edit_message_text(
            "<b></b>a", ANN, sent.message_id, parse_mode="HTML", reply_markup=keyboard(("Why", "w"))
        )
    await bot.edit_message_text("a", ANN, sent.message_id, reply_markup=keyboard(("Why", "x")))


async def test_an_unknown_message_cannot_be_edited_or_deleted(bot: Bot) -> None:
    with pytest.raises(BadRequest, match="Message to edit not found"):
        await bot.edit_message_text("a", ANN, 404)
    with pytest.raises(BadRequest, match="Message to delete not found"):
        await bot.delete_message(ANN, 404)


async def test_what_others_wrote_cannot_be_edited(telegram: StandIn, bot: Bot) -> None:
    theirs = telegram.say("hello", telegram.world.users[ANN])
    with pytest.raises(BadRequest, match="can't be edited"):
        await bot.edit_message_text("a", ANN, theirs.id)


async def test_only_the_keyboard_can_be_edited(telegram: StandIn, bot: Bot) -> None:
    sent = await bot.send_message(ANN, "a", reply_markup=keyboard(("Why", "w")))
    await bot.edit_message_reply_markup(ANN, sent.message_id)
    assert telegram.messages()[0].buttons == []
    assert telegram.texts() == ["a"]


async def test_a_deleted_message_is_gone(telegram: StandIn, bot: Bot) -> None:
    sent = await bot.send_message(ANN, "a")
    assert await bot.delete_message(ANN, sent.message_id)
    assert telegram.messages() == []
    assert len(telegram.written()) == 1


async def test_after_two_days_nothing_can_be_deleted(telegram: StandIn, bot: Bot) -> None:
    sent = await bot.send_message(ANN, "a")
    await asyncio.sleep(49 * 3600)
    with pytest.raises(BadRequest, match="can't be deleted"):
        await bot.delete_message(ANN, sent.message_id)


@pytest.mark.parametrize(
    ("text", "complaint"),
    [
        ("", "text is empty"),
        ("  \n ", "text is empty"),
        ("<b></b>", "text is empty"),
        ("x" * 4097, "message is too long"),
        ("\N{FIRE}" * 2049, "message is too long"),
        ("&amp;" * 6554, "text is too long"),
    ],
)
async def test_a_text_has_1_to_4096_characters_after_parsing(bot: Bot, text: str, complaint: str) -> None:
    await bot.send_message(ANN, "<b>" + "&amp;" * 4096 + "</b>", parse_mode="HTML")
    with pytest.raises(BadRequest, match=rf"(?i){complaint}"):
        await bot.send_message(ANN, text, parse_mode="HTML")


@pytest.mark.parametrize("data", ["", "x" * 65, "\N{FIRE}" * 17])
async def test_a_button_carries_1_to_64_bytes(bot: Bot, data: str) -> None:
    await bot.send_message(ANN, "a", reply_markup=keyboard(("Why", "x" * 64)))
    with pytest.raises(BadRequest, match=r"(?i)button_data_invalid"):
        await bot.send_message(ANN, "a", reply_markup=keyboard(("Why", data)))


async def test_a_button_leads_to_no_local_address(bot: Bot) -> None:
    button = InlineKeyboardButton("page", url="http://localhost:8080/")
    with pytest.raises(BadRequest, match="wrong http url"):
        await bot.send_message(ANN, "a", reply_markup=InlineKeyboardMarkup([[button]]))


# --- HTML ------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("text", "complaint"),
    [
        ("<h1>x</h1>", 'Unsupported start tag "h1" at byte offset 0'),
        ("é <br>", 'Unsupported start tag "br" at byte offset 3'),
        ("a < b", 'Unsupported start tag "" at byte offset 2'),
        ("a <b", "Unclosed start tag at byte offset 2"),
        ("<b>x", 'Can\'t find end tag corresponding to start tag "b"'),
        ("x</b>", "Unexpected end tag at byte offset 1"),
        ("<b><i>x</b></i>", 'Unmatched end tag at byte offset 7, expected "</i>", found "</b>"'),
        ('<a href="x>y', 'Unclosed start tag "a" at byte offset 0'),
        ("<span>x</span>", 'Tag "span" must have class "tg-spoiler" at byte offset 0'),
        ("<b>x</b", "Unclosed end tag at byte offset 4"),
    ],
)
async def test_bad_html_is_refused_in_the_words_of_the_real_server(
    bot: Bot, text: str, complaint: str
) -> None:
    with pytest.raises(BadRequest, match=r"(?i)can't parse entities") as caught:
        await bot.send_message(ANN, text, parse_mode="HTML")
    assert caught.value.message.lower() == f"can't parse entities: {complaint}".lower()


def test_good_html_becomes_text_and_entities() -> None:
    source = '<b>a&amp;b</b> <pre><code class="language-py">x &lt; 1</code></pre> <a href="https://e.org/?a=1&amp;b=2">\N{FIRE}</a>&#33;'
    parsed = html.parse(source)
    assert parsed.text == "a&b x < 1 \N{FIRE}!"
    assert [(e.kind, e.offset, e.length) for e in parsed.entities] == [
        ("bold", 0, 3), ("code", 4, 5), ("pre", 4, 5), ("text_link", 10, 2)
    ]  # fmt: skip
    assert parsed.entities[-1].url == "https://e.org/?a=1&b=2"
    assert parsed.careless == ()


def test_expandable_quotes_and_spoilers_are_known() -> None:
    parsed = html.parse('<blockquote expandable>long</blockquote><span class="tg-spoiler">x</span>')
    assert [e.kind for e in parsed.entities] == ["blockquote", "spoiler"]


@pytest.mark.parametrize("text", ["R&D", "a > b", "&nbsp;"])
async def test_what_the_real_server_forgives_is_noted(telegram: StandIn, bot: Bot, text: str) -> None:
    await bot.send_message(ANN, text, parse_mode="HTML")
    assert telegram.texts() == [text]
    assert len(telegram.violations) == 1


def test_an_unknown_tag_inside_text_raises() -> None:
    with pytest.raises(ApiError):
        html.parse("<script>x</script>")


# --- pictures --------------------------------------------------------------------------------------------------------


async def test_a_picture_joins_a_text_and_then_has_a_caption(telegram: StandIn, bot: Bot) -> None:
    sent = await bot.send_message(ANN, "down")
    media = InputMediaPhoto(png(), caption="<i>down</i>", parse_mode="HTML")
    await bot.edit_message_media(media, ANN, sent.message_id, reply_markup=keyboard(("Why", "w")))
    with pytest.raises(BadRequest, match=r"(?i)there is no text in the message to edit"):
        await bot.edit_message_text("up", ANN, sent.message_id)
    await bot.edit_message_caption(ANN, sent.message_id, caption="up")
    [message] = telegram.messages()
    assert (message.text, message.now.photo) == ("up", png())
    assert message.versions[1].entities[0].kind == "italic"


async def test_a_photo_is_sent_with_a_caption_of_at_most_1024_characters(telegram: StandIn, bot: Bot) -> None:
    await bot.send_photo(ANN, png(), caption="x" * 1024)
    with pytest.raises(BadRequest, match=r"(?i)caption is too long"):
        await bot.send_photo(ANN, png(), caption="x" * 1025)
    with pytest.raises(BadRequest, match=r"(?i)there is no caption"):
        sent = await bot.send_message(ANN, "a")
        await bot.edit_message_caption(ANN, sent.message_id, caption="b")


@pytest.mark.parametrize(
    ("photo", "complaint"),
    [
        (b"", "non-empty"),
        (b"GIF89a" * 9, "image_process_failed"),
        (png(2100, 100), "photo_invalid_dimensions"),
    ],
)
async def test_what_is_no_photo_is_refused(bot: Bot, photo: bytes, complaint: str) -> None:
    with pytest.raises(BadRequest, match=rf"(?i){complaint}"):
        await bot.send_photo(ANN, photo)


# --- chats -----------------------------------------------------------------------------------------------------------


async def test_who_never_pressed_start_has_no_chat(bot: Bot) -> None:
    with pytest.raises(BadRequest, match="Chat not found"):
        await bot.send_message(8, "a")


async def test_who_blocked_the_bot_gets_nothing(telegram: StandIn, bot: Bot) -> None:
    telegram.block(ANN)
    with pytest.raises(Forbidden, match="bot was blocked by the user"):
        await bot.send_message(ANN, "a")
    telegram.block(ANN, blocked=False)
    await bot.send_message(ANN, "a")


async def test_a_group_that_grew_has_another_id(telegram: StandIn, bot: Bot) -> None:
    telegram.add_group(-50, "ops")
    new_id = telegram.upgrade(-50)
    with pytest.raises(ChatMigrated) as caught:
        await bot.send_message(-50, "a")
    assert caught.value.new_chat_id == new_id
    await bot.send_message(new_id, "a")


async def test_private_chats_share_their_numbers_and_supergroups_do_not(telegram: StandIn, bot: Bot) -> None:
    telegram.add_user(8, "Bob")
    telegram.add_group(-1_000_000_000_050, "ops")
    chats = (ANN, 8, -1_000_000_000_050, ANN, -1_000_000_000_050)
    assert [(await bot.send_message(chat, "a")).message_id for chat in chats] == [1, 2, 1, 3, 2]
