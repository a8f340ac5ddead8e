import abc, attr, attrs, collections, collections.abc, contextlib, dataclasses, enum, functools
import msgspec, typing, typing_extensions; from abc import ABC, abstractmethod
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from enum import Enum; from typing import Any, Callable, Generic, Literal, NamedTuple, NotRequired, Optional
from typing import Protocol, TypedDict, TypeVar, Union, overload
