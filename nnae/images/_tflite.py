"""Networks in TFLite files."""

from __future__ import annotations

import os
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from nnae._threads import resolve_threads
from nnae._validation import check_count
from nnae.images._backbone import FileBackbone, single

Array = npt.NDArray[Any]


@dataclass(frozen=True)
class _Network:
    interpreter: Any
    taken: dict[str, Any]
    given: dict[str, Any]


class TFLiteBackbone(FileBackbone):
    """Describe pictures by a network in a TFLite file (needs ai-edge-litert).

    A quantised network takes bytes as they are, and its output is turned back into real numbers; a
    network of floats takes ``(byte - mean) / std``. Outputs for places of the picture are averaged.

    Parameters
    ----------
    path : path
        The file, with one input of shape 1 x h x w x 3.
    output : int, default=0
        Which output is the description; choose an embedding rather than classes.
    mean, std : float, default=127.5
        For networks of floats.
    n_threads : int, optional
        All by default.

    Examples
    --------
    >>> from nnae.images import TFLiteBackbone
    >>> TFLiteBackbone("mobilenet.tflite", n_threads=1)
    TFLiteBackbone(n_threads=1, path='mobilenet.tflite')
    """

    def __init__(
        self,
        path: Any,
        *,
        output: int = 0,
        mean: float = 127.5,
        std: float = 127.5,
        n_threads: int | None = None,
    ) -> None:
        self.path = path
        self.output = output
        self.mean = mean
        self.std = std
        self.n_threads = n_threads

    def open(self) -> _Network:
        """Open the file."""
        try:
            from ai_edge_litert.interpreter import Interpreter
        except ImportError:
            raise ImportError(
                "TFLite backbones need ai-edge-litert: pip install ai-edge-litert"
            ) from None
        name = os.fspath(self.path)
        try:
            network = Interpreter(name, num_threads=resolve_threads(self.n_threads))
            network.allocate_tensors()
        except (ValueError, RuntimeError) as error:
            raise ValueError(
                f"{name}: not a TFLite file ({' '.join(str(error).split())})"
            ) from None
        inputs, outputs = network.get_input_details(), network.get_output_details()
        shape = tuple(int(n) for n in inputs[0]["shape"])
        if len(inputs) != 1 or len(shape) != 4 or shape[0] != 1 or shape[3] != 3:
            raise ValueError(f"{name} must take one picture, 1 x h x w x 3; it takes {shape}")
        chosen = check_count("output", self.output, 0)
        if chosen >= len(outputs):
            raise ValueError(f"output must be below {len(outputs)} for {name}; got {chosen}")
        return _Network(network, inputs[0], outputs[chosen])

    @property
    def picture_size(self) -> tuple[int, int]:
        """Height and width of the pictures it takes."""
        _, height, width, _ = self.opened.taken["shape"]
        return int(height), int(width)

    def describe(self, pictures: Array) -> Array:
        """Return the features (n x d, float32) of RGB pictures (n x h x w x 3, uint8)."""
        network: _Network = self.opened
        rows = []
        for picture in pictures:
            network.interpreter.set_tensor(network.taken["index"], self._input(picture[None]))
            network.interpreter.invoke()
            rows.append(
                _real(network.interpreter.get_tensor(network.given["index"]), network.given)
            )
        return single(rows, "nhwc", os.fspath(self.path))

    def _input(self, picture: Array) -> Array:
        kind = self.opened.taken["dtype"]
        if kind is np.uint8:
            return picture
        if kind is np.int8:
            return (picture.astype(np.int16) - 128).astype(np.int8)
        return np.asarray((picture - np.float32(self.mean)) / np.float32(self.std), kind)


def _real(values: Any, about: dict[str, Any]) -> Any:
    scale, zero = about["quantization"]
    if values.dtype.kind == "f" or scale == 0:
        return values
    return ((values.astype(np.float32) - zero) * np.float32(scale)).astype(np.float32)
