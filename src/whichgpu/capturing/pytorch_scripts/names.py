"""Import names: libraries beside the model become stand-ins where they are not installed; some are changed once loaded.

Libraries that bring a training loop of their own are refused with a word of what to do instead.
"""

from __future__ import annotations

import importlib.abc
import importlib.machinery
import importlib.util
import os
import sys
import types
from collections.abc import Callable, Mapping, Sequence
from typing import Any, Final

import torch.hub

from whichgpu.capturing.pytorch_scripts import hub, lightning_loop, pretrained, vision_data, vision_transforms
from whichgpu.capturing.stand_ins import environments, learning
from whichgpu.capturing.stand_ins.stubs import PARTS, Attributes, Progress, StubModule
from whichgpu.capturing.words import words
from whichgpu.errors import MissingExtra, Untraceable

STUBBED: Final = frozenset(
    words(
        """matplotlib mpl_toolkits pylab seaborn plotly bokeh altair IPython ipywidgets pydot graphviz pandas
    sklearn scipy skimage cv2 PIL imageio imutils tqdm h5py nltk spacy gensim tensorboard tensorboardX wandb mlflow
    comet_ml neptune google kaggle kagglehub requests bs4 lxml yaml psutil gym gymnasium stable_baselines3 librosa
    soundfile statsmodels termcolor colorama prettytable tabulate dotenv joblib torchsummary torchinfo torchviz thop
    fvcore tiktoken torchvision datasets evaluate torchmetrics absl fire rich loguru pygame visdom ale_py"""
    )
)
"""Libraries a script may use beside its model; one that builds the model is not among them."""

TRAINERS: Final = frozenset(words("fastai ignite catalyst composer"))
"""Libraries whose own loop does the training."""

STANDING: Final = hub.ROOTS | lightning_loop.ROOTS
"""Libraries that have a stand-in whether or not they are installed."""

BUILDERS: Final[Mapping[str, str]] = {
    "torchvision.models": "zoo",
    "torchvision.ops": "zoo",
    "timm": "zoo",
    "transformers": "huggingface",
    "diffusers": "zoo",
}
"""Libraries that build models, and the extra that installs each."""


EPISODE_STEPS: Final = 100
"""Steps of an episode: a policy may learn from whole episodes, whose lengths nobody knows before."""


class _Loader(importlib.abc.Loader):
    """Gives a stand-in, and tells that it did."""

    def __init__(self, name: str, told: Callable[[str], None] | None = None) -> None:
        self._name, self._told = name, told

    def create_module(self, spec: importlib.machinery.ModuleSpec) -> types.ModuleType | None:
        """The module."""
        if self._told is not None:
            self._told(self._name.split(".")[0])
        return StubModule(self._name)

    def exec_module(self, module: types.ModuleType) -> None:
        """Nothing more."""


class _Changed(importlib.abc.Loader):
    """Loads a module, then changes it."""

    def __init__(self, loader: Any, change: Callable[[Any], None]) -> None:
        self._loader = loader
        self._change = change

    def create_module(self, spec: importlib.machinery.ModuleSpec) -> types.ModuleType | None:
        """Whatever the module's own loader makes."""
        made: types.ModuleType | None = self._loader.create_module(spec)
        return made

    def exec_module(self, module: types.ModuleType) -> None:
        """Run the module, and change it."""
        self._loader.exec_module(module)
        self._change(module)


class FirstFinder(importlib.abc.MetaPathFinder):
    """Refuses training libraries, and finds modules that are changed once they are loaded."""

    def __init__(self, changes: Mapping[str, Callable[[Any], None]]) -> None:
        self._changes = changes

    def find_spec(
        self, fullname: str, path: Sequence[str] | None, target: types.ModuleType | None = None
    ) -> importlib.machinery.ModuleSpec | None:
        """The spec of a module to change, or None."""
        if fullname.split(".")[0] in TRAINERS:
            raise Untraceable(
                "the training loop is that of {library}, which is not followed",
                library=fullname.split(".")[0],
                hint="give the module itself: file.py:function and --input-shape, where the function returns it",
            )
        root = fullname.split(".")[0]
        if root in STANDING and not _is_own(root):
            return importlib.machinery.ModuleSpec(fullname, _Loader(fullname), is_package=True)
        change = self._changes.get(fullname)
        spec = None if change is None else importlib.machinery.PathFinder.find_spec(fullname, path)
        if change is not None and spec is not None and spec.loader is not None:
            spec.loader = _Changed(spec.loader, change)
        return spec


def _is_own(root: str) -> bool:
    """Whether a module of that name lies beside the script: many a script has a ``datasets.py`` of its own."""
    path = os.path.join(sys.path[0], root)
    return os.path.isfile(f"{path}.py") or (
        os.path.isdir(path) and any(name.endswith(".py") for name in os.listdir(path))
    )


class LastFinder(importlib.abc.MetaPathFinder):
    """Finds stand-ins, after all else has failed."""

    def __init__(self) -> None:
        self.stubbed: set[str] = set()

    def find_spec(
        self, fullname: str, path: Sequence[str] | None, target: types.ModuleType | None = None
    ) -> importlib.machinery.ModuleSpec | None:
        """The spec of a stand-in, or None."""
        root = fullname.split(".")[0]
        extra = BUILDERS.get(".".join(fullname.split(".")[:2])) or BUILDERS.get(fullname)
        if extra is not None and (root not in sys.modules or root in self.stubbed):
            raise _missing(root, extra)
        if root not in STUBBED or (root in sys.modules and root not in self.stubbed):
            return None
        return importlib.machinery.ModuleSpec(fullname, _Loader(fullname, self.stubbed.add), is_package=True)


class _Absent:
    """A module of a library that builds models, not installed: said once something of it is used."""

    def __init__(self, library: str, extra: str) -> None:
        self._missing = (library, extra)

    def __getattr__(self, name: str) -> Any:
        if name.startswith("__"):
            raise AttributeError(name)
        raise _missing(*self._missing)


def _missing(library: str, extra: str) -> MissingExtra:
    return MissingExtra(
        "the script builds its model with {library}, which is not installed",
        library=library,
        hint="pip install 'whichgpu[{extra}]'",
        extra=extra,
    )


def _torchvision() -> Attributes:
    """The library with its parts, which importing one by one would not find."""
    parts = ("datasets", "transforms", "transforms.v2", "transforms.functional", "transforms.v2.functional")
    for part in parts:
        name = f"torchvision.{part}"
        sys.modules[name] = StubModule(name)
        parent, _, own = name.rpartition(".")
        if parent != "torchvision":
            setattr(sys.modules[parent], own, sys.modules[name])
    plain = {part: sys.modules[f"torchvision.{part}"] for part in parts if "." not in part}
    absent = {part: _Absent("torchvision", "zoo") for part in ("models", "ops")}
    return {"__version__": "0.24", **plain, **absent}


def install(note_folder: Callable[[str], None]) -> LastFinder:
    """Put both finders in place."""
    learning.register()
    parts: dict[str, Callable[[], Attributes]] = {
        "torchvision": _torchvision,
        "torchvision.datasets": lambda: vision_data.classes(None, note_folder),
        "torchvision.transforms": vision_transforms.transforms,
        "torchvision.transforms.v2": vision_transforms.transforms,
        "torchvision.transforms.functional": vision_transforms.functional,
        "torchvision.transforms.v2.functional": vision_transforms.functional,
        **dict.fromkeys(("gym", "gymnasium"), lambda: environments.module(episode_steps=EPISODE_STEPS)),
    }
    PARTS.update({name: part for name, part in parts.items() if name not in PARTS})

    def known_data(module: Any) -> None:
        vars(module).update(vision_data.classes(module, note_folder))

    PARTS.update({**hub.PARTS, **lightning_loop.parts()})
    changes = {"torchvision.datasets": known_data, **pretrained.CHANGES, **hub.CHANGES}
    last = LastFinder()
    if importlib.util.find_spec("tqdm") is None:
        vars(torch.hub)["tqdm"] = Progress
    sys.meta_path.insert(0, FirstFinder(changes))
    sys.meta_path.append(last)
    sys.modules["torch.utils.tensorboard"] = StubModule("torch.utils.tensorboard")
    return last
