"""What can go wrong with the embedded servers, in words for the person at the terminal."""


class EmbeddedError(RuntimeError):
    """The servers cannot run; the message says what to do about it."""
