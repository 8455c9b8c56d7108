from __future__ import annotations

import subprocess
import sys
import zipfile
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pathlib import Path


def test_the_wheel_carries_everything_but_the_sample_site(root: Path, tmp_path: Path) -> None:
    command = [
        sys.executable,
        "-m",
        "build",
        "--wheel",
        "--no-isolation",
        "--outdir",
        str(tmp_path),
    ]
    subprocess.run(command, cwd=root, check=True, capture_output=True)
    [wheel] = tmp_path.glob("*.whl")

    carried = {name for name in zipfile.ZipFile(wheel).namelist() if ".dist-info/" not in name}

    wanted = {
        str(path.relative_to(root))
        for path in (root / "offload").rglob("*")
        if path.is_file() and path.suffix != ".pyc"
    }
    assert "offload/py.typed" in carried
    assert "offload/migrations/0001_initial.py" in carried
    assert carried == wanted
