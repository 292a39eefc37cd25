"""Each recipe's code on the installed MLX: it runs as it stands, and what it asserts is true."""

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from tenny_lsp.mlx_api.recipes import Recipe, load_recipes

#: MLX compiles with g++ on this kind of machine; where there is none, compiled functions run as they are written.
COMPILING = {} if shutil.which("g++") else {"MLX_DISABLE_COMPILE": "1"}


@pytest.mark.parametrize("recipe", load_recipes(), ids=lambda recipe: recipe.name)
def test_a_recipe_runs(recipe: Recipe, tmp_path: Path) -> None:
    command, environment = [sys.executable, "-c", recipe.code], {**os.environ, **COMPILING}
    ran = subprocess.run(command, cwd=tmp_path, env=environment, capture_output=True, text=True, timeout=120)

    assert ran.returncode == 0, ran.stderr
    assert "assert " in recipe.code
