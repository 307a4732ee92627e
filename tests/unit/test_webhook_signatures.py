"""Signed messages, by the published example of Standard Webhooks and by signatures made here on their own."""

import base64
import hashlib
import hmac

import pytest

from config.problems import ConfigError
from config.settings import load_settings
from dashboard.signing import TOLERANCE_S, refusal

SECRET = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"
BODY = b'{"test": 2432232314}'
SENT_AT = 1614265330
SIGNATURE = "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE="
HEADERS = {
    "webhook-id": "msg_p5jXN8AQM9LWM0D4loKWxJek",
    "webhook-timestamp": str(SENT_AT),
    "webhook-signature": SIGNATURE,
}


def test_the_published_example_is_taken() -> None:
    assert refusal(SECRET, HEADERS, BODY, SENT_AT) == ""


@pytest.mark.parametrize("age_s", [-TOLERANCE_S, TOLERANCE_S])
def test_a_message_of_the_last_five_minutes_is_taken(age_s: float) -> None:
    assert refusal(SECRET, HEADERS, BODY, SENT_AT + age_s) == ""


@pytest.mark.parametrize("age_s", [-TOLERANCE_S - 1, TOLERANCE_S + 1, 1e9])
def test_an_older_one_and_one_of_the_future_are_not(age_s: float) -> None:
    assert "webhook-timestamp" in refusal(SECRET, HEADERS, BODY, SENT_AT + age_s)


@pytest.mark.parametrize(
    ("secret", "change", "body"),
    [
        (SECRET, {}, BODY + b" "),
        (SECRET, {"webhook-id": "msg_other"}, BODY),
        (SECRET, {"webhook-timestamp": str(SENT_AT + 1)}, BODY),
        (SECRET, {"webhook-signature": SIGNATURE.replace("v1,", "v2,")}, BODY),
        (SECRET, {"webhook-signature": SIGNATURE.replace("v1,", "")}, BODY),
        (SECRET, {"webhook-signature": SIGNATURE[:-2] + "A="}, BODY),
        (SECRET, {"webhook-signature": "v1,"}, BODY),
        (SECRET, {"webhook-signature": "v1,\udcff"}, BODY),
        ("whsec_" + base64.b64encode(b"another secret of the tests").decode(), {}, BODY),
    ],
)
def test_whatever_was_changed_is_noticed(secret: str, change: dict[str, str], body: bytes) -> None:
    assert "does not fit" in refusal(secret, HEADERS | change, body, SENT_AT)


@pytest.mark.parametrize(
    "change",
    [
        {"webhook-id": ""},
        {"webhook-id": "msg.1"},
        {"webhook-id": "x" * 257},
        {"webhook-timestamp": "soon"},
        {"webhook-timestamp": "-5"},
        {"webhook-timestamp": "9" * 13},
        {"webhook-timestamp": "١"},
        {"webhook-signature": " "},
    ],
)
def test_headers_that_are_none_are_named(change: dict[str, str]) -> None:
    assert "needs the headers" in refusal(SECRET, HEADERS | change, BODY, SENT_AT)


def test_one_of_several_signatures_is_enough_while_a_secret_is_replaced() -> None:
    key = b"0123456789abcdef01234567"
    signed = b"m1." + str(SENT_AT).encode() + b"." + BODY
    made = "v1," + base64.b64encode(hmac.new(key, signed, hashlib.sha256).digest()).decode()
    headers = HEADERS | {"webhook-id": "m1", "webhook-signature": f"{SIGNATURE} v1a,x {made}"}
    secret = base64.b64encode(key).decode()
    assert refusal(f"whsec_{secret}", headers, BODY, SENT_AT) == ""
    assert refusal(secret, headers, BODY, SENT_AT) == ""  # without the prefix


@pytest.mark.parametrize("text", ["whsec_", "whsec_no base64", "whsec_c2hvcnQ="])
def test_a_secret_that_signs_nothing_is_refused_at_the_start_and_not_shown(text: str) -> None:
    with pytest.raises(ConfigError) as caught:
        load_settings({"RENDER_WEBHOOK_SECRET": text})
    [problem] = caught.value.problems
    assert "RENDER_WEBHOOK_SECRET" in problem
    assert text not in problem.replace("whsec_ and base64", "")
