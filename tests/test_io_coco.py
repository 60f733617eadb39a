import copy
import io
import json

import pytest

from nnae.io import read_coco

GOOD = {
    "images": [{"id": 5, "file_name": "b.jpg"}, {"id": "x", "file_name": "a.jpg"}],
    "categories": [
        {"id": 3, "name": "dog", "supercategory": "animal"},
        {"id": 1, "name": "cup", "supercategory": "kitchen"},
    ],
    "annotations": [
        {"image_id": "x", "category_id": 3, "bbox": [0, 0, 1, 1]},
        {"image_id": "x", "category_id": 3, "iscrowd": 1},
        {"image_id": "x", "category_id": 1},
    ],
}


def read(document):
    return read_coco(io.StringIO(json.dumps(document, indent=1)))


def test_golden_file(tmp_path):
    path = tmp_path / "instances.json"
    path.write_text(json.dumps(GOOD))
    data = read_coco(path)
    assert data.Y.toarray().tolist() == [[0, 0], [1, 1]]
    assert data.label_names.tolist() == ["dog", "cup"]
    assert data.ids.tolist() == ["b.jpg", "a.jpg"]
    assert data.groups.tolist() == ["animal", "kitchen"]
    assert data.X is None


def test_without_groups():
    document = copy.deepcopy(GOOD)
    for category in document["categories"]:
        del category["supercategory"]
    assert read(document).groups is None


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda d: d.pop("images"), "the JSON must hold a list 'images'"),
        (lambda d: d.update(images=[]), "the list 'images' is empty"),
        (lambda d: d.update(annotations={}), "the JSON must hold a list 'annotations'"),
        (lambda d: d["images"].append(3), "images[2] must be an object; got int"),
        (lambda d: d["images"].append({"id": 5, "file_name": "c"}), "images[2]: id 5 comes a sec"),
        (lambda d: d["categories"][1].update(name="dog"), "categories[1]: name 'dog' comes a sec"),
        (lambda d: d["categories"][1].pop("name"), "categories[1]: name must be"),
        (lambda d: d["images"][0].update(id=[1]), "images[0]: id must be a number or a string"),
        (lambda d: d["images"][0].update(id=True), "images[0]: id must be a number or a string"),
        (lambda d: d["annotations"][2].update(image_id=6), "annotations[2]: image_id 6 is not am"),
        (lambda d: d["annotations"][0].update(category_id=2), "annotations[0]: category_id 2 is"),
    ],
)
def test_errors_name_the_entry(change, message):
    document = copy.deepcopy(GOOD)
    change(document)
    with pytest.raises(ValueError) as caught:
        read(document)
    assert message in str(caught.value)


@pytest.mark.parametrize(
    ("content", "message"),
    [
        ("", "the file is empty"),
        ("[1]", "the JSON must be an object"),
        ('{"images": [\n{"id": 1,\n', "line 3: the text is not JSON, or is cut"),
        ("[" * 200_000, "the JSON cannot be read"),
        ('{"images": ' + "9" * 5000 + "}", "the JSON cannot be read"),
    ],
)
def test_broken_text(content, message):
    with pytest.raises(ValueError) as caught:
        read_coco(io.StringIO(content))
    assert message in str(caught.value)
