"""What `--functions` chooses: names, as users give them, and the functions that users of a module call."""

from __future__ import annotations

from collections.abc import Iterable

from smgen.errors import BuildError, did_you_mean
from smgen.ir import PublicFunction, public_functions


def chosen_functions(choice: str | Iterable[str]) -> tuple[PublicFunction, ...]:
    """The functions of these names, in the order of a module. Raises `BuildError` for a name that no function has.

    Each text is a name, or several with commas between them.
    """
    known = {function.name: function for function in public_functions()}
    texts = (choice,) if isinstance(choice, str) else choice
    words = {word.strip() for text in texts for word in f"{text}".split(",")} - {""}
    hint = f"one or several of {', '.join(known)}"
    for word in sorted(words - known.keys()):
        raise BuildError(what=f"--functions {word}: no such function{did_you_mean(word, known)}", hint=hint)
    if not words:
        raise BuildError(what="--functions: none is named", hint=hint)
    return tuple(function for name, function in known.items() if name in words)


def listed(public: Iterable[PublicFunction]) -> str:
    """Functions as `--functions` takes them."""
    return ",".join(function.name for function in public)
