"""The head of an ARFF file: its relation and its attributes; and Mulan's list of labels."""

from __future__ import annotations

import os
import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any
from xml.parsers import expat

from nnae.io._source import FileLike, Source

QUOTED = re.compile(r"'(?:[^'\\]|\\.)*'|\"(?:[^\"\\]|\\.)*\"")
PLAIN = re.compile(r"[^,'\"{}]*")
SPACES = re.compile(r"[ \t]*")
_NAME = re.compile(r"[^\s{]+")
_ESCAPED = re.compile(r"\\(.)")
_LETTERS = {"n": "\n", "t": "\t", "r": "\r"}
_NUMERIC = ("numeric", "real", "integer")
_MEKA = re.compile(r"-C\s+(-?[0-9]{1,9})\b")


@dataclass(frozen=True)
class Attribute:
    """One column of an ARFF file; `values` are those of a nominal one."""

    name: str
    kind: str  # "numeric", "nominal", "string" or "date"
    values: tuple[str, ...]
    line: int

    @property
    def binary(self) -> bool:
        """Whether the attribute is nominal with the values 0 and 1."""
        return self.kind == "nominal" and sorted(self.values) == ["0", "1"]


class Header:
    """Collects the lines before ``@data``.

    Parameters
    ----------
    source : Source
        For errors.
    """

    def __init__(self, source: Source):
        self.source = source
        self.relation = ""
        self.attributes: list[Attribute] = []
        self._lines: dict[str, int] = {}

    def feed(self, line: int, text: str) -> bool:
        """Take one line; True when it is ``@data``."""
        text = text.strip(" \t")
        if not text or text.startswith("%"):
            return False
        word = re.split("[ \t]", text, maxsplit=1)[0].lower()
        rest = text[len(word) :].strip(" \t")
        if word == "@relation":
            self.relation = _unquote(rest) if QUOTED.fullmatch(rest) else rest
        elif word == "@attribute":
            self._attribute(line, rest)
        elif word == "@data":
            if not self.attributes:
                raise self.source.error(line, "@data must come after at least one @attribute")
            return True
        else:
            raise self.source.error(
                line, f"@relation, @attribute or @data must come here; got {text[:40]!r}"
            )
        return False

    def _attribute(self, line: int, rest: str) -> None:
        match = QUOTED.match(rest) or _NAME.match(rest)
        if match is None or (rest[0] in "'\"" and not QUOTED.match(rest)):
            raise self.source.error(line, f"the attribute needs a name; got {rest[:40]!r}")
        name = _unquote(match.group()) if rest[0] in "'\"" else match.group()
        kind = rest[match.end() :].strip(" \t")
        if name in self._lines:
            raise self.source.error(
                line, f"attribute {name!r} is declared on line {self._lines[name]} already"
            )
        self._lines[name] = line
        word = re.split("[ \t]", kind, maxsplit=1)[0].lower()
        if kind.startswith("{"):
            values = _nominal(self.source, line, kind)
            self.attributes.append(Attribute(name, "nominal", values, line))
        elif word in _NUMERIC:
            self.attributes.append(Attribute(name, "numeric", (), line))
        elif word in ("string", "date"):
            self.attributes.append(Attribute(name, word, (), line))
        else:
            raise self.source.error(
                line,
                f"the type of {name!r} must be numeric, real, integer, string, date or a list in "
                f"braces; got {kind[:40]!r}",
            )


def scan_value(text: str, at: int) -> tuple[str, bool, int] | None:
    """Return (value, whether it was quoted, place behind it and its spaces), None when broken."""
    match = SPACES.match(text, at)
    assert match is not None
    at = match.end()
    if at < len(text) and text[at] in "'\"":
        match = QUOTED.match(text, at)
        if match is None:
            return None
        value, quoted = _unquote(match.group()), True
    else:
        match = PLAIN.match(text, at)
        assert match is not None
        value, quoted = match.group().rstrip(" \t"), False
    after = SPACES.match(text, match.end())
    assert after is not None
    return value, quoted, after.end()


def _nominal(source: Source, line: int, kind: str) -> tuple[str, ...]:
    if not kind.endswith("}"):
        raise source.error(line, "the list of values must end with a brace")
    inner, values, at = kind[1:-1], [], 0
    while True:
        found = scan_value(inner, at)
        if found is None or (found[2] < len(inner) and inner[found[2]] != ","):
            raise source.error(line, f"the list of values is broken at {inner[at : at + 40]!r}")
        value, quoted, at = found
        if not value and not quoted:
            raise source.error(line, "a value in the list is empty")
        values.append(value)
        if at >= len(inner):
            break
        at += 1
    if len(set(values)) != len(values):
        raise source.error(line, "a value in the list comes twice")
    return tuple(values)


def _unquote(text: str) -> str:
    return _ESCAPED.sub(lambda found: _LETTERS.get(found[1], found[1]), text[1:-1])


def label_columns(
    header: Header, labels: Any, source: Source
) -> tuple[list[int], list[str] | None]:
    """Find the attributes that are labels, and the parent of each where Mulan's XML has parents."""
    attributes = header.attributes
    if labels is None:
        meka = _MEKA.search(header.relation)
        if meka:
            labels = int(meka[1])
        else:
            beside = _beside(source.path)
            if beside is None:
                raise source.error(
                    None,
                    "which attributes are labels is not said: there is no '-C n' in the relation "
                    "and no XML file of the same name; give labels=",
                )
            labels = beside
    if isinstance(labels, bool):
        raise TypeError("labels must be a number, names, or an XML file; got a bool")
    if isinstance(labels, int):
        if labels == 0 or abs(labels) > len(attributes):
            raise source.error(
                None,
                f"the number of labels must be 1 to {len(attributes)}, or negative for the last "
                f"attributes; got {labels}",
            )
        chosen = range(labels) if labels > 0 else range(len(attributes) + labels, len(attributes))
        return list(chosen), None
    parents: list[str] | None = None
    if isinstance(labels, (str, os.PathLike)) or hasattr(labels, "read"):
        names, parents = read_mulan_labels(labels)
    else:
        names = _distinct(labels)
    place = {attribute.name: i for i, attribute in enumerate(attributes)}
    missing = [name for name in names if name not in place]
    if missing or not names:
        raise source.error(
            None,
            f"{len(missing)} of {len(names)} labels are not attributes"
            + (f", such as {missing[0]!r}" if missing else ""),
        )
    return [place[name] for name in names], parents


def _distinct(labels: Sequence[Any]) -> list[str]:
    names = [str(name) for name in labels]
    if len(set(names)) != len(names):
        raise ValueError("the names of labels must be unique")
    return names


def _beside(path: str | None) -> str | None:
    if path is None:
        return None
    stem = re.sub(r"\.arff(\.gz)?$", "", path, flags=re.IGNORECASE)
    for candidate in (stem, re.sub(r"[-_](train|test)$", "", stem, flags=re.IGNORECASE)):
        if os.path.exists(candidate + ".xml"):
            return candidate + ".xml"
    return None


def read_mulan_labels(file: FileLike) -> tuple[list[str], list[str] | None]:
    """Read Mulan's XML list of labels.

    Parameters
    ----------
    file : path or open file
        ``<labels><label name="..."/>...</labels>``; labels may hold labels.

    Returns
    -------
    (list of str, list of str or None)
        The names in order, and the parent of each ("" for none) where any label has one.

    Raises
    ------
    ValueError
        Naming the line. A document type, and with it any entity of the file's own, is refused.

    Examples
    --------
    >>> import io
    >>> from nnae.io import read_mulan_labels
    >>> read_mulan_labels(io.StringIO('<labels><label name="sad"/><label name="calm"/></labels>'))
    (['sad', 'calm'], None)
    """
    source = Source(file)
    parser = expat.ParserCreate(encoding="utf-8", namespace_separator=" ")
    names: list[str] = []
    parents: list[str] = []
    open_labels: list[str] = []

    def begin(tag: str, fields: dict[str, str]) -> None:
        local = tag.rpartition(" ")[2]
        if local == "labels":
            return
        line = parser.CurrentLineNumber
        if local != "label" or "name" not in fields:
            raise source.error(line, f"<label name=...> is needed; got <{local}>")
        if len(open_labels) > 100:
            raise source.error(line, "labels must not be more than 100 deep")
        if fields["name"] in seen:
            raise source.error(line, f"label {fields['name']!r} comes a second time")
        seen.add(fields["name"])
        names.append(fields["name"])
        parents.append(open_labels[-1] if open_labels else "")
        open_labels.append(fields["name"])

    def end(tag: str) -> None:
        if tag.rpartition(" ")[2] == "label":
            open_labels.pop()

    def refuse(*_: Any) -> None:
        raise source.error(parser.CurrentLineNumber, "a document type is not allowed")

    seen: set[str] = set()
    parser.StartElementHandler = begin
    parser.EndElementHandler = end
    parser.StartDoctypeDeclHandler = refuse
    try:
        for _, chunk in source.chunks():
            parser.Parse(chunk, False)
        parser.Parse(b"", True)
    except expat.ExpatError as odd:
        raise source.error(
            odd.lineno, f"the text is not XML, or is cut: {expat.ErrorString(odd.code)}"
        ) from None
    if not names:
        raise source.error(None, "there are no labels")
    return names, parents if any(parents) else None
