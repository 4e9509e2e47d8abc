"""``datasets`` by shape: one row stands for all rows of a part, and functions over rows run on as many as they are
given at once."""

from __future__ import annotations

import csv
import json
import os
import re
from collections.abc import Callable, Iterator, Mapping
from typing import Any, Final

import torch

from whichgpu.capturing.pytorch_scripts.hub import features
from whichgpu.capturing.pytorch_scripts.hub.data_sets import PUBLISHED, published
from whichgpu.capturing.pytorch_scripts.hub.noted import NOTED
from whichgpu.capturing.stand_ins.stubs import Stub
from whichgpu.errors import Untraceable, nearest

TOGETHER: Final = 1000
"""Rows that a function over batches is given at once, where the script does not say it."""

KINDS: Final = ("csv", "json", "text")
Row = dict[str, Any]


class Dataset(torch.utils.data.Dataset[Any]):
    """``count`` rows that are all like ``row``."""

    def __init__(self, row: Row, count: int, kinds: Mapping[str, Any] | None = None, form: str | None = None) -> None:
        self.row, self.count, self.form = row, count, form
        known = kinds or {}
        self.features = features.Features({name: known.get(name, features.Value("")) for name in row})
        self.unknown_length = False

    # -- what is asked of it ------------------------------------------------------------------------------------

    @property
    def column_names(self) -> list[str]:
        """The columns."""
        return list(self.row)

    @property
    def num_rows(self) -> int:
        """The number of rows."""
        return self.count

    @property
    def shape(self) -> tuple[int, int]:
        """Rows and columns."""
        return self.count, len(self.row)

    def __len__(self) -> int:
        return self.count

    def __iter__(self) -> Iterator[Row]:
        for _ in range(self.count):
            yield self._formatted()

    def __getitem__(self, key: Any) -> Any:
        if isinstance(key, str):
            return self._column(key)
        if isinstance(key, slice | list | range):
            count = len(range(len(self))[key] if isinstance(key, slice) else key)
            return {name: [value] * count for name, value in self._formatted().items()}
        return self._formatted()

    def unique(self, column: str) -> list[Any]:
        """The values of a column."""
        kind = self.features[column]
        return list(range(len(kind.names))) if isinstance(kind, features.ClassLabel) else [self.row[column]]

    def _column(self, name: str) -> list[Any]:
        kind = self.features[name]
        if isinstance(kind, features.ClassLabel) and kind.num_classes:
            return [number % kind.num_classes for number in range(self.count)]
        return [self._formatted()[name]] * self.count

    def _formatted(self) -> Row:
        if callable(self.form):
            found = self.form({name: [value] for name, value in self.row.items()})
            return {name: values[0] for name, values in found.items()}
        if self.form not in ("torch", "pt"):
            return dict(self.row)
        return {name: _tensor(value) for name, value in self.row.items()}

    # -- what makes another of it -------------------------------------------------------------------------------

    def _with(self, row: Row | None = None, count: int | None = None, **changed: Any) -> Any:
        kinds = changed.get("kinds", self.features)
        made = type(self)(self.row if row is None else row, self.count if count is None else count, kinds)
        made.form = changed.get("form", self.form)
        return made

    def map(
        self,
        function: Callable[..., Any] | None = None,
        with_indices: bool = False,
        with_rank: bool = False,
        input_columns: Any = None,
        batched: bool = False,
        batch_size: int | None = TOGETHER,
        drop_last_batch: bool = False,
        remove_columns: Any = None,
        fn_kwargs: Mapping[str, Any] | None = None,
        **options: Any,
    ) -> Any:
        """The rows that a function makes of each row, or of several rows at once."""
        if function is None:
            return self
        rows = min(self.count, batch_size or self.count, TOGETHER) if batched else 1
        given = {name: [value] * rows for name, value in self.row.items()} if batched else dict(self.row)
        named = [input_columns] if isinstance(input_columns, str) else input_columns
        arguments = [given] if named is None else [given[name] for name in named]
        extra = ([list(range(rows)) if batched else 0] if with_indices else []) + ([0] if with_rank else [])
        made = function(*arguments, *extra, **(fn_kwargs or {}))
        if not isinstance(made, Mapping):
            return self
        count = max((len(values) for values in made.values()), default=rows) if batched else rows
        first = {name: values[0] if batched and len(values) else values for name, values in made.items()}
        gone = _names(remove_columns) if count == rows else list(self.row)
        kept = {name: value for name, value in self.row.items() if name not in gone}
        return self._with({**kept, **first}, max(round(self.count * count / max(rows, 1)), 1))

    def filter(self, function: Any = None, *arguments: Any, **options: Any) -> Any:
        """All rows: how many are kept is not known."""
        return self

    def select(self, indices: Any, **options: Any) -> Any:
        """As many rows as there are indices."""
        return self._with(count=len(indices))

    def train_test_split(self, test_size: Any = 0.25, train_size: Any = None, **options: Any) -> Any:
        """Two parts, by numbers or shares."""
        size = test_size if test_size is not None else (1 - train_size if isinstance(train_size, float) else 0.25)
        test = int(self.count * size) if isinstance(size, float) else int(size)
        return DatasetDict(train=self._with(count=self.count - test), test=self._with(count=test))

    def remove_columns(self, column_names: Any, **options: Any) -> Any:
        """The rows without some columns."""
        gone = _names(column_names)
        return self._with({name: value for name, value in self.row.items() if name not in gone})

    def select_columns(self, column_names: Any, **options: Any) -> Any:
        """The rows with some columns alone."""
        return self._with({name: self.row[name] for name in _names(column_names)})

    def rename_columns(self, column_mapping: Mapping[str, str], **options: Any) -> Any:
        """The rows with other names of columns."""
        new = {name: column_mapping.get(name, name) for name in self.row}
        kinds = {new[name]: kind for name, kind in self.features.items()}
        return self._with({new[name]: value for name, value in self.row.items()}, kinds=kinds)

    def rename_column(self, original_column_name: str, new_column_name: str, **options: Any) -> Any:
        """The rows with another name of a column."""
        return self.rename_columns({original_column_name: new_column_name})

    def add_column(self, name: str, column: Any, **options: Any) -> Any:
        """The rows with one column more."""
        return self._with({**self.row, name: column[0]})

    def cast_column(self, column: str, feature: Any, **options: Any) -> Any:
        """The rows with another type of a column."""
        return self._with(kinds={**self.features, column: feature})

    def set_format(self, type: Any = None, columns: Any = None, **options: Any) -> None:
        """Rows are handed out as tensors, or as they are; with some columns alone."""
        self.form = type
        if columns is not None:
            self.row = {name: self.row[name] for name in _names(columns)}

    def with_format(self, type: Any = None, columns: Any = None, **options: Any) -> Any:
        """The same, as another object."""
        made = self._with()
        made.set_format(type, columns)
        return made

    def with_transform(self, transform: Any, **options: Any) -> Any:
        """Rows go through a function when they are handed out."""
        return self._with(form=transform)

    def set_transform(self, transform: Any, **options: Any) -> None:
        """Rows go through a function when they are handed out."""
        self.form = transform

    def take(self, n: int) -> Any:
        """The first rows."""
        return self._with(count=min(n, self.count))

    def skip(self, n: int) -> Any:
        """All but the first rows."""
        return self._with(count=max(self.count - n, 1))

    def shard(self, num_shards: int, *arguments: Any, **options: Any) -> Any:
        """One of several equal parts."""
        return self._with(count=max(self.count // num_shards, 1))

    def shuffle(self, *arguments: Any, **options: Any) -> Any:
        """The same rows."""
        return self

    sort = flatten_indices = class_encode_column = cast = flatten = with_split = shuffle

    def to_pandas(self, *arguments: Any, **options: Any) -> Stub:
        """What only the data could tell."""
        return Stub("datasets")

    def save_to_disk(self, *arguments: Any, **options: Any) -> None:
        """Nothing is kept."""

    push_to_hub = cleanup_cache_files = reset_format = save_to_disk

    @classmethod
    def from_dict(cls, mapping: Mapping[str, Any], **options: Any) -> Any:
        """Rows of columns."""
        return cls({name: values[0] for name, values in mapping.items()}, len(next(iter(mapping.values()), [])))

    @classmethod
    def from_list(cls, rows: list[Row], **options: Any) -> Any:
        """Rows one by one."""
        return cls(dict(rows[0]), len(rows))

    @classmethod
    def from_generator(cls, generator: Callable[..., Any], gen_kwargs: Any = None, **options: Any) -> Any:
        """Rows of a generator."""
        return cls.from_list(list(generator(**(gen_kwargs or {}))))


class DatasetDict(dict[str, Any]):
    """Parts of a data set by name; what is done with it is done with each."""

    def __getattr__(self, name: str) -> Any:
        if name.endswith("_") and hasattr(Dataset, name[:-1]):  # in place, as in releases before 1.2
            return lambda *arguments, **options: self.update(getattr(self, name[:-1])(*arguments, **options))
        if name.startswith("__") or not hasattr(Dataset, name):
            raise AttributeError(name)
        if name in ("column_names", "num_rows", "shape"):
            return {part: getattr(rows, name) for part, rows in self.items()}

        def each(*arguments: Any, **options: Any) -> DatasetDict:
            made = {part: getattr(rows, name)(*arguments, **options) for part, rows in self.items()}
            return DatasetDict({part: self[part] if rows is None else rows for part, rows in made.items()})

        return each


def load_dataset(path: str, name: str | None = None, *arguments: Any, split: Any = None, **options: Any) -> Any:
    """A data set by its name, or of files that are here; raises Untraceable for one that nobody knows."""
    files = options.get("data_files")
    if files is not None and path in KINDS:
        parts = DatasetDict({part: _read(path, found) for part, found in _by_part(files).items()})
    else:
        parts = _published(str(path), name if isinstance(name, str) else None)
    if split is None:
        return parts
    if isinstance(split, list | tuple):
        return [_part(parts, str(each)) for each in split]
    if isinstance(split, Mapping):
        return DatasetDict({name: _part(parts, str(each)) for name, each in split.items()})
    return _part(parts, str(split))


def _published(path: str, name: str | None) -> DatasetDict:
    known = published(path, name)
    if known is None:
        raise Untraceable(
            "the data set {name} is on the network, and its sizes are not known here",
            name=path if name is None else f"{path}/{name}",
            hint="load a file of it beside the script: load_dataset('json', data_files='rows.jsonl'); "
            "nearest known: {close}",
            close=nearest(path, [each.partition("/")[0] for each in PUBLISHED]) or "imdb",
        )
    NOTED.data_sets.add(path if name is None else f"{path}/{name}")
    row, kinds = features.row(known), features.features(known)
    return DatasetDict({part: Dataset(row, count, kinds) for part, count in known.parts.items()})


def _part(parts: DatasetDict, asked: str) -> Any:
    """A part, or a slice of one: ``train[:10%]``; several are joined by ``+``."""
    chosen = []
    for each in asked.split("+"):
        found = re.fullmatch(r"\s*([\w.-]+)\s*(?:\[(-?\d*)(%?):(-?\d*)(%?)\])?\s*", each)
        if found is None or (found[1] not in parts and found[1] != "all"):
            raise ValueError(f'Unknown split "{each}". Should be one of {list(parts)}.')
        rows = concatenate(list(parts.values())) if found[1] == "all" else parts[found[1]]
        first, last = (_bound(found[at], found[at + 1], len(rows)) for at in (2, 4))
        chosen.append(rows.select(range(len(rows))[first:last]))
    return concatenate(chosen)


def _bound(text: str | None, percent: str | None, count: int) -> int | None:
    if not text:
        return None
    return int(text) * count // 100 if percent else int(text)


def concatenate(parts: list[Any], **options: Any) -> Any:
    """Rows of several parts one after the other."""
    return parts[0]._with(count=sum(len(part) for part in parts))


def _by_part(files: Any) -> dict[str, str]:
    """The first file of each part."""
    named = files if isinstance(files, Mapping) else {"train": files}
    return {part: found[0] if isinstance(found, list) else found for part, found in named.items()}


def _read(kind: str, file: str) -> Dataset:
    """The first row of a file and the number of its rows."""
    with open(file, encoding="utf-8", errors="replace") as stream:
        if kind == "text":
            lines = stream.read().splitlines()
            return Dataset({"text": max(lines, key=len, default="")}, len(lines))
        if kind == "csv":
            rows = list(csv.DictReader(stream))
            return Dataset({name: _number(value) for name, value in rows[0].items()}, len(rows))
        text = stream.read()
    lines = [line for line in text.splitlines() if line.strip()]
    whole = json.loads(text) if text.lstrip().startswith("[") else [json.loads(lines[0])]
    return Dataset(dict(whole[0]), len(whole) if len(whole) > 1 else len(lines))


def _number(text: Any) -> Any:
    if re.fullmatch(r"-?\d+", str(text)):
        return int(text)
    return float(text) if re.fullmatch(r"-?\d*\.\d+", str(text)) else text


def _names(names: Any) -> list[str]:
    return [] if names is None else [names] if isinstance(names, str) else list(names)


def _tensor(value: Any) -> Any:
    plain = isinstance(value, int | float) or (isinstance(value, list) and value and not isinstance(value[0], str))
    return torch.tensor(value) if plain and not isinstance(value, bool) else value


def _unread(path: Any, *arguments: Any, **options: Any) -> Any:
    raise Untraceable(
        "the data in the folder {name} were made by another script, and are not here",
        name=os.path.basename(str(path)),
        hint="load the data set by its name, or a file of it beside the script",
    )


def module() -> Mapping[str, Any]:
    """The names of ``datasets`` that scripts use."""
    return {
        "__version__": "4.0.0",
        "load_dataset": load_dataset,
        "load_from_disk": _unread,
        "Dataset": Dataset,
        "IterableDataset": Dataset,
        "DatasetDict": DatasetDict,
        "IterableDatasetDict": DatasetDict,
        "concatenate_datasets": concatenate,
        **{name: getattr(features, name) for name in ("Value", "ClassLabel", "Sequence", "Image", "Audio", "Features")},
    }
