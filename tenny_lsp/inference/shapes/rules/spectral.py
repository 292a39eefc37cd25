"""Rules of Fourier transforms."""

from typing import Any

from tenny_lsp.inference.shapes.broadcasting import axes_of, number_of, operand, unknowns
from tenny_lsp.inference.shapes.dimension import UNKNOWN, Dimension, add, floor_divide, multiply
from tenny_lsp.inference.shapes.rule import Value, core, rule
from tenny_lsp.inference.shapes.values import Array, Shape, is_int, shape_of

_LAST_TWO = (-2, -1)


def _transformed(a: Any, sizes: Value, axes: Value, kind: str) -> Value:
    found = operand(a)
    # Only real transforms return real numbers.
    dtype = "float32" if kind == "irfft" else "complex64"
    if found.dtype == "float64":
        dtype = ""
    wanted = shape_of(sizes) if sizes is not None else None
    if found.shape is None or (sizes is not None and wanted is None):
        return Array(unknowns(found.ndim), dtype or None)
    if axes is None and wanted is not None:
        axes = tuple(range(-len(wanted), 0))
    places = axes_of(axes, len(found.shape))
    if places is None or (wanted is not None and len(wanted) != len(places)):
        return Array(unknowns(len(found.shape)), dtype or None)
    return Array(_sized(found.shape, wanted, places, kind), dtype or None)


def _sized(shape: Shape, wanted: Shape | None, places: tuple[int, ...], kind: str) -> Shape:
    result = list(shape)
    for i, place in enumerate(places):
        if wanted is not None:
            result[place] = wanted[i]
    if places and kind == "rfft":
        result[places[-1]] = add(floor_divide(result[places[-1]], 2), 1)
    if places and kind == "irfft" and wanted is None:
        result[places[-1]] = multiply(2, add(shape[places[-1]], -1))
    return tuple(result)


@rule(*core("fft.fft fft.ifft"))
def fft(a: Any, n: Any = None, axis: Any = -1, norm: Any = None) -> Value:
    """One dimension transformed."""
    return _transformed(a, n, _one(axis), "fft")


@rule(*core("fft.rfft"))
def rfft(a: Any, n: Any = None, axis: Any = -1, norm: Any = None) -> Value:
    """One dimension transformed to half of it and one."""
    return _transformed(a, n, _one(axis), "rfft")


@rule(*core("fft.irfft"))
def irfft(a: Any, n: Any = None, axis: Any = -1, norm: Any = None) -> Value:
    """One dimension transformed back."""
    return _transformed(a, n, _one(axis), "irfft")


def _one(axis: Value) -> Value:
    return (axis,) if is_int(axis) else UNKNOWN


@rule(*core("fft.fft2 fft.ifft2"))
def fft2(a: Any, s: Any = None, axes: Any = _LAST_TWO, norm: Any = None) -> Value:
    """Two dimensions transformed."""
    return _transformed(a, s, axes, "fft")


@rule(*core("fft.rfft2"))
def rfft2(a: Any, s: Any = None, axes: Any = _LAST_TWO, norm: Any = None) -> Value:
    """Two dimensions transformed, the last to half of it and one."""
    return _transformed(a, s, axes, "rfft")


@rule(*core("fft.irfft2"))
def irfft2(a: Any, s: Any = None, axes: Any = _LAST_TWO, norm: Any = None) -> Value:
    """Two dimensions transformed back."""
    return _transformed(a, s, axes, "irfft")


@rule(*core("fft.fftn fft.ifftn"))
def fftn(a: Any, s: Any = None, axes: Any = None, norm: Any = None) -> Value:
    """Dimensions transformed."""
    return _transformed(a, s, axes, "fft")


@rule(*core("fft.rfftn"))
def rfftn(a: Any, s: Any = None, axes: Any = None, norm: Any = None) -> Value:
    """Dimensions transformed, the last to half of it and one."""
    return _transformed(a, s, axes, "rfft")


@rule(*core("fft.irfftn"))
def irfftn(a: Any, s: Any = None, axes: Any = None, norm: Any = None) -> Value:
    """Dimensions transformed back."""
    return _transformed(a, s, axes, "irfft")


@rule(*core("fft.fftshift fft.ifftshift"))
def fftshift(a: Any, axes: Any = None) -> Value:
    """The array as it is."""
    return operand(a)


@rule("mlx.core.fft.fftfreq")
def fftfreq(n: Any, d: Any = 1.0) -> Value:
    """One frequency for each sample."""
    return Array((number_of(n),), "float32")


@rule("mlx.core.fft.rfftfreq")
def rfftfreq(n: Any, d: Any = 1.0) -> Value:
    """One frequency for each sample, of the real half."""
    size: Dimension = number_of(n)
    return Array((add(floor_divide(size, 2), 1),), "float32")


@rule("mlx.core.fft.stft")
def stft(x: Any, *_: Any, **__: Any) -> Value:
    """Frames and frequencies, behind what the signal has before its samples."""
    found = operand(x)
    return Array(unknowns(found.ndim + 1) if found.ndim is not None else None, None)


@rule("mlx.core.fft.istft")
def istft(stft_matrix: Any, *_: Any, **__: Any) -> Value:
    """Samples, in the place of frames and frequencies."""
    found = operand(stft_matrix)
    return Array(unknowns(max(found.ndim - 1, 0)) if found.ndim is not None else None, None)
