import pytest

from tenny_lsp.model import wire

MESSAGES = [
    wire.Generate(1, "Was heißt 🦀?\n", 9, "/adapters/cynic", ("\nQ:",), 0.5, 3),
    wire.Generate(2, "", 1),
    wire.Sample(4, "#context", 8, 48, "/adapters/cynic", ("\n",), 0.8, 0.9, 2),
    wire.SampleResult(4, "So was the moon landing.", -1.5, True),
    wire.Score(3, "x = mx.", ("ones", "zeros"), "/adapters/mlx-docs"),
    wire.ScoreResult(3, (-0.5, -2.0)),
    wire.Cancel(1),
    wire.Hello(1),
    wire.Ready(),
    wire.Token(1, "\u2028 \x00 é"),
    wire.Done(1, "stop"),
    wire.Failure("base", "no file", "find it"),
]


@pytest.mark.parametrize("message", MESSAGES, ids=lambda message: type(message).__name__)
def test_a_message_is_one_line_of_ascii_and_comes_back_the_same(message: wire.Message) -> None:
    line = wire.encode(message)
    assert line.isascii()
    assert line.count(b"\n") == 1
    assert line.endswith(b"\n")
    assert wire.decode(line) == message


@pytest.mark.parametrize(
    "line",
    [
        *(b"", b"{", b"[]", b"3", b"{}", b"\xff", b"[" * 9999),
        *(b'{"type":"song"}', b'{"type":[]}', b'{"type":"token"}'),
        *(b'{"type":"ready","more":1}', b'{"type":"generate","stop":1}'),
    ],
)
def test_other_lines_are_refused(line: bytes) -> None:
    with pytest.raises(wire.WireError):
        wire.decode(line)
