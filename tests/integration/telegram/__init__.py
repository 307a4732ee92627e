"""Telegram: our client and the stand-in of its server, over real sockets in virtual time."""
