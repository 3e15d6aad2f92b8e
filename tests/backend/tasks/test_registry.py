"""The registry of tasks: found by itself, free of heavy imports, clear about wrong names."""

import subprocess
import sys

import pytest

from backend.errors import NotFoundError
from backend.tasks import get_task, list_tasks, register_task


def test_tasks_are_found_without_heavy_imports() -> None:
    code = (
        "import sys, backend.tasks as t; tasks = t.list_tasks(); "
        "[task.weights(spec) for task in tasks for spec in task.models]; "
        "print(sorted({'torch', 'torchvision', 'transformers'} & set(sys.modules)))"
    )
    found = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert found.stdout.strip() == "[]"


def test_a_name_can_be_taken_once() -> None:
    taken = type(list_tasks()[0])
    with pytest.raises(ValueError, match="registered already"):
        register_task(taken)


def test_unknown_names_list_the_known() -> None:
    with pytest.raises(NotFoundError, match=r"image-classification, .*text-classification"):
        get_task("image-clasification")
    with pytest.raises(NotFoundError, match="mlp, cnn"):
        get_task("image-classification").get_model("resnet999")
