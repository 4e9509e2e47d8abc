"""The layers that models are made of, as operators forward and backward: what a framework runs, without a framework.

Each method appends its forward operators, and remembers how its gradients are computed; ``backward`` plays that back.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from typing import Final

from whichgpu.capturing.building import GraphBuilder, Shape
from whichgpu.graph import Kind, OperatorGraph, Phase, Role

LARGEST_FUSED_HEAD: Final = 256
"""Largest head of the fused attention kernels (PyTorch documentation of scaled_dot_product_attention)."""


class Layers:
    """Layers over a GraphBuilder; a tensor needs a gradient where something trainable leads to it."""

    def __init__(self, batch_size: int, *, train: bool) -> None:
        self.graph = GraphBuilder(batch_size)
        self.train = train
        self._needs: set[int] = set()
        self._tape: list[Callable[[], None]] = []
        self._gradients: dict[int, int] = {}

    def input(self, shape: Shape, dtype: str = "float32") -> int:
        """An input of the model."""
        return self.graph.tensor(shape, dtype, role=Role.INPUT)

    def cache(self, shape: Shape) -> int:
        """What generation keeps from one token to the next."""
        return self.graph.tensor(shape, role=Role.CACHE)

    def weight(self, *shape: int, trainable: bool = True) -> int:
        """A parameter; frozen ones get no gradient."""
        index = self.graph.tensor(shape, role=Role.WEIGHT, trainable=trainable)
        if trainable and self.train:
            self._needs.add(index)
        return index

    def view(self, x: int, shape: Shape) -> int:
        """``x`` in another shape, or a part of it; costs nothing."""
        y = self.graph.view(x, shape)
        self._record(y, [x], lambda: self._give(x, self.graph.view(self._taken(y), self.graph.shape(x))))
        return y

    def split(self, x: int, *shapes: Shape) -> list[int]:
        """Parts of ``x`` as views of these shapes; their gradients are put together again by a copy."""
        parts = [self.graph.view(x, shape) for shape in shapes]

        def backward() -> None:
            whole = self._gradient_of(x)
            given = [self._gradients[part] for part in parts if part in self._gradients]
            self.graph.operator(Kind.COPY, "cat", given, [whole], reason="concatenate")
            self._give(x, whole)

        self._tape_for(x, backward)
        if self.train and x in self._needs:
            self._needs.update(parts)
        return parts

    def joined(self, parts: Sequence[int], shape: Shape) -> int:
        """``parts`` side by side in one tensor of ``shape``; one that all heads share is repeated for them."""
        y = self.graph.tensor(shape)
        self.graph.operator(Kind.COPY, "cat", list(parts), [y], reason="concatenate")

        def backward() -> None:
            dy = self._taken(y)
            for part in parts:
                known = self.graph.shape(part)
                share = (*shape[:-1], known[-1])
                own = self.graph.view(dy, share)
                if math.prod(known) == math.prod(share):
                    self._give(part, self.graph.view(dy, known))
                elif part in self._needs:
                    self._summed(own, part)

        self._record(y, parts, backward)
        return y

    def _record(self, output: int, inputs: Sequence[int], backward: Callable[[], None]) -> None:
        """Remember how the gradients of ``inputs`` come from that of ``output``, unless none is needed."""
        if not self.train or not any(index in self._needs for index in inputs):
            return
        self._needs.add(output)
        scope = self.graph.module

        def play() -> None:
            if output in self._gradients:
                with self.graph.scope(scope):
                    backward()

        self._tape.append(play)

    def _taken(self, index: int) -> int:
        return self._gradients[index]

    def _give(self, index: int, gradient: int) -> None:
        """Add ``gradient`` to what ``index`` has."""
        if index not in self._needs:
            return
        known = self._gradients.get(index)
        if known is None:
            self._gradients[index] = gradient
            return
        total = self.graph.view(known, self.graph.shape(known))
        self.graph.operator(Kind.ELEMENTWISE, "add", [known, gradient], [total], function="add")
        self._gradients[index] = total

    def _gradient_of(self, index: int) -> int:
        """A new tensor for the gradient of ``index``, of a weight or an activation."""
        known = self.graph.of(index)
        role = Role.GRADIENT if known.role is Role.WEIGHT else Role.ACTIVATION
        return self.graph.tensor(known.shape, known.dtype, role=role)

    def linear(self, x: int, w: int, bias: int | None = None) -> int:
        """``x`` [*, k] times ``w`` [n, k] as PyTorch keeps it, and a bias [n]."""
        *lead, depth = self.graph.shape(x)
        width = self.graph.shape(w)[0]
        y = self.graph.tensor((*lead, width))
        given = [x, self.graph.transposed(w), *([] if bias is None else [bias])]
        self.graph.operator(Kind.GEMM, "linear", given, [y])
        rows = math.prod(lead)

        def backward() -> None:
            dy = self._taken(y)
            if x in self._needs:
                dx = self._gradient_of(x)
                self.graph.operator(Kind.GEMM, "linear_backward", [dy, w], [dx])
                self._give(x, dx)
            if w in self._needs:
                dw = self._gradient_of(w)
                across = self.graph.view(dy, (width, rows))
                flat = self.graph.view(x, (rows, depth))
                self.graph.operator(Kind.GEMM, "linear_backward", [across, flat], [dw])
                self._give(w, dw)
            if bias is not None and bias in self._needs:
                self._summed(dy, bias)

        self._record(y, [x, w, *([] if bias is None else [bias])], backward)
        return y

    def _summed(self, gradient: int, bias: int) -> None:
        """The gradient of a bias: a sum over rows."""
        db = self._gradient_of(bias)
        self.graph.operator(Kind.REDUCTION, "sum", [gradient], [db], function="sum")
        self._give(bias, db)

    def elementwise(self, function: str, *operands: int, shape: Shape | None = None) -> int:
        """One element-wise kernel; its backward reads the same operands and makes a gradient for each."""
        y = self.graph.tensor(shape if shape is not None else self.graph.shape(operands[0]))
        self.graph.operator(Kind.ELEMENTWISE, function, list(operands), [y], function=function)

        def backward() -> None:
            dy = self._taken(y)
            wanted = [x for x in dict.fromkeys(operands) if x in self._needs]
            if function == "add":
                self._passed(dy, wanted)
                return
            made = [self._gradient_of(x) for x in wanted]
            self.graph.operator(Kind.ELEMENTWISE, f"{function}_backward", [dy, *operands], made, function=function)
            for x, dx in zip(wanted, made, strict=True):
                self._give(x, dx)

        self._record(y, operands, backward)
        return y

    def _passed(self, gradient: int, operands: Sequence[int]) -> None:
        """A sum passes its gradient on; a broadcast operand's is summed."""
        for x in operands:
            if self.graph.shape(x) == self.graph.shape(gradient):
                self._give(x, gradient)
            else:
                self._summed(gradient, x)

    def norm(self, kind: str, x: int, *parameters: int) -> int:
        """A layer, RMS or group norm over ``x`` with its scale (and shift)."""
        shape = self.graph.shape(x)
        y = self.graph.tensor(shape)
        self.graph.operator(Kind.NORM, f"{kind}_norm", [x, *parameters], [y], norm=kind, training=True)

        def backward() -> None:
            wanted = [index for index in (x, *parameters) if index in self._needs]
            made = [self._gradient_of(index) for index in wanted]
            given = [self._taken(y), x, *parameters]
            self.graph.operator(Kind.NORM, f"{kind}_norm_backward", given, made, norm=kind, training=True)
            for index, gradient in zip(wanted, made, strict=True):
                self._give(index, gradient)

        self._record(y, [x, *parameters], backward)
        return y

    def embedding(self, table: int, indices: int) -> int:
        """Rows of ``table`` [v, d] at ``indices`` [*]; the gradient of the table is dense."""
        y = self.graph.tensor((*self.graph.shape(indices), self.graph.shape(table)[-1]))
        self.graph.operator(Kind.EMBEDDING, "embedding", [table, indices], [y])

        def backward() -> None:
            gradient = self._gradient_of(table)
            given = [self._taken(y), indices]
            self.graph.operator(Kind.SCATTER, "embedding_backward", given, [gradient], sparse=False)
            self._give(table, gradient)

        self._record(y, [table], backward)
        return y

    def attention(
        self,
        q: int,
        k: int,
        v: int,
        *,
        causal: bool,
        window: int = 0,
        fused: bool = True,
        largest: int = LARGEST_FUSED_HEAD,
        values_in_keys: bool = False,
    ) -> int:
        """Attention of ``q`` [b, h, lq, d] over ``k`` [b, hkv, lk, d] and ``v`` [b, hkv, lk, dv]: [b, h, lq, dv].

        ``values_in_keys`` says that values are a part of the keys and are read with them; ``largest`` is the largest
        head of a fused kernel.
        """
        o = self.graph.tensor((*self.graph.shape(q)[:-1], self.graph.shape(v)[-1]))
        fused = fused and self.graph.shape(q)[-1] <= largest
        choices: dict[str, bool | int] = {"causal": causal, "window": window, "dropout": False, "fused": fused}
        if values_in_keys:
            choices["values_in_keys"] = True

        def add(name: str, inputs: Sequence[int], outputs: Sequence[int]) -> None:
            self.graph.operator(Kind.ATTENTION, name, inputs, outputs, **choices)

        add("attention", [q, k, v], [o])

        def backward() -> None:
            made = [self._gradient_of(x) for x in (q, k, v)]
            add("attention_backward", [self._taken(o), q, k, v, o], made)
            for x, dx in zip((q, k, v), made, strict=True):
                self._give(x, dx)

        self._record(o, [q, k, v], backward)
        return o

    def experts(self, x: int, w: int, top_k: int) -> int:
        """Every row of ``x`` [t, k] times the weights [e, k, n] of ``top_k`` experts: [t·top_k, n].

        Both gradients are grouped products of the same size.
        """
        rows, depth = self.graph.shape(x)
        count, _, width = self.graph.shape(w)
        y = self.graph.tensor((rows * top_k, width))
        self.graph.operator(Kind.EXPERTS, "experts", [x, w], [y], experts=count, top_k=top_k)

        def backward() -> None:
            dy = self._taken(y)
            if x in self._needs:
                dx = self.graph.tensor((rows * top_k, depth))
                back = self.graph.transposed(w)
                self.graph.operator(Kind.EXPERTS, "experts_backward", [dy, back], [dx], experts=count, top_k=1)
                self._give(x, dx if top_k == 1 else self._combined(dx, (rows, depth)))
            if w in self._needs:
                dw = self._gradient_of(w)
                self.graph.operator(Kind.EXPERTS, "experts_backward", [x, w, dy], [dw], experts=count, top_k=top_k)
                self._give(w, dw)

        self._record(y, [x, w], backward)
        return y

    def _combined(self, parts: int, shape: Shape) -> int:
        """The sum of what several experts made for one row."""
        total = self.graph.tensor(shape)
        self.graph.operator(Kind.REDUCTION, "combine", [parts], [total], function="sum")
        return total

    def combine(self, parts: int, rows: int) -> int:
        """Rows [t·top_k, n] back to [t, n]: weighted by the router and summed."""
        y = self._combined(parts, (rows, self.graph.shape(parts)[-1]))

        def backward() -> None:
            spread = self._gradient_of(parts)
            self.graph.operator(Kind.COPY, "spread", [self._taken(y)], [spread], reason="gather")
            self._give(parts, spread)

        self._record(y, [parts], backward)
        return y

    def choose(self, scores: int, top_k: int) -> int:
        """The router: softmax over experts and the ``top_k`` largest of [t, e]."""
        rows, _ = self.graph.shape(scores)
        chances = self.graph.tensor(self.graph.shape(scores))
        self.graph.operator(Kind.SOFTMAX, "softmax", [scores], [chances], function="softmax")
        chosen = self.graph.tensor((rows, top_k))
        self.graph.operator(Kind.SORT, "topk", [chances], [chosen], function="topk")

        def backward() -> None:
            ds = self._gradient_of(scores)
            self.graph.operator(Kind.SOFTMAX, "softmax_backward", [chances], [ds], function="softmax")
            self._give(scores, ds)

        self._tape_for(scores, backward)
        return chosen

    def _tape_for(self, index: int, backward: Callable[[], None]) -> None:
        if self.train and index in self._needs:
            self._tape.append(backward)

    def cross_entropy(self, logits: int, targets: int) -> None:
        """The loss of ``logits`` [r, v] against ``targets`` [r]: where the backward pass starts."""
        log_chances = self.graph.tensor(self.graph.shape(logits))
        self.graph.operator(Kind.SOFTMAX, "log_softmax", [logits], [log_chances], function="log_softmax")
        loss = self.graph.tensor(())
        self.graph.operator(Kind.LOSS, "nll_loss", [log_chances, targets], [loss], function="nll_loss")

        def backward() -> None:
            spread = self._gradient_of(log_chances)
            self.graph.operator(Kind.LOSS, "nll_loss_backward", [targets], [spread], function="nll_loss")
            dx = self._gradient_of(logits)
            given = [spread, log_chances]
            self.graph.operator(Kind.SOFTMAX, "log_softmax_backward", given, [dx], function="log_softmax")
            self._give(logits, dx)

        self._tape_for(logits, backward)

    def mean(self, x: int) -> None:
        """The mean of ``x`` as a loss, where the model has none: the backward pass starts there, too."""
        loss = self.graph.tensor(())
        self.graph.operator(Kind.REDUCTION, "mean", [x], [loss], function="mean")

        def backward() -> None:
            dx = self._gradient_of(x)
            self.graph.operator(Kind.ELEMENTWISE, "div", [self.graph.tensor(())], [dx], function="div")
            self._give(x, dx)

        self._tape_for(x, backward)

    def finish(self) -> OperatorGraph:
        """The graph; in training with the backward pass."""
        if self.train:
            self.graph.phase = Phase.BACKWARD
            for play in reversed(self._tape):
                play()
        return self.graph.finish()
