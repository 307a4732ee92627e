"""Hears people: presses and commands, each asked of `People`, and answered with what that answers, never before."""

from collections.abc import Awaitable, Callable, Sequence

from agents.telling.answers import help_lines, incidents_lines, status_lines
from agents.telling.port import People, Switch, Word
from agents.telling.stories import Question, State
from agents.telling.text import APPROVE, DENY, SNOOZE, UNDO, VETO, WHY, answer_text
from agents.telling.words import silence_of, spoken
from config.world import World
from platforms.telegram.gate import REFUSAL
from platforms.telegram.port import Messenger, Press, Said

WORDS: dict[str, Word] = {APPROVE: "approve", DENY: "deny", SNOOZE: "snooze", UNDO: "undo", VETO: "veto"}
WHY_LINES = 40
NOBODY = "the daemon cannot be asked now"


class Hearing:
    def __init__(
        self, world: World, people: People | None, state: Callable[[], State], now: Callable[[], float]
    ) -> None:
        self._now = now
        self._world = world
        self._people = people
        self._state = state
        self.messenger: Messenger | None = None
        self._commands: dict[str, Callable[[Said], Awaitable[str]]] = {
            "status": self._status,
            "incidents": self._incidents,
            "pause": lambda said: self._switch(said, "pause"),
            "resume": lambda said: self._switch(said, "resume"),
            "silence": self._silence,
            "why": self._why,
            "confirm": self._confirm,
            "help": self._help,
            "start": self._help,
        }

    async def heard(self, what: Press | Said) -> None:
        if isinstance(what, Press):
            await self._pressed(what)
        elif not self._may(what.user_id):
            self._reply(what, REFUSAL)
        elif what.command:
            say = self._commands.get(what.command, self._help)
            self._reply(what, await say(what))
        elif what.reply_to or what.chat_id > 0:
            self._reply(what, await self._confirm(what))

    def _may(self, user_id: int) -> bool:
        """By the configuration in force; the messenger has looked at chats and users before."""
        ids = {
            one.telegram_id for one in self._world.config.approvals.approvers if one.telegram_id is not None
        }
        return not ids or user_id in ids

    def _by(self, heard: Press | Said) -> str:
        """As approvals name them; who is not named there is known by their number alone, for names can be chosen."""
        for approver in self._world.config.approvals.approvers:
            if approver.telegram_id == heard.user_id:
                return f"telegram:{approver.name}"
        return f"telegram:{heard.user_id}"

    # --- presses ---

    async def _pressed(self, press: Press) -> None:
        verb, _, about = press.data.partition(":")
        if self._people is None or not self._may(press.user_id):
            self._answer(press, NOBODY if self._people is None else REFUSAL, alert=True)
        elif verb == WHY and about:
            self._answer(press, "")
            lines = self._people.explain(about)
            self._say(f"answer/{press.query_id}", _shortened(lines), press.chat_id)
        elif verb in WORDS and about:
            answer = await self._people.decide(WORDS[verb], about, self._by(press))
            self._answer(press, answer.answer, alert=not answer.accepted)
        else:
            self._answer(press, "This button does nothing any more.", alert=True)

    # --- commands ---

    async def _status(self, _: Said) -> str:
        return answer_text(status_lines(self._people, self._state(), self._now()))

    async def _incidents(self, _: Said) -> str:
        return answer_text(incidents_lines(self._state()))

    async def _help(self, _: Said) -> str:
        return answer_text(help_lines())

    async def _why(self, said: Said) -> str:
        stories = self._state().stories
        about = said.rest or next(reversed(stories), "")
        return _shortened(self._people.explain(about) if self._people and about else ())

    async def _switch(self, said: Said, what: Switch) -> str:
        return await self._asked(what, said, said.rest, 0.0)

    async def _silence(self, said: Said) -> str:
        wanted = silence_of(said.rest)
        if isinstance(wanted, str):
            return wanted
        service, for_s = wanted
        answer = await self._asked("silence", said, service, for_s)
        return answer if for_s == 0 else f"{answer} for {spoken(for_s)}; what needs a person still comes"

    async def _asked(self, what: Switch, said: Said, service: str, for_s: float) -> str:
        if self._people is None:
            return NOBODY
        answer = await self._people.switch(what, self._by(said), service, for_s)
        return answer_text([answer.answer])

    async def _confirm(self, said: Said) -> str:
        """The word for an act that cannot be undone."""
        typed = said.rest if said.command else said.text.strip()
        asking = self._asking(said.reply_to, said.chat_id)
        question = next((q for q in asking if q.confirm == typed), asking[0] if len(asking) == 1 else None)
        if question is None or self._people is None:
            return answer_text(["Nothing waits for a word now.", *help_lines()])
        answer = await self._people.decide("approve", question.id, self._by(said), typed)
        return answer_text([answer.answer])

    def _asking(self, reply_to: int, chat_id: int) -> list[Question]:
        """Questions that wait for a typed word: those of the message that is answered, else all."""
        state = self._state()
        asking = [
            (state.head(story).key, story.question)
            for story in state.open_ones()
            if story.question is not None
        ]
        key = next(
            (p.key for p in state.posted.values() if (p.chat, p.message) == (chat_id, reply_to) and reply_to),
            "",
        )
        return [question for head, question in asking if question.confirm and key in ("", head)]

    # --- saying ---

    def _answer(self, press: Press, text: str, *, alert: bool = False) -> None:
        if self.messenger is not None:
            self.messenger.answer(press.query_id, text, alert=alert)

    def _reply(self, said: Said, text: str) -> None:
        self._say(f"answer/{said.chat_id}/{said.message_id}", text, said.chat_id)

    def _say(self, key: str, text: str, chat_id: int) -> None:
        if self.messenger is not None:
            self.messenger.put(key, text, urgent=True, only=chat_id)
            self.messenger.forget(key)


def _shortened(found: Sequence[str]) -> str:
    if not found:
        return "No such incident is known."
    return answer_text(found if len(found) <= WHY_LINES else [found[0], "…", *found[2 - WHY_LINES :]])
