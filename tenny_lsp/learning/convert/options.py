"""What becomes of a model's weights when it is converted. Imports no MLX."""

from dataclasses import dataclass
from typing import Literal

from tenny_lsp.errors import BaseModelError

Mode = Literal["affine", "mxfp4", "mxfp8", "nvfp4"]
Recipe = Literal["mixed_2_6", "mixed_3_4", "mixed_3_6", "mixed_4_6"]
Dtype = Literal["float16", "bfloat16", "float32"]
_BITS = (2, 3, 4, 5, 6, 8)
_GROUP_SIZES = (32, 64, 128)


@dataclass(frozen=True, slots=True)
class ConvertOptions:
    """What becomes of a model's weights.

    Args:
        quantize (bool): Whether to quantise them.
        bits (int | None): Bits of a weight; None for the mode's own.
        group_size (int | None): Weights that share a scale; None for the mode's own.
        mode (Mode): How they are quantised.
        recipe (Recipe | None): Two numbers of bits, the more for the layers that need them.
        dtype (Dtype | None): The type of what is not quantised; None for the model's own.
        dequantize (bool): Whether to dequantise them instead.
    """

    quantize: bool = False
    bits: int | None = None
    group_size: int | None = None
    mode: Mode = "affine"
    recipe: Recipe | None = None
    dtype: Dtype | None = None
    dequantize: bool = False

    def check(self) -> None:
        """Check that the options fit together.

        Raises:
            BaseModelError: They do not.
        """
        if self.quantize and self.dequantize:
            raise BaseModelError("A model is quantised or dequantised", "Give one of --quantize and --dequantize.")
        if not self.quantize and (self.bits or self.group_size or self.recipe or self.mode != "affine"):
            raise BaseModelError("Bits, groups, mode and recipe say how to quantise", "Give --quantize, too.")
        if self.mode == "affine":
            if self.bits not in (None, *_BITS):
                raise BaseModelError(f"--q-bits is {self.bits}", f"MLX has {', '.join(map(str, _BITS))}.")
            if self.group_size not in (None, *_GROUP_SIZES):
                sizes = ", ".join(map(str, _GROUP_SIZES))
                raise BaseModelError(f"--q-group-size is {self.group_size}", f"MLX has {sizes}.")
        elif self.recipe or self.bits or self.group_size:
            raise BaseModelError(f"The mode {self.mode} has its own bits and groups", "Leave the other options away.")
