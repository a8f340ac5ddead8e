import abc, collections.abc, contextlib, dataclasses, enum, functools, typing
from abc import ABC, abstractmethod
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from enum import Enum
from typing import Any, Callable, Generic, Literal, NamedTuple, NotRequired, Optional, Protocol, TypedDict, TypeVar, Union, overload
