"""What of a model's answer is shown, and what never is."""

import pytest

from tenny_lsp.features.grounding import grounded_prose
from tenny_lsp.mlx_api.index import ApiIndex

SHOWN = {
    "the form it is taught": ("mlx.nn.ReLU Applies the unit.", "Applies the unit."),
    "two sentences of three": ("mlx.nn.ReLU One. Two! Three.", "One. Two!"),
    "an unfinished second sentence": ("One. Two that was cut", "One."),
    "no name": ("Applies the unit.", "Applies the unit."),
    "short name": ("nn.ReLU applies the unit.", "applies the unit."),
    "alias of the entry": ("mlx.nn.layers.activations.ReLU: the unit.", "the unit."),
    "name as a sentence": ("mlx.nn.ReLU. Applies the unit.", "Applies the unit."),
    "name as code": ("`mlx.nn.ReLU` – applies the unit.", "– applies the unit."),
    "name in bold": ("**nn.ReLU**: the unit.", "the unit."),
    "other names that exist": ("Takes a `mx.array`, like nn.gelu, and gives mx.array.", None),
    "package at the end of a sentence": ("Comes with mlx. It is fast.", None),
    "numbers": ("From 0.0 to 1.0 in v2.5. Then 3.", None),
    "abbreviations": ("For nets, e.g. deep ones, i.e. all. Fast.", None),
    "comparison": ("Is x if x > 0 and 0 if x < 0.", None),
    "another library's own name": ("The unit. PyTorch calls it torch.nn.ReLU.", None),
    "white space": ("mlx.nn.ReLU  Applies\n\nthe   unit.\n", "Applies the unit."),
}

DROPPED = {
    "nothing": "",
    "white space": " \n ",
    "only the name": "mlx.nn.ReLU",
    "only the name and a mark": "mlx.nn.ReLU!",
    "no whole sentence": "mlx.nn.ReLU Applies the unit to the",
    "another entry": "mlx.nn.Tanh Applies the unit.",
    "another entry as code": "`mlx.nn.Tanh` applies the unit.",
    "another entry in bold": "**nn.Tanh** applies the unit.",
    "its module": "mlx.nn The unit.",
    "invented function": "Applies mx.rectify to it.",
    "invented method": "Calls mx.array.rectify on it.",
    "invented module": "Lives in mlx.activations for now.",
    "invented member of a class": "Set nn.Linear.rectify first.",
    "invented after whole sentences": "One. Two. Three with optim.Rectify.",
    "link": "See [the book](book).",
    "address": "See https://mlx.example for more.",
    "image": "Look: ![x](y).",
    "HTML": "Is <b>bold</b>.",
    "comment": "Is <!-- hidden --> bold.",
    "another library's name": "The unit. NumPy calls it torch.nn.ReLU.",
    "names said again": "The unit. PyTorch calls it torch.nn.ReLU, torch.nn.ReLU.",
}


@pytest.mark.parametrize(("answer", "prose"), SHOWN.values(), ids=list(SHOWN))
def test_grounded(answer: str, prose: str | None, mlx_index: ApiIndex) -> None:
    entry = mlx_index.resolve("mlx.nn.ReLU")
    assert entry is not None

    assert grounded_prose(answer, entry, mlx_index) == (prose or answer)


@pytest.mark.parametrize("answer", DROPPED.values(), ids=list(DROPPED))
def test_not_grounded(answer: str, mlx_index: ApiIndex) -> None:
    entry = mlx_index.resolve("mlx.nn.ReLU")
    assert entry is not None

    assert grounded_prose(answer, entry, mlx_index) is None


def test_the_name_of_an_inherited_member_is_its_owners(mlx_index: ApiIndex) -> None:
    entry = mlx_index.resolve("mlx.nn.Linear.parameters")
    assert entry is not None

    for name in ("nn.Linear.parameters", "mlx.nn.Module.parameters"):
        assert grounded_prose(f"{name} Returns them.", entry, mlx_index) == "Returns them."


@pytest.mark.parametrize(
    ("answer", "is_shown"),
    [
        ("mlx.nn.ReLU Applies the Rectified Linear Unit.", True),
        ("Use nn.ReLU: Applies the Rectified Linear Unit.", True),
        ("mlx.nn.ReLU Applies the Linear Unit.", False),
        ("mlx.nn.ReLU Keeps what is positive.", False),
        ("mlx.nn.ReLU Applies 2 units.", False),
    ],
)
def test_a_tiny_models_words_must_stand_in_the_documentation(answer: str, is_shown: bool, mlx_index: ApiIndex) -> None:
    entry = mlx_index.resolve("mlx.nn.ReLU")
    assert entry is not None

    assert (grounded_prose(answer, entry, mlx_index, may_paraphrase=False) is not None) == is_shown
    assert grounded_prose(answer, entry, mlx_index) is not None


@pytest.mark.parametrize(
    ("name", "answer"),
    [
        ("mlx.core.min", "mlx.core.min A max reduction over the given axes."),
        ("mlx.core.logical_and", "mlx.core.logical_and Element-wise logical or."),
        ("mlx.core.argsort", "mlx.core.argsort returns array: The sorted array."),
        ("mlx.core.save_gguf", "mlx.core.save_gguf Save array(s) to a binary file in .npz format."),
    ],
)
def test_what_a_tiny_model_made_of_true_words_is_not_shown(name: str, answer: str, mlx_index: ApiIndex) -> None:
    entry = mlx_index.resolve(name)
    assert entry is not None

    assert grounded_prose(answer, entry, mlx_index, may_paraphrase=False) is None


def test_names_of_two_libraries(mlx_index: ApiIndex) -> None:
    entry = mlx_index.resolve("mlx.core.radians")
    assert entry is not None
    answer = "Convert angles from degrees to radians. PyTorch calls it torch.deg2rad, NumPy calls it np.deg2rad."

    assert grounded_prose(answer, entry, mlx_index) == answer
    assert grounded_prose(answer.replace("np.", "torch."), entry, mlx_index) is None
