"""Every word that a learner meets, with one sentence: the help where it stands, and the list."""

from dataclasses import dataclass

from backend.errors import NotFoundError


@dataclass(frozen=True, slots=True)
class Term:
    """A word, its sentence, and the group it belongs to on the list."""

    word: str
    sentence: str
    group: str


DATA, TRAINING, MODEL, RESULT = "Data", "Training", "Model", "Result"
GROUPS = (DATA, TRAINING, MODEL, RESULT)

TERMS = (
    Term("Example", "One thing to learn from: a picture, a text or a recording, with its right answer.", DATA),  # noqa: E501
    Term("Class", "One of the answers that a model can give, such as cat or dog.", DATA),
    Term("Label", "The right answer that an example comes with.", DATA),
    Term("Data set", "All examples that belong together.", DATA),
    Term("Version of the data", "The state of a data set after a correction; a run keeps the one that it learnt from.", DATA),  # noqa: E501
    Term("Training part", "The examples that the model learns from, most of them.", DATA),
    Term("Validation part", "Examples that are not learnt but looked at after every epoch, to see whether it gets better on things it has not seen.", DATA),  # noqa: E501
    Term("Test part", "Examples that are kept aside until the very end, so that the score is honest.", DATA),  # noqa: E501
    Term("Augmentation", "Small random changes to the examples, so that none is seen the same way twice.", DATA),  # noqa: E501
    Term("Run", "One training from start to end: data, model, settings, curves and result.", TRAINING),  # noqa: E501
    Term("Step", "One small correction of the model, made after it has looked at one batch.", TRAINING),  # noqa: E501
    Term("Batch", "The examples that the model looks at before each correction.", TRAINING),
    Term("Epoch", "One pass over all training examples.", TRAINING),
    Term("Loss", "How wrong the answers are, as one number: zero is perfect, lower is better.", TRAINING),  # noqa: E501
    Term("Gradient", "For each weight, which way and how strongly the loss would change if the weight were a little larger.", TRAINING),  # noqa: E501
    Term("Learning rate", "How large each correction is: too large and it overshoots, too small and nothing happens.", TRAINING),  # noqa: E501
    Term("Optimizer", "The rule by which the gradient becomes a correction.", TRAINING),
    Term("Smoothing", "Averages each point of a curve with its neighbours, so that the trend shows.", TRAINING),  # noqa: E501
    Term("Log scale", "An axis on which each line is a multiple of the one below, so that small losses can be told apart.", TRAINING),  # noqa: E501
    Term("Learning by heart", "The model remembers the training examples instead of what they have in common: the training loss falls while the validation loss rises.", TRAINING),  # noqa: E501
    Term("Early stopping", "Ends a run once the validation loss has not improved for a while.", TRAINING),  # noqa: E501
    Term("Checkpoint", "A saved copy of the model, from which a run can go on; the best one is kept.", TRAINING),  # noqa: E501
    Term("Seed", "The start of all random numbers: the same seed repeats the same run.", TRAINING),
    Term("Pre-flight", "A few real steps before the start that tell how long a run will take, and how much memory.", TRAINING),  # noqa: E501
    Term("Setting", "What is chosen before a run and not learnt, such as the learning rate; also called a hyperparameter.", TRAINING),  # noqa: E501
    Term("Model", "The network that is trained: it takes an example and gives an answer.", MODEL),
    Term("Network", "Layers of simple sums, one after the other, whose weights are learnt.", MODEL),
    Term("Layer", "One stage of a network: it turns the numbers before it into the numbers behind it.", MODEL),  # noqa: E501
    Term("Weight", "One of the numbers inside a model that training corrects; also called a parameter.", MODEL),  # noqa: E501
    Term("Forward pass", "An example's way through the network, from its numbers to an answer.", MODEL),  # noqa: E501
    Term("Pretrained", "Started from weights that were learnt on other, much larger data.", MODEL),
    Term("Fine-tuning", "Training a pretrained model further on one's own examples.", MODEL),
    Term("Score", "How good a model is on examples that it has not seen.", RESULT),
    Term("Probability", "How likely the model thinks an answer is; all answers together make 100 %.", RESULT),  # noqa: E501
    Term("Right answers", "The share of test examples that the model gets right; also called accuracy.", RESULT),  # noqa: E501
    Term("Naive guess", "An answer without any learning, such as always the most frequent class; a model must be clearly better.", RESULT),  # noqa: E501
    Term("Found", "Of the examples of a class, how many the model recognises; also called recall.", RESULT),  # noqa: E501
    Term("Right when named", "Of the times the model names a class, how often that is right; also called precision.", RESULT),  # noqa: E501
    Term("Chance", "What would have happened without any real difference, by luck of the examples alone.", RESULT),  # noqa: E501
)  # fmt: skip

_KNOWN = {term.word.casefold(): term for term in TERMS}


def meaning(word: str) -> str:
    """The one sentence about a word; raises NotFoundError for one that is not in the list."""
    term = _KNOWN.get(word.casefold())
    if term is None:
        raise NotFoundError(f"There is no explanation of {word!r}.")
    return term.sentence


def matching(words: str) -> list[Term]:
    """The terms that have all of these words in their name or sentence, in alphabetical order."""
    wanted = words.casefold().split()
    found = [
        term
        for term in TERMS
        if all(part in f"{term.word} {term.sentence}".casefold() for part in wanted)
    ]
    return sorted(found, key=lambda term: term.word.casefold())
