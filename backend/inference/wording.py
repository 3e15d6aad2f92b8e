"""Answers in a few words, for lists and the command line; pure functions on their JSON."""

from collections.abc import Mapping
from typing import Any

MOST = 5


def answer_words(answer: Mapping[str, Any]) -> str:
    """What a model answered, in one line, whatever kind of answer it is."""
    if "label" in answer:
        return str(answer["label"])
    if "boxes" in answer:
        found = [str(box["label"]) for box in answer["boxes"]]
        return _list(found) or "nothing found"
    if "neighbours" in answer:
        return _list([str(one["text"]) for one in answer["neighbours"]])
    if "items" in answer:
        return _list([str(one["item"]) for one in answer["items"]])
    if "match" in answer:
        return "the same" if answer["match"] else "not the same"
    return str(answer.get("text", ""))


def answer_confidence(answer: Mapping[str, Any]) -> float | None:
    """How sure the model says it is, 0 to 1; None where its kind of answer has no such number."""
    if "label" in answer:
        return float(answer.get("probabilities", {}).get(answer["label"], 0.0))
    if "match" in answer:  # its score says how likely they are the same
        return float(answer["score"] if answer["match"] else 1 - answer["score"])
    if answer.get("boxes"):
        return float(max(box["score"] for box in answer["boxes"]))
    return None


def _list(names: list[str]) -> str:
    more = f" and {len(names) - MOST} more" if len(names) > MOST else ""
    return ", ".join(names[:MOST]) + more


def check_words(part: Mapping[str, Any]) -> str:
    """Whether an explanation's mark holds: what taking the marked tenth away does to the answer.

    part: of the kind heat or words (backend/models/explaining.py).
    """
    check, about = part["check"], str(part["about"])
    act = "Leaving out" if part["kind"] == "words" else "Covering"
    before, marked, random = (_percent(check[name]) for name in ("before", "marked", "random"))
    if marked == before:
        return (
            f"{act} the marked tenth leaves “{about}” at {before}: no single part decides, or the "
            "answer comes from the whole."
        )
    turns = "raises" if check["marked"] > check["before"] else "lowers"
    return (
        f"{act} the marked tenth {turns} “{about}” from {before} to {marked}; a tenth taken "
        f"anywhere leaves {random}."
    )


def change_words(part: Mapping[str, Any]) -> str:
    """What would change an answer, in a sentence; part: of the kind changes."""
    before, after = str(part["before"]), str(part.get("after", ""))
    if part["of"] == "picture":
        if not part["found"]:
            return f"No part that was covered changes the answer: it stays “{before}”."
        return (
            f"With {_percent(part['share'])} of the picture covered it would answer “{after}” "
            f"({_percent(part['probability'])})."
        )
    if not part["found"]:
        return f"Leaving out its strongest words does not change the answer: it stays “{before}”."
    gone = ", ".join(f"“{part['text'][word['start'] : word['end']]}”" for word in part["removed"])
    if part["of"] == "answer":
        return f"Without {gone} it would write: {after or 'nothing'}"
    return f"Without {gone} it would answer “{after}” ({_percent(part['probability'])})."


def _percent(share: float) -> str:
    """0.943 as 94 %; what is nearly nothing or nearly all says so."""
    if 0 < share < 0.005:
        return "under 1 %"
    if 0.995 <= share < 1:
        return "over 99 %"
    return f"{100 * share:.0f} %"
