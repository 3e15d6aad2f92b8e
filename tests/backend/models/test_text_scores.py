"""Scores of texts: worked examples, and the packages that papers use where there are any."""

import random

import pytest

from backend.models.text_scores import bleu, chrf, exact_match, rouge


def test_exact_match_forgives_white_space_only() -> None:
    assert exact_match(["a  b ", "A b", ""], ["a b", "a b", ""]) == pytest.approx(2 / 3)


def test_rouge_of_a_worked_example() -> None:
    found = rouge(["the cat sat on the mat"], ["the cat is on the mat"])
    assert found["rouge1"] == pytest.approx(100 * 5 / 6)
    assert found["rouge2"] == pytest.approx(100 * 3 / 5)
    assert found["rougeL"] == pytest.approx(100 * 5 / 6)
    assert rouge(["on mat the"], ["the mat on"])["rougeL"] == pytest.approx(100 / 3)
    assert rouge([""], ["a b"]) == {"rouge1": 0, "rouge2": 0, "rougeL": 0}


def test_rouge_knows_words_of_any_script() -> None:
    assert rouge(["für die Äpfel"], ["für die Birnen"])["rouge1"] == pytest.approx(200 / 3)
    assert rouge(["дом там"], ["дом тут"])["rouge1"] == pytest.approx(50)


def test_rouge_is_what_rouge_score_says() -> None:
    from rouge_score.rouge_scorer import RougeScorer

    drawn = random.Random(5)
    line = "the cat's dog ran, fast! 3.5 over-the hill and (back) again U.S. x_y"
    words = line.split()
    texts = [" ".join(drawn.choices(words, k=drawn.randint(1, 14))) for _ in range(200)]
    answers, truths = texts[:100], texts[100:]
    scorer = RougeScorer(["rouge1", "rouge2", "rougeL"], use_stemmer=False)
    expected = [scorer.score(truth, answer) for answer, truth in zip(answers, truths, strict=True)]
    for name, value in rouge(answers, truths).items():
        assert value == pytest.approx(100 * sum(one[name].fmeasure for one in expected) / 100), name


def test_bleu_and_chrf_are_sacrebleus() -> None:
    import sacrebleu

    answers = ["The dog bit the man.", "It was not surprising.", "The man had just bitten him."]
    truths = ["The dog bit the man.", "It was not unexpected.", "The man bit him first."]
    assert bleu(answers, truths) == pytest.approx(sacrebleu.corpus_bleu(answers, [truths]).score)
    assert chrf(answers, truths) == pytest.approx(sacrebleu.corpus_chrf(answers, [truths]).score)
    assert bleu(truths, truths) == pytest.approx(100)
    assert chrf(truths, truths) == pytest.approx(100)
    assert bleu(["97", "12"], ["97", "13"]) == pytest.approx(50)
    assert 0 <= chrf(["", "x"], ["a", "b"]) < 1
