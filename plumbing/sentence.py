"""A sentence in English that remembers its message, so that a page can say it in another language later."""

from __future__ import annotations

from plumbing.words import Message, Words


class Sentence(str):
    """The English text of a message; wherever a `str` is expected, it is one."""

    message: Message

    @classmethod
    def of(cls, words: Words, message_id: str, **values: str | int | float) -> Sentence:
        """The message with its values, from `words`. Raises KeyError: there is no such message."""
        message = Message.of(message_id, **values)
        said = cls(words.say("en", message))
        said.message = message
        return said


def ended(text: str) -> str:
    """The text with a full stop, unless it ends as a sentence does."""
    return text if text.endswith((".", "?", "!")) else f"{text}."


def stored(text: str) -> str:
    """What is kept beside a text, to say it in other languages: its message as JSON; empty for a plain text."""
    return text.message.to_json() if isinstance(text, Sentence) else ""


def in_language(words: Words, language: str, text: str, kept: str) -> str:
    """A text that was kept with `stored`, in `language`; a plain text, and one of another release, as it is."""
    message = Message.from_json(kept) if kept else None
    if message is None:
        return text
    try:
        return words.say(language, message)
    except KeyError:
        return text
