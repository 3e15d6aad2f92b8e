"""Which packages compute a run: for its log and its report."""

import platform
from importlib.metadata import PackageNotFoundError, version

PACKAGES = ("torch", "torchvision", "transformers")


def package_versions() -> dict[str, str]:
    """Python and the libraries that training uses, by name; those that are missing are left out."""
    found = {"Python": platform.python_version()}
    for package in PACKAGES:
        try:
            found[package] = version(package)
        except PackageNotFoundError:
            continue
    return found
