"""The training loop, on Lightning Fabric."""

from __future__ import annotations

import contextlib
import logging
import signal
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from types import FrameType
from typing import Any

import torch
from lightning_fabric import Fabric
from lightning_fabric.loggers.tensorboard import TensorBoardLogger
from torch import Tensor

from subpixel.errors import SettingError, TrainingError
from subpixel_train import files
from subpixel_train.data import Batches, Pair, benchmark_pairs, held_out_pairs, make_batches, training_paths
from subpixel_train.losses import LOSSES
from subpixel_train.networks import Network, build, recentre
from subpixel_train.recipe import Recipe
from subpixel_train.train import state
from subpixel_train.train.display import Display
from subpixel_train.train.initial import start_from
from subpixel_train.train.quality import mean_psnr
from subpixel_train.train.schedule import share
from subpixel_train.train.soap import Soap
from subpixel_train.train.state import EpochRecord, Progress


@dataclass(frozen=True, slots=True)
class RunSettings:
    """What concerns this sitting and not the result.

    Attributes:
        output: folder for state, weights and logs.
        data: folder that the recipe's folders are relative to.
        resume: go on from the state in `output`.
        threads: CPU threads.
        max_minutes: stop after so long, as Ctrl-C would; None: never.
        device: Fabric's accelerator: ``"auto"``, ``"cpu"``, ``"cuda"``, ``"mps"``.
        quiet: show nothing.
    """

    output: Path
    data: Path
    resume: bool = False
    threads: int = 1
    max_minutes: float | None = None
    device: str = "cpu"
    quiet: bool = False


@dataclass(frozen=True, slots=True)
class Outcome:
    """How a sitting ended: finished, or stopped and ready to go on."""

    finished: bool
    progress: Progress


class Trainer:
    """One training: the network, its optimiser, its data, and where it stands."""

    def __init__(self, recipe: Recipe, settings: RunSettings) -> None:
        self.recipe, self.settings = recipe, settings
        if (settings.output / state.STATE).exists() and not settings.resume:
            raise SettingError(f"{settings.output} holds a training", "go on with --resume, or give another --output")
        torch.set_num_threads(settings.threads)
        logging.getLogger("lightning_fabric").setLevel(logging.WARNING)
        self.logger = TensorBoardLogger(settings.output.parent, name=settings.output.name, version="")
        try:
            self.fabric = Fabric(
                accelerator=settings.device, devices=1, precision=recipe.precision, loggers=[self.logger]
            )
        except (RuntimeError, ValueError) as error:
            raise SettingError(f"cannot train on {settings.device}", str(error)) from None
        torch.manual_seed(recipe.seed)
        network = build(recipe.network, recipe.scale, padded=False)
        if recipe.init_from and not settings.resume:
            start_from(network, recipe.init_from)
        recentre(network, recipe.centre)
        kind = {"adam": torch.optim.Adam, "soap": Soap}[recipe.optimiser.kind]
        optimiser = kind(layer_groups(network, recipe), betas=recipe.optimiser.betas)
        self.network, self.optimiser = self.fabric.setup(_channels_last(network), optimiser)
        self.plain: Network = network
        self.mean = {name: value.detach().clone() for name, value in network.named_parameters()}
        self.progress = Progress()
        if settings.resume:
            self._resume()
        # Before the pictures are read: a folder that cannot be written to is found in seconds.
        files.replace(settings.output / state.RECIPE, recipe.to_yaml().encode())
        train, held_out = training_paths(settings.data, recipe.data.folders, recipe.data.held_out)
        self.held_out: list[Pair] = held_out_pairs(held_out, recipe.scale)
        self.test = list(benchmark_pairs(settings.data / recipe.data.test, recipe.scale)) if recipe.data.test else []
        self.batches: Batches = make_batches(train, recipe.data, network, seed=recipe.seed, threads=settings.threads)
        self.steps = recipe.epochs * self.batches.steps_per_epoch

    def run(self) -> Outcome:
        """Train until the recipe's end, Ctrl-C or the time limit; every way out leaves a state to go on from."""
        began, before = time.monotonic(), self.progress.seconds
        limit = float("inf") if self.settings.max_minutes is None else self.settings.max_minutes * 60
        with Display(self.recipe, self.steps, self.progress, quiet=self.settings.quiet) as display, _stop() as stopped:
            while self.progress.step < self.steps:
                loss = self._step()
                self.progress.seconds = before + time.monotonic() - began
                if not loss < float("inf"):
                    raise TrainingError(
                        f"the loss is {loss} at step {self.progress.step}",
                        "lower optimiser.rate or set optimiser.clip; the last checkpoint is good",
                    )
                display.step(self.progress, loss)
                if self.progress.step % self.batches.steps_per_epoch == 0:
                    display.epoch(self._end_epoch())
                    self._save()
                elif self.progress.step % self.recipe.checkpoint_steps == 0:
                    self._save()
                if stopped() or time.monotonic() - began > limit:
                    break
            self._save()
        self.logger.finalize("success")
        return Outcome(self.progress.step >= self.steps, self.progress)

    def _step(self) -> float:
        recipe, step = self.recipe, self.progress.step
        for group in self.optimiser.param_groups:
            group["lr"] = group["start"] * share(recipe.optimiser, step, self.steps)
        batch = self.batches.batch(step)
        small, large = (torch.from_numpy(part).to(self.fabric.device) - recipe.centre for part in batch)
        result = self.network(small.contiguous(memory_format=torch.channels_last))  # (N, 1, H, W) − centre
        loss = LOSSES[recipe.loss](result, large)
        self.optimiser.zero_grad(set_to_none=True)
        self.fabric.backward(loss)
        if recipe.optimiser.clip:
            self.fabric.clip_gradients(self.network, self.optimiser, max_norm=recipe.optimiser.clip)
        self.optimiser.step()
        self.progress.step += 1
        if recipe.ema:
            weight = 1 - min(recipe.ema, self.progress.step / (self.progress.step + 9))  # young means forget faster
            with torch.no_grad():
                for name, value in self.plain.named_parameters():
                    self.mean[name].lerp_(value, weight)
        number = float(loss.detach())
        self.progress.loss_sum += number
        return number

    def _end_epoch(self) -> EpochRecord:
        """Measure, keep the weights if they are the best so far, and note a line of the learning curve."""
        progress, per_epoch = self.progress, self.batches.steps_per_epoch
        epoch = progress.step // per_epoch
        network = self.to_use()
        due = epoch % self.recipe.validate_every == 0 or progress.step >= self.steps
        held_out = mean_psnr(network, self.held_out) if due and self.held_out else None
        test = mean_psnr(network, self.test) if due and self.test else None
        record = EpochRecord(
            epoch=epoch,
            step=progress.step,
            loss=progress.loss_sum / per_epoch,
            rate=self.optimiser.param_groups[0]["lr"],
            held_out_psnr=held_out,
            test_psnr=test,
            seconds=progress.seconds,
        )
        progress.loss_sum = 0.0
        progress.history.append(record)
        if held_out is None or held_out > progress.best_psnr:
            progress.best_psnr = held_out if held_out is not None else progress.best_psnr
            progress.best_epoch = epoch
            state.save_weights(self.settings.output / state.WEIGHTS, dict(network.state_dict()), self._about(record))
        if self.recipe.keep_epochs:
            kept = self.settings.output / "epochs" / f"epoch-{epoch:04d}.safetensors"
            state.save_weights(kept, dict(network.state_dict()), self._about(record))
        scalars = {"loss": record.loss, "rate": record.rate, "psnr/held-out": held_out, "psnr/test": test}
        self.fabric.log_dict({key: value for key, value in scalars.items() if value is not None}, step=progress.step)
        return record

    def _about(self, record: EpochRecord) -> dict[str, str]:
        said = {"recipe": self.recipe.name, "network": self.recipe.network, "scale": str(self.recipe.scale)}
        return said | {"epoch": str(record.epoch), "held_out_psnr": str(record.held_out_psnr)}

    def to_use(self) -> Network:
        """The network as it will be shipped: the running mean of the weights if there is one, the centre folded in."""
        network = build(self.recipe.network, self.recipe.scale, padded=False)
        network.load_state_dict(self.mean if self.recipe.ema else self.plain.state_dict())
        recentre(network, -self.recipe.centre)
        return network.to(self.fabric.device).eval()

    def _save(self) -> None:
        tensors: dict[str, Tensor] = {f"network.{name}": value for name, value in self.plain.state_dict().items()}
        tensors |= {f"mean.{name}": value for name, value in self.mean.items()}
        tensors |= state.optimiser_tensors(self.optimiser)
        state.save_state(self.settings.output, tensors, self.progress)
        files.replace(self.settings.output / state.LOG, self.progress.log_csv().encode())

    def _resume(self) -> None:
        tensors, self.progress = state.load_state(self.settings.output)
        try:
            with torch.no_grad():
                for name, value in self.plain.named_parameters():
                    value.copy_(tensors[f"network.{name}"])
                    self.mean[name].copy_(tensors[f"mean.{name}"])
        except (KeyError, RuntimeError):
            raise TrainingError(
                f"{self.settings.output} holds a training of another network", "give another --output"
            ) from None
        state.restore_optimiser(self.optimiser, tensors)


def layer_groups(network: Network, recipe: Recipe) -> list[dict[str, Any]]:
    """Adam's parameter groups, one per layer, each with its learning rate at the start as `start`."""
    layers, rate = network.convolutions(), recipe.optimiser.rate
    rates = [rate] * len(layers) if isinstance(rate, float) else rate
    if len(rates) != len(layers):
        raise TrainingError(
            f"optimiser.rate has {len(rates)} values",
            f"{recipe.network} has {len(layers)} layers: give one each, or one",
        )
    return [{"params": list(la.parameters()), "lr": r, "start": r} for la, r in zip(layers, rates, strict=True)]


@contextlib.contextmanager
def _stop() -> Iterator[Any]:
    """Turn Ctrl-C and SIGTERM into a request to stop after the current step; a second Ctrl-C stops at once."""
    asked = False

    def ask(number: int, frame: FrameType | None) -> None:
        nonlocal asked
        if asked:
            raise KeyboardInterrupt
        asked = True

    before: dict[signal.Signals, Any] = {}
    for number in (signal.SIGINT, signal.SIGTERM):
        with contextlib.suppress(ValueError):  # not in the main thread: whoever runs us handles signals
            before[number] = signal.signal(number, ask)
    try:
        yield lambda: asked
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


def _channels_last(network: Network) -> Network:
    """Weights with channels innermost: half as long again per step in the other order (bfloat16 on a CPU)."""
    for parameter in network.parameters():
        if parameter.ndim == 4:
            parameter.data = parameter.data.contiguous(memory_format=torch.channels_last)
    return network
