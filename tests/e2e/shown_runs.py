"""The runs that the pictures of the documentation show; started when a picture needs them."""

from dataclasses import dataclass, field
from typing import Any

from tests.e2e.app_server import wait_for

IMAGE, TEXT = "image-classification", "text-classification"


@dataclass(frozen=True)
class Wanted:
    """A run to be made, and the status in which it is shown."""

    task: str
    dataset: str
    model: str
    name: str
    config: dict[str, Any] = field(default_factory=dict)
    status: str = "finished"


WANTED = {
    "first": Wanted(IMAGE, "digits", "mlp", "My first run"),
    "slow": Wanted(
        IMAGE, "digits", "mlp", "A tenth of the learning rate", {"learning_rate": 0.005}
    ),
    "convolved": Wanted(IMAGE, "digits", "cnn", "A small CNN", {"epochs": 4}),
    "digits": Wanted(IMAGE, "mnist", "mlp", "Handwritten digits"),
    "languages": Wanted(TEXT, "languages", "embedding-bag", "Which language is it?"),
    "topics": Wanted(TEXT, "topics", "gru", "What is it about?"),
    "failed": Wanted(
        IMAGE, "mnist", "mlp", "A learning rate of 10",
        {"optimizer": "sgd", "learning_rate": 10.0, "momentum": 0.99, "weight_decay": 1.0,
         "max_grad_norm": 0.0, "warmup_steps": 0},
        status="failed",
    ),
    "stopped": Wanted(
        IMAGE, "digits", "cnn", "Tiny digits, long", {"epochs": 500}, status="stopped"
    ),
    "scenes": Wanted(
        "object-detection", "scenes", "fasterrcnn_mobilenet_v2_fpn", "Find the digits",
        {"epochs": 3},
    ),
    "dates": Wanted("translation", "dates", "gru", "Dates in words"),
    "reports": Wanted("summarization", "reports", "transformer", "Headlines for reports"),
    "signs": Wanted("image-similarity", "signs", "cnn", "The same sign?"),
    "commands": Wanted("audio-classification", "commands", "gru", "Spoken commands"),
    "films": Wanted("recommendation", "films", "two-tower", "Films that you may like"),
    "writing": Wanted(
        "text-generation", "plays", "lstm", "Writes like Shakespeare", {"epochs": 5}
    ),
    "words": Wanted(
        "word-embeddings", "plays", "skip-gram", "Words of the plays", {"epochs": 5}
    ),
    "timid": Wanted(
        IMAGE, "mnist", "mlp", "Tiny corrections", {"learning_rate": 5e-5, "epochs": 4}
    ),
    "heart": Wanted(
        TEXT, "topics", "embedding-bag", "Topics, 40 epochs",
        {"epochs": 40, "scheduler": "constant"},
    ),
    "short": Wanted(TEXT, "languages", "embedding-bag", "One epoch", {"epochs": 1}),
    "live": Wanted(IMAGE, "mnist", "cnn", "Digits with a small CNN", {"epochs": 60}, "running"),
}  # fmt: skip


class ShownRuns:
    """Runs by their key; each is started once, and given when it is in its status."""

    def __init__(self) -> None:
        self.started: dict[str, int] = {}

    def start(self, key: str) -> int:
        from backend import runs

        if key not in self.started:
            wanted = WANTED[key]
            self.started[key] = runs.start_run(
                task=wanted.task,
                dataset=wanted.dataset,
                model=wanted.model,
                name=wanted.name,
                config=wanted.config,
            ).id
        return self.started[key]

    def get(self, key: str) -> int:
        from backend import runs

        number, status = self.start(key), WANTED[key].status
        if status in ("stopped", "running"):
            self.wait(number, "running", status)
            wait_for("some epochs", lambda: runs.get_run(number).epoch > 4, 900)
        if status == "stopped":
            runs.stop_run(number)
        self.wait(number, status)
        return number

    @staticmethod
    def wait(number: int, *statuses: str) -> None:
        from backend import jobs, runs

        def reached() -> bool:
            jobs.ensure_supervisor()
            return runs.get_run(number).status in statuses

        wait_for(f"run {number} to be {' or '.join(statuses)}", reached, 1200)


def interrupt(run_id: int) -> None:
    """Let the run look as one whose computer was switched off."""
    from backend import runs
    from storage import runs as stored
    from storage.records import Reason, RunStatus

    stored.requeue_run(run_id, runs.get_run(run_id).config, "")
    stored.move_run(
        run_id, RunStatus.LOST, when=list(RunStatus), reason=Reason.HOST_LOST,
        message="The computer was switched off at about 14:02.",
    )  # fmt: skip
