"""One file per task: its data, its models, its loss and metrics, its prediction."""

from backend.tasks.base import Task, get_task, list_tasks, register_task, tasks_for

__all__ = ["Task", "get_task", "list_tasks", "register_task", "tasks_for"]
