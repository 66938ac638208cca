"""Mistakes in a description: each is refused where it was made, in words that say what to do, before any building."""

from __future__ import annotations

from pathlib import Path

import pytest
import sympy

import smgen as sm
from smgen.errors import InternalError, NetfileError, NetworkError, UnsupportedNonlinearity
from smgen.network import Network
from smgen.network.netfile import load_network
from tests.against_oracle import compare
from tests.network.refusals import HEAD, refusal

Names = tuple[str, ...]


@pytest.mark.parametrize(
    ("energy", "what"),
    [
        *((f"sm.linear(x, {units})", f"units must be a whole number of at least 1; got {units}")
          for units in ("0", "-3", "True", "4.0", "'4'", "None")),
        ("sm.linear(x, 4, bias='no')", "bias must be True or False; got 'no'"),
        ("sm.linear(3, 4)", "sm.linear takes a node; got 3"),
        ("sm.scale([x])", "sm.scale takes a node; got [<input of 3 units, net.py:4>]"),
        ("sm.pointwise('x', sympy.exp)", "sm.pointwise takes a node; got 'x'"),
        ("sm.concat(x, None)", "sm.concat takes a node; got None"),
        ("sm.tanh(None)", "sm.tanh takes a node or a sympy expression; got None"),
        ("sm.add()", "sm.add takes one node or more; got none"),
        ("sm.add(x, h)", "add takes nodes and parameters whose shapes broadcast, as NumPy's do; got <input of 3"),
        *((f"sm.linear(x, 4, weights={name!r})", "weights must be an ASCII Python identifier and no keyword; got ")
          for name in ("my weights", "")),
        ("sm.linear(x, 4, weights=3)", "weights= takes a name or a node; got int"),
        ("sm.condition(name='lam')", "an argument of the generated functions, and cannot be called 'lam'"),
        ("sm.condition(name='_check')", "an argument of the generated functions, and cannot be called '_check'"),
        ("sm.embedding(sm.condition(), 10_001, 2)", "sm.embedding takes at most 10,000 labels; got count=10,001"),
        ("sm.pointwise(h, sympy.exp, kind='a b')", "kind must be an ASCII Python identifier and no keyword; got 'a b'"),
        *((f"sm.student_t(h, nu={nu})", "sm.student_t takes a finite number greater than 0 as nu; got ")
          for nu in ("-1", "0", "math.inf", "math.nan", "'3'", "True", "None", "h")),
        ("sm.student_t(h, mu=3)", "sm.student_t takes nu=; got mu=3"),
        ("sm.leaky_relu(h, slop=1)", "sm.leaky_relu takes slope=; got slop=1 (did you mean 'slope'?)"),
        ("sm.leaky_relu(h, slope=-math.inf)", "sm.leaky_relu takes a finite number as slope; got -inf"),
        ("sm.pointwise(h, lambda g: sm.student_t(g, nu=-1))", "sm.student_t takes a finite number"),
        ("sm.tanh(h, nu=3)", "sm.tanh takes no constants; got nu=3"),
        *((f"sm.parameter({shape})", f"the shape of a parameter is whole numbers of at least 1; got {shape}")
          for shape in ("0", "()", "(3, -1)", "'a'", "(2, True)", "None", "1.5")),
        *((f"sm.parameter(3, init={init})", "init must be a finite number") for init in ("'x'", "math.inf", "[1]")),
        ("sm.linear(sm.parameter(3), 4)", "sm.linear takes nodes that depend on x or on a condition; got <parameter"),
        ("sm.concat(x, sm.parameter(3))", "sm.concat takes nodes that depend on x or on a condition; got <parameter"),
        *((f"h + {other}", "an operator takes nodes and finite numbers; got ")
          for other in ("'x'", "None", "math.nan", "[1]", "math")),
        ("h - h", "subtract of <linear of 4 units, net.py:5>, <linear of 4 units, net.py:5> is 0 whatever the node is"),
        ("h ** 0", "is 1 whatever the node is"),
        ("h / 0", "divide of <linear of 4 units, net.py:5> divides by 0"),
        ("h + x", "add takes nodes and parameters whose shapes broadcast, as NumPy's do; got <linear of 4"),
        ("sm.pointwise((h, x), lambda a, b: a * b)", "pointwise takes nodes and parameters whose shapes broadcast"),
        ("sm.pointwise((h, sm.tanh(h)), lambda a, b: a * b, domain=(0, 1))", "domain= is of a function of one node"),
        ("sm.linear(x, 4, weights=sm.parameter((3, 4)))", "weights= takes a node of shape (4, 3)"),
        ("sm.linear(x, 4, weights=h)", "weights= takes a node of shape (4, 3)"),
        ("[h, sm.parameter(3)]", "does not depend on x: as an energy it changes no density"),
        ("sm.log(h)", "module 'smgen' has no attribute 'log' (sm.pointwise(h, sympy.log) makes it)"),
        ("sm.sofplus(h)", "module 'smgen' has no attribute 'sofplus' (did you mean 'softplus'?)"),
        ("sm.linear(x, 4, biased=True)", "the description raised TypeError: linear() got an unexpected keyword"),
        ("3", "sm.Network(energy=…) takes a node or a list of nodes; got 3"),
        ("[]", "sm.Network(energy=…) takes a node or a list of nodes; got []"),
        ("[h, x, 'x']", "'x']"),
        ("[h, sm.input(3, name='y')]", "exactly one input; got <input of 3 units, net.py:4>, <input 'y' of 3 units"),
        *((f"sm.square(h, name={name!r})", f"name must be an ASCII Python identifier and no keyword; got {name!r}")
          for name in ("1st", "a b", "a.b", "größe", "Δ", "lambda", "None", "", "a\n", '"""', 3, ["a"])),
    ],
)  # fmt: skip
def test_networks(tmp_path: Path, energy: str, what: str) -> None:
    error = refusal(tmp_path, f"network = sm.Network(energy={energy})\n")
    assert isinstance(error, NetworkError | NetfileError)
    assert what in error.what


@pytest.mark.parametrize(
    ("function", "what"),
    [
        ("lambda g: g + sympy.oo", "oo contains the non-finite constant oo"),
        ("lambda g: g * math.inf", "oo*g contains the non-finite constant oo"),
        ("lambda g: g * math.nan", "nan contains the non-finite constant nan"),
        ("lambda g: sympy.exp(g) + sympy.zoo * g", "contains the non-finite constant zoo"),
        ("lambda g: sympy.Integer(10) ** 400 * g", "contains a constant above 1.8e+308, the largest float64"),
        ("lambda g: 1j * g", "1.0*I*g is complex"),
        ("sympy.sqrt", "'pointwise_1': f of sqrt(g) is not real for g from -1e+04 to -1e-08"),
        ("sympy.log", "'pointwise_1': f of log(g) is not real for g from -1e+04 to "),
        ("lambda g: (-1) ** g", "'pointwise_1': f of (-1)**g is not real"),
        ("lambda g: g ** 4.5", "'pointwise_1': f of g**4.5 is not real for g from -1e+04 to -1e-08"),
        ("sympy.asin", "'pointwise_1': asin(g) has no usable derivative"),
        ("lambda g: g - g", "a pointwise expression has exactly one symbol; 0 has none"),
        ("sympy.Integer(3)", "a pointwise expression has exactly one symbol; 3 has none"),
        ("sympy.Symbol('a') * sympy.Symbol('b')", "a pointwise expression has exactly one symbol; a*b has a, b"),
        ("lambda g: math.exp(g)", "the pointwise function raised TypeError: Cannot convert expression to float"),
        ("numpy.tanh", "the pointwise function raised TypeError: loop of ufunc does not support argument 0"),
        ("lambda: 3", "the pointwise function raised TypeError: <lambda>() takes 0 positional arguments"),
        ("lambda g: sm.sofplus(g)", "module 'smgen' has no attribute 'sofplus' (did you mean 'softplus'?)"),
        ("lambda g: None", "None is no scalar expression"),
        ("lambda g: g > 0", "g > 0 is no scalar expression"),
        ("lambda g: sympy.Matrix([g])", "Matrix([[g]]) is no scalar expression"),
        ("'exp('", "'exp(' is no sympy expression"),
        ("h", "is no sympy expression"),
        ("sympy.floor", "'pointwise_1': floor(g) has no usable derivative"),
        ("sympy.zeta", "'pointwise_1': zeta(g) has no usable derivative"),
        ("lambda g: sympy.Piecewise((g, g > 0))", "'pointwise_1': Piecewise((g, g > 0)) has no last branch (…, True)"),
        ("lambda g: sympy.Piecewise((1, sympy.Eq(g, 0)), (g, True))", "holds where Eq(g, 0), which is no interval"),
        ("lambda g: 1 / g", "'pointwise_1': 1/g has a pole at 0"),
        ("lambda g: 1 / (g - 0.3) ** 2", "'pointwise_1': (g - 0.3)**(-2) has a pole at 0.3"),
        ("lambda g: sympy.exp(g) / (sympy.exp(g) - 2)", "has a pole at 0.693147"),
        ("lambda g: abs(g) ** sympy.Rational(4, 3)", "f″ is infinite at 0"),
        ("lambda g: abs(g) ** sympy.Rational(2, 3)", "f′ is infinite at 0"),
        ("lambda g: abs(g - 1) ** sympy.Rational(5, 2)", "f‴ is infinite at 1"),
        ("lambda g: sympy.log(g**2)", "f is infinite at 0"),
        ("lambda g: sympy.sin(g) / g", "f is 0/0 at 0, though it has a limit there, 1"),
        ("lambda g: (sympy.exp(g) - 1) / g", "f is 0/0 at 0, though it has a limit there, 1"),
        ("lambda g: g**2 + sympy.O(g**3)", "O(g**3) has no usable derivative (Order is no function of numbers)"),
        ("lambda g: sympy.Symbol('y')**2", "does not use its argument: it returns y**2"),
        ("lambda g: sympy.zeta(2 + g**2)", "zeta(g**2 + 2) has no usable derivative"),
        ("lambda g: 1e-50 * sympy.tanh(g)", "f of 1.0e-50*tanh(g) has the constant 1e-50, which float32 cannot"),
        ("lambda g: g**2 + 1e-40", "f of g**2 + 1.0e-40 has the constant 1e-40, which float32 cannot hold"),
        ("lambda g: 1e39 * sympy.sin(g)", "f of 1.0e+39*sin(g) has the constant 1e+39, which float32 cannot hold"),
        ("sympy.Function('softpls')", "'pointwise_1': softpls(g) has no usable derivative (did you mean 'softplus'?)"),
        ("sympy.Function('softplus')", "'pointwise_1': softplus(g) has no formula"),
        ("sympy.sign", "'pointwise_1': sign(g) has no usable derivative: f′ is 0 almost everywhere"),
        ("sympy.Heaviside", "'pointwise_1': Heaviside(g) has no usable derivative: f′ is 0 almost everywhere"),
    ],
)  # fmt: skip
def test_nonlinearities(tmp_path: Path, function: str, what: str) -> None:
    error = refusal(tmp_path, f"network = sm.Network(energy=sm.pointwise(h, {function}))\n")
    assert isinstance(error, UnsupportedNonlinearity)
    assert what in error.what


@pytest.mark.parametrize(
    ("body", "line", "what"),
    [
        ("a = sm.tanh(h, name='a')\nb = sm.exp(h, name='a')\nnetwork = sm.Network(energy=[a, b])\n", 7,
         "the name 'a' is taken by the node of net.py:6"),
        ("network = sm.Network(energy=[h, sm.linear(x, 4, name='linear_1'), sm.linear(x, 4, name='linear_1')])\n", 6,
         "the name 'linear_1' is taken by the node of net.py:6"),
        ("a = sm.linear(x, 4, name='a')\nb = sm.linear(x, 5, weights='a')\nnetwork = sm.Network(energy=[h, a, b])\n",
         7, "'linear_2' has weight (5, 3) and bias (5,), but shares 'a' with 'a' (net.py:6), which has weight (4, 3)"),
        ("b = sm.linear(x, 4, bias=False, weights='linear_1')\nnetwork = sm.Network(energy=[h, b])\n", 6,
         "'linear_2' has weight (4, 3), but shares 'linear_1' with 'linear_1' (net.py:5), which has weight (4, 3) and"),
        ("a = sm.scale(x, name='a')\nb = sm.linear(x, 4, weights='a')\nnetwork = sm.Network(energy=[h, a, b])\n", 7,
         "'linear_2' has weight (4, 3) and bias (4,), but shares 'a' with 'a' (net.py:6), which has gain (3,)"),
        ("a = sm.linear(x, 4, name='a', weights='w')\nnetwork = sm.Network(energy=[a, sm.linear(h, 4, weights='a')])",
         7, "shares the weights of 'a' (net.py:6), which shares 'w'"),
        ("spare = sm.tanh(x)\nnetwork = sm.Network(energy=h)\n", 6, "<tanh of 3 units, net.py:6> does not reach"),
        ("a, b = sm.tanh(x), sm.square(x)\nnetwork = sm.Network(energy=[h, a])\n", 6, "<square of 3 units, net.py:6>"),
        ("layers = [sm.tanh(h) for _ in range(3)]\nnetwork = sm.Network(energy=layers[1:])\n", 6, "does not reach"),
        ("a = sm.linear(h, 3)\nb = sm.tanh(a)\nnetwork = sm.Network(energy=h)\n", 7, "<tanh of 3 units, net.py:7>"),
        ("y = sm.input(2)\nnetwork = sm.Network(energy=h)\n", 6, "<input of 2 units, net.py:6>"),
        ("def build():\n    return {}['a']\n\nbuild()\n", 7, "the description raised KeyError: 'a'"),
        ("sys.exit(3)\n", 6, "the description raised SystemExit: 3"),
        ("sys.path.clear()\nimport nothing_of_this_name\n", 7, "the description raised ModuleNotFoundError"),
        ("network = sm.Network(energy=h\n", 6, "syntax error: '(' was never closed"),
        ("", None, "the file defines no `network`"),
        ("network = 3\n", None, "`network` is 3, no sm.Network"),
        ("network = h\n", None, "`network` is <linear of 4 units, net.py:5>, no sm.Network"),
        ("net = sm.Network(energy=h)\n", None, "the file defines no `network`"),
    ],
)  # fmt: skip
def test_files(tmp_path: Path, body: str, line: int | None, what: str) -> None:
    error = refusal(tmp_path, body, line)
    assert what in error.what
    if body.startswith("net = "):
        assert error.hint == "rename `net` to `network`"


@pytest.mark.parametrize(
    ("content", "what"),
    [
        (None, "no such file"),
        ("folder", "cannot be read: Is a directory"),
        (b"# \xff\n", "encoding"),
        (b"\n\n\xff\n", "utf-8"),
        (b"a = 1\0\n", "null"),
    ],
)
def test_unreadable_files(tmp_path: Path, content: bytes | str | None, what: str) -> None:
    net = tmp_path / "net.py"
    if isinstance(content, bytes):
        net.write_bytes(content)
    elif content:
        net.mkdir()
    with pytest.raises(NetfileError, match=what) as caught:
        load_network(net)
    assert caught.value.origin.rpartition("/")[2].startswith("net.py")
    assert caught.value.hint


def test_a_line_is_that_of_the_description_wherever_it_lies(tmp_path: Path) -> None:
    """Also in a folder whose path begins like smgen's own, and in a file that the description imports."""
    folder = tmp_path / "smgen"
    folder.mkdir()
    (folder / "helper_of_bad_net.py").write_text("import smgen as sm\n\ndef top(x):\n    return sm.linear(x, 0)\n")
    (folder / "net.py").write_text("import smgen as sm\nfrom helper_of_bad_net import top\nx = top(sm.input(3))\n")
    with pytest.raises(NetworkError) as caught:
        load_network(folder / "net.py")
    assert caught.value.origin == "helper_of_bad_net.py:4"


@pytest.mark.parametrize(
    ("function", "what"),
    [
        ("lambda a, b: a", "uses each of its arguments and no other symbol; g_1 has g_1"),
        ("lambda a: a", "takes 1 positional argument but 2 were given"),
        ("lambda a, b: sympy.floor(a) * b", "no usable derivative"),
        ("lambda a, b: a * sympy.Symbol('c') * b", "no other symbol"),
    ],
)
def test_functions_of_two_nodes(tmp_path: Path, function: str, what: str) -> None:
    error = refusal(tmp_path, f"network = sm.Network(energy=sm.pointwise((h, sm.tanh(h)), {function}))\n")
    assert isinstance(error, UnsupportedNonlinearity)
    assert what in error.what


def test_cycles() -> None:
    h = sm.linear(sm.input(3), 4, name="h")
    top = sm.tanh(h)
    object.__setattr__(h, "operands", (top,))
    with pytest.raises(NetworkError, match=r"depends on itself") as caught:
        Network(energy=top)
    assert caught.value.origin.startswith("test_bad_descriptions.py:")


def test_a_fault_of_smgen_is_not_blamed_on_the_description(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "net.py").write_text(HEAD)
    monkeypatch.setattr("smgen.layers.data.shape_of", lambda *arguments: 1 // 0)
    with pytest.raises(InternalError, match=r"net.py:4: smgen failed on this line: ZeroDivisionError"):
        load_network(tmp_path / "net.py")


def rich(names: Names) -> Network:
    """Every kind of layer, each with one of the seven names."""
    x = sm.input(3, name=names[0])
    low = sm.linear(x, 4, name=names[1])
    soft = sm.softplus(low, name=names[2])
    tied = sm.linear(soft, 4, name=names[3])
    both = sm.concat(sm.tanh(sm.linear(tied, 4, weights=names[3]), name=names[4]), soft, name=names[5])
    gain = sm.scale(both, name=names[6])
    return Network(energy=[sm.linear(sm.add(both, gain), 2), sm.silu(gain), soft])


def chain(before: str, after: str) -> Names:
    """v, prime_v, prime_prime_v, …: whatever is made of a name and this affix is also made of the next name."""
    return tuple(before * n + "v" + after * n for n in range(7))


PREFIXES = ("prime_", "second_", "ddelta_", "dW_", "g_", "tanh_", "_")
SUFFIXES = ("_", "_squared", "_sum", "_column", "_delta", "_delta_prime", "_g", "_term_1", "_arg", "_unbiased", "_part")
PYTHON = ("N", "J", "np", "params", "lam", "energy", "x")


COLLIDING = [*(chain(prefix, "") for prefix in PREFIXES), *(chain("", suffix) for suffix in SUFFIXES)]


@pytest.mark.parametrize("names", [*COLLIDING, PYTHON], ids=lambda names: names[1])
def test_names_that_collide_in_generated_code_change_nothing(names: Names) -> None:
    compare(rich(names), seed=1)


def test_a_layer_called_column() -> None:
    x = sm.input(3)
    h = sm.softplus(sm.linear(x, 4), name="a_column")
    compare(Network(energy=[sm.linear(sm.linear(x, 4, name="a"), 2), sm.tanh(sm.linear(h, 2))]), seed=1)


def test_names_that_smgen_would_choose_may_be_taken() -> None:
    h = sm.linear(sm.input(3), 4, name="x")
    network = Network(energy=[sm.linear(h, 2, name="linear_1"), sm.linear(h, 2), sm.tanh(h)])
    assert [v.name for v in network.vertices] == ["input_1", "x", "linear_1", "linear_2", "tanh_1"]
    compare(network, seed=1)


def test_whole_numbers_of_other_types_are_units() -> None:
    assert type(sm.input(sympy.Integer(3)).units) is int
