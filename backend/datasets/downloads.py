"""Data sets that can be fetched from the internet; behind the package's door.

The fetching itself is an errand (fetch.py): torchvision needs torch, which the app's process never
loads, and a library that hangs or crashes takes nothing else with it.
"""

from dataclasses import dataclass, field
from typing import Any, Literal

from backend.datasets import catalog
from backend.datasets.bundled.build import BUNDLED
from backend.datasets.bundled.handwriting import FASHION_MNIST_CLASSES
from backend.datasets.splits import TEST, TRAIN, UNASSIGNED, VALIDATION
from backend.errors import DownloadError, NotFoundError
from backend.jobs import errands
from backend.jobs.errands import Errand
from backend.models.weights import is_offline

TIMEOUT = 8.0
"""Seconds without an answer after which the internet counts as out of reach."""
SILENCE = 300.0
"""Seconds without any progress after which a download is given up."""


@dataclass(frozen=True, slots=True)
class DownloadOffer:
    """What a page shows before anything is fetched."""

    name: str
    title: str
    task: str
    size_mb: int
    licence: str
    source: str
    description: str


@dataclass(frozen=True, slots=True)
class Recipe:
    """How an offer is fetched: from which library, under which name, in which parts."""

    offer: DownloadOffer
    library: Literal["torchvision", "hub"]
    key: str  # a class of torchvision.datasets, or a repository of the Hub
    server: str  # where the files come from, asked first whether it can be reached
    parts: tuple[tuple[str, int], ...]  # name of the library's split, ours
    options: dict[str, Any] = field(default_factory=dict)
    columns: tuple[str, str] = ("text", "label")  # of a Hub data set: input, label
    classes: tuple[str, ...] = ()  # where the library has no or other names

    @property
    def format(self) -> str:
        return "image-class" if self.offer.task == "image-classification" else "text-class"


def _image(name: str, title: str, mb: int, licence: str, source: str, what: str) -> DownloadOffer:
    return DownloadOffer(name, title, "image-classification", mb, licence, source, what)


def _text(name: str, title: str, mb: int, licence: str, source: str, what: str) -> DownloadOffer:
    return DownloadOffer(name, title, "text-classification", mb, licence, source, what)


HUB = "https://huggingface.co"
CODH = "http://codh.rois.ac.jp"
OSSCI = "https://ossci-datasets.s3.amazonaws.com"
OXFORD = "https://thor.robots.ox.ac.uk"
S3 = "https://s3.amazonaws.com"
ZALANDO = "http://fashion-mnist.s3-website.eu-central-1.amazonaws.com"
TRAIN_TEST = (("train", UNASSIGNED), ("test", TEST))
ALL_SPLITS = (("train", TRAIN), ("validation", VALIDATION), ("test", TEST))
RECIPES: tuple[Recipe, ...] = (
    Recipe(
        _image("fashion-mnist", "Fashion-MNIST", 31, "MIT", "torchvision (Zalando Research)",
               "70,000 small grey pictures of clothes, shoes and bags in ten classes."),
        "torchvision", "FashionMNIST", ZALANDO, TRAIN_TEST, classes=FASHION_MNIST_CLASSES,
    ),
    Recipe(
        _image("mnist-70k", "MNIST, complete", 12, "CC BY-SA 3.0", "torchvision (LeCun et al.)",
               "All 70,000 handwritten digits, of which 5,000 are here already."),
        "torchvision", "MNIST", OSSCI, TRAIN_TEST, classes=tuple("0123456789"),
    ),
    Recipe(
        _image("kmnist", "Kuzushiji-MNIST", 21, "CC BY-SA 4.0", "torchvision (CODH)",
               "70,000 handwritten signs of old Japanese in ten classes."),
        "torchvision", "KMNIST", CODH, TRAIN_TEST,
    ),
    Recipe(
        _image("cifar10", "CIFAR-10", 144, "not stated; research", "Hub: uoft-cs/cifar10",
               "60,000 small colour photographs of animals and vehicles in ten classes."),
        "hub", "uoft-cs/cifar10", HUB, TRAIN_TEST, columns=("img", "label"),
    ),
    Recipe(
        _image("eurosat", "EuroSAT", 94, "MIT", "torchvision (Helber et al.)",
               "27,000 satellite pictures: which of ten uses does the land have?"),
        "torchvision", "EuroSAT", HUB, (("", UNASSIGNED),),
    ),
    Recipe(
        _image("imagenette", "Imagenette", 99, "Apache-2.0; pictures for research",
               "torchvision (fast.ai)", "13,394 photographs in ten classes that are easy to tell."),
        "torchvision", "Imagenette", S3, (("train", UNASSIGNED), ("val", TEST)),
        options={"size": "160px"},
    ),
    Recipe(
        _image("flowers102", "Flowers", 345, "not stated; research",
               "torchvision (Nilsback and Zisserman)", "8,189 photographs of 102 kinds of flower."),
        "torchvision", "Flowers102", OXFORD,
        (("train", TRAIN), ("val", VALIDATION), ("test", TEST)),
    ),
    Recipe(
        _image("oxford-pets", "Pets", 811, "CC BY-SA 4.0", "torchvision (Parkhi et al.)",
               "7,349 photographs of cats and dogs of 37 breeds."),
        "torchvision", "OxfordIIITPet", OXFORD, (("trainval", UNASSIGNED), ("test", TEST)),
    ),
    Recipe(
        _text("ag-news", "AG News", 20, "not stated; non-commercial", "Hub: fancyzhx/ag_news",
              "127,600 short news: world, sports, business or science?"),
        "hub", "fancyzhx/ag_news", HUB, TRAIN_TEST,
    ),
    Recipe(
        _text("imdb", "Movie reviews", 84, "not stated; research", "Hub: stanfordnlp/imdb",
              "50,000 long reviews of movies: does the writer like it or not?"),
        "hub", "stanfordnlp/imdb", HUB, TRAIN_TEST, classes=("negative", "positive"),
    ),
    Recipe(
        _text("emotion", "Emotions", 2, "not stated; research", "Hub: dair-ai/emotion",
              "20,000 short English messages, each with one of six emotions."),
        "hub", "dair-ai/emotion", HUB, ALL_SPLITS, options={"name": "split"},
    ),
    Recipe(
        _text("rotten-tomatoes", "Movie opinions", 1, "not stated; research",
              "Hub: cornell-movie-review-data/rotten_tomatoes",
              "10,662 single sentences from movie reviews, positive or negative."),
        "hub", "cornell-movie-review-data/rotten_tomatoes", HUB, ALL_SPLITS,
        classes=("negative", "positive"),
    ),
)  # fmt: skip


def list_downloads() -> list[DownloadOffer]:
    """Everything that can be downloaded, whether it is here already or not."""
    return [recipe.offer for recipe in RECIPES]


def get_recipe(name: str) -> Recipe:
    for recipe in RECIPES:
        if recipe.offer.name == name:
            return recipe
    known = ", ".join(recipe.offer.name for recipe in RECIPES)
    raise NotFoundError(f"There is no download called {name!r}. Known: {known}.")


def start_download(name: str) -> Errand:
    """Begin to fetch an offer from the internet; `imported()` gives the data set that it became.

    Raises DownloadError where downloads are switched off, UsageError where a data set of that name
    is here already.
    """
    recipe = get_recipe(name)
    catalog.check_name_is_free(name, except_id=_bundled_id(name))
    if is_offline():
        raise DownloadError(
            f"{recipe.offer.title} was not downloaded: downloads are switched off (HF_HUB_OFFLINE)."
        )
    for errand in errands.list_errands():
        if errand.kind == "download" and errand.is_running and errand.arguments["name"] == name:
            return errand
    limits = errands.Limits(silent_seconds=SILENCE)
    return errands.start_errand("download", recipe.offer.title, {"name": name}, limits)


def _bundled_id(name: str) -> str | None:
    return next((item.id for item in BUNDLED if item.name == name), None)
