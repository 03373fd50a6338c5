"""Frozen dataclasses as JSON and back: what is read has the declared types, or is refused."""

import dataclasses
import types
import typing
from collections.abc import Mapping
from functools import cache
from typing import Any, TypeVar

T = TypeVar("T")


class Mismatch(ValueError):
    """Raised for JSON that does not fit its dataclass; the message names place, value and type."""


def encode(value: object) -> Any:
    """Return ``value`` as objects, lists and plain values, which `json.dumps` accepts."""
    if dataclasses.is_dataclass(value):
        return {field.name: encode(getattr(value, field.name)) for field in _fields(type(value))}
    if isinstance(value, Mapping):
        return {key: encode(inner) for key, inner in value.items()}
    if isinstance(value, list | tuple):
        return [encode(inner) for inner in value]
    return value


def decode(kind: type[T], content: object, place: str = "") -> T:
    """Return the dataclass ``kind`` from what `encode` made of it.

    Args:
        kind: a dataclass of strings, numbers, dataclasses, tuples, mappings and unions of these.
        content: what `json.loads` returned.
        place: where ``content`` stands, as the error message names it.

    Raises:
        Mismatch: for a field that is missing, unknown, or of another type.
    """
    return _decoded(kind, content, place)


def _decoded(kind: Any, content: object, place: str) -> Any:
    origin, inner = typing.get_origin(kind), typing.get_args(kind)
    if kind in (Any, object):
        return content
    if dataclasses.is_dataclass(kind):
        return _dataclass(kind, content, place)
    if origin in (types.UnionType, typing.Union):
        if content is None and type(None) in inner:
            return None
        kinds = [each for each in inner if each is not type(None)]
        if len(kinds) == 1:
            return _decoded(kinds[0], content, place)
    elif origin is tuple and isinstance(content, list):
        if inner[1:] == (...,):
            inner = (inner[0],) * len(content)
        if len(inner) == len(content):
            return tuple(
                _decoded(part, value, f"{place}[{k}]")
                for k, (part, value) in enumerate(zip(inner, content, strict=True))
            )
    elif origin in (Mapping, dict) and isinstance(content, dict):
        return {key: _decoded(inner[1], value, _at(place, key)) for key, value in content.items()}
    elif type(content) is kind or (kind is float and type(content) is int):
        return content
    shown = repr(content) if len(repr(content)) < 40 else type(content).__name__
    raise Mismatch(f"{place or 'the whole'} is {shown}, expected {_name(kind)}")


def _dataclass(kind: Any, content: object, place: str) -> Any:
    if not isinstance(content, dict):
        raise Mismatch(f"{place or 'the whole'} is no JSON object")
    declared = {field.name: field for field in _fields(kind)}
    if unknown := sorted(content.keys() - declared.keys()):
        raise Mismatch(f"{_at(place, unknown[0])} is unknown")
    hints, values = _hints(kind), {}
    for name, field in declared.items():
        if name in content:
            values[name] = _decoded(hints[name], content[name], _at(place, name))
        elif field.default is field.default_factory is dataclasses.MISSING:
            raise Mismatch(f"{_at(place, name)} is missing")
    return kind(**values)


def _fields(kind: Any) -> tuple[dataclasses.Field, ...]:
    return dataclasses.fields(kind)


@cache
def _hints(kind: Any) -> dict[str, Any]:
    return typing.get_type_hints(kind)


def _at(place: str, name: str) -> str:
    return f"{place}.{name}" if place else name


def _name(kind: Any) -> str:
    return kind.__name__ if isinstance(kind, type) else str(kind)
