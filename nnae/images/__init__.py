"""Pictures: features of them, and which regions make a label's score (needs the images extra)."""

from nnae.images._backbone import Backbone
from nnae.images._image_features import ImageFeatures
from nnae.images._module import ModuleBackbone
from nnae.images._onnx import OnnxBackbone
from nnae.images._outlines import HogColour
from nnae.images._pictures import PictureError
from nnae.images._region_explanation import RegionExplanation, region_explanation
from nnae.images._tflite import TFLiteBackbone

__all__ = [
    "Backbone",
    "HogColour",
    "ImageFeatures",
    "ModuleBackbone",
    "OnnxBackbone",
    "PictureError",
    "RegionExplanation",
    "TFLiteBackbone",
    "region_explanation",
]
