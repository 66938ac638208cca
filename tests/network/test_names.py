"""Names of layers that differ by case, or that look like names the compiler makes: every such network is right."""

from __future__ import annotations

import re
import shutil
import subprocess
from itertools import combinations
from pathlib import Path

import pytest

import smgen as sm
from smgen.build import Options, build_info, sources
from smgen.errors import NetworkError
from smgen.hessians import Method, lower
from smgen.ir import functions_for, public_functions
from smgen.layers.letters import WORDS, label
from smgen.network import Network
from smgen.objectives import chosen_objectives
from smgen.passes import run
from smgen.targets import TARGETS
from tests.against_oracle import compare_losses
from tests.networks import CATALOGUE
from tests.support import module_of, random_case, spec_of

ALIKE = (
    ("w", "w_squared_rows"),
    ("w", "w_squared"),
    ("x", "prime_x"),
    ("a", "a_sum"),
    ("a", "a_total_column"),
    ("h", "prime_h"),
    ("h", "h_unbiased"),
    ("h", "h_term_1"),
    ("h", "h_arg"),
    ("h", "ddelta_h"),
    ("a", "a_delta_at_b"),
    ("a", "a_by_b"),
    ("squared", "squared_squared"),
)


def two_layers(first: str, second: str) -> Network:
    x = sm.input(3)
    low = sm.softplus(sm.linear(x, 4, name=first))
    return Network(energy=[sm.linear(sm.tanh(sm.linear(low, 3, name=second)), 1, name="b"), sm.scale(low, name="gain")])


@pytest.mark.parametrize("names", ALIKE, ids="-".join)
@pytest.mark.parametrize("swapped", [False, True])
def test_names_that_look_like_the_compilers(names: tuple[str, str], swapped: bool) -> None:
    network = two_layers(*(reversed(names) if swapped else names))
    params, x = random_case(network)
    spec = spec_of(network)
    module = module_of(network)
    assert list(module.PARAMS) == list(network.parameters)
    for lam in (0.0, 0.3):
        compare_losses(module, spec, params, x, lam)


def test_labels_are_one_to_one_where_names_have_no_double_underscores() -> None:
    words = ["w", "x", "squared", "prime", "rows", "layer", "1"]
    names = {"_".join(parts) for size in (1, 2, 3) for parts in combinations(words, size)}
    assert len({label(name) for name in names}) == len(names)
    assert all(label(label(name)) == label(name) for name in names)
    with pytest.raises(NetworkError, match="too much like 'w_squared'"):
        lower(two_layers("w_squared", "w__squared"))


def test_the_list_of_words_is_whole() -> None:
    """Whatever word a buffer's name has beside the names of layers and functions is known to be one."""
    known = WORDS | set(sm.__all__) | {"gaussian", "ndtr", "cosh", "sinh", "log1p", "expm1", "sech", "log"}
    words: set[str] = set()
    for make in CATALOGUE.values():
        network = make()
        layers = {v.name.split(".")[0] for v in (*network.vertices, *network.constants)}
        pattern = "|".join(sorted(map(re.escape, layers), key=len, reverse=True))
        for method in (Method(), Method("exact", 4), Method("hutchinson", 1024, 2)):
            every = functions_for(public_functions(chosen_objectives("hyvarinen,denoising,generalised:x")))
            for schedule in lower(network, method, every):
                for target in TARGETS.values():
                    for op in run(schedule, target.pipeline.passes(1024)).ops:
                        for buffer in op.outs:
                            bare = re.sub(rf"(?<![A-Za-z0-9])({pattern})(?![A-Za-z0-9])", "", buffer.name)
                            words |= set(re.split(r"[_.]+", bare))
    assert {word for word in words if len(word) > 1 and not word.isdigit()} <= known


@pytest.mark.parametrize("names", [("w", "W"), ("aB", "Ab"), ("w", "W_2"), ("W_2", "w")])
def test_parameters_that_differ_by_case_only(names: tuple[str, str], tmp_path: Path) -> None:
    network = two_layers(*names)
    texts = sources(network, build_info(network, Path("net.py"), Options(backend="c")))
    header = texts[".h"]
    constants = re.findall(r"^    (\w+),$", header, re.MULTILINE)
    assert len(set(constants)) == len(constants) == len(network.parameters)
    compiler = shutil.which("cc")
    if compiler is not None:
        for end in (".c", ".h"):
            (tmp_path / f"net{end}").write_text(texts[end], encoding="utf-8")
        command = [compiler, "-fsyntax-only", "-Wall", "-Werror", "-fopenmp-simd", "net.c", "net.h"]
        subprocess.run(command, cwd=tmp_path, check=True)
