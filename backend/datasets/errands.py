"""Looks, imports and downloads that go on in the background; what the pages start and follow."""

from collections.abc import Sequence
from pathlib import Path

from backend import settings
from backend.datasets import catalog
from backend.datasets.formats import get_format
from backend.datasets.incoming.choices import Choices
from backend.datasets.incoming.given import Given, find_given
from backend.datasets.incoming.hub_sets import HubOffer, check_hub_id
from backend.datasets.incoming.look import Look
from backend.errors import (
    DataError,
    DownloadError,
    NotFoundError,
    TrainroomError,
    UsageError,
)
from backend.jobs import errands
from backend.jobs.errands import Errand, Limits
from backend.models.weights import is_offline
from storage.records import Dataset

HUB_SECONDS = 20.0
"""How long an answer of the Hub is waited for."""
CPU_SECONDS = 30.0
"""Processor time without any progress after which reading is given up."""


def reading_limits() -> Limits:
    """What reading somebody's data may use."""
    return Limits(memory_mb=settings.IMPORT_MEMORY_MB.value(), cpu_seconds=CPU_SECONDS)


def start_look(given: Given, data_format: str, choices: Choices) -> Errand:
    """Begin to find out what was given; the answer is for look_result()."""
    arguments = {
        "given": given.id,
        "format": get_format(data_format).name,
        "choices": choices.to_json(),
    }
    return errands.start_errand("look", given.title, arguments, reading_limits())


def look_result(errand: Errand) -> Look:
    """What a look that is done has found; raises DataError with its sentence where it failed."""
    if errand.state == "failed":
        raise DataError(errand.error)
    return Look.from_json(errand.answer)


def look_file(errand: Errand, name: str) -> bytes:
    """A picture or sound of one of a look's examples."""
    path = errands.errand_folder(errand.id) / Path(name).name
    if not path.is_file():
        raise NotFoundError("This example is not here any more.")
    return path.read_bytes()


def start_import(
    given: Given, data_format: str, choices: Choices, *, name: str, task: str
) -> Errand:
    """Begin to store what was given; raises UsageError where the name is taken or none."""
    name = catalog.check_name(name)
    catalog.check_name_is_free(name)
    if any(
        one.kind == "import" and one.is_running and one.arguments["name"] == name
        for one in errands.list_errands()
    ):
        raise UsageError(f"{name} is being brought in already. Choose another name.")
    arguments = {
        "given": given.id,
        "format": get_format(data_format).name,
        "choices": choices.to_json(),
        "name": name,
        "task": task,
    }
    return errands.start_errand("import", name, arguments, reading_limits())


def start_hub_offer(text: str) -> Errand:
    """Begin to ask the Hub about a data set that somebody named; the answer is for hub_offer().

    Raises UsageError where that is no name, DownloadError where downloads are switched off.
    """
    hub_id = check_hub_id(text)
    if is_offline():
        raise DownloadError(
            "The Hugging Face Hub was not asked: downloads are switched off (HF_HUB_OFFLINE is "
            "set)."
        )
    return errands.start_errand("hub-offer", hub_id, {"id": hub_id}, Limits(silent_seconds=60))


def hub_offer(errand: Errand) -> HubOffer:
    """What the Hub offers; raises DataError with a sentence where it offers nothing."""
    if errand.state == "failed":
        raise DataError(errand.error)
    return HubOffer.from_json(errand.answer)


def ask_hub(text: str) -> HubOffer:
    """What the Hub offers under a name; waits for its answer.

    Raises UsageError where that is no name, DownloadError or DataError where there is no answer.
    """
    errand = start_hub_offer(text)
    try:
        ended = wait_for_errand(errand.id, HUB_SECONDS)
        if ended.is_running:
            raise DownloadError("The Hugging Face Hub does not answer. Try again later.")
        return hub_offer(ended)
    finally:
        end_errand(errand.id)


def start_hub_download(offer: HubOffer, config: str, most_mb: float) -> Errand:
    """Begin to fetch a part of what the Hub offers, at most so many megabytes; for hub_given()."""
    arguments = {"offer": offer.to_json(), "config": config, "most_mb": most_mb}
    return errands.start_errand("hub-download", offer.id, arguments)


def hub_given(errand: Errand) -> Given:
    """What was fetched, to be looked at and brought in; raises DataError with a sentence."""
    if errand.state == "failed":
        raise DataError(errand.error)
    return find_given(errand.answer["given"])


def imported(errand: Errand) -> Dataset:
    """The data set that an import or download has made; raises DataError with its sentence."""
    if errand.state == "failed":
        raise DataError(errand.error)
    return catalog.find(errand.answer["dataset"])


def find_errand(errand_id: str) -> Errand:
    """A look, import or download as it stands; raises NotFoundError."""
    return errands.find_errand(errand_id)


def shown_errands(kinds: Sequence[str]) -> list[Errand]:
    """Those of these kinds that are going on or have failed, oldest first."""
    return [one for one in errands.list_errands() if one.kind in kinds and one.state != "done"]


def wait_for_errand(errand_id: str, seconds: float) -> Errand:
    """An errand once it has ended, or as it stands after so many seconds."""
    return errands.wait_for_errand(errand_id, seconds)


def end_errand(errand_id: str) -> None:
    """End what is going on and delete what it made, or forget what is done; never raises."""
    try:
        errands.end_errand(errand_id)
        catalog.remove_leftovers()
    except TrainroomError:
        return
