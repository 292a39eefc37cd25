r"""Convert the LaTeX of docstrings to plain text: ``\frac{1}{\sqrt{d}}`` becomes ``1 / √d``."""

import re
from unicodedata import normalize

_GREEK_NAMES = (
    "alpha beta gamma delta epsilon varepsilon zeta eta theta lambda mu nu rho sigma tau phi varphi chi psi "
    "omega pi xi Gamma Delta Theta Lambda Phi Psi Omega Sigma Pi"
)
_GREEK = dict(zip(_GREEK_NAMES.split(), "αβγδεεζηθλμνρστφφχψωπξΓΔΘΛΦΨΩΣΠ", strict=True))
_SYMBOLS = {
    **_GREEK,
    "cdot": "·", "times": "×", "odot": "⊙", "top": "T", "infty": "∞", "sum": "∑", "prod": "∏", "int": "∫",
    "le": "≤", "leq": "≤", "ge": "≥", "geq": "≥", "neq": "≠", "sim": "~", "approx": "≈", "in": "∈", "pm": "±",
    "rceil": "⌉", "lceil": "⌈", "rfloor": "⌋", "lfloor": "⌊", "ldots": "…", "dots": "…", "cdots": "…",
    "rightarrow": "→", "to": "→", "leftarrow": "←", "mid": "|", "lVert": "‖", "rVert": "‖", "partial": "∂",
    "quad": "  ", "qquad": "    ", "left": "", "right": "", "big": "", "Big": "", "displaystyle": "",
}  # fmt: skip
_TEXT = re.compile(r"\\(?:text|textrm|textbf|mathrm|mathbf|mathcal|mathbb|operatorname|mathit)\s*\{([^{}]*)\}")
_HAT = re.compile(r"\\(hat|bar|tilde)\s*\{?(\\?\w+)\}?")
_FRACTION = re.compile(r"\\[dt]?frac\s*\{([^{}]*)\}\s*\{([^{}]*)\}")
_ROOT = re.compile(r"\\sqrt\s*\{([^{}]*)\}")
_SCRIPT = re.compile(r"([_^])\{([^{}]*)\}(?P<tight>(?=\w))?")
_ACCENTS = {"hat": "\u0302", "bar": "\u0304", "tilde": "\u0303"}
_SUPERSCRIPT = {"^2": "²", "^3": "³"}


def readable(latex: str) -> str:
    """Return LaTeX as plain text, one line for each line of the formula."""
    text = re.sub(r"\\(begin|end)\{\w+\*?\}(\{\w+\})?", "", latex)
    lines = re.split(r"\\\\(?:\[[^\]]*\])?", text)
    return "\n".join(line for line in map(_readable_line, lines) if line)


def _readable_line(line: str) -> str:
    text = re.sub(r"\\[,; ]", " ", line.replace("\\!", ""))
    text = _HAT.sub(lambda m: _accented(_word(m[2]), _ACCENTS[m[1]]), text)
    previous = None
    while previous != text:
        previous = text
        text = _TEXT.sub(r"\1", text)
        text = _SCRIPT.sub(lambda m: m[1] + _grouped(m[2]) + (" " if m["tight"] is not None else ""), text)
        text = _ROOT.sub(lambda m: "√" + _grouped(m[1]), text)
        text = _FRACTION.sub(_fraction, text)
    text = re.sub(r"\\([A-Za-z]+)", lambda m: _word(m[0]), text)
    text = text.replace("\\{", "⦃").replace("\\}", "⦄").replace("{", "").replace("}", "")
    text = text.replace("⦃", "{").replace("⦄", "}").replace("\\_", "_").replace("\\|", "‖").replace("&", "")
    text = re.sub(r"\^[23](?!\w)", lambda m: _SUPERSCRIPT[m[0]], text)
    return re.sub(r"\s+", " ", text).strip()


def _accented(word: str, accent: str) -> str:
    return normalize("NFC", word[0] + accent) + word[1:]


def _fraction(match: re.Match[str]) -> str:
    quotient = f"{_grouped(match[1])} / {_grouped(match[2])}"
    alone_before = re.search(r"(?:^|[-+=,([{&])\s*$", match.string[: match.start()])
    alone_after = re.match(r"\s*(?:[-+=,.)\]}&]|\\right|$)", match.string[match.end() :])
    return quotient if alone_before and alone_after else f"({quotient})"


def _word(command: str) -> str:
    name = command.removeprefix("\\")
    return _SYMBOLS.get(name, name)


def _grouped(text: str) -> str:
    inner = text.strip()
    return inner if re.fullmatch(r"√?\\?\w+|[-+]\w", inner) else f"({inner})"
