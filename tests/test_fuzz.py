"""A short form of tests/fuzz: sound files with some bytes changed are read, or refused clearly."""

import contextlib
import random
import sys
import warnings
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).parent / "fuzz"))
from targets import ALLOWED, TARGETS

N_INPUTS = 200


def changed(seed, random):
    """Return bytes with a few of them replaced, dropped, doubled or cut off."""
    data = bytearray(seed)
    for _ in range(random.randint(1, 4)):
        at = random.randrange(len(data) + 1)
        change = random.randrange(4)
        if change == 0:
            data[at : at + 1] = bytes([random.randrange(256)])
        elif change == 1:
            del data[at : at + random.randint(1, 8)]
        elif change == 2:
            data[at:at] = data[at : at + random.randint(1, 8)]
        else:
            data[at : at + 1] = random.choice([b"\n", b"\0", b"9" * 18, b"-1", b",", b":", b"\xff"])
    return bytes(data)


@pytest.mark.parametrize("name", TARGETS)
def test_changed_bytes_are_read_or_refused_in_one_line(name):
    target, seeds = TARGETS[name]
    draws, sound = random.Random(name), seeds()
    for _ in range(N_INPUTS):
        data = changed(draws.choice(sound), draws)
        with warnings.catch_warnings(), contextlib.suppress(*ALLOWED):
            warnings.simplefilter("ignore")
            target(data)


@pytest.mark.parametrize("name", [name for name in TARGETS if name != "sealed_load"])
def test_the_seeds_are_sound(name):
    target, seeds = TARGETS[name]
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        target(seeds()[0])
