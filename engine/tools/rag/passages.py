"""Cut a document into passages: at paragraphs where it has some, else at sentences, words, and at last anywhere."""

from __future__ import annotations

_ENDS = ("\n\n", "\n", ". ", "! ", "? ", "; ", ", ", " ")


def passages(text: str, *, size: int, overlap: int) -> list[str]:
    """Passages of at most ``size`` characters. Each begins ``overlap`` characters before the end of the one before, at a word where it can be."""
    found, start = [], 0
    while start < len(text):
        end = _end(text, start, size)
        if piece := text[start:end].strip():
            found.append(piece)
        if end >= len(text):
            break
        start = max(_word(text, end - overlap, end), start + 1)
    return found


def _end(text: str, start: int, size: int) -> int:
    """Where the passage ends: after the last good place in its second half."""
    most = start + size
    if most >= len(text):
        return len(text)
    for end in _ENDS:
        at = text.rfind(end, start + size // 2, most)
        if at >= 0:
            return at + len(end)
    return most


def _word(text: str, start: int, end: int) -> int:
    """The beginning of the first word at or after ``start``; ``start`` itself when there is none before ``end``."""
    at = text.find(" ", start, end)
    return at + 1 if at >= 0 else start
