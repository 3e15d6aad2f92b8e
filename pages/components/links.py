"""Where each page's file lies, as st.page_link and st.switch_page want it; used by all pages."""

from pathlib import Path

PAGES = Path(__file__).resolve().parent.parent
ASSETS = PAGES / "assets"

HOME = "home/home.py"
NEW_RUN = "train/new_run.py"
RUNS = "train/runs.py"
RUN = "train/run.py"
COMPARE = "train/compare.py"
MISTAKES = "train/mistakes.py"
DATASETS = "data/datasets.py"
DATASET = "data/dataset.py"
IMPORT = "data/import_data.py"
PLAYGROUND = "use/playground.py"
LESSON = "learn/lesson.py"
WORDS = "learn/words.py"
STORAGE = "system/storage.py"
SETTINGS = "system/settings.py"
