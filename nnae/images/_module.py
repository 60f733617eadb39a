"""Networks in memory: modules of torch and timm, and any function of a batch."""

from __future__ import annotations

import contextlib
import hashlib
from collections.abc import Sequence
from typing import Any

import numpy as np
import numpy.typing as npt

from nnae._validation import check_choice, check_count
from nnae.images._backbone import Backbone, single

Array = npt.NDArray[Any]

IMAGENET_MEAN, IMAGENET_STD = (0.485, 0.456, 0.406), (0.229, 0.224, 0.225)


def standardise(pictures: Array, mean: Sequence[float], std: Sequence[float]) -> Array:
    """Return ``(byte / 255 - mean) / std`` in single precision."""
    for name, given in (("mean", mean), ("std", std)):
        if np.shape(given) != (3,):
            raise ValueError(f"{name} must be three numbers, of red, green and blue; got {given!r}")
    centred = pictures.astype(np.float32) / np.float32(255) - np.asarray(mean, np.float32)
    return np.asarray(centred / np.asarray(std, np.float32))


class ModuleBackbone(Backbone):
    """Describe pictures by a network in memory.

    A module of torch, timm's among them, is put into evaluation mode and asked without gradients,
    on the device of its weights. Anything else that can be called gets a batch of numpy's float32.
    Outputs for places of the picture are averaged.

    Parameters
    ----------
    module : callable
        Takes n x 3 x h x w numbers (or ``layout="nhwc"``), gives n x d. Of a classifier take the
        layer before the classes: ``timm.create_model(name, pretrained=True, num_classes=0)``.
    size : int, optional
        Height and width; what timm's module says of itself, else 224, by default.
    mean, std : sequence of 3 floats, optional
        The module gets ``(byte / 255 - mean) / std``; what timm's module says, else ImageNet's.
    layout : {"nchw", "nhwc"}, default="nchw"
    name : str, optional
        What a cache knows it by; by default the digest of its weights, where it has any.

    Examples
    --------
    >>> import numpy as np
    >>> from nnae.images import ModuleBackbone
    >>> mean_colour = ModuleBackbone(lambda batch: batch.mean(axis=(2, 3)), size=8)
    >>> mean_colour.describe(np.zeros((2, 8, 8, 3), np.uint8)).shape
    (2, 3)
    """

    def __init__(
        self,
        module: Any,
        *,
        size: int | None = None,
        mean: Sequence[float] | None = None,
        std: Sequence[float] | None = None,
        layout: str = "nchw",
        name: str | None = None,
    ) -> None:
        self.module = module
        self.size = size
        self.mean = mean
        self.std = std
        self.layout = layout
        self.name = name

    def open(self) -> Any:
        """Check the parameters and return the module, in evaluation mode."""
        check_choice("layout", self.layout, ("nchw", "nhwc"))
        if not callable(self.module):
            raise TypeError(f"module must be callable; got {type(self.module).__name__}")
        if hasattr(self.module, "eval"):
            self.module.eval()
        return self.module

    def _said(self, name: str) -> Any:
        """Return what timm's modules say of their input."""
        said = getattr(self.module, "pretrained_cfg", None) or {}
        return said.get(name) if hasattr(said, "get") else None

    @property
    def picture_size(self) -> tuple[int, int]:
        """Height and width of the pictures it takes."""
        said = self._said("input_size")
        if self.size is None and said is not None:
            return int(said[1]), int(said[2])
        size = 224 if self.size is None else check_count("size", self.size)
        return size, size

    def describe(self, pictures: Array) -> Array:
        """Return the features (n x d, float32) of RGB pictures (n x h x w x 3, uint8)."""
        module = self.opened
        mean = self.mean or self._said("mean") or IMAGENET_MEAN
        batch = standardise(pictures, mean, self.std or self._said("std") or IMAGENET_STD)
        if self.layout == "nchw":
            batch = np.ascontiguousarray(batch.transpose(0, 3, 1, 2))
        found = _asked(module, batch) if _is_of_torch(module) else module(batch)
        found = found[0] if isinstance(found, (tuple, list)) else found
        for step in ("detach", "cpu", "float", "numpy"):
            found = getattr(found, step)() if hasattr(found, step) else found
        return single([np.asarray(found)], self.layout, type(module).__name__)

    def identity(self) -> str:
        """Return a text that differs between backbones whose features differ."""
        about = self.picture_size, self.mean, self.std, self.layout
        if self.name is not None:
            return repr((self.name, *about))
        weights = self.module.state_dict() if hasattr(self.module, "state_dict") else None
        if not weights:
            raise ValueError(
                "a cache must know the backbone by its weights, and it has none to read; "
                "give ModuleBackbone(module, name=...)"
            )
        digest = hashlib.sha256()
        for key, value in weights.items():
            array = value.detach().cpu().numpy() if hasattr(value, "detach") else np.asarray(value)
            digest.update(f"{key} {array.dtype} {array.shape}".encode() + array.tobytes())
        return repr((type(self.module).__name__, digest.hexdigest(), *about))


def _is_of_torch(module: Any) -> bool:
    return any(cls.__module__.split(".")[0] == "torch" for cls in type(module).__mro__)


def _asked(module: Any, batch: Array) -> Any:
    import torch

    weight = next(iter(module.parameters()), None)
    tensor = torch.from_numpy(batch)
    if weight is not None:
        tensor = tensor.to(device=weight.device, dtype=weight.dtype)
    without = getattr(torch, "inference_mode", contextlib.nullcontext)
    with without():
        return module(tensor)
