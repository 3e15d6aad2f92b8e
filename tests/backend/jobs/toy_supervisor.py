"""The real supervisor with the toy worker and quicker decisions; settings as JSON argument."""

import json
import sys

from backend.jobs.processes import module_command
from backend.jobs.supervisor import Pace, Supervisor, open_log

if __name__ == "__main__":
    options = json.loads(sys.argv[1]) if len(sys.argv) > 1 else {}
    worker = module_command("tests.backend.jobs.toy_worker", *options.pop("arguments", []))
    stay = options.pop("stay", True)
    open_log()
    Supervisor(worker=worker, pace=Pace(look=0.1, **options), stay=stay, prepare=False).run()
