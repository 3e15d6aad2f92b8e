"""Why a run whose process is gone has ended, in a reason and words; asked by the supervisor."""

import time

import psutil

from backend.jobs import data_files
from backend.jobs.checkpoint_files import saved_step, work_after
from backend.jobs.liveness import system_start, written_start
from backend.wording import spelt_out
from storage import files
from storage.records import Attempt, Reason, Run, RunStatus


def verdict(run: Run, attempt: Attempt, *, for_memory: bool) -> tuple[RunStatus, Reason, str]:
    """How the run ended; for_memory: the system says that it killed for memory lately."""
    saved = what_is_saved(run)
    if began_before_restart(attempt):
        moment = _at(run.heartbeat_at or attempt.started_at)
        words = f"The computer was switched off {moment}. {saved}"
        return RunStatus.LOST, Reason.HOST_LOST, words
    if run.status is RunStatus.STOPPING:
        words = f"The training process had to be ended, it did not stop by itself. {saved}"
        return RunStatus.STOPPED, Reason.USER_STOP, words
    # A file that shrinks while it is mapped into memory ends its reader on the spot.
    file = data_files.changed_file(run.id, run.dataset_id)
    if file is not None:
        words = data_files.what_changed(run.dataset_name, file)
        return RunStatus.FAILED, Reason.BAD_DATA, words
    if for_memory:
        words = (
            "The computer ran out of memory, and its system ended the training to save the rest. "
            f"{saved} Take a smaller batch size or model, or close other programs."
        )
        return RunStatus.FAILED, Reason.OOM_HOST, words
    words = (
        "The training process was ended from outside, by a person or a program on this computer. "
        f"{saved}"
    )
    return RunStatus.FAILED, Reason.KILLED, words


def began_before_restart(attempt: Attempt) -> bool:
    """Whether the computer (or container) was started anew since the attempt began."""
    written = written_start(files.run_lock(attempt.run_id, attempt.number))
    if written and system_start():
        return written != system_start()
    return attempt.process_started < psutil.boot_time() - 60


def what_is_saved(run: Run) -> str:
    """Whether there is a model, and how much work is done again when the run goes on."""
    step = saved_step(run.id)
    if step is None:
        return "No model had been saved yet, so it would begin again."
    kept = f"The model is saved as of step {step:,} and can be used"
    if run.step <= step:
        return f"{kept}; no work is lost."
    return f"{kept}; {spelt_out(work_after(run.id, step))} of work will be repeated."


def _at(moment: float) -> str:
    """at about 14:02, with the day where it is not today's."""
    then = time.localtime(moment)
    clock = f"at about {time.strftime('%H:%M', then)}"
    if then[:3] == time.localtime()[:3]:
        return clock
    return f"on {then.tm_mday} {time.strftime('%B', then)} {clock}"
