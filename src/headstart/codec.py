"""Codec: dataclasses as plain JSON values and back, by the annotations of their fields."""

import math
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import MISSING, fields, is_dataclass
from functools import cache
from pathlib import Path
from reprlib import repr as brief
from types import NoneType, UnionType
from typing import Any, Literal, TypeVar, Union, get_args, get_origin, get_type_hints

import numpy as np

from headstart.errors import UserError, unknown

T = TypeVar("T")
_KINDS = {str: "a text", int: "a whole number", float: "a number", bool: "true or false", Path: "a path"}
_hints = cache(get_type_hints)


def to_json(value: object) -> Any:
    """A dataclass as a dictionary of its fields; tuples and arrays are lists, a path is its text, NaN is None."""
    if is_dataclass(value) and not isinstance(value, type):
        return {field.name: to_json(getattr(value, field.name)) for field in fields(value)}
    if isinstance(value, Mapping):
        return {key: to_json(one) for key, one in value.items()}
    if isinstance(value, tuple | list):
        return [to_json(one) for one in value]
    if isinstance(value, np.ndarray):
        return value.tolist()
    if isinstance(value, Path):
        return str(value)
    return None if isinstance(value, float) and math.isnan(value) else value


def from_json(cls: type[T], plain: object, where: str = "") -> T:
    """The dataclass that ``to_json`` wrote; a field that has a default may be missing.

    Fields may be dataclasses, texts, numbers, truth values, paths, Literals, unions of these, tuples and mappings from
    texts of them, and arrays (n,) of whole numbers.

    Raises:
        UserError: a key is unknown or missing, or a value is of another kind. ``where`` and the field are named.
    """
    here = where or cls.__name__
    given = _checked(plain, dict, here, "an object")
    known = {field.name: field for field in fields(cls)}  # pyright: ignore[reportArgumentType]
    for key in given:
        if key not in known:
            raise unknown(f"key of {here}", key, known)
    for name, field in known.items():
        if name not in given and field.default is MISSING and field.default_factory is MISSING:
            raise UserError(f"{here}.{name} is missing")
    return cls(**{key: _value(_hints(cls)[key], value, f"{here}.{key}") for key, value in given.items()})


def _value(hint: Any, plain: Any, where: str) -> Any:
    origin, inner = get_origin(hint), get_args(hint)
    if origin in (Union, UnionType):
        return _any_of(inner, plain, where)
    if origin is Literal:
        if not any(plain == one and type(plain) is type(one) for one in inner):
            raise UserError(f"{where} is {plain!r}: wanted one of {', '.join(map(repr, inner))}")
        return plain
    if origin is tuple:
        listed = _checked(plain, list, where, "a list")
        kinds = inner[:1] * len(listed) if inner[1:] == (...,) else inner
        if len(kinds) != len(listed):
            raise UserError(f"{where} has {len(listed)} entries: wanted {len(kinds)}")
        return tuple(
            _value(kind, one, f"{where}[{i}]") for i, (kind, one) in enumerate(zip(kinds, listed, strict=True))
        )
    if origin is not None and issubclass(origin, Mapping):
        return {k: _value(inner[1], v, f"{where}.{k}") for k, v in _checked(plain, dict, where, "an object").items()}
    if is_dataclass(hint):
        return from_json(hint, plain, where)  # pyright: ignore[reportArgumentType]
    if hint is np.ndarray:
        return np.array([_checked(i, int, where, "whole numbers") for i in _checked(plain, list, where, "a list")], int)
    if hint is float and type(plain) is int:
        return float(plain)
    _checked(plain, str if hint is Path else hint, where, _KINDS[hint])
    return Path(plain) if hint is Path else plain


def _any_of(kinds: tuple[Any, ...], plain: Any, where: str) -> Any:
    """The first kind that the value is; where there is one beside None, its own error says what is wrong."""
    if plain is None and NoneType in kinds:
        return None
    *others, last = (kind for kind in kinds if kind is not NoneType)
    for kind in others:
        with suppress(UserError):
            return _value(kind, plain, where)
    return _value(last, plain, where)


def _checked(plain: Any, kind: type, where: str, wanted: str) -> Any:
    if type(plain) is not kind:
        raise UserError(f"{where} is {brief(plain)}: wanted {wanted}")
    return plain
