"""What is said of a script that failed: pairs of a template and its way out, for ``whichgpu.errors``."""

from __future__ import annotations

from typing import Final

Wording = tuple[str, str]

TOO_LONG: Final[Wording] = (
    "{file}, line {line}: the script still ran after {seconds:.0f} s",
    "shorten its loops, or set WHICHGPU_SCRIPT_SECONDS to allow it more",
)
TOO_MUCH_MEMORY: Final[Wording] = (
    "{file}, line {line}: the script needs more than {mebibytes} MiB of memory",
    "give it less data: shapes are enough to predict a model's speed",
)
TOO_MUCH_WRITTEN: Final[Wording] = (
    "{file}, line {line}: the script writes more than {mebibytes} MiB of files",
    "leave out what it writes: the files would be thrown away",
)
NO_NETWORK: Final[Wording] = (
    "{file}, line {line}: the script needs the network ({detail}), which it may not use",
    "put what it downloads into the folder of the script and read it from there",
)
NO_PROCESSES: Final[Wording] = (
    "{file}, line {line}: the script starts another process ({detail}), which it may not",
    "leave that line out: it is not needed to build the model",
)
NO_WRITING: Final[Wording] = (
    "{file}, line {line}: the script changes {detail}, outside its scratch folder",
    "let it write to relative names: they land in a folder that is thrown away",
)
RAISED: Final[Wording] = (
    "{file}, line {line}: {error}",
    "run the script by itself to see more; it must get as far as building its model",
)
LACKS_MODULE: Final[Wording] = (
    "{file}, line {line}: the module {module} is not installed",
    "install it where whichgpu is installed, or leave it out",
)
NO_MODEL: Final[Wording] = (
    "{file} ends without building a model",
    "give the script that builds and compiles the model",
)
ENDED: Final[Wording] = (
    "{file} ended its process ({reason}) before its model could be read",
    "run the script by itself to see more",
)
KILLED: Final[Wording] = (
    "{file} was stopped by the operating system ({reason}), most likely for its memory",
    "give it less data: shapes are enough to predict a model's speed",
)
NEVER_READY: Final[Wording] = (
    "the frameworks that read {file} did not load within {seconds:.0f} s",
    "try again: the first load after an installation is the slowest",
)
TOO_LARGE: Final[Wording] = (
    "the graph of {file} has more than {mebibytes} MiB",
    "choose a shorter sequence, or a model that repeats fewer operators",
)
