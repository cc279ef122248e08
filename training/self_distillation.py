"""Stage two's side of a step: read a scene's ensemble, blend in the new answers, hand out pseudo labels.

The arithmetic is ``ops.self_distillation``'s, the files ``storage.ensemble``'s, the step ``steps``'s.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import torch
from jaxtyping import Bool, Float, Float32, Int
from torch import Tensor, nn

from ops.self_distillation import (
    PseudoLabels,
    class_scores,
    label_counts,
    pooled,
    pseudo_labels,
    update_scores,
)
from schema.config_stages import SelfDistillationConfig
from schema.progress import track
from storage.ensemble import EnsembleFolder
from training.data import BatchMaker, ScenePoints, StudentBatch
from training.precision import Precision, autocast


@dataclass(frozen=True)
class Classes:
    """The words pseudo labels are made of.

    Attributes:
        text: unit vectors.
        counted: classes that may be a label; void classes may not.
    """

    text: Float32[np.ndarray, "K C"]
    counted: Bool[np.ndarray, "K"]


@dataclass(frozen=True)
class Lesson:
    """What a batch learns in stage two.

    Attributes:
        counts: points of each voxel by pseudo label.
        superpoint_label: of the superpoints in the order of the batch's superpoint links.
        num_changed: points that the update has given another label.
    """

    counts: Float[Tensor, "V K"]
    superpoint_label: Int[Tensor, "U"]
    num_changed: int


class Ensemble:
    """The ensembles of all scenes of a training.

    Args:
        files: where scores are kept.
        classes: the words.
        config: how much an ensemble keeps of itself, and whose label a point gets.
    """

    def __init__(self, files: EnsembleFolder, classes: Classes, config: SelfDistillationConfig) -> None:
        self._files = files
        self._classes = classes
        self._config = config
        self._text = torch.from_numpy(np.ascontiguousarray(classes.text, dtype=np.float32))

    def scores(self, feat: Float[Tensor, "V C"]) -> Float[Tensor, "V K"]:
        """Raw dot products with the words; differentiable."""
        return class_scores(feat, self._text.to(feat.device))

    def begin(
        self,
        network: nn.Module,
        batches: BatchMaker,
        scenes: Sequence[int],
        device: str,
        *,
        precision: Precision = "float32",
    ) -> None:
        """Fill generation 0 with the network's answers in evaluation mode, points as they are."""
        training = network.training
        network.eval()
        for index in track(scenes, "first answers"):
            batch = batches.batch((index,), None).to(device)
            with torch.inference_mode(), autocast(precision, device):
                logit = self.scores(network(batch.voxel_coords)).cpu().numpy()
            points = batch.scenes[0]
            answers = logit[points.point_to_voxel]
            if self._config.pooled_start:
                answers = pooled(answers, points.superpoint_id)
            self._files.write(points.scene_id, 0, answers)
        network.train(training)

    def lesson(self, batch: StudentBatch, logit: Float[Tensor, "V K"], generation: int) -> Lesson:
        """Update the ensembles of the batch's scenes (Eq. 11) and label their points by them (Eq. 12).

        Args:
            batch: with superpoint links.
            logit: this step's answers; not differentiated here.
            generation: of the ensembles that are read; the next one is written.
        """
        assert batch.superpoints is not None
        answers = logit.detach().cpu().numpy()
        voxels, labels, of_superpoints, changed = [], [], [], 0
        for points in batch.scenes:
            kept = self._files.read(points.scene_id, generation)
            scores = update_scores(kept, answers[points.point_to_voxel], self._config.alpha)
            self._files.write(points.scene_id, generation + 1, scores)
            found = self._labels(scores, points)
            before = self._labels(kept, points)
            changed += int((found.point != before.point)[points.used].sum())
            voxels.append(points.point_to_voxel[points.used])
            labels.append(found.point[points.used])
            of_superpoints.append(found.superpoint)
        voxel, label = np.concatenate(voxels), np.concatenate(labels)
        counts = label_counts(voxel, label, num_voxels=len(answers), num_classes=answers.shape[1])
        rows = batch.superpoints.rows.cpu().numpy()
        return Lesson(
            torch.from_numpy(counts).to(logit.device),
            torch.from_numpy(np.concatenate(of_superpoints)[rows]).to(logit.device),
            changed,
        )

    def _labels(self, scores: Float32[np.ndarray, "N K"], points: ScenePoints) -> PseudoLabels:
        return pseudo_labels(
            scores,
            points.superpoint_id,
            points.used,
            counted=self._classes.counted,
            of_superpoint=self._config.point_label == "superpoint",
        )

    def missing(self, scene_ids: Sequence[str], generation: int) -> list[str]:
        """Scenes whose ensemble of that generation, or the one after, is not there."""
        return [
            scene_id
            for scene_id in scene_ids
            if not self._files.has(scene_id, generation) and not self._files.has(scene_id, generation + 1)
        ]

    def forget(self, before: int) -> None:
        """Delete generations that no state needs."""
        self._files.forget(before)
