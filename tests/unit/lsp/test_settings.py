"""Settings as editors send them: right, wrong and in either spelling."""

from dataclasses import fields, is_dataclass

import pytest

from tenny_lsp.lsp.settings import HoverSettings, ModelSettings, Settings, own_section, read_settings


@pytest.mark.parametrize(
    ("values", "settings"),
    [
        (None, Settings()),
        ({}, Settings()),
        ([], Settings()),
        ({"hover": [], "pitfalls": {"select": {}}}, Settings()),
        ({"hover": None, "python": None}, Settings()),
        ({"tenny": {"python": "p"}}, Settings(python="p")),
        ({"python": "/usr/bin/python3"}, Settings(python="/usr/bin/python3")),
        ({"hover": {"deadlineMs": 20}}, Settings(hover=HoverSettings(deadline_ms=20))),
        ({"hover": {"deadline_ms": 0}}, Settings(hover=HoverSettings(deadline_ms=0))),
        (
            {"model": {"enabled": False, "adapterPath": "a", "idle_unload_s": 5}},
            Settings(model=ModelSettings(enabled=False, adapter_path="a", idle_unload_s=5)),
        ),
    ],
)
def test_right_settings_are_taken_without_a_word(values: object, settings: Settings) -> None:
    assert read_settings(values) == (settings, [])


@pytest.mark.parametrize(
    ("values", "problem"),
    [
        ([1], "tenny must be an object, not [1]; its defaults are used"),
        ("x", "tenny must be an object, not 'x'; its defaults are used"),
        (True, "tenny must be an object, not True; its defaults are used"),
        ({"hover": 3}, "tenny.hover must be an object, not 3; its defaults are used"),
        ({"python": 3}, "tenny.python must be str, not 3; '' is used"),
        ({"python": ["a"]}, "tenny.python must be str, not ['a']; '' is used"),
        ({"hover": {"deadlineMs": "soon"}}, "tenny.hover.deadlineMs must be int, not 'soon'; 150 is used"),
        ({"hover": {"deadline_ms": True}}, "tenny.hover.deadlineMs must be int, not True; 150 is used"),
        ({"hover": {"deadlineMs": -1}}, "tenny.hover.deadlineMs must be int, not -1; 150 is used"),
        ({"hover": {"deadlineMs": 10**20}}, f"tenny.hover.deadlineMs must be int, not {10**20}; 150 is used"),
        ({"model": {"path": "a\0"}}, "tenny.model.path cannot be a path: 'a\\x00'; '' is used"),
        ({"model": {"adapterPath": "a" * 256}}, f"tenny.model.adapterPath cannot be a path: {'a' * 40!r}; '' is used"),
        ({"hover": {"deadlineMs": 1.5}}, "tenny.hover.deadlineMs must be int, not 1.5; 150 is used"),
        ({"model": {"enabled": 1}}, "tenny.model.enabled must be bool, not 1; True is used"),
        ({"model": {"enabled": {}}}, "tenny.model.enabled must be bool, not {}; True is used"),
        ({"colour": "red"}, "tenny.colour is not a setting"),
        ({"model": {"size": {"deep": 1}}}, "tenny.model.size is not a setting"),
    ],
)
def test_a_wrong_setting_is_reported_and_its_default_kept(values: object, problem: str) -> None:
    assert read_settings(values) == (Settings(), [problem])


def test_one_wrong_setting_spoils_no_other() -> None:
    settings, problems = read_settings({"hover": 3, "model": {"path": "base", "idleUnloadS": "long"}, "x": 1})

    assert settings == Settings(model=ModelSettings(path="base"))
    assert len(problems) == 3


@pytest.mark.parametrize(
    ("values", "section"),
    [
        (None, None),
        ({}, None),
        ([], None),
        ({"pylsp": {"plugins": {}}}, None),
        ({"tenny": {"python": "p"}, "pylsp": {}}, {"python": "p"}),
        ({"tenny": None}, None),
        ({"python": "p"}, {"python": "p"}),
        ([1], [1]),
    ],
)
def test_the_section_that_is_tennys(values: object, section: object) -> None:
    assert own_section(values) == section


def test_every_setting_has_a_default_and_is_documented() -> None:
    def check(settings: object) -> None:
        assert is_dataclass(settings)
        for field in fields(settings):
            assert f"{field.name} (" in (settings.__doc__ or "")
            if is_dataclass(value := getattr(settings, field.name)):
                check(value)

    check(Settings())
