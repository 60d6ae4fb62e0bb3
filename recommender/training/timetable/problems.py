"""Why an entry of the schedule was not understood."""

from __future__ import annotations

from collections.abc import Sequence

from plumbing.words import Message
from recommender.training.outcomes import WORDS


class NotUnderstood(Exception):
    """An entry that is refused; `messages` name each wrong word and show an example."""

    def __init__(self, *messages: Message) -> None:
        self.messages: Sequence[Message] = messages
        super().__init__(self.say("en"))

    def say(self, language: str) -> str:
        """All of it in one language."""
        between = "。" if language == "ja" else ". "
        return between.join(WORDS.say(language, one) for one in self.messages)


def wrong(problem: str, word: str = "") -> NotUnderstood:
    """One problem with one word, as it was typed."""
    return NotUnderstood(Message.of(f"schedule-wrong-{problem}", word=word))
