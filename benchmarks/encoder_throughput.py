"""Pretraining and inference throughput of the composition encoder, beside what the machine's matrix products allow.

Invented compositions, mostly of three elements as in the tables of computed properties, pass through the training
step of `configs/pretrain.yaml` and through inference. The limit is a large matrix product in the same precision,
measured before and after each line, so that other work on the machine slows both. The operations are those of the
model's products (6 a weight and token in training, 2 in inference, attention included) on real tokens; padding and
the optimiser's own products count as lost. Run from the project's root:

    python benchmarks/encoder_throughput.py --threads 2
"""

from __future__ import annotations

import argparse
import os
import statistics
import time
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np
import pyarrow as pa
import torch
from omegaconf import OmegaConf
from torch.profiler import ProfilerActivity, profile

import rrgraph as rr
from rrgraph.properties.pretraining import PretrainConfig, PretrainingTask

CONFIG = Path(__file__).parent.parent / "configs" / "pretrain.yaml"
LENGTHS = {1: 0.002, 2: 0.08, 3: 0.68, 4: 0.16, 5: 0.06, 6: 0.015, 7: 0.003}
"""Elements of a composition and the share of compositions that have as many."""


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--compositions", type=int, default=16_384)
    parser.add_argument("--batch-sizes", type=int, nargs="+", default=[256, 512, 1024, 2048])
    parser.add_argument("--epochs", type=int, default=2, help="measured after one that warms up")
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--device", default="auto")
    parser.add_argument("--seed", type=int, default=0)
    arguments = parser.parse_args()
    torch.set_num_threads(arguments.threads)
    bench = Bench(arguments.compositions, arguments.epochs, rr.nn.choose_device(arguments.device), arguments.seed)
    print(f"{os.cpu_count()} processors, {arguments.threads} threads, torch {torch.__version__}")
    print(f"{len(bench.table):,} invented compositions, {bench.tokens / len(bench.table):.2f} tokens each with [CPD]")
    print(
        f"{bench.weights / 1e6:.2f} M weights in the products of the encoder, {bench.head_weights / 1e6:.2f} M in heads"
    )
    print()
    print(f"{'':34}{'batch':>6}{'precision':>11}{'compositions/s':>16}{'GFLOP/s':>9}{'limit':>7}{'share':>7}")
    first = arguments.batch_sizes[0]
    for size in arguments.batch_sizes:
        bench.show("training step", size, "auto")
    bench.show("training step", first, "full")
    bench.show("training step, AdamW", first, "auto", optimizer="adamw")
    bench.show("training step, no moving average", first, "auto", ema_decay=0.0)
    bench.show("training step, padded to longest", first, "auto", padded=True)
    for precision in ("auto", "full"):
        bench.show_inference(precision)
    for size in (arguments.batch_sizes[0], arguments.batch_sizes[-1]):
        bench.show_profile(size)


class PaddedTask(PretrainingTask):
    """The same batches without regard to length, padded to the longest composition."""

    def batches(self, epoch: int, generator: torch.Generator) -> Sequence[tuple[int, torch.Tensor]]:
        longest = int(self.lengths.max())
        order = torch.randperm(len(self.lengths), generator=generator)
        return [(longest, rows.to(self.device)) for rows in order.split(self.config.batch_size)]


class Bench:
    """A table and an untrained model of the configuration's size."""

    def __init__(self, compositions: int, epochs: int, device: torch.device, seed: int) -> None:
        self.config = OmegaConf.to_object(OmegaConf.merge(OmegaConf.structured(PretrainConfig), OmegaConf.load(CONFIG)))
        self.epochs, self.device, self.seed = epochs, device, seed
        self.table = invent_table(compositions, seed)
        self.tokens = int((self.table.elements > 0).sum()) + compositions
        module = self.model()
        self.weights = sum(p.numel() for p in module.encoder.blocks.parameters() if p.ndim == 2)
        heads = [module.trunk, module.values, module.errors, module.logits]
        self.head_weights = sum(p.numel() for head in heads for p in head.parameters() if p.ndim == 2)
        self.table_operations = 2 * module.encoder.element.weight.numel() * self.config.model.width

    def model(self) -> rr.properties.PropertyModel:
        torch.manual_seed(self.seed)
        regression = [column for column, task in enumerate(self.table.tasks) if task.kind == "regression"]
        tasks = [self.table.tasks[column] for column in regression]
        scale = rr.properties.TargetScale.fit(tasks, self.table.labels[:, regression])
        return rr.properties.PropertyModel(self.config.model, self.table.tasks, scale=scale).to(self.device)

    def operations(self, batches: int, shown: float = 1.0) -> float:
        """Return the floating-point operations of one forward pass over the table.

        Args:
            batches: in how many.
            shown: how often a composition passes the encoder on average, hidden variants included.
        """
        options = self.config.model
        tokens = (self.table.elements > 0).sum(axis=1) + 1
        attention = 4 * options.width * options.layers * int((tokens.astype(np.int64) ** 2).sum())
        heads = 2 * self.head_weights * len(self.table)
        return shown * (2 * self.weights * self.tokens + attention) + heads + batches * self.table_operations

    def limit(self, precision: str) -> float:
        """Return the speed (GFLOP/s) of a large matrix product, kept up for a second."""
        size = 8192 if self.device.type == "cuda" else 1536
        a, b = (torch.randn(size, size, device=self.device) for _ in range(2))
        with rr.nn.half_precision(self.device, precision), torch.no_grad():
            dtype = (a[:2, :2] @ b[:2, :2]).dtype
        a, b = a.to(dtype), b.to(dtype)
        self.timed(lambda: a @ b)
        products, seconds = 0, 0.0
        while seconds < 1:
            seconds += self.timed(lambda: a @ b)
            products += 1
        return 2 * size**3 * products / seconds / 1e9

    def timed(self, work: Callable[[], object]) -> float:
        """Return the seconds that some work takes."""
        self.wait()
        started = time.perf_counter()
        work()
        self.wait()
        return time.perf_counter() - started

    def show(
        self,
        label: str,
        size: int,
        precision: str,
        *,
        padded: bool = False,
        **options: object,
    ) -> None:
        """Train some epochs and print their speed."""
        training = replace(
            self.config.training,
            **{
                "batch_size": size,
                "precision": precision,
                "epochs": 1 + self.epochs,
                "single_label_share": 1.0,
                **options,
            },
        )
        task = (PaddedTask if padded else PretrainingTask)(self.model(), self.table, training)
        batches = len(task.batches(1, torch.Generator().manual_seed(0)))
        shown = 1 + training.masked_elements + training.masked_fractions
        operations = 3 * self.operations(batches, shown)
        before = self.limit(precision)
        history = rr.training.train(task, training, seed=self.seed)
        self.line(label, size, precision, statistics.mean(row["seconds"] for row in history[1:]), operations, before)

    def show_inference(self, precision: str) -> None:
        """Predict every property of the table and print the speed."""
        predictor = rr.properties.PropertyPredictor(
            rr.properties.PropertyCheckpoint(model=self.model()), precision=precision
        )
        before = self.limit(precision)
        seconds = [
            self.timed(lambda: predictor.predict_arrays(self.table.elements, self.table.fractions))
            for _ in range(1 + self.epochs)
        ]
        self.line(
            "inference", 2048, precision, statistics.mean(seconds[1:]), self.operations(len(self.table) // 2048), before
        )

    def line(self, label: str, size: int, precision: str, seconds: float, operations: float, before: float) -> None:
        speed, limit = operations / seconds / 1e9, (before + self.limit(precision)) / 2
        print(
            f"{label:34}{size:>6}{precision:>11}{len(self.table) / seconds:>16,.0f}{speed:>9.0f}{limit:>7.0f}"
            f"{speed / limit:>7.0%}",
            flush=True,
        )

    def show_profile(self, size: int) -> None:
        """Print where the time of the training step goes, operator by operator, under the profiler."""
        training = replace(self.config.training, batch_size=size, epochs=1, single_label_share=1.0)
        rows = np.arange(min(len(self.table), 24 * size))
        task = PretrainingTask(self.model(), self.table.select(rows), training)
        rr.training.train(task, training, seed=self.seed)
        activities = [ProfilerActivity.CPU] + ([ProfilerActivity.CUDA] if self.device.type == "cuda" else [])
        started = time.perf_counter()
        with profile(activities=activities) as profiled:
            rr.training.train(task, training, seed=self.seed)
            wall = time.perf_counter() - started
        spent: Counter[str] = Counter()
        for event in profiled.events():
            spent[_kind(event)] += event.self_cpu_time_total / 1e6
        spent["Python between operators"] = max(wall - sum(spent.values()), 0.0)
        whole = sum(spent.values())
        print(f"\ntime of a training step, batch {size}, auto precision, under the profiler")
        for kind, seconds in spent.most_common():
            print(f"  {kind:<34}{seconds / whole:>6.1%}")

    def wait(self) -> None:
        if self.device.type == "cuda":
            torch.cuda.synchronize()


KINDS = {
    "attention": ("scaled_dot_product",),
    "matrix products": ("mm", "linear", "matmul", "einsum"),
    "normalisation and activation": ("layer_norm", "gelu", "softmax", "dropout"),
    "casts, copies and layout": (
        "copy",
        "to",
        "cat",
        "contiguous",
        "clone",
        "empty",
        "fill",
        "zero",
        "view",
        "reshape",
    ),
    "indexing (data, elements, heads)": ("index", "gather", "scatter", "randperm", "embedding", "select", "slice"),
}


def _kind(event: object) -> str:
    """Return the part of the step that an operator belongs to: that of the range around it, or that of its name."""
    name, around = event.name, event
    while around is not None:
        if around.name.startswith("Optimizer.step"):
            return "optimiser " + around.name.rsplit("#", 1)[-1].removesuffix(".step")
        if around.name.startswith("aten::_foreach"):
            return "moving average and gradient clip"
        around = around.cpu_parent
    bare = name.removeprefix("aten::").strip("_")
    for kind, parts in KINDS.items():
        if any(
            part == bare or (len(part) > 3 and part in bare) or bare in (f"add{part}", f"b{part}") for part in parts
        ):
            return kind
    return "elementwise and the rest"


def invent_table(rows: int, seed: int) -> rr.properties.PropertyTable:
    """Return compositions of random elements with labels of the built-in properties, most of them with few."""
    rng = np.random.default_rng(seed)
    sources = rr.properties.built_in_sources()
    tasks: list[rr.properties.PropertyTask] = list({source.task.name: source.task for source in sources}.values())
    lengths = rng.choice(list(LENGTHS), size=rows, p=list(LENGTHS.values()))
    drawn = rng.random((rows, 94)).argsort(axis=1)[:, : max(LENGTHS)] + 1
    present = np.arange(max(LENGTHS)) < lengths[:, None]
    elements = np.where(present, drawn, 0).astype(np.uint8)
    amounts = np.where(present, rng.integers(1, 9, size=drawn.shape), 0)
    labels = np.empty((rows, len(tasks)), dtype=np.float32)
    for column, task in enumerate(tasks):
        labels[:, column] = rng.integers(task.classes, size=rows) if task.classes else rng.gamma(2.0, size=rows)
    subsets = np.where(rng.random(labels.shape) < 0.1, rr.data.TRAIN, 0).astype(np.uint8)
    subsets[np.arange(rows), rng.integers(len(tasks), size=rows)] = rr.data.TRAIN
    return rr.properties.PropertyTable(
        tasks=tuple(tasks),
        elements=elements,
        fractions=(amounts / amounts.sum(axis=1, keepdims=True)).astype(np.float32),
        labels=np.where(subsets == rr.data.TRAIN, labels, np.nan).astype(np.float32),
        subsets=subsets,
        formulas=pa.chunked_array([pa.array([""] * rows)]),
        report=rr.properties.PropertyReport(
            rows={}, blank=0, refused=0, examples=(), doubtful=0, compositions=rows, sources=()
        ),
    )


if __name__ == "__main__":
    main()
