"""Photographs: a folder of images, a network learned from their noisy patches, and a picture denoised with it.

    pip install '.[demo,files]' && python examples/photographs.py [--quick]

The photographs are scikit-image's own; the one that is denoised was not learned from.
"""

from __future__ import annotations

import argparse
import tempfile
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import sympy
from PIL import Image
from rich.console import Console

import smgen as sm
from smgen.demo.images import TRAINING, photograph
from smgen.network import Network

Array = npt.NDArray[Any]


def psnr(clean: Array, image: Array) -> float:
    """Peak signal-to-noise ratio in dB; the peak is 1."""
    return float(-10 * np.log10(((clean - image) ** 2).mean()))


def main() -> None:
    """Learn, and restore."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--quick", action="store_true", help="few patches and steps, to see that it runs")
    quick = parser.parse_args().quick
    size = 8

    # A filter's response is judged by a bump: a small one is taken for noise and removed, a large one is an edge.
    h = sm.linear(sm.input(size**2), 256, bias=False, name="filters")
    network = Network(energy=sm.scale(sm.pointwise(h, lambda g: -sympy.exp(-(g**2) / 2), name="bumps")))

    with tempfile.TemporaryDirectory() as folder:
        for name in TRAINING:
            Image.fromarray(np.uint8(255 * photograph(name))).save(Path(folder) / f"{name}.png")
        options: dict[str, Any] = {"patch": size, "count": 20_000 if quick else 300_000, "without_mean": True}
        options |= {"objective": "denoising", "whiten": "scale", "levels": 1 / 255}
        model = sm.fit(network, folder, sigma=0.6, steps=100 if quick else 6000, console=Console(), **options)

    scale = model.transform.scale
    assert scale is not None
    sigma = 0.6 / float(scale[0])  # the noise that it was trained for, in grey levels
    clean = photograph("camera")[100:164, 180:244] if quick else photograph("camera")[30:286, 110:366]
    noisy = clean + sigma * np.random.default_rng(0).standard_normal(clean.shape)
    print(f"noise of {255 * sigma:.0f} grey levels: PSNR {psnr(clean, noisy):.2f} dB")
    print(f"denoised: {psnr(clean, sm.denoise(model, noisy, sigma)):.2f} dB")


if __name__ == "__main__":
    main()
