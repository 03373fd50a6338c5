"""Write what is generated in README.md and docs/: `make docs`, or `.venv/bin/python site/docs.py`.

The tables between markers are made anew by `pages.generated`, the picture by `picture`. A test
compares all of them with what this would write.
"""

import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(ROOT))

import picture  # noqa: E402
from pages.generated import renewed  # noqa: E402

PICTURE = ROOT / "docs/masks.svg"


def main() -> int:
    """Write what has changed; returns the exit status."""
    texts = [ROOT / "README.md", *sorted((ROOT / "docs").glob("*.md"))]
    made = {path: renewed(path.read_text(encoding="utf-8"), ROOT) for path in texts}
    for path, text in (made | {PICTURE: picture.picture()}).items():
        if not path.exists() or path.read_text(encoding="utf-8") != text:
            path.write_text(text, encoding="utf-8")
            print(f"{path.relative_to(ROOT)}: written")
    return 0


if __name__ == "__main__":
    sys.exit(main())
