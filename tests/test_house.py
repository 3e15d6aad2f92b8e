"""The rules of the house, read from the syntax tree or seen in fresh interpreters."""

import ast
import re
import subprocess
import sys
import tomllib
from collections.abc import Iterator
from functools import cache
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent
HOUSE = ("app.py", "pages", "backend", "storage")

OWNERS = {
    "streamlit": ("app.py", "pages/"),
    "starlette": ("app.py", "pages/"),
    "plotly": ("backend/charts.py", "backend/confusion_chart.py"),
    "tsdownsample": ("backend/charts.py", "backend/live.py"),
    "sqlalchemy": ("storage/",),
    "alembic": ("storage/",),
    # installation.py runs before there is a backend/jobs to import.
    "subprocess": ("backend/jobs/", "backend/installation.py"),
    "signal": ("backend/jobs/",),
    "psutil": ("backend/jobs/",),
    "transformers": (
        "backend/models/huggingface",  # and its siblings, parted by kind of model
        "backend/models/hub_detectors.py",
        "backend/models/causal_models.py",
    ),
    "peft": ("backend/models/lora.py",),
    "captum": ("backend/models/explaining_gradients.py",),
    "torchvision": (
        "backend/models/torchvision.py",
        "backend/models/detectors.py",
        "backend/models/box_augmentation.py",
        "backend/tasks/",
    ),
    "pycocotools": ("backend/models/detection.py",),
    "soundfile": ("backend/datasets/readers/sounds.py",),
    "sentencepiece": ("backend/models/huggingface_seq2seq.py",),
    "sacrebleu": ("backend/models/text_scores.py",),
    "torch": ("backend/training/", "backend/tasks/", "backend/models/", "backend/inference/"),
}
"""Which files may import what; every other package may be imported anywhere."""

HEAVY = ("torch", "torchvision", "transformers", "sklearn")
BANNED_NAMES = {"utils", "util", "helpers", "helper", "common", "manager", "misc"}
FUNCTION_LINES, LOOP_LINES = 60, 80
FILE_LINES, PAGE_LINES = 400, 150


@cache
def modules() -> tuple[Path, ...]:
    """Every Python file of the app, without tests and without what is written at run time."""
    files = [ROOT / "app.py"] if (ROOT / "app.py").exists() else []
    for folder in HOUSE[1:]:
        files += sorted((ROOT / folder).rglob("*.py"))
    return tuple(file for file in files if "storage/data" not in file.as_posix())


@cache
def tree(path: Path) -> ast.Module:
    return ast.parse(path.read_text(encoding="utf-8"), filename=str(path))


def name_of(path: Path) -> str:
    return path.relative_to(ROOT).as_posix()


def imports(node: ast.AST) -> Iterator[tuple[str, int]]:
    """Every module imported below a node, in functions too, with its line."""
    for child in ast.walk(node):
        if isinstance(child, ast.Import):
            yield from ((alias.name, child.lineno) for alias in child.names)
        elif isinstance(child, ast.ImportFrom) and child.level == 0 and child.module:
            yield child.module, child.lineno
            yield from ((f"{child.module}.{alias.name}", child.lineno) for alias in child.names)
        elif _is_dynamic_import(child):
            assert isinstance(child, ast.Call)
            if child.args and isinstance(child.args[0], ast.Constant):
                yield str(child.args[0].value), child.lineno


def _is_dynamic_import(node: ast.AST) -> bool:
    return isinstance(node, ast.Call) and ast.unparse(node.func) in (
        "importlib.import_module",
        "import_module",
        "__import__",
    )


def is_type_checking(node: ast.AST) -> bool:
    return isinstance(node, ast.If) and ast.unparse(node.test).endswith("TYPE_CHECKING")


def runtime_imports(path: Path) -> Iterator[tuple[str, int]]:
    """The imports of a module, without those that only a type checker sees."""
    hidden = {
        child for node in ast.walk(tree(path)) if is_type_checking(node) for child in ast.walk(node)
    }
    for node in ast.walk(tree(path)):
        if node not in hidden and (
            isinstance(node, ast.Import | ast.ImportFrom) or _is_dynamic_import(node)
        ):
            yield from imports(node)


def report(problems: list[str], rule: str) -> None:
    if problems:
        pytest.fail(rule + "\n  " + "\n  ".join(sorted(set(problems))), pytrace=False)


# ------------------------------------------------------------------------ imports


def test_imports_point_down() -> None:
    problems = []
    for path in modules():
        floor = name_of(path).split("/")[0]
        allowed = {
            "app.py": {"pages", "backend"},
            "pages": {"pages", "backend"},
            "backend": {"backend", "storage"},
            "storage": {"storage"},
        }[floor]
        for module, line in imports(tree(path)):
            top = module.split(".")[0]
            if top in {"app", "pages", "backend", "storage", "tests"} and top not in allowed:
                problems.append(f"{name_of(path)}:{line} imports {module}")
    report(problems, "Imports only point down: pages -> backend -> storage.")


def test_one_owner_for_each_library() -> None:
    problems = []
    for path in modules():
        name = name_of(path)
        for module, line in runtime_imports(path):
            top = module.split(".")[0]
            if top not in OWNERS or name.startswith(OWNERS[top]):
                continue
            problems.append(f"{name}:{line} imports {top}, which belongs to {OWNERS[top]}")
    report(problems, "Each outside library has one owner (OWNERS in this file).")


def test_no_star_imports() -> None:
    problems = [
        f"{name_of(path)}:{node.lineno}"
        for path in modules()
        for node in ast.walk(tree(path))
        if isinstance(node, ast.ImportFrom) and any(alias.name == "*" for alias in node.names)
    ]
    report(problems, "Names are imported one by one.")


# ------------------------------------------------------------------------ processes


def loaded_after(code: str, names: tuple[str, ...], home: Path) -> list[str]:
    """Which of the packages are loaded in a fresh interpreter that ran the code."""
    question = f"\nimport sys\nprint('LOADED', *[n for n in {names!r} if n in sys.modules])"
    done = subprocess.run(
        [sys.executable, "-c", code + question],
        cwd=ROOT,
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )
    assert done.returncode == 0, done.stderr[-3000:]
    return done.stdout.split("LOADED")[-1].split()


def test_the_pages_load_no_torch(home: Path) -> None:
    """Everything that app.py and the pages import from backend, in functions too."""
    wanted = sorted(
        {
            module
            for path in modules()
            if name_of(path).startswith(("app.py", "pages/"))
            for module, _ in imports(tree(path))
            if module.split(".")[0] in ("backend", "plotly", "pandas", "numpy")
        }
    )
    code = "import importlib, importlib.util, sys\n"
    code += f"for name in {wanted!r}:\n"
    code += "    parent, _, last = name.rpartition('.')\n"
    code += "    if parent in sys.modules and hasattr(sys.modules[parent], last): continue\n"
    code += "    importlib.import_module(name)\n"
    assert loaded_after(code, HEAVY, home) == []


def test_the_doors_of_the_pages_load_no_torch(home: Path) -> None:
    """The forms list tasks, models, data and runs: none of that may load torch."""
    code = (
        "from backend.tasks.base import list_tasks\n"
        "from backend import runs, datasets\n"
        "for task in list_tasks():\n"
        "    for spec in task.models: task.weights(spec)\n"
        "    runs.default_config(task.name, task.models[0].name)\n"
        "    datasets.list_datasets(task.name)\n"
        "runs.list_runs()\n"
    )
    assert loaded_after(code, ("torch", "torchvision", "transformers"), home) == []


def test_the_worker_loads_no_pages(home: Path) -> None:
    code = "import backend.jobs.worker, backend.training.loop, backend.inference"
    assert loaded_after(code, ("streamlit", "plotly"), home) == []


def test_the_command_line_starts_light(home: Path) -> None:
    assert loaded_after("import backend.__main__", (*HEAVY, "streamlit", "plotly"), home) == []


# ------------------------------------------------------------------------ safety


UNSAFE_MODULES = {"pickle", "joblib", "dill", "cloudpickle", "shelve", "marshal"}
UNSAFE_ARGUMENTS = {"trust_remote_code", "shell", "allow_pickle", "unsafe_allow_javascript"}
UNSAFE_CALLS = {"eval", "exec", "os.system", "os.popen", "torch.jit.load"}
SAFE_LOADERS = {
    "yaml.BaseLoader",
    "yaml.SafeLoader",
    "yaml.CSafeLoader",
    "SafeLoader",
    "CSafeLoader",
}


def unsafe(path: Path) -> Iterator[str]:
    """What in a file could run code that came with data: S2 of the reliability goals."""
    for module, line in imports(tree(path)):
        if module.split(".")[0] in UNSAFE_MODULES:
            yield f"{line} imports {module}"
    for node in ast.walk(tree(path)):
        if isinstance(node, ast.Call):
            yield from (f"{node.lineno} {what}" for what in unsafe_call(node))


def unsafe_call(call: ast.Call) -> Iterator[str]:
    function = ast.unparse(call.func)
    arguments = {word.arg: word.value for word in call.keywords}
    if function in UNSAFE_CALLS:
        yield f"calls {function}"
    if function == "yaml.load":
        loaders = [ast.unparse(node) for node in [*call.args[1:], *arguments.values()]]
        if not set(loaders) & SAFE_LOADERS:
            yield "calls yaml.load without naming a safe loader"
    for name in UNSAFE_ARGUMENTS & arguments.keys():
        if not is_constant(arguments[name], False):
            yield f"calls {function} with {name}"
    if function in ("torch.load", "load_state_dict_from_url") and not is_constant(
        arguments.get("weights_only"), True
    ):
        yield f"calls {function} without weights_only=True"
    html = arguments.get("unsafe_allow_html")
    if html is not None and not is_constant(html, False):
        body = call.args[0] if call.args else None
        if not (isinstance(body, ast.Constant) and isinstance(body.value, str)):
            yield f"calls {function} with unsafe_allow_html on something that is not a constant"


def is_constant(node: ast.AST | None, value: object) -> bool:
    return isinstance(node, ast.Constant) and node.value is value


def test_nothing_is_loaded_unsafely() -> None:
    problems = [f"{name_of(path)}:{what}" for path in modules() for what in unsafe(path)]
    report(problems, "Nothing that came with data may run as code; there is no allow-list.")


@pytest.mark.parametrize(
    "line",
    [
        "import pickle",
        "from joblib import load",
        "np.load(path, allow_pickle=True)",
        "torch.load(path)",
        "torch.load(path, weights_only=False)",
        "AutoModel.from_pretrained(name, trust_remote_code=True)",
        "subprocess.run(command, shell=True)",
        "st.markdown(text, unsafe_allow_html=True)",
        "eval(text)",
        "yaml.load(text)",
    ],
)
def test_the_unsafe_rule_sees(line: str, tmp_path: Path) -> None:
    file = tmp_path / "example.py"
    file.write_text(line + "\n")
    assert list(unsafe(file))


@pytest.mark.parametrize(
    "line",
    [
        "torch.load(path, weights_only=True)",
        "np.load(path)",
        "yaml.safe_load(text)",
        "yaml.load(text, yaml.CSafeLoader)",
    ],
)
def test_the_unsafe_rule_lets_through(line: str, tmp_path: Path) -> None:
    file = tmp_path / "example.py"
    file.write_text(line + "\n")
    assert not list(unsafe(file))


def test_the_server_is_closed_to_others() -> None:
    settings = tomllib.loads((ROOT / ".streamlit" / "config.toml").read_text(encoding="utf-8"))
    server = settings["server"]
    assert server["address"] == "127.0.0.1"
    assert set(server["allowedHosts"]) <= {"127.0.0.1", "localhost", "[::1]"}
    assert server["headless"] is True
    assert server["fileWatcherType"] == "none"
    # On by default: nobody may turn them off here.
    assert server.get("enableXsrfProtection", True) is True
    assert server.get("enableCORS", True) is True
    assert server.get("enableAgentApi", False) is False
    assert settings["browser"]["gatherUsageStats"] is False
    assert settings["client"]["showErrorDetails"] in (False, "none")
    assert settings["client"]["showErrorLinks"] is False


# ------------------------------------------------------------------------ size and names


def functions(path: Path) -> Iterator[ast.FunctionDef | ast.AsyncFunctionDef]:
    for node in ast.walk(tree(path)):
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
            yield node


def test_functions_are_short() -> None:
    problems = []
    for path in modules():
        if "migrations/versions" in name_of(path):
            continue  # a migration lists its columns from top to bottom
        limit = LOOP_LINES if name_of(path) == "backend/training/loop.py" else FUNCTION_LINES
        for function in functions(path):
            length = (function.end_lineno or 0) - function.lineno + 1
            if length > limit:
                where = f"{name_of(path)}:{function.lineno}"
                problems.append(f"{where} {function.name} has {length} lines of {limit}")
    report(problems, "A function is read in one look: aim at 40 lines.")


def test_files_are_short() -> None:
    problems = []
    for path in modules():
        length = len(path.read_text(encoding="utf-8").splitlines())
        limit = PAGE_LINES if name_of(path).startswith("pages/") else FILE_LINES
        if length > limit:
            problems.append(f"{name_of(path)} has {length} lines of {limit}")
    report(problems, "Aim at 300 lines per file and 120 per page.")


def test_files_are_named_for_what_they_hold() -> None:
    problems = [
        name_of(path)
        for path in [*modules(), *sorted((ROOT / "tests").rglob("*.py"))]
        if BANNED_NAMES & {Path(part).stem for part in path.relative_to(ROOT).parts}
    ]
    report(problems, "A file is named for what it holds.")


def test_every_module_says_what_it_holds() -> None:
    problems = [
        name_of(path)
        for path in [*modules(), *sorted((ROOT / "tests").rglob("*.py"))]
        if tree(path).body and not ast.get_docstring(tree(path))
    ]
    report(problems, "One sentence per module: what it holds and who calls it.")


def test_pages_and_storage_know_no_task() -> None:
    from backend.tasks.base import list_tasks

    names = [task.name for task in list_tasks()]
    assert names, "no task is registered"
    problems = [
        f"{name_of(path)} names {name}"
        for path in modules()
        if name_of(path).startswith(("pages/", "storage/", "app.py"))
        for name in names
        if name in path.read_text(encoding="utf-8")
    ]
    report(problems, "Adding a task edits no page: forms and charts are drawn from its record.")


def test_whoever_trains_opens_the_version_that_the_run_names() -> None:
    """Store.open(record) is the record's version; by its id it is whatever is the newest now."""
    problems = []
    for path in modules():
        for node in ast.walk(tree(path)):
            if not (isinstance(node, ast.Call) and ast.unparse(node.func) == "Store.open"):
                continue
            if isinstance(node.args[0], ast.Attribute):
                problems.append(f"{name_of(path)}:{node.lineno} {ast.unparse(node)}")
    report(problems, "A store is opened by the data set's record: Store.open(dataset).")


# ------------------------------------------------------------------------ tools


@pytest.mark.parametrize(
    "command",
    [("ruff", "check"), ("ruff", "format", "--check"), ("mypy",)],
    ids=["ruff check", "ruff format", "mypy"],
)
def test_tools_find_nothing(command: tuple[str, ...]) -> None:
    done = subprocess.run(
        [sys.executable, "-m", *command], cwd=ROOT, capture_output=True, text=True, check=False
    )
    if done.returncode != 0:
        pytest.fail(f"make lint says:\n{(done.stdout + done.stderr)[-4000:]}", pytrace=False)


# ------------------------------------------------------------------------ requirements


def requirement_names(file: Path) -> list[str]:
    lines = (line.split("#")[0].strip() for line in file.read_text(encoding="utf-8").splitlines())
    found = (re.match(r"[A-Za-z0-9._-]+", line) for line in lines if not line.startswith("-"))
    return [match.group() for match in found if match]


def test_every_dependency_has_a_reason() -> None:
    reasons = (ROOT / "docs" / "decisions.md").read_text(encoding="utf-8")
    problems = [
        f"{file.name}: {name}"
        for file in sorted(ROOT.glob("requirements*.txt"))
        for name in requirement_names(file)
        if f"`{name}`" not in reasons
    ]
    report(problems, "Each dependency has its reason in docs/decisions.md.")


def test_every_dependency_is_used() -> None:
    imported = {module.split(".")[0] for path in modules() for module, _ in imports(tree(path))}
    # Of scikit-learn only a data file is read: its folder is named, the package never imported.
    imported |= {
        node.value
        for path in (ROOT / "backend" / "datasets" / "bundled").glob("*.py")
        for node in ast.walk(tree(path))
        if isinstance(node, ast.Constant) and isinstance(node.value, str)
    }
    names = {"pillow": "PIL", "scikit-learn": "sklearn", "pyyaml": "yaml", "nvidia-ml-py": "pynvml"}
    problems = [
        name
        for name in requirement_names(ROOT / "requirements.txt")
        if names.get(name, name).replace("-", "_") not in imported
    ]
    report(problems, "A dependency that nothing imports leaves requirements.txt.")


def test_every_import_is_a_dependency() -> None:
    """What comes along with another package may leave with it: name what is imported."""
    named = {name.lower() for name in requirement_names(ROOT / "requirements.txt")}
    named |= {"pil", "sklearn", "yaml", "pynvml", "huggingface_hub", "charset_normalizer"}
    named |= {"python_calamine"}
    named |= {"starlette", "anyio"}  # what the routes of st.App are written in
    named |= {"datasets"}  # optional: the app says how to install it
    own = {"app", "pages", "backend", "storage"}
    # What carries data is only asked for by what fills a data set from it, where it is installed.
    carriers = {name.lower() for name in requirement_names(ROOT / "requirements-data.txt")}
    problems = [
        f"{name_of(path)}:{line} imports {module}"
        for path in modules()
        for module, line in imports(tree(path))
        if (top := module.split(".")[0]) not in sys.stdlib_module_names | own
        and top.lower() not in named
        and not (name_of(path).startswith("backend/datasets/bundled/") and top in carriers)
    ]
    report(problems, "requirements.txt names everything that the app imports.")
