"""Where the sentences of a text are; for the tasks that read long texts."""

import re

# A sign that ends a sentence, closing quotes, and white space or the end of the text behind them;
# scripts that leave no space after a sentence have signs of their own.
_END = re.compile(r"[.!?…]+[\"'”’»)\]]*(?=\s|$)|[。！？]+|\n+")


def sentence_spans(text: str) -> list[tuple[int, int]]:
    """First and behind-the-last character of each sentence; abbreviations may part one."""
    ends = [found.end() for found in _END.finditer(text)] + [len(text)]
    spans, first = [], 0
    for end in ends:
        sentence = text[first:end]
        if sentence.strip():
            begin = first + len(sentence) - len(sentence.lstrip())
            spans.append((begin, begin + len(sentence.strip())))
        first = end
    return spans


def first_sentence(text: str) -> str:
    """What a reader in a hurry takes along: the summary to beat."""
    spans = sentence_spans(text)
    return text[spans[0][0] : spans[0][1]] if spans else ""
