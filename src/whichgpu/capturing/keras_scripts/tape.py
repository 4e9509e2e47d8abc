"""``tf.GradientTape`` over Torch's own gradients, and training loops that a script writes itself.

A loop is recorded live: from the first tape to the last optimizer that is applied before the next step's tape. Its
batch is that of the script, and its graph holds for that batch alone. Inside a model's own ``train_step`` the tape
only takes gradients: that step is recorded as any other.
"""

from __future__ import annotations

import contextlib
import sys
from collections.abc import Callable
from typing import Any, ClassVar, Final

import keras
import torch

from whichgpu.capturing.keras_scripts.calls import Calls
from whichgpu.capturing.keras_scripts.journal import Fed, Journal
from whichgpu.capturing.keras_scripts.pipelines import Dataset
from whichgpu.capturing.keras_scripts.stepping import declare_variables, layout_copies, scopes
from whichgpu.capturing.keras_scripts.whole import Whole, recording
from whichgpu.capturing.sandboxing.watching import line_of
from whichgpu.capturing.tracing import Recorder, replaced
from whichgpu.graph import Role

MOST_ROUNDS: Final = 50
"""Tapes after the recorded step at which a loop that goes on is known."""


class Loop:
    """The script's own training loop: one step of it is recorded, the rest only runs."""

    def __init__(self, journal: Journal, framework: str) -> None:
        self.journal = journal
        self.framework = framework
        self.script = ""
        self.recorder: Recorder | None = None
        self.batch_size: int | None = None
        self.optimizer: Any = None
        self._kinds: dict[str, str] = {}
        self._stack = contextlib.ExitStack()
        self._applied = False
        self._done = False

    def begin(self) -> None:
        """A tape is opened: the first one begins the recording, one after an applied optimizer ends it."""
        if self._applied:
            self.end()
        if Whole.recorder is not None:
            return
        if self._done:
            self.journal.round(0, MOST_ROUNDS)
            return
        self.recorder = Recorder()
        self._stack.enter_context(scopes(self.recorder, self._kinds))
        self._stack.enter_context(recording(self.recorder, self.framework))
        self._stack.enter_context(replaced(self.recorder))
        self._stack.enter_context(self.recorder)
        Calls.outermost = self._called

    def _called(self, arguments: tuple[Any, ...]) -> None:
        """A model is called: what it is given are inputs, and their rows the batch."""
        if self.recorder is None:
            return
        for part in keras.tree.flatten(arguments):
            if isinstance(part, torch.Tensor) and part.dim() and not part.requires_grad:
                self.batch_size = self.batch_size or int(part.shape[0])
                self.recorder.declare(part, Role.INPUT)

    def applied(self, optimizer: Any, variables: Any) -> None:
        """An optimizer is applied: what was recorded up to here is the step, unless another one follows."""
        self.optimizer = optimizer
        if self.recorder is None or self._done:
            return
        self._applied = True
        owned = {id(variable) for variable in variables}
        models = [use.model for use in self.journal.uses]
        for model in models:
            declare_variables(self.recorder, model)
        counts = [(sum(id(variable) in owned for variable in model.variables), model) for model in models]
        count, model = max(counts, key=lambda found: found[0], default=(0, None))
        if count == 0:
            return
        batch_size = self.batch_size or 1
        graph = layout_copies(self.recorder.finish(batch_size), self._kinds)
        data = Dataset.last
        samples = None if data is None or data.batch_size is None else data.rows
        line = line_of(self.script, sys._getframe()) or 1
        fed = Fed(batch_size=batch_size, samples=samples)
        self.journal.note(model, "fitted", line, fed=fed, graph=graph, optimizer=optimizer)

    def end(self) -> None:
        """Stop recording for good."""
        self._stack.close()
        self.recorder, self._applied, self._done = None, False, True
        Calls.outermost = None


class GradientTape:
    """Stands for ``tf.GradientTape``: Torch records gradients anyway."""

    loop: ClassVar[Loop | None] = None
    open: ClassVar[int] = 0
    """How many tapes record at this moment: a gradient taken while one does is differentiated again."""

    def __init__(self, persistent: bool = False, watch_accessed_variables: bool = True) -> None: ...

    def __enter__(self) -> GradientTape:
        if GradientTape.loop is not None:
            GradientTape.loop.begin()
        GradientTape.open += 1
        return self

    def __exit__(self, *error: object) -> None:
        """Record no more; exceptions pass."""
        GradientTape.open -= 1

    def watch(self, tensor: Any) -> None:
        """Let gradients reach this tensor."""
        for part in keras.tree.flatten(tensor):
            if isinstance(part, torch.Tensor) and part.is_leaf and part.is_floating_point():
                part.requires_grad_()

    @contextlib.contextmanager
    def stop_recording(self) -> Any:
        """Within, nothing gets a gradient."""
        with torch.no_grad():
            yield

    def reset(self) -> None:
        """Nothing."""

    def gradient(
        self, target: Any, sources: Any, output_gradients: Any = None, unconnected_gradients: Any = None
    ) -> Any:
        """The gradients of the targets' sum, in the structure of ``sources``; None where nothing connects them."""
        total = sum(part.sum() for part in keras.tree.flatten(target))
        flat = keras.tree.flatten(sources)
        tensors = [part.value if isinstance(part, keras.Variable) else part for part in flat]
        wanted = [tensor for tensor in tensors if tensor.requires_grad]
        again = GradientTape.open > 0
        options = {"allow_unused": True, "retain_graph": True, "create_graph": again}
        found = torch.autograd.grad(total, wanted, **options) if wanted else ()
        by_tensor = {id(tensor): gradient for tensor, gradient in zip(wanted, found, strict=True)}
        for part in flat:
            if isinstance(part, keras.Variable):
                part.value.grad = by_tensor.get(id(part.value))
        return keras.tree.pack_sequence_as(sources, [by_tensor.get(id(tensor)) for tensor in tensors])


def install(journal: Journal) -> Loop:
    """Let optimizers change nothing, and tell the loop that they were applied."""
    loop = GradientTape.loop = Loop(journal, Whole.framework)

    def apply_gradients(self: Any, grads_and_vars: Any, *arguments: Any, **options: Any) -> None:
        loop.applied(self, [variable for _, variable in grads_and_vars])

    def apply(self: Any, grads: Any, trainable_variables: Any = None) -> None:
        loop.applied(self, trainable_variables or ())

    def minimize(self: Any, loss: Any, var_list: Any, tape: Any = None) -> None:
        target = loss() if callable(loss) else loss
        (tape or GradientTape()).gradient(target, var_list)
        loop.applied(self, var_list)

    methods: dict[str, Callable[..., None]] = {
        "apply_gradients": apply_gradients,
        "apply": apply,
        "minimize": minimize,
    }
    for name, method in methods.items():
        setattr(keras.optimizers.Optimizer, name, method)
    return loop
