"""Second ways to people: a webhook that gets JSON, signed where a secret is shared, and e-mail."""

import asyncio
import hashlib
import hmac
import json
import smtplib
import ssl
import time
from email.message import EmailMessage
from email.policy import SMTP
from typing import Literal

from config.mailbox import Mailbox

TIMEOUT_S = 15.0


class Webhook:
    """POST {"key", "subject", "text", "at"}. With a secret, the header X-Nightwarden-Signature holds
    "t=UNIX,v1=HEX": HMAC-SHA256 of "UNIX.BODY". A repetition has the same key and text."""

    kind: Literal["webhook", "email"] = "webhook"

    def __init__(self, url: str, secret: str = "") -> None:
        self._url, self._secret = url, secret

    async def send(self, subject: str, text: str, key: str) -> None:
        """OSError where nobody took it; its words never hold the address, which is a secret."""
        import aiohttp

        at = int(time.time())
        body = json.dumps({"key": key, "subject": subject, "text": text, "at": at}).encode()
        headers = {"Content-Type": "application/json"}
        if self._secret:
            headers["X-Nightwarden-Signature"] = f"t={at},v1={signature(self._secret, at, body)}"
        limit = aiohttp.ClientTimeout(total=TIMEOUT_S)
        try:
            async with (
                aiohttp.ClientSession(timeout=limit) as session,
                session.post(self._url, data=body, headers=headers, allow_redirects=False) as answer,
            ):
                if answer.status >= 300:
                    raise OSError(f"the webhook answered {answer.status}")
        except (aiohttp.ClientError, TimeoutError) as error:
            raise OSError(f"the webhook could not be reached: {type(error).__name__}") from None


def signature(secret: str, at: int, body: bytes) -> str:
    return hmac.new(secret.encode(), b"%d." % at + body, hashlib.sha256).hexdigest()


class Email:
    """One message to all addresses."""

    kind: Literal["webhook", "email"] = "email"

    def __init__(self, mailbox: Mailbox) -> None:
        self._mailbox = mailbox

    async def send(self, subject: str, text: str, key: str) -> None:
        """In a thread, as smtplib blocks. OSError where it was not taken."""
        message = EmailMessage(policy=SMTP)
        message["Subject"] = " ".join(f"[nightwarden] {subject}".split())
        message["From"] = self._mailbox.sender
        message["To"] = ", ".join(self._mailbox.to)
        message["X-Nightwarden-Key"] = key
        message.set_content(text)
        await asyncio.to_thread(self._deliver, message)

    def _deliver(self, message: EmailMessage) -> None:
        box = self._mailbox
        try:
            with self._connected() as server:
                if box.starttls:
                    server.starttls(context=ssl.create_default_context())
                if box.user:
                    server.login(box.user, box.password)
                server.send_message(message, box.sender, list(box.to))
        except smtplib.SMTPException as error:
            raise OSError(f"the mail server did not take it: {type(error).__name__}") from None

    def _connected(self) -> smtplib.SMTP:
        box = self._mailbox
        if box.tls:
            return smtplib.SMTP_SSL(
                box.host, box.port, timeout=TIMEOUT_S, context=ssl.create_default_context()
            )
        return smtplib.SMTP(box.host, box.port, timeout=TIMEOUT_S)
