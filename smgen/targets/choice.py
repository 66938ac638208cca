"""What `--functions` chooses: names, as users give them, and the functions that users of a module call."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Final

from smgen.errors import BuildError, did_you_mean
from smgen.ir import USUAL, PublicFunction, public_functions, public_losses, usual_functions
from smgen.objectives import OBJECTIVES, Objective
from smgen.objectives.generalised import FAMILY, generalised

EVERY: Final = "all"
"""What chooses every function."""

USUAL_ONES: Final = "usual"
"""What chooses those that a module has if none are chosen."""


def chosen_functions(
    choice: str | Iterable[str], objectives: tuple[Objective, ...] = USUAL
) -> tuple[PublicFunction, ...]:
    """The functions of these names, in the order of a module. Raises `BuildError` for a name that no function has.

    Each text is a name, or several with commas between them. `all` and `usual` stand for several names.
    """
    known = {function.name: function for function in public_functions(objectives)}
    texts = (choice,) if isinstance(choice, str) else choice
    words = {word.strip() for text in texts for word in f"{text}".split(",")} - {""}
    hint = f"one or several of {', '.join(known)}, {USUAL_ONES} or {EVERY}"
    for word in sorted(words - known.keys() - {EVERY, USUAL_ONES}):
        others = (*OBJECTIVES.values(), generalised(f"{FAMILY}:x"))
        other = next((o for o in others if word in {f.name for f in public_losses(o).all}), None)
        if other is not None:
            given = ",".join((*(o.name for o in objectives), other.name if other.name in OBJECTIVES else f"{FAMILY}:H"))
            raise BuildError(
                what=f"--functions {word}: this function is of another objective", hint=f"add --objective {given}"
            )
        raise BuildError(what=f"--functions {word}: no such function{did_you_mean(word, known)}", hint=hint)
    if not words:
        raise BuildError(what="--functions: none is named", hint=hint)
    if USUAL_ONES in words:
        words |= {function.name for function in usual_functions(objectives)}
    return tuple(function for name, function in known.items() if name in words or EVERY in words)


def listed(public: Iterable[PublicFunction]) -> str:
    """Functions as `--functions` takes them."""
    return ",".join(function.name for function in public)
