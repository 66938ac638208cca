"""In a container: memory and CPUs are what its control groups allow, of either version, whatever the host has."""

from __future__ import annotations

from pathlib import Path
from types import ModuleType

import pytest

from tests.networks import CATALOGUE
from tests.support import module_of

GIB = 1 << 30


@pytest.fixture(params=["numpy", "c"])
def module(request: pytest.FixtureRequest, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> ModuleType:
    """A module on a host with 64 GiB free and 16 CPUs."""
    module = module_of(CATALOGUE["gaussian"](), "float32", request.param)
    (tmp_path / "proc" / "self").mkdir(parents=True)
    (tmp_path / "proc" / "meminfo").write_text("MemTotal: 100000000 kB\nMemAvailable: 67108864 kB\n")
    monkeypatch.setattr(module, "_PROC", str(tmp_path / "proc"))
    monkeypatch.setattr(module, "_CGROUPS", str(tmp_path / "cgroup"))
    monkeypatch.setattr(module, "_budget_found", [])
    monkeypatch.setattr(module.os, "sched_getaffinity", lambda _: set(range(16)), raising=False)
    monkeypatch.delenv("OMP_NUM_THREADS", raising=False)
    return module


def groups(tmp_path: Path, own: str, **files: str) -> None:
    """/proc/self/cgroup, and files by folder and name: `a__b__memory_max` is a/b/memory.max."""
    (tmp_path / "proc" / "self" / "cgroup").write_text(own)
    for name, text in files.items():
        *folders, file = name.split("__")
        path = tmp_path.joinpath("cgroup", *folders, file.replace("_", ".", 1))
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)


def test_without_a_container_the_host_decides(module: ModuleType, tmp_path: Path) -> None:
    assert module._budget() == 64 * GIB // 4
    assert module.Workspace().threads == 16


@pytest.mark.parametrize(
    ("used", "cached", "budget"), [(0, 0, GIB // 8), (GIB // 4, GIB // 8, (GIB // 2 - GIB // 8) // 4)]
)
def test_memory_version_2(module: ModuleType, tmp_path: Path, used: int, cached: int, budget: int) -> None:
    groups(
        tmp_path,
        "0::/\n",
        memory_max=f"{GIB // 2}\n",
        memory_current=f"{used}\n",
        memory_stat=f"anon 1\ninactive_file {cached}\n",
    )
    assert module._budget() == budget


def test_memory_version_2_nested(module: ModuleType, tmp_path: Path) -> None:
    """The tightest group on the way up counts; what has no limit says max."""
    groups(
        tmp_path,
        "0::/system/job\n",
        system__job__memory_max="max\n",
        system__job__memory_current="5\n",
        system__memory_max=f"{GIB}\n",
        system__memory_current="0\n",
        system__memory_stat="inactive_file 0\n",
    )
    assert module._budget() == GIB // 4


def test_memory_version_1(module: ModuleType, tmp_path: Path) -> None:
    """The path of the host is not there inside; the root of the mount is the container."""
    groups(
        tmp_path,
        "5:memory:/docker/0123\n4:cpu,cpuacct:/docker/0123\n0::/x\n",
        memory__memory_limit_in_bytes=f"{GIB}\n",
        memory__memory_usage_in_bytes=f"{GIB // 2}\n",
        memory__memory_stat=f"total_inactive_file {GIB // 4}\n",
    )
    assert module._budget() == (GIB // 2 + GIB // 4) // 4


def test_no_limit_of_version_1_is_a_large_number(module: ModuleType, tmp_path: Path) -> None:
    groups(
        tmp_path,
        "5:memory:/\n",
        memory__memory_limit_in_bytes="9223372036854771712\n",
        memory__memory_usage_in_bytes="1000\n",
        memory__memory_stat="total_inactive_file 0\n",
    )
    assert module._budget() == 64 * GIB // 4


def test_the_lower_limit_at_which_a_group_is_slowed_down_counts(module: ModuleType, tmp_path: Path) -> None:
    groups(tmp_path, "0::/\n", memory_max=f"{GIB}\n", memory_high=f"{GIB // 2}\n", memory_current="0\n")
    assert module._budget() == GIB // 8


def test_a_group_may_have_any_name_and_hide_what_it_uses(module: ModuleType, tmp_path: Path) -> None:
    groups(tmp_path, "0::/größe\n", größe__memory_max=f"{GIB}\n")
    assert module._budget() == GIB // 4


ODD = ["", "\n", "x", "-5", "--5", "1.5", "9" * 5000, "١", "max max max", "\0", "inactive_file", "inactive_file x\n"]


@pytest.mark.parametrize("text", ODD, ids=lambda text: repr(text)[:20])
def test_odd_texts_are_no_limits(module: ModuleType, tmp_path: Path, text: str) -> None:
    groups(
        tmp_path,
        "0::/\n5:memory:/\n:\n::\nx\n3:cpu\n",
        memory_max=text,
        memory_high=text,
        memory_current=text,
        memory_stat=text,
        cpu_max=text,
        memory__memory_limit_in_bytes=text,
    )
    assert module._budget() == 64 * GIB // 4
    assert module.Workspace().threads == 16


@pytest.mark.parametrize(
    ("text", "threads"),
    [("200000 100000", 2), ("150000 100000", 1), ("50000 100000", 1), ("max 100000", 16), ("400000", 16), ("", 16)],
)
def test_cpus_version_2(module: ModuleType, tmp_path: Path, text: str, threads: int) -> None:
    groups(tmp_path, "0::/job\n", job__cpu_max=text)
    assert module.Workspace().threads == threads


@pytest.mark.parametrize(("quota", "threads"), [("300000", 3), ("-1", 16), ("1000", 1), ("x", 16)])
def test_cpus_version_1(module: ModuleType, tmp_path: Path, quota: str, threads: int) -> None:
    groups(tmp_path, "3:cpu,cpuacct:/job\n")
    folder = tmp_path / "cgroup" / "cpu,cpuacct" / "job"
    folder.mkdir(parents=True)
    (folder / "cpu.cfs_quota_us").write_text(quota)
    (folder / "cpu.cfs_period_us").write_text("100000")
    assert module.Workspace().threads == threads


def test_omp_num_threads_is_bounded_by_the_quota(
    module: ModuleType, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    groups(tmp_path, "0::/\n", cpu_max="200000 100000")
    monkeypatch.setenv("OMP_NUM_THREADS", "8")
    assert module.Workspace().threads == 2
    assert module.Workspace(threads=8).threads == 8


@pytest.mark.parametrize("own", ["", "nonsense", "0::\n", "1:name=systemd:/x\n0::/../..\n", "\x00\xff"])
def test_a_strange_system_is_no_error(module: ModuleType, tmp_path: Path, own: str) -> None:
    groups(tmp_path, own, memory_max="?", memory_current="", memory_stat="one\ntwo words more\n", cpu_max="a b c")
    assert module._budget() == 64 * GIB // 4
    assert module.Workspace().threads == 16
