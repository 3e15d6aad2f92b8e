"""The documentation tells the truth: links, pictures, commands and settings are checked."""

import re
import sys
from collections.abc import Mapping
from functools import cache
from pathlib import Path

import pytest

from backend.training.probe import Silence

ROOT = Path(__file__).resolve().parent.parent
PAGES = sorted([*ROOT.glob("*.md"), *(ROOT / "docs").glob("*.md")])
LINK = re.compile(r"!?\[[^\]]*\]\(([^)\s]+)\)", re.DOTALL)
SUBCOMMAND = re.compile(r"python -m backend ([a-z]+)")
CODE = re.compile(r"^```python\n(.*?)^```$", re.DOTALL | re.MULTILINE)
OPTION = re.compile(r"(?<!\S)--[a-z-]+")


@cache
def text(page: Path) -> str:
    return page.read_text(encoding="utf-8")


def name_of(page: Path) -> str:
    return page.relative_to(ROOT).as_posix()


def without_code(page: Path) -> str:
    return re.sub(r"```.*?```", "", text(page), flags=re.DOTALL)


def anchors(page: Path) -> set[str]:
    """The headings of a page as GitHub links to them."""
    headings = re.findall(r"^#+ (.+)$", without_code(page), re.MULTILINE)
    plain = (re.sub(r"[^\w\- ]", "", heading.lower()) for heading in headings)
    return {heading.replace(" ", "-") for heading in plain}


@pytest.mark.parametrize("page", PAGES, ids=name_of)
def test_links_and_pictures_exist(page: Path) -> None:
    broken = []
    for target in LINK.findall(without_code(page)):
        if target.startswith(("http://", "https://", "mailto:")):
            continue
        path, _, anchor = target.partition("#")
        file = (page.parent / path).resolve() if path else page
        if not file.exists() or (anchor and anchor not in anchors(file)):
            broken.append(target)
    assert not broken


@pytest.mark.parametrize("page", PAGES, ids=name_of)
def test_pictures_say_what_they_show(page: Path) -> None:
    assert not re.findall(r"!\[\s*\]\(", text(page))


@pytest.mark.parametrize("page", PAGES, ids=name_of)
def test_files_that_are_named_exist(page: Path) -> None:
    """Paths in backticks that look like files of this project."""
    named = re.findall(r"`((?:backend|pages|storage|tests|docs)/[\w./-]+)`", text(page))
    written_later = {"storage/data", "backend/tasks/letter_counting.py"}
    missing = [name for name in named if name not in written_later and not (ROOT / name).exists()]
    assert not missing


def test_commands_exist() -> None:
    from backend.cli.parser import build_parser

    parser = build_parser()
    actions = [action for action in parser._actions if isinstance(action.choices, dict)]
    known = actions[0].choices
    assert isinstance(known, dict)
    for page in PAGES:
        for line in text(page).splitlines():
            for command in SUBCOMMAND.findall(line):
                assert command in known, f"{name_of(page)} names the command {command}"
                if line.startswith("python -m backend"):
                    help_text = known[command].format_help()
                    for option in OPTION.findall(line.split("#")[0]):
                        assert option in help_text, f"{command} has no {option}"
    for command in known:
        if command not in ("prepare",):
            assert f"python -m backend {command}" in text(ROOT / "README.md"), command


def test_settings_are_documented() -> None:
    """Every environment variable with its default and help, word for word."""
    from backend import settings

    readme = text(ROOT / "README.md")
    for setting in settings.ALL.values():
        default = setting.default
        shown = default if isinstance(default, str) else f"{default:.15g}"
        row = f"| `{setting.variable}` | {shown} | {setting.help} |"
        assert row in readme


def test_make_targets_exist() -> None:
    makefile = (ROOT / "Makefile").read_text(encoding="utf-8")
    targets = set(re.findall(r"^([a-z]+):", makefile, re.MULTILINE))
    for page in PAGES:
        named = re.findall(r"(?:`|^)(?:PORT=\d+ )?make ([a-z]+)", text(page), re.MULTILINE)
        assert set(named) <= targets, name_of(page)


def test_the_floors_agree() -> None:
    """What README promises, what the packages demand, and what set-up checks."""
    from backend import installation

    floor = "{}.{}".format(*installation.PYTHON_FLOOR)
    assert f"Python {floor} or newer" in text(ROOT / "README.md")
    pyproject = (ROOT / "pyproject.toml").read_text(encoding="utf-8")
    assert f'requires-python = ">={floor}"' in pyproject
    assert f"{installation.NEEDED_GB} GB of free disk" in text(ROOT / "README.md")


def test_every_model_and_data_set_of_the_readme_exists(home: Path) -> None:
    from backend import datasets
    from backend.tasks import list_tasks

    names = {spec.name for task in list_tasks() for spec in task.models}
    section = text(ROOT / "README.md").split("**Models.**")[1].split("\n\n")[0]
    named = set(re.findall(r"`([\w-]+)`", section))
    assert named
    assert named <= names, named - names
    section = text(ROOT / "README.md").split("**Data that is there at once.**")[1]
    named = set(re.findall(r"`([\w-]+)`", section.split("\n\n")[0]))
    bundled = {dataset.name for dataset in datasets.list_datasets() if dataset.bundled}
    # Fashion-MNIST is bundled only where the system's package of it is installed.
    assert named == bundled - {"fashion-mnist"}


def test_the_example_task_works(
    home: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The task on docs/adding-a-task.md, saved as a file, trained by the real loop, and asked."""
    import importlib.util
    from dataclasses import replace

    import torch

    from backend import datasets
    from backend.tasks import base
    from backend.training.config import config_from
    from backend.training.loop import fit

    page = text(ROOT / "docs" / "adding-a-task.md")
    code = next(block for block in CODE.findall(page) if "@register_task" in block)
    file = tmp_path / "letter_counting.py"
    file.write_text(code, encoding="utf-8")
    monkeypatch.setattr(base, "_registry", dict(base._registry))
    spec = importlib.util.spec_from_file_location("letter_counting", file)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    # dataclasses look their module up by its name.
    monkeypatch.setitem(sys.modules, "letter_counting", module)
    spec.loader.exec_module(module)

    task = base.get_task("letter-counting")
    model = task.models[0]
    config = config_from(task.config, {**model.defaults, "epochs": 3, "batch_size": 256})
    dataset = replace(datasets.get_dataset("languages"), task=task.name)
    monitor = Losses()
    outcome = fit(
        task, model, dataset, config, device="cpu", folder=tmp_path / "run", monitor=monitor
    )
    assert monitor.losses[-1] < monitor.losses[0] / 2
    assert outcome.metrics["test/accuracy"] > 0.5

    processor = task.build_processor(dataset, model, config)
    network = task.build_model(model, processor, config, pretrained=False).eval()
    answer = task.predict(network, processor, ["Guten Morgen"], torch.device("cpu"), task.options())
    assert set(answer[0]["probabilities"]) == set(dataset.classes)


class Losses(Silence):
    """A monitor that only remembers the training losses."""

    def __init__(self) -> None:
        self.losses: list[float] = []

    def log(self, step: int, epoch: float, values: Mapping[str, float]) -> None:
        if "train/loss" in values:
            self.losses.append(values["train/loss"])


def test_the_example_model_is_a_record() -> None:
    from backend.models.spec import ModelSpec

    page = text(ROOT / "docs" / "adding-a-model.md")
    code = next(block for block in CODE.findall(page) if "ModelSpec(" in block)
    spec = eval(code, {"ModelSpec": ModelSpec})
    assert spec.name == "resnet34"
