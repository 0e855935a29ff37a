"""What keeps a file as a whole from being read."""


class FileProblemError(ValueError):
    """The file as a whole cannot be read. `code` is a key of `words.EXPECTED`; `line` 0 when no line is to blame."""

    def __init__(self, code: str, line: int = 0, column: str = "", value: str = "", detail: str = "") -> None:
        super().__init__(f"{code} {column} {value} {detail}".strip())
        self.code, self.line, self.column, self.value, self.detail = code, line, column, value, detail
