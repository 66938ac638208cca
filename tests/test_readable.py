"""What commands print at 80 columns, and into a pipe: no number is cut, no formula broken, one row a parameter."""

from __future__ import annotations

import re
from io import StringIO
from pathlib import Path

import pytest
import sympy
from rich.console import Console

from smgen.calculus.primitives import G
from smgen.calculus.symbolic import formula
from smgen.demo.results import DenoiserNumbers, FilterNumbers, ImageNumbers, Method, Results, report
from smgen.network.netfile import load_network
from smgen.report.tables import Table, put, quantity
from tests.commands import SMGEN, python, run

ROOT = Path(__file__).parent.parent
EXAMPLES = ("ica", "mlp", "skip", "student_t")
NUMBER = re.compile(r"^(0|[1-9]\d{0,2}(,\d{3})*|\d+(\.\d+)?( [kMGTPE])?)$")


@pytest.mark.parametrize(
    ("number", "text"),
    [(0, "0"), (7, "7"), (999, "999"), (999.4, "999"), (1000, "1.00 k"), (1638.4, "1.64 k"), (9994, "9.99 k"),
     (9996, "10.0 k"), (16384, "16.4 k"), (99960, "100 k"), (163_840, "164 k"), (999_499, "999 k"), (999_500, "1.00 M"),
     (10_321_920, "10.3 M"), (2.5e9, "2.50 G"), (1e12, "1.00 T"), (0.5, "0.5")],
)  # fmt: skip
def test_quantities(number: float, text: str) -> None:
    assert quantity(number) == text


@pytest.mark.parametrize("digits", range(1, 19))
def test_quantities_keep_three_digits(digits: int) -> None:
    for number in (10**digits - 1, 10**digits, 3 * 10 ** (digits - 1) + 1, 123456789 * 10**digits // 10**8):
        text = quantity(number)
        value, _, prefix = text.partition(" ")
        assert float(value) * 1000.0 ** ("", "k", "M", "G", "T", "P", "E").index(prefix) == pytest.approx(
            number, rel=6e-3
        )
        assert len(text) <= 6


@pytest.mark.parametrize("columns", ["80", "40", "200"])
@pytest.mark.parametrize("name", EXAMPLES)
def test_show_in_a_pipe(name: str, columns: str) -> None:
    net = ROOT / "generated" / name / "net.py"
    shown = python(*SMGEN, "show", net, COLUMNS=columns).stdout
    assert "…" not in shown
    lines = shown.splitlines()
    assert [line for line in lines if "─" in line and len(line) > 80] == []
    for table, count in (("Cost of a sample", 14), ("A step of training", 6)):
        start = next(n for n, line in enumerate(lines) if line.startswith(table))
        rows = lines[start + 3 : start + 3 + count]
        assert all(len(row) <= 80 for row in rows)
        for row in rows:
            cells = re.split(r"  +", row.strip())
            assert all(NUMBER.match(cell) for cell in (cells[-4:] if table.startswith("A step") else cells[1:])), row
    formulas = [line for line in lines if re.match(r"  f[′″‴ ]{1,2}= ?|  f[′″‴]? *=", line)]
    assert len(formulas) == 4 * sum(line.startswith("Nonlinearity of ") for line in lines)
    heads = [line for line in lines if line.startswith("Nonlinearity of ")]
    assert len(set(heads)) == len(heads)
    for key, shape in load_network(net).parameters.items():
        assert f"{key} {shape}" in shown


def test_long_formulas_stay_on_a_line_and_are_shown_once(tmp_path: Path) -> None:
    net = tmp_path / "net.py"
    net.write_text(
        "import sympy\nimport smgen as sm\n\ndef f(g):\n"
        "    return sum(sympy.sin(k * g) * sympy.exp(-(g**2) / k) for k in range(1, 9))\n\n"
        "x = sm.input(3)\nnetwork = sm.Network(energy=[sm.pointwise(sm.linear(x, 2), f) for _ in range(3)])\n"
    )
    shown = python(*SMGEN, "show", net, COLUMNS="80").stdout.splitlines()
    assert sum(line.startswith("Nonlinearity of ") for line in shown) == 1
    assert sum(line.startswith("  f″ = ") and len(line) > 200 for line in shown) == 1


def test_formulas_that_nobody_can_read_are_counted(tmp_path: Path) -> None:
    """In every command and comment; without spelling them, which takes for ever if parts hold parts twice."""
    net = tmp_path / "net.py"
    net.write_text(
        "import sympy\nimport smgen as sm\n\ndef f(g):\n"
        "    return sympy.log(sum(sympy.exp(k * g) for k in range(1, 13)))\n\n"
        "network = sm.Network(energy=sm.pointwise(sm.linear(sm.input(3), 2), f))\n"
    )
    for option in ((), ("--json",)):
        shown = run("show", net, *option).stdout
        assert max(map(len, shown.splitlines())) < 2000
        assert len(re.findall("a formula of [0-9,]+ parts", shown)) == 2
    nested: sympy.Expr = G
    for _ in range(100):
        nested = sympy.Add(sympy.Mul(2, nested, evaluate=False), sympy.Pow(nested, 3, evaluate=False), evaluate=False)
    assert formula(nested).startswith("a formula of 30")
    assert formula(sympy.tanh(G) / 1000) == "0.001*tanh(g)"


@pytest.mark.parametrize("mode", ["diagonal", "exact", "hutchinson"])
def test_check_prints_a_row_a_parameter(mode: str) -> None:
    net = ROOT / "generated" / "mlp" / "net.py"
    lines = python(*SMGEN, "check", net, "--hessian", mode, "--dtype", "float32", COLUMNS="80").stdout.splitlines()
    assert all(len(line) <= 80 for line in lines[:-1])
    for key in load_network(net).parameters:
        assert sum(key in line for line in lines) == 1
    assert sum(line.startswith("ok ") for line in lines) == 9 + len(load_network(net).parameters)


def test_the_demo_prints_whole_headings() -> None:
    filters = FilterNumbers(
        patch=16,
        inputs=255,
        filters=512,
        loss_before=-1000.1,
        loss_after=-12345.6,
        largest_overlap=0.99,
        overlaps_above_half=3,
        pairs=130_816,
        oriented=0.87,
        seconds=123.0,
    )
    methods = (Method("noisy", 20.1, 0.1), Method("smgen", 29.9, 0.9), Method("wavelets, BayesShrink", 29.0, 0.9))
    images = tuple(ImageNumbers(name, methods) for name in ("camera", "coins"))
    results = Results(
        seed=0,
        quick=False,
        filters=filters,
        small=filters,
        denoiser=DenoiserNumbers(
            patch=8, filters=320, sigma=0.1, loss_before=1, loss_after=2, psnr_foreseen=3, psnr_of_patches=4, seconds=5
        ),
        images=images,
        seconds=120.0,
        files=("a",),
    )
    written = StringIO()
    report(results, Console(file=written, width=80))
    lines = written.getvalue().splitlines()
    heading = ("patches", "filters", "J before", "J after", "max |w·w′|", "pairs > ½", "oriented", "time")
    assert re.split("  +", lines[1].strip()) == list(heading)
    assert max(map(len, lines[:5])) <= 80
    assert "…" not in written.getvalue()


def test_cells_are_never_cut() -> None:
    written = StringIO()
    table = Table("title", ("name", "number"), right=("number",))
    table.add_row("a" * 200 + "\nb", "1.64 k")
    put(Console(file=written, width=20), table)
    assert "a" * 200 + "  1.64 k\nb\n" in written.getvalue()


def test_a_module_that_cannot_run_is_one_line(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """No BLAS, no compiler, no memory: an error with a hint, no traceback."""
    net = tmp_path / "net.py"
    net.write_text("import smgen as sm\nnetwork = sm.Network(energy=sm.logcosh(sm.linear(sm.input(2), 3)))\n")
    monkeypatch.setenv("SMGEN_CACHE", str(tmp_path / "cache"))
    monkeypatch.setenv("CC", "no-such-compiler")
    assert "no-such-compiler" in run("check", net, "--backend", "c", code=2).stderr
    monkeypatch.delenv("CC")
    monkeypatch.setitem(__import__("sys").modules, "scipy_openblas32", None)
    monkeypatch.delenv("SMGEN_CBLAS", raising=False)
    error = run("check", net, "--backend", "c", code=2).stderr
    assert error.startswith(f"error: {net}: ")
    assert "BLAS" in error
    assert "pip install scipy-openblas32" in error


def test_the_template_says_what_it_does(tmp_path: Path) -> None:
    net = tmp_path / "net.py"
    run("new", net)
    text = net.read_text()
    assert list(load_network(net).parameters) == ["filters.weight", "gain.gain"]
    assert 'Its parameter is called "filters.weight"' in text
