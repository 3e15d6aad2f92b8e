"""How good written texts are beside the right ones: exact match, BLEU, chrF and ROUGE.

The only importer of sacrebleu; called by the meters of tasks that answer with a text.
"""

import re
from collections import Counter
from collections.abc import Sequence

_WORD = re.compile(r"[^\W_]+")


def exact_match(answers: Sequence[str], truths: Sequence[str]) -> float:
    """The share of answers that are right to the letter, white space aside."""
    pairs = zip(answers, truths, strict=True)
    return sum(_plain(answer) == _plain(truth) for answer, truth in pairs) / len(truths)


def bleu(answers: Sequence[str], truths: Sequence[str]) -> float:
    """Corpus BLEU (Papineni et al., 2002) from 0 to 100, as sacrebleu computes it (Post, 2018).

    Where no answer has four words in a row, runs of as many as there are count: its usual zero
    would say nothing of answers that are one number each.
    """
    from sacrebleu.metrics.bleu import BLEU

    return float(BLEU(effective_order=True).corpus_score(list(answers), [list(truths)]).score)


def chrf(answers: Sequence[str], truths: Sequence[str]) -> float:
    """Corpus chrF2 (Popovic, 2015) from 0 to 100, as sacrebleu computes it."""
    from sacrebleu.metrics.chrf import CHRF

    return float(CHRF().corpus_score(list(answers), [list(truths)]).score)


def rouge(answers: Sequence[str], truths: Sequence[str]) -> dict[str, float]:
    """Mean F1 of ROUGE-1, ROUGE-2 and ROUGE-L (Lin, 2004) from 0 to 100, by name.

    Words are runs of letters and digits of any script, in small letters and unstemmed. For
    English texts the figures are those of the package rouge-score, against which it is tested.
    """
    sums = dict.fromkeys(("rouge1", "rouge2", "rougeL"), 0.0)
    for answer, truth in zip(answers, truths, strict=True):
        given, wanted = (_WORD.findall(text.lower()) for text in (answer, truth))
        for name, common, sizes in (
            ("rouge1", _shared(given, wanted, 1), (len(given), len(wanted))),
            ("rouge2", _shared(given, wanted, 2), (len(given) - 1, len(wanted) - 1)),
            ("rougeL", _longest_common(given, wanted), (len(given), len(wanted))),
        ):
            sums[name] += 200 * common / sum(sizes) if min(sizes) > 0 else 0.0
    return {name: total / len(truths) for name, total in sums.items()}


def _plain(text: str) -> str:
    return " ".join(text.split())


def _shared(first: Sequence[str], second: Sequence[str], size: int) -> int:
    """How many runs of `size` words two texts have in common."""
    runs = [
        Counter(zip(*(words[start:] for start in range(size)), strict=False))
        for words in (first, second)
    ]
    return (runs[0] & runs[1]).total()


def _longest_common(first: Sequence[str], second: Sequence[str]) -> int:
    """The length of the longest common subsequence."""
    row = [0] * (len(second) + 1)
    for word in first:
        before = 0
        for place, other in enumerate(second, 1):
            above = row[place]
            row[place] = before + 1 if word == other else max(above, row[place - 1])
            before = above
    return row[-1]
