"""Networks in ONNX files."""

from __future__ import annotations

import os
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from nnae._threads import resolve_threads
from nnae._validation import check_count
from nnae.images._backbone import PLACES, FileBackbone, single
from nnae.images._module import IMAGENET_MEAN, IMAGENET_STD, standardise

Array = npt.NDArray[Any]

#: Height and width where a file leaves them open.
OPEN_SIZE = 224


@dataclass(frozen=True)
class _Network:
    session: Any
    taken: Any
    given: str
    layout: str
    size: tuple[int, int]


class OnnxBackbone(FileBackbone):
    """Describe pictures by a network in an ONNX file (needs onnxruntime).

    Bytes are taken as they are, floats as ``(byte / 255 - mean) / std``. Outputs for places of the
    picture are averaged.

    Parameters
    ----------
    path : path
        The file, with one input of shape n x 3 x h x w or n x h x w x 3.
    output : str, optional
        Name of the output that is the description; the first by default.
    size : int, optional
        Height and width where the file leaves them open; 224 by default.
    mean, std : sequence of 3 floats
        Of red, green and blue; ImageNet's by default.
    n_threads : int, optional
        All by default.

    Examples
    --------
    >>> from nnae.images import OnnxBackbone
    >>> OnnxBackbone("resnet.onnx", size=160)
    OnnxBackbone(path='resnet.onnx', size=160)
    """

    def __init__(
        self,
        path: Any,
        *,
        output: str | None = None,
        size: int | None = None,
        mean: Sequence[float] = IMAGENET_MEAN,
        std: Sequence[float] = IMAGENET_STD,
        n_threads: int | None = None,
    ) -> None:
        self.path = path
        self.output = output
        self.size = size
        self.mean = mean
        self.std = std
        self.n_threads = n_threads

    def open(self) -> _Network:
        """Open the file."""
        try:
            import onnxruntime as ort
        except ImportError:
            raise ImportError("ONNX backbones need onnxruntime: pip install onnxruntime") from None
        name = os.fspath(self.path)
        options = ort.SessionOptions()
        options.intra_op_num_threads = resolve_threads(self.n_threads)
        options.inter_op_num_threads = 1
        try:
            session = ort.InferenceSession(name, options, providers=["CPUExecutionProvider"])
        except Exception as error:  # onnxruntime has exceptions of its own, outside its interface
            raise ValueError(f"{name}: not an ONNX file ({' '.join(str(error).split())})") from None
        inputs, outputs = session.get_inputs(), [given.name for given in session.get_outputs()]
        shape = list(inputs[0].shape)
        if len(inputs) != 1 or len(shape) != 4 or 3 not in (shape[1], shape[3]):
            raise ValueError(
                f"{name} must take n x 3 x h x w or n x h x w x 3 numbers; it takes {shape}"
            )
        if self.output is not None and self.output not in outputs:
            raise ValueError(
                f"output must be one of {', '.join(outputs)} for {name}; got {self.output!r}"
            )
        layout = "nchw" if shape[1] == 3 else "nhwc"
        size = self._size([shape[axis] for axis in PLACES[layout]], name)
        given = outputs[0] if self.output is None else self.output
        return _Network(session, inputs[0], given, layout, size)

    def _size(self, said: list[Any], name: str) -> tuple[int, int]:
        asked = OPEN_SIZE if self.size is None else check_count("size", self.size)
        found = [asked if not isinstance(n, int) or n < 1 else n for n in said]
        if self.size is not None and found != [asked, asked]:
            raise ValueError(f"size must be {found[0]} x {found[1]} for {name}; got {self.size}")
        return found[0], found[1]

    @property
    def picture_size(self) -> tuple[int, int]:
        """Height and width of the pictures it takes."""
        size: tuple[int, int] = self.opened.size
        return size

    def describe(self, pictures: Array) -> Array:
        """Return the features (n x d, float32) of RGB pictures (n x h x w x 3, uint8)."""
        network: _Network = self.opened
        batch = network.taken.shape[0]
        step = batch if isinstance(batch, int) and batch > 0 else max(1, len(pictures))
        rows = []
        for start in range(0, len(pictures), step):
            some = pictures[start : start + step]
            missing = step - len(some) if isinstance(batch, int) else 0
            full = np.concatenate([some, np.repeat(some[-1:], missing, axis=0)])
            given = network.session.run([network.given], {network.taken.name: self._input(full)})
            rows.append(np.asarray(given[0])[: len(some)])
        return single(rows, network.layout, os.fspath(self.path))

    def _input(self, pictures: Array) -> Array:
        network: _Network = self.opened
        if network.taken.type != "tensor(uint8)":
            half = network.taken.type == "tensor(float16)"
            pictures = standardise(pictures, self.mean, self.std)
            pictures = pictures.astype(np.float16) if half else pictures
        if network.layout == "nchw":
            return np.ascontiguousarray(pictures.transpose(0, 3, 1, 2))
        return pictures
