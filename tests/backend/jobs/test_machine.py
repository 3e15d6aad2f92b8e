"""What the computer is said to be."""

from backend.jobs.machine import machine_summary


def test_the_summary_names_cores_memory_and_devices() -> None:
    machine = machine_summary()
    assert machine["cores"] >= 1
    assert machine["memory_gb"] > 0.1
    assert 0 < machine["memory_used_share"] < 1
    assert machine["devices"][0] == "auto"
    assert machine["devices"][-1] == "cpu"
    assert len(machine["devices"]) == 2 + len(machine["graphics_cards"])
