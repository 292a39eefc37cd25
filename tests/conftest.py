"""What every test may use."""

from collections.abc import Iterator

import pytest

from tenny_lsp.mlx_api.environment import find_installed
from tenny_lsp.mlx_api.index import ApiIndex, extract


@pytest.fixture(autouse=True, scope="session")
def no_model_of_the_users(tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    """Hides the bases and adapters of whoever runs the tests, also from the processes that tests start."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("XDG_DATA_HOME", str(tmp_path_factory.mktemp("data")))
        yield


@pytest.fixture(scope="session")
def mlx_index() -> ApiIndex:
    """The index of the installed MLX, read afresh."""
    return extract(find_installed("mlx"))
