"""What the demonstration needs beyond smgen itself, asked for before anything is computed."""

from __future__ import annotations

from importlib.util import find_spec
from typing import Final

from smgen.errors import SmgenError

# Import name → name on the package index. skimage's wavelet denoiser looks for pywt only when it is called.
PACKAGES: Final = {
    "matplotlib": "matplotlib",
    "pywt": "PyWavelets",
    "safetensors": "safetensors",
    "scipy": "scipy",
    "skimage": "scikit-image",
    "threadpoolctl": "threadpoolctl",
}


class DemoUnavailable(SmgenError):
    """A package that the demonstration needs is not installed."""


def require(packages: dict[str, str] | None = None) -> None:
    """Raise `DemoUnavailable`, naming all of `packages` that are missing, unless there are none."""
    wanted = PACKAGES if packages is None else packages
    missing = [name for module, name in wanted.items() if find_spec(module) is None]
    if missing:
        raise DemoUnavailable(
            what=f"the demonstration needs {', '.join(missing)}, which this Python does not have",
            hint="pip install 'smgen[demo]'",
        )
