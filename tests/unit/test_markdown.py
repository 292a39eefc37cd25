import pytest

from tenny_lsp.mlx_api.markdown import inline, markdown, sentences
from tenny_lsp.mlx_api.maths import readable


@pytest.mark.parametrize(
    ("rst", "expected"),
    [
        (":func:`reshape`", "`reshape`"),
        (":class:`~mlx.nn.Module`", "`Module`"),
        (":func:`the other <mlx.nn.relu>`", "`the other`"),
        (":ref:`float32 <data_types>`", "float32"),
        ("4\\ :sup:`*` bits", "4<sup>*</sup> bits"),
        ("``x[idx] += y``", "`x[idx] += y`"),
        (":math:`\\lambda`", "λ"),
        (":math:`x^{2}`", "x²"),
        (":math:`x + 1`", "`x + 1`"),
        ("`paper <https://arxiv.org/abs/1>`_", "[paper](https://arxiv.org/abs/1)"),
        ("with $x \\sim 1$", "with `x ~ 1`"),
        ("costs $5 or $6", "costs $5 or $6"),
        ("a_b __init__ `x`", "a_b __init__ `x`"),
    ],
)
def test_inline(rst: str, expected: str) -> None:
    assert inline(rst) == expected


def test_wrapped_lines_become_one_paragraph() -> None:
    assert markdown("One\ntwo.\n\nThree.") == "One two.\n\nThree."


def test_lists_keep_their_items_and_join_their_lines() -> None:
    assert markdown("where:\n\n* ``N`` is\n  long\n* M") == "where:\n\n- `N` is long\n- M"


def test_maths_block_is_readable() -> None:
    assert markdown(".. math::\n\n    y = \\frac{a}{b} \\\\\n    z") == "```text\ny = a / b\nz\n```"


def test_code_block_keeps_its_indentation() -> None:
    block = markdown("Example:\n\n.. code-block:: python\n\n  def f():\n      pass\n\nAfter.")

    assert block == "Example:\n\n```python\ndef f():\n    pass\n```\n\nAfter."


def test_literal_block_and_doctest() -> None:
    assert markdown("So::\n\n    x = 1\n") == "So:\n\n```python\nx = 1\n```"
    assert markdown(">>> 1 + 1\n2") == "```python\n>>> 1 + 1\n2\n```"


def test_note_and_unknown_directive_keep_their_text() -> None:
    assert markdown(".. note::\n   Be careful.") == "**Note:** Be careful."
    assert markdown(".. rubric:: X\n\n   text") == "text"


def test_tables() -> None:
    listed = ".. list-table::\n   :header-rows: 1\n\n   * - a\n     - b\n   * - ``1``\n     - 2"
    drawn = ".. table::\n\n   ====  =====\n   mode  bits\n   ====  =====\n   mx    8\n   ====  ====="

    assert markdown(listed) == "| a | b |\n| --- | --- |\n| `1` | 2 |"
    assert markdown(drawn) == "| mode | bits |\n| --- | --- |\n| mx | 8 |"


def test_sentences_leave_out_what_is_not_prose() -> None:
    rst = "Applies :func:`relu`.\n\n.. math::\n  x\n\nSee `here <https://x.y>`_ or ``z``."

    assert sentences(rst) == "Applies relu. See here or z."


def test_a_table_without_a_directive_is_one_too() -> None:
    """As in ``mlx.core.linalg.norm``."""
    drawn = (
        "Norms:\n\n=====  ==========  ====\nord    matrices    else\n=====  ==========  ====\n2      abs(x)**2   --\n"
    )
    drawn += "=====  ==========  ====\n\nMore."
    table = "| ord | matrices | else |\n| --- | --- | --- |\n| 2 | `abs(x)**2` | -- |"
    assert markdown(drawn) == f"Norms:\n\n{table}\n\nMore."
    assert sentences(drawn) == "Norms: More."


@pytest.mark.parametrize(
    ("latex", "expected"),
    [
        (r"\frac{1}{\sqrt{d}}", "1 / √d"),
        (r"\gamma \sqrt{\frac{6}{n}}", "γ √(6 / n)"),
        (r"x \frac{a}{b} y", "x (a / b) y"),
        (r"W_{xi}x_t + b_{i}", "W_xi x_t + b_i"),
        (r"\text{max}(0, x)", "max(0, x)"),
        (r"\begin{aligned} a &= b \\ c &= d \end{aligned}", "a = b\nc = d"),
        (r"\left\{ x \right\}", "{ x }"),
        (r"\hat{w_i}", "ŵ_i"),
        (r"\lVert x \rVert^2", "‖ x ‖²"),
    ],
)
def test_readable_maths(latex: str, expected: str) -> None:
    assert readable(latex) == expected
