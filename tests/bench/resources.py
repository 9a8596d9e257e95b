"""Measuring a command: wall time, CPU time and the peak of memory over its whole process tree."""

import resource
import subprocess
import threading
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True)
class Cost:
    """Seconds of wall and of CPU time, and the highest sum of resident memory (MiB) of all its processes, sampled ten times a second."""

    seconds: float
    cpu_seconds: float
    peak_mib: float
    output: str


def measured(command: Sequence[str], env: Mapping[str, str] | None = None) -> Cost:
    """Run `command` to its end; raises when it fails."""
    peak = 0.0
    started, worked = time.perf_counter(), _children_cpu()
    with subprocess.Popen(command, env=dict(env) if env else None, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True) as process:
        lines: list[str] = []
        reader = threading.Thread(target=lambda: lines.extend(process.stdout or ()))
        reader.start()
        while process.poll() is None:
            peak = max(peak, tree_mib(process.pid))
            time.sleep(0.1)
        reader.join()
    seconds = time.perf_counter() - started
    if process.returncode:
        raise RuntimeError(f"{' '.join(command)} ended with {process.returncode}:\n{''.join(lines)[-4000:]}")
    return Cost(seconds, _children_cpu() - worked, peak, "".join(lines))


def _children_cpu() -> float:
    """CPU seconds, user and system, of every process that has ended below this one."""
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    return used.ru_utime + used.ru_stime


def tree_mib(root: int) -> float:
    """Resident memory of a process and its descendants, in MiB; shared pages are counted once per process, so this is a ceiling."""
    parents: dict[int, int] = {}
    resident: dict[int, int] = {}
    for status in Path("/proc").glob("[0-9]*/status"):
        try:
            fields = dict(line.split(":\t", 1) for line in status.read_text().splitlines() if ":\t" in line)
        except OSError:
            continue  # the process ended while we looked
        pid = int(status.parent.name)
        parents[pid] = int(fields["PPid"])
        resident[pid] = int(fields.get("VmRSS", "0 kB").split()[0])
    family = {root}
    while more := {pid for pid, parent in parents.items() if parent in family} - family:
        family |= more
    return sum(resident.get(pid, 0) for pid in family) / 1024
