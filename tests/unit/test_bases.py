"""Bases by name: where each is found, what its card says, and how an adapter on it is prompted."""

import json
from pathlib import Path
from typing import Any

import pytest

from tenny_lsp import locations, wiring
from tenny_lsp.errors import AdapterError, BaseModelError
from tenny_lsp.lsp.settings import ModelSettings
from tenny_lsp.model.bases import BaseCard, read_base_card
from tenny_lsp.model.prompt_format import chat_text, prompt_format
from tenny_lsp.model.protocol import ALL_ABILITIES, EMBEDDED_ABILITIES, Abilities

CARD = BaseCard("smollm2", "a wheel", "apache-2.0", "12ab", Abilities(write=False, judge=True, chat=True))


@pytest.fixture(autouse=True)
def data(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setattr(locations, "user_data_path", lambda *_, **__: tmp_path / "data")
    monkeypatch.setattr(locations, "_PACKAGE", tmp_path / "package")
    monkeypatch.chdir(tmp_path)
    return tmp_path / "data"


def fetched(name: str, card: BaseCard | None = CARD) -> Path:
    folder = locations.fetched_folder(name)
    folder.mkdir(parents=True)
    (folder / "config.json").write_text("{}")
    if card is not None:
        (folder / "card.json").write_text(json.dumps(card.values()))
    return folder


def adapter_for(base: str, folder: Path, **card: Any) -> Path:
    folder.mkdir(parents=True)
    (folder / "adapters.safetensors").touch()
    (folder / "card.json").write_text(json.dumps({"base": {"name": base}, **card}))
    return folder


@pytest.mark.parametrize("name", ["", "embedded"])
def test_the_embedded_base_has_two_names(name: str) -> None:
    assert locations.base_folder(name) == locations.embedded_base()


def test_a_base_that_was_not_fetched_is_named_with_the_command() -> None:
    with pytest.raises(BaseModelError) as caught:
        locations.base_folder("smollm2")
    assert "tenny-lsp fetch smollm2" in caught.value.next_step
    assert locations.speaking_base() == "embedded"


@pytest.mark.parametrize("name", ["smollm2", "qwen", "owner/name"])
def test_what_was_fetched_is_found_by_its_name(name: str) -> None:
    folder = fetched(name)

    assert locations.base_folder(name) == folder
    assert locations.fetched_bases() == {name: folder}


def test_smollm2_speaks_once_it_is_there() -> None:
    fetched("smollm2")
    assert locations.speaking_base() == "smollm2"


def test_a_folder_goes_before_a_hub_name_that_was_fetched(tmp_path: Path) -> None:
    fetched("models/phi")
    (tmp_path / "models" / "phi").mkdir(parents=True)

    assert locations.base_folder("models/phi") == Path("models/phi")


@pytest.mark.parametrize("name", ["..", ".", "a/b/c", "/etc", "~", "-x", "a b"])
def test_no_such_name_is_looked_for_among_the_fetched(name: str) -> None:
    assert not locations.is_base_name(name)
    assert locations.fetched_base(name) is None


def test_a_name_that_is_no_base_says_where_the_names_are() -> None:
    with pytest.raises(BaseModelError, match="smollm3 is neither a base on this machine nor a folder"):
        locations.base_folder("smollm3")


def test_tenny_carries_adapters_for_both_bases(tmp_path: Path) -> None:
    small = adapter_for("embedded", tmp_path / "package" / "adapters" / "cynic")
    large = adapter_for("smollm2", tmp_path / "package" / "adapters" / "smollm2" / "cynic")

    assert locations.find_adapter("embedded", "cynic") == locations.find_adapter("", "cynic") == small
    assert locations.find_adapter("smollm2", "cynic") == large
    assert locations.find_adapter("owner/name", "cynic") is None
    own = adapter_for("smollm2", locations.trained_adapter("smollm2", "cynic"))
    assert locations.find_adapter("smollm2", "cynic") == own


def test_a_card_says_what_a_base_can() -> None:
    folder = fetched("smollm2")

    assert read_base_card(folder) == CARD
    assert wiring.abilities("smollm2") == CARD.can
    assert wiring.abilities("") == wiring.abilities("embedded") == EMBEDDED_ABILITIES
    assert wiring.abilities(str(fetched("qwen", None))) == ALL_ABILITIES


def test_an_ability_of_a_later_version_is_ignored() -> None:
    folder = fetched("smollm2")
    values = CARD.values()
    values["can"]["fly"] = True
    (folder / "card.json").write_text(json.dumps(values))

    assert read_base_card(folder) == CARD


@pytest.mark.parametrize("text", ["", "[]", '{"name": "x"}', json.dumps(CARD.values() | {"can": 5})])
def test_a_broken_card_is_an_error_that_names_it(text: str) -> None:
    folder = fetched("smollm2")
    (folder / "card.json").write_text(text)

    with pytest.raises(BaseModelError, match=r"card\.json"):
        read_base_card(folder)


def test_how_an_adapter_is_prompted_stands_in_its_card(tmp_path: Path) -> None:
    chat = adapter_for("smollm2", tmp_path / "chat", prompt_format="chat")
    old = adapter_for("embedded", tmp_path / "old")
    strange = adapter_for("smollm2", tmp_path / "strange", prompt_format="opera")

    assert prompt_format(chat, ALL_ABILITIES) == "chat"
    assert prompt_format(old, CARD.can) == "raw"
    assert prompt_format(None, CARD.can) == "chat" and prompt_format(None, EMBEDDED_ABILITIES) == "raw"
    with pytest.raises(AdapterError, match="does not know: 'opera'"):
        prompt_format(strange, ALL_ABILITIES)


def test_a_special_token_in_a_question_is_text() -> None:
    class Tokenizer:
        def apply_chat_template(self, conversation: Any, *, tokenize: bool, **options: Any) -> str:
            return f"<|im_start|>{conversation[0]['content']}<|im_end|>"

    said = chat_text(Tokenizer(), "what is <|im_end|> or </s> in a < b?")
    assert said == "<|im_start|>what is < |im_end| > or < /s > in a < b?<|im_end|>"


class TestModels:
    """Which models the settings of an editor make."""

    @staticmethod
    def bases(**settings: Any) -> list[str | None]:
        made = [make(ModelSettings(**settings)) for make in (wiring._model_of, wiring._writer_of)]
        return [model and str(model.base.name) for model in made]  # type: ignore[attr-defined]

    @pytest.fixture(autouse=True)
    def models(self, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
        class Made:
            def __init__(self, model: str, adapter: Path | None, **_: Any) -> None:
                self.base, self.adapter = locations.base_folder(model), adapter

        monkeypatch.setattr(wiring, "worker_model", Made)

    def test_the_embedded_base_is_alone_until_another_is_fetched(self) -> None:
        assert self.bases() == ["base", None]
        fetched("smollm2")
        assert self.bases() == self.bases(path="smollm2") == ["base", "smollm2"]

    def test_the_settings_may_say_otherwise(self, tmp_path: Path) -> None:
        fetched("smollm2")
        (tmp_path / "large").mkdir()
        assert self.bases(path="embedded") == ["base", None]
        assert self.bases(path=str(tmp_path / "large")) == ["large", None]
        assert self.bases(enabled=False) == [None, None]

    def test_one_that_is_asked_for_and_not_there_is_an_error(self) -> None:
        with pytest.raises(BaseModelError, match="smollm2"):
            self.bases(path="smollm2")

    @pytest.mark.parametrize(("base", "place"), [("embedded", 0), ("smollm2", 1)])
    def test_an_adapter_goes_to_the_base_it_was_made_for(self, base: str, place: int, tmp_path: Path) -> None:
        fetched("smollm2")
        adapter = adapter_for(base, tmp_path / "own")
        settings = ModelSettings(adapter_path=str(adapter))
        made: list[Any] = [wiring._model_of(settings), wiring._writer_of(settings)]

        assert [model.adapter for model in made] == [adapter if turn == place else None for turn in (0, 1)]
