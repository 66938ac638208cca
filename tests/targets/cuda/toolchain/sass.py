"""What a cubin holds, kernel by kernel: resources from cuobjdump, instructions from nvdisasm, and their classes."""

from __future__ import annotations

import re
import subprocess
import tempfile
from collections import Counter
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Final

from tests.targets.cuda.toolchain import wheels

_CUOBJDUMP: Final = ("nvidia-cuda-cuobjdump", "cuobjdump")
_NVDISASM: Final = ("nvidia-cuda-nvdisasm", "nvdisasm")

_FUNCTION: Final = re.compile(r"^ Function (\S+):\n(.*)$", re.MULTILINE)
_SECTION: Final = re.compile(r"^\s*\.section\s+\.text\.([^\s,]+)")
_INSTRUCTION: Final = re.compile(r"^\s*/\*([0-9a-f]{4,})\*/\s+(?:(@!?U?P\w+)\s+)?([A-Z][\w.]*)\s*(.*?)\s*;")
_INTEGER_TO_FLOAT: Final = {"I2F", "I2FP", "UI2F", "UI2FP"}  # U: one for the whole warp, sm_100 and later
_FLOAT64_MNEMONICS: Final = {"DADD", "DMUL", "DFMA", "DSETP", "DSET", "DMNMX", "DMMA"}
_FLOAT64_MODIFIERS: Final = {"F64", "RCP64H", "RSQ64H"}
_NARROW: Final = {"U8": 8, "S8": 8, "U16": 16, "S16": 16}
_WIDTHS: Final = {"64": 64, "128": 128, "256": 256} | _NARROW


@dataclass(frozen=True, slots=True)
class Instruction:
    address: int
    predicate: str
    opcode: str
    operands: str

    @property
    def mnemonic(self) -> str:
        return self.opcode.partition(".")[0]

    @property
    def modifiers(self) -> frozenset[str]:
        return frozenset(self.opcode.split(".")[1:])

    @property
    def is_float64(self) -> bool:
        """DADD, DMUL, DFMA, DSETP and the like; conversions from or to F64; the seeds of 1/x and 1/√x."""
        return self.mnemonic in _FLOAT64_MNEMONICS or bool(self.modifiers & _FLOAT64_MODIFIERS)

    @property
    def begins_integer_division(self) -> bool:
        """Divisions by a value unknown to the compiler round the divisor up to a float and take its reciprocal.

        Nothing else in CUDA C, intrinsics apart, converts an integer rounding up (RP). Division by a literal is a
        multiplication and is not counted.
        """
        return self.mnemonic in _INTEGER_TO_FLOAT and "RP" in self.modifiers

    @property
    def bits(self) -> int:
        """Width of a memory access of one thread."""
        return next((_WIDTHS[modifier] for modifier in self.modifiers if modifier in _WIDTHS), 32)

    def __str__(self) -> str:
        return f"/*{self.address:04x}*/ {self.predicate} {self.opcode} {self.operands}".replace("  ", " ")


@dataclass(frozen=True, slots=True)
class Resources:
    """Of one kernel: registers a thread; stack and local memory in bytes a thread; static shared memory a block."""

    registers: int
    stack: int
    local: int
    shared: int


@dataclass(frozen=True, slots=True)
class Kernel:
    name: str
    resources: Resources
    instructions: tuple[Instruction, ...]

    @property
    def float64(self) -> tuple[Instruction, ...]:
        return tuple(i for i in self.instructions if i.is_float64)

    @property
    def local_accesses(self) -> tuple[Instruction, ...]:
        """Spilled registers and arrays indexed at run time: both go through local memory."""
        return tuple(i for i in self.instructions if i.mnemonic in {"LDL", "STL"})

    @property
    def integer_divisions(self) -> tuple[Instruction, ...]:
        return tuple(i for i in self.instructions if i.begins_integer_division)

    @property
    def global_loads(self) -> Counter[int]:
        """How many load instructions of each width in bits."""
        return Counter(i.bits for i in self.instructions if i.mnemonic in {"LDG", "LD"})

    @property
    def global_stores(self) -> Counter[int]:
        return Counter(i.bits for i in self.instructions if i.mnemonic in {"STG", "ST"})


def available() -> wheels.Availability:
    """Whether both tools are installed; the reason of the first that is not."""
    return wheels.availability(*_CUOBJDUMP) and wheels.availability(*_NVDISASM)


@lru_cache(maxsize=256)
def resources(cubin: bytes) -> dict[str, Resources]:
    """By kernel name, for every architecture that NVRTC knows, sm_70 included."""
    resources = {}
    for name, line in _FUNCTION.findall(_run(_CUOBJDUMP, ("--dump-resource-usage",), cubin)):
        usage = {key: int(value) for key, value in re.findall(r"([A-Z]+):(\d+)", line)}
        resources[name] = Resources(usage["REG"], usage["STACK"], usage["LOCAL"], usage["SHARED"])
    return resources


@lru_cache(maxsize=256)
def kernels(cubin: bytes) -> dict[str, Kernel]:
    """By kernel name. Subroutines that the compiler adds, a division's for one, belong to the kernel that calls."""
    instructions: dict[str, list[Instruction]] = {}
    section: list[Instruction] = []
    for line in _run(_NVDISASM, ("--print-code", "--no-dataflow"), cubin).splitlines():
        if match := _SECTION.match(line):
            section = instructions.setdefault(match[1], [])
        elif match := _INSTRUCTION.match(line):
            section.append(Instruction(int(match[1], 16), match[2] or "", match[3], match[4]))
    return {name: Kernel(name, usage, tuple(instructions[name])) for name, usage in resources(cubin).items()}


def _run(tool: tuple[str, str], arguments: tuple[str, ...], cubin: bytes) -> str:
    program = wheels.require(*tool)
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "kernels.cubin"
        path.write_bytes(cubin)
        result = subprocess.run([program, *arguments, path], capture_output=True, text=True, check=False)
    if result.returncode:
        raise RuntimeError(f"{tool[1]}: {result.stderr.strip() or result.stdout.strip()}")
    return result.stdout
