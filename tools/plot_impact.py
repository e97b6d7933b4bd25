"""Take a picture of the upper part of the page of ``impact``, for the docs.

    python tools/plot_impact.py

It needs a headless Chromium (``chromium`` on the path) and Pillow.
"""

from __future__ import annotations

import subprocess
import tempfile
from pathlib import Path

from PIL import Image

import paramscale as ps

IMAGES = Path(__file__).parents[1] / "docs" / "images"
WIDTH, HEIGHT = 1180, 1300
COLOURS = 256


def take(html: str, to: Path, width: int = WIDTH, height: int = HEIGHT) -> None:
    """Write a picture of a page, with few colours so that it stays small."""
    with tempfile.TemporaryDirectory() as folder:
        page, shot = Path(folder) / "page.html", Path(folder) / "shot.png"
        page.write_text(html, encoding="utf-8")
        subprocess.run(
            ["chromium", "--headless", "--no-sandbox", "--hide-scrollbars",
             f"--screenshot={shot}", f"--window-size={width},{height}", page.as_uri()],
            check=True, capture_output=True,
        )  # fmt: skip
        Image.open(shot).convert("RGB").quantize(COLOURS).save(to, optimize=True)


if __name__ == "__main__":
    take(ps.impact(hardware="h100-sxm").to_html(), IMAGES / "impact_page.png")
