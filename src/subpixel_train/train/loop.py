"""The training loop, on Lightning Fabric: one process or many, one machine or many, the same lines."""

from __future__ import annotations

import logging
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import torch
from lightning_fabric import Fabric
from lightning_fabric.loggers.tensorboard import TensorBoardLogger
from lightning_fabric.plugins import MixedPrecision, Precision
from torch import Tensor

from subpixel.errors import SettingError, TrainingError
from subpixel_train import files
from subpixel_train.adversary import Adversary
from subpixel_train.data import Batch, Prefetch, benchmark_pairs, held_out_pairs, make_batches, training_photographs
from subpixel_train.losses import Objective
from subpixel_train.networks import Chain, Network, build, recentre
from subpixel_train.pretrained import without_weights
from subpixel_train.recipe import Recipe
from subpixel_train.train import state
from subpixel_train.train.denormals import flushed
from subpixel_train.train.display import Display
from subpixel_train.train.distillation import Distillation
from subpixel_train.train.initial import start_from
from subpixel_train.train.optimisers import make_optimiser
from subpixel_train.train.quality import mean_psnr, shown
from subpixel_train.train.schedule import share
from subpixel_train.train.state import EpochRecord, Progress
from subpixel_train.train.stopping import Stop, part

_SHOWN: Final = 8
"""Batches that a network is shown before the training begins."""


@dataclass(frozen=True, slots=True)
class RunSettings:
    """What concerns this sitting and not the result.

    Attributes:
        output: folder for state, weights and logs.
        data: folder that the recipe's folders are relative to.
        resume: go on from the state in `output`.
        threads: CPU threads of each process.
        max_minutes: stop after so long, as Ctrl-C would; None: never.
        device: Fabric's accelerator: ``"auto"``, ``"cpu"``, ``"cuda"``, ``"mps"``.
        processes: processes on each machine (one per accelerator), by DDP.
        machines: machines; on each the same command, started by torchrun.
        quiet: show nothing.
    """

    output: Path
    data: Path
    resume: bool = False
    threads: int = 1
    max_minutes: float | None = None
    device: str = "cpu"
    processes: int = 1
    machines: int = 1
    quiet: bool = False


@dataclass(frozen=True, slots=True)
class Outcome:
    """How a sitting ended: finished, or stopped and ready to go on."""

    finished: bool
    progress: Progress


class Trainer:
    """Trains one network by one recipe.

    Everything random is drawn from (seed, step), and the state holds weights, their running mean, the optimiser and
    the adversary with its own: a training that was stopped, or killed and resumed, equals one that never stopped.
    """

    def __init__(self, recipe: Recipe, settings: RunSettings) -> None:
        self.recipe, self.settings = recipe, settings
        if (settings.output / state.STATE).exists() and not settings.resume:
            raise SettingError(f"{settings.output} holds a training", "go on with --resume, or give another --output")
        torch.set_num_threads(settings.threads)
        logging.getLogger("lightning_fabric").setLevel(logging.WARNING)
        self.logger = TensorBoardLogger(settings.output.parent, name=settings.output.name, version="")
        self.fabric = _fabric(recipe, settings, self.logger)
        torch.manual_seed(recipe.seed)
        network = build(recipe.network, recipe.scale, padded=False)
        if recipe.init_from and not settings.resume:
            start_from(network, recipe.init_from)
        if isinstance(network, Chain):
            recentre(network, recipe.centre)
        optimiser = make_optimiser(network, recipe.optimiser)
        self.network, self.optimiser = self.fabric.setup(_channels_last(network), optimiser)
        self.plain: Network = network
        self.mean = {name: value.detach().clone() for name, value in network.named_parameters()}
        self.objective = Objective(recipe.loss, outputs=len(network.scales), centre=recipe.centre)
        self.objective.to(self.fabric.device)
        self.teacher = Distillation(recipe.distill, network).to(self.fabric.device) if recipe.distill else None
        self.adversary: Adversary | None = None
        if recipe.adversary:
            self.adversary = Adversary(recipe.adversary, network.channels, recipe.seed)
            self.adversary.setup(self.fabric)
        self.progress = Progress()
        if settings.resume:
            self._resume()
        # Before the pictures are read: a folder that cannot be written to is found in seconds.
        if self.fabric.is_global_zero:
            files.replace(settings.output / state.RECIPE, recipe.to_yaml().encode())
        train, held_out = training_photographs(settings.data, recipe.data)
        self.pictures = len(train)
        self.held_out = held_out_pairs(held_out, network, recipe.data)
        self.test = list(benchmark_pairs(settings.data / recipe.data.test, network)) if recipe.data.test else []
        self.source = make_batches(
            train,
            recipe.data,
            network,
            seed=recipe.seed,
            threads=settings.threads,
            device=self.fabric.device,
            quiet=settings.quiet or not self.fabric.is_global_zero,
        )
        if not settings.resume:
            network.prepare(self._to_device(self.source.batch(index))[0] for index in range(_SHOWN))
        each = self.fabric.world_size * recipe.accumulate  # batches of one step
        self.steps_per_epoch = -(-self.source.steps_per_epoch // each)
        self.steps = recipe.iterations or recipe.epochs * self.steps_per_epoch
        first, last = self.progress.step * each, self.steps * each
        mine = range(first + self.fabric.global_rank, last, self.fabric.world_size)
        self.batches = Prefetch(self.source, mine)

    def run(self) -> Outcome:
        """Train until the recipe's end, Ctrl-C or the time limit; every way out leaves a state to go on from."""
        began, before = time.monotonic(), self.progress.seconds
        quiet = self.settings.quiet or not self.fabric.is_global_zero
        with (
            flushed(),
            Display(self.recipe, self.steps, self.steps_per_epoch, self.progress, quiet=quiet) as display,
            Stop(self.fabric, self.settings.max_minutes) as stop,
            self.batches,
        ):
            while self.progress.step < self.steps:
                loss = self.step()
                self.progress.seconds = before + time.monotonic() - began
                display.step(self.progress, loss)
                if self.progress.step % self.steps_per_epoch == 0 or self.progress.step == self.steps:
                    display.epoch(self._end_epoch())
                    self._save()
                elif self.progress.step % self.recipe.checkpoint_steps == 0:
                    self._save()
                if stop.asked():
                    break
            self._save()
        self.logger.finalize("success")
        part(self.fabric)
        return Outcome(self.progress.step >= self.steps, self.progress)

    def step(self) -> float:
        """One step of the optimiser: forward, losses, backward, and the adversary's own step."""
        recipe, step, centre = self.recipe, self.progress.step, self.recipe.centre
        torch.manual_seed(recipe.seed * 1_000_003 + step)  # for what networks draw themselves
        fall = share(recipe.optimiser, step, self.steps, self.steps_per_epoch)
        for group in self.optimiser.param_groups:
            group["lr"] = group["start"] * fall
        opposed = self.adversary if self.adversary and self.adversary.takes_part(step // self.steps_per_epoch) else None
        self.optimiser.zero_grad(set_to_none=True)
        number = 0.0
        for index in range(recipe.accumulate):
            small, targets = self._batch()
            if index == 0:
                self._revive(small)
            last = index == recipe.accumulate - 1
            with self.fabric.no_backward_sync(self.network, enabled=not last):
                results = self.network(small)  # (N, C, sH, sW) − centre, one per scale
                results = results if isinstance(results, tuple) else (results,)
                compared = self.plain.compared
                value = self.objective(tuple(map(compared, results)), tuple(map(compared, targets)))
                total, parts = value.total, value.parts
                if self.teacher:
                    with self.fabric.autocast():
                        taught = self.teacher(small + centre, tuple(result + centre for result in results))
                    total, parts = total + self.teacher.weight * taught, parts | {"distill": taught.detach()}
                if opposed:
                    result, target = results[-1] + centre, targets[-1] + centre
                    deceived = opposed.generator_loss(result, target)
                    total = total + opposed.weight * deceived
                    parts = parts | {"adversary/network": deceived.detach()}
                self.fabric.backward(total / recipe.accumulate)
            number += float(total.detach()) / recipe.accumulate
            self._must_be_finite("the loss", number)
            if opposed:
                parts = parts | opposed.train_step(result.detach(), target, fall)
        if recipe.optimiser.clip:
            norm = self.fabric.clip_gradients(
                self.network, self.optimiser, max_norm=recipe.optimiser.clip, error_if_nonfinite=False
            )
            if norm is not None and recipe.precision != "16-mixed":  # whose scaler passes over such steps
                self._must_be_finite("the gradient's norm", float(norm))
        self.optimiser.step()
        self.plain.observe(torch.tensor(number))
        self.progress.step += 1
        self._average()
        self.progress.loss_sum += number
        if self.progress.step % 50 == 0:
            self.fabric.log_dict({f"parts/{name}": float(part) for name, part in parts.items()}, step=step)
        return number

    def _revive(self, small: Tensor) -> None:
        """Look for channels that never fire, where the recipe says so; every process sees what the first one does."""
        step, every = self.progress.step, self.recipe.revive_steps
        if every and step % every == 0 and step <= self.recipe.revive_until * self.steps:
            count = self.plain.revive(self.fabric.broadcast(small), self.mean if self.recipe.ema else {}, step)
            self.fabric.log_dict({"revived": count}, step=step)

    def _must_be_finite(self, what: str, number: float) -> None:
        """Stop before anything that is not a number reaches a checkpoint."""
        if not abs(number) < float("inf"):
            raise TrainingError(
                f"{what} is {number} at step {self.progress.step}",
                "lower optimiser.rate or set optimiser.clip; the last checkpoint is good",
            )

    def peek(self) -> tuple[Tensor, tuple[Tensor, ...]]:
        """The first batch: input (N, C, h, w) and targets, as the network is given them."""
        return self._to_device(self.source.batch(0))

    def _batch(self) -> tuple[Tensor, tuple[Tensor, ...]]:
        return self._to_device(self.batches.next())

    def _to_device(self, batch: Batch) -> tuple[Tensor, tuple[Tensor, ...]]:
        small, *targets = (
            torch.as_tensor(part).to(self.fabric.device) - self.recipe.centre for part in (batch.small, *batch.targets)
        )
        return small.contiguous(memory_format=torch.channels_last), tuple(targets)

    def _average(self) -> None:
        """Follow the weights with their running mean."""
        if self.recipe.ema:
            weight = 1 - min(
                self.recipe.ema, self.progress.step / (self.progress.step + 9)
            )  # young means forget faster
            with torch.no_grad():
                for name, value in self.plain.named_parameters():
                    self.mean[name].lerp_(value, weight)

    def _end_epoch(self) -> EpochRecord:
        """Measure, keep the weights if they are the best so far, and note a line of the learning curve."""
        progress, recipe = self.progress, self.recipe
        epoch = -(-progress.step // self.steps_per_epoch)
        network = self.to_use()
        due = epoch % recipe.validate_every == 0 or progress.step >= self.steps
        held_out = mean_psnr(network, self.held_out) if due and self.held_out else ()
        test = mean_psnr(network, self.test) if due and self.test else ()
        record = EpochRecord(
            epoch=epoch,
            step=progress.step,
            loss=progress.loss_sum / self.steps_per_epoch,
            rate=max(group["lr"] for group in self.optimiser.param_groups),
            held_out_psnr=sum(held_out) / len(held_out) if held_out else None,
            test_psnr=sum(test) / len(test) if test else None,
            seconds=progress.seconds,
            held_out_each=held_out,
        )
        progress.loss_sum = 0.0
        progress.history.append(record)
        better = record.held_out_psnr is None or record.held_out_psnr > progress.best_psnr
        if better or (recipe.keep == "last" and due):
            progress.best_psnr = progress.best_psnr if record.held_out_psnr is None else record.held_out_psnr
            progress.best_epoch = epoch
            self._write_weights(self.settings.output / state.WEIGHTS, network, record)
        if recipe.keep_epochs:
            self._write_weights(self.settings.output / "epochs" / f"epoch-{epoch:04d}.safetensors", network, record)
        scalars = {"loss": record.loss, "rate": record.rate, "psnr/test": record.test_psnr}
        scalars |= {f"psnr/held-out-x{scale}": value for scale, value in zip(network.scales, held_out, strict=False)}
        self.fabric.log_dict({key: value for key, value in scalars.items() if value is not None}, step=progress.step)
        if due and self.fabric.is_global_zero:
            for name, picture in shown(network, self.held_out):
                self.logger.experiment.add_image(f"held-out/{name}", picture, progress.step)
        return record

    def _write_weights(self, path: Path, network: Network, record: EpochRecord) -> None:
        if self.fabric.is_global_zero:
            said = {"recipe": self.recipe.name, "network": network.name, "scale": str(network.scale)}
            said |= {"epoch": str(record.epoch), "held_out_psnr": str(record.held_out_psnr)}
            state.save_weights(path, dict(network.state_dict()), said)

    def to_use(self) -> Network:
        """The network as it will be shipped: the running mean of the weights if there is one, the centre folded in."""
        with without_weights():
            network = build(self.recipe.network, self.recipe.scale, padded=False)
        network.load_state_dict(self.plain.state_dict() | (self.mean if self.recipe.ema else {}))
        if isinstance(network, Chain):
            recentre(network, -self.recipe.centre)
        return network.to(self.fabric.device).eval()

    def _save(self) -> None:
        tensors: dict[str, Tensor] = {f"network.{name}": value for name, value in self.plain.state_dict().items()}
        tensors |= {f"mean.{name}": value for name, value in self.mean.items()}
        tensors |= state.optimiser_tensors(self.optimiser)
        if self.adversary:
            tensors |= self.adversary.tensors()
        self._must_be_finite(
            "the sum of the weights", sum(float(value.detach().sum()) for value in self.plain.parameters())
        )
        self.progress.scaler = dict(self.fabric.strategy.precision.state_dict())
        if self.fabric.is_global_zero:
            state.save_state(self.settings.output, tensors, self.progress)
            files.replace(self.settings.output / state.LOG, self.progress.log_csv().encode())

    def _resume(self) -> None:
        tensors, self.progress = state.load_state(self.settings.output)
        try:
            with torch.no_grad():
                for name, value in self.plain.state_dict().items():
                    value.copy_(tensors[f"network.{name}"])
                for name, value in self.mean.items():
                    value.copy_(tensors[f"mean.{name}"])
        except (KeyError, RuntimeError):
            raise TrainingError(
                f"{self.settings.output} holds a training of another network", "give another --output"
            ) from None
        state.restore_optimiser(self.optimiser, tensors)
        if self.adversary:
            self.adversary.restore(tensors)
        self.fabric.strategy.precision.load_state_dict(self.progress.scaler)


def _fabric(recipe: Recipe, settings: RunSettings, logger: TensorBoardLogger) -> Fabric:
    """Fabric for this sitting; started by torchrun or a cluster, it finds its place in the environment."""
    many = settings.processes * settings.machines > 1
    try:
        fabric = Fabric(
            accelerator=settings.device,
            devices=settings.processes,
            num_nodes=settings.machines,
            strategy="ddp" if many else "auto",
            plugins=_precision(recipe, settings),
            loggers=[logger],
        )
        fabric.launch()
    except (RuntimeError, ValueError) as error:
        raise SettingError(f"cannot train on {settings.device}", str(error)) from None
    return fabric


def _precision(recipe: Recipe, settings: RunSettings) -> Precision:
    """Arithmetic of the recipe. Made here, as Fabric by itself would quietly take bfloat16 for fp16 on a CPU."""
    if recipe.precision == "32-true":
        return Precision()
    return MixedPrecision(recipe.precision, settings.device if settings.device in ("cpu", "mps") else "cuda")


def _channels_last(network: Network) -> Network:
    """Weights with channels innermost: half as long again per step in the other order (bfloat16 on a CPU)."""
    for parameter in network.parameters():
        if parameter.ndim == 4:
            parameter.data = parameter.data.contiguous(memory_format=torch.channels_last)
    return network
