"""Import names: ``tensorflow.keras`` and Keras' former module paths lead to the Keras that is installed.

``tensorflow`` itself becomes the stand-in of ``tensorflow_names``; libraries for plotting and data that are not
installed become stubs.
"""

from __future__ import annotations

import importlib
import importlib.abc
import importlib.machinery
import sys
import types
from collections.abc import Callable, Mapping, Sequence
from typing import Final

from whichgpu.capturing.keras_scripts import former_modules
from whichgpu.capturing.stand_ins import environments, learning
from whichgpu.capturing.stand_ins.stubs import PARTS, Stub, StubModule
from whichgpu.capturing.words import words

KERAS: Final = "keras._tf_keras.keras"
"""Keras as TensorFlow 2.16 and later show it: with the preprocessing classes of former releases."""

ROOTS: Final = (KERAS, "tensorflow.keras", "tensorflow.python.keras", "tf_keras", "keras")
TENSORFLOW: Final = ("tensorflow", "tf_keras")

FORMER: Final[Mapping[str, str]] = {
    # module path of Keras 1 and 2: where its names are now
    **{
        f"layers.{name}": "layers"
        for name in words(
            """core convolutional recurrent embeddings normalization pooling wrappers merge noise local
    advanced_activations convolutional_recurrent cudnn_recurrent attention merging regularization
    reshaping rnn activation preprocessing experimental experimental.preprocessing"""
        )
    },
    **{
        f"layers.{name}": "layers"
        for name in ("normalization.batch_normalization", "core.dense", "pooling.max_pooling2d")
    },
    **{
        f"utils.{name}": "utils"
        for name in words("""np_utils generic_utils vis_utils data_utils layer_utils io_utils all_utils""")
    },
    "utils.training_utils": "utils",
    "optimizers.schedules.learning_rate_schedule": "optimizers.schedules",
    "optimizers.legacy": "optimizers",
    "optimizers.experimental": "optimizers",
    "optimizer_v2": "optimizers",
    **{f"optimizers.{name}": "optimizers" for name in ["adam", "sgd", "rmsprop", "adam_v2", "optimizer_v2"]},
    "engine": "models",
    "engine.topology": "layers",
    "engine.base_layer": "layers",
    "engine.input_layer": "layers",
    "engine.training": "models",
    "engine.sequential": "models",
    "legacy.interfaces": "utils",
    "regularizers.l1_l2": "regularizers",
    "mixed_precision.experimental": "mixed_precision",
    "preprocessing": "preprocessing",
}

STUBBED: Final = frozenset(
    words(
        """matplotlib mpl_toolkits pylab seaborn plotly bokeh altair IPython ipywidgets pydot graphviz
    visualkeras livelossplot keras_visualizer pandas sklearn scipy skimage cv2 PIL imageio imutils tqdm
    h5py nltk spacy gensim tensorboard wandb mlflow comet_ml neptune google kaggle kagglehub
    kaggle_datasets opendatasets yfinance pandas_datareader requests bs4 lxml yaml psutil gym gymnasium
    librosa soundfile music21 imblearn statsmodels xgboost lightgbm termcolor colorama prettytable
    tabulate six cairocffi tensorflow_datasets tensorflow_addons tensorflow_hub tensorflow_text dotenv joblib"""
    )
)
"""Libraries a script may use beside its model; one that would build the model is not among them."""


class _AliasLoader(importlib.abc.Loader):
    """Gives a module that exists already under another name."""

    def __init__(self, find: Callable[[], types.ModuleType]) -> None:
        self._find = find

    def create_module(self, spec: importlib.machinery.ModuleSpec) -> types.ModuleType | None:
        """None: Python makes an empty module, which ``exec_module`` replaces."""
        return None

    def exec_module(self, module: types.ModuleType) -> None:
        """Put the real module where Python looks for the new name."""
        sys.modules[module.__name__] = self._find()


class AliasFinder(importlib.abc.MetaPathFinder):
    """Finds ``tensorflow…`` before an installed TensorFlow is found."""

    def __init__(self, tensorflow: types.ModuleType) -> None:
        self._tensorflow = tensorflow
        self.imported = False

    def find_spec(
        self, fullname: str, path: Sequence[str] | None, target: types.ModuleType | None = None
    ) -> importlib.machinery.ModuleSpec | None:
        """The spec of an alias, or None for names of others."""
        if fullname.split(".")[0] not in TENSORFLOW:
            return None
        self.imported = True
        inner = keras_module(fullname)
        find = (lambda: importlib.import_module(inner)) if inner else (lambda: self._part(fullname))
        if inner is None and self._lacks(fullname):
            return None
        return importlib.machinery.ModuleSpec(fullname, _AliasLoader(find), is_package=True)

    def _part(self, fullname: str) -> types.ModuleType:
        module: types.ModuleType = self._tensorflow
        for name in fullname.split(".")[1:]:
            module = getattr(module, name)
        return module

    def _lacks(self, fullname: str) -> bool:
        try:
            self._part(fullname)
        except AttributeError:
            return True
        return False


class LastFinder(importlib.abc.MetaPathFinder):
    """Finds former Keras paths and stubbed libraries, after all else has failed."""

    def __init__(self) -> None:
        self.stubbed: set[str] = set()

    def find_spec(
        self, fullname: str, path: Sequence[str] | None, target: types.ModuleType | None = None
    ) -> importlib.machinery.ModuleSpec | None:
        """The spec of an alias or a stub, or None."""
        root = fullname.split(".")[0]
        if root == "keras":
            inner = keras_module(fullname)
            if inner is None or inner == fullname:
                return None
            return importlib.machinery.ModuleSpec(
                fullname, _AliasLoader(lambda: importlib.import_module(inner)), is_package=True
            )
        if root not in STUBBED or not (root in self.stubbed or root not in sys.modules):
            return None
        self.stubbed.add(root)
        return importlib.machinery.ModuleSpec(fullname, _AliasLoader(lambda: StubModule(fullname)), is_package=True)


def keras_module(fullname: str) -> str | None:
    """The installed module that a Keras name of any release means, or None where there is none."""
    root = next((root for root in ROOTS if fullname == root or fullname.startswith(root + ".")), None)
    if root is None:
        return None
    inner = fullname[len(root) + 1 :]
    for name in dict.fromkeys((inner, FORMER.get(inner, inner))):
        for base in (KERAS, "keras"):
            candidate = f"{base}.{name}" if name else base
            if candidate != fullname and _exists(candidate):
                return candidate
    return None


def _exists(module: str) -> bool:
    if module in sys.modules:
        return True
    parent = sys.modules.get(module.rpartition(".")[0])
    folders = getattr(parent, "__path__", None)
    return folders is not None and importlib.machinery.PathFinder.find_spec(module, folders) is not None


def install(tensorflow: types.ModuleType) -> tuple[AliasFinder, LastFinder]:
    """Put both finders in place."""
    learning.register()
    PARTS["gym"] = lambda: environments.module(episode_steps=1, short=True, unknown=Stub)
    PARTS["gymnasium"] = lambda: environments.module(episode_steps=1, unknown=Stub)
    former_modules.register()
    first, last = AliasFinder(tensorflow), LastFinder()
    sys.meta_path.insert(0, first)
    sys.meta_path.append(last)
    return first, last
