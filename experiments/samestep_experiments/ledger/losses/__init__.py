"""The catalogue of losses, one file for each family."""

from samestep.ledger.loss_entry import LossEntry
from samestep_experiments.ledger.losses.binary import BINARY
from samestep_experiments.ledger.losses.classification import CLASSIFICATION
from samestep_experiments.ledger.losses.cross_entropy import CROSS_ENTROPY
from samestep_experiments.ledger.losses.divergence import DIVERGENCE
from samestep_experiments.ledger.losses.embedding import EMBEDDING
from samestep_experiments.ledger.losses.likelihood import LIKELIHOOD
from samestep_experiments.ledger.losses.margin import MARGIN
from samestep_experiments.ledger.losses.multiclass_margin import MULTICLASS_MARGIN
from samestep_experiments.ledger.losses.ranking import RANKING
from samestep_experiments.ledger.losses.regression import REGRESSION
from samestep_experiments.ledger.losses.segmentation import SEGMENTATION
from samestep_experiments.ledger.losses.sequence import SEQUENCE
from samestep_experiments.ledger.losses.weighted_cross_entropy import WEIGHTED_CROSS_ENTROPY

__all__ = ["ENTRIES"]

ENTRIES: tuple[LossEntry, ...] = (
    *REGRESSION,
    *LIKELIHOOD,
    *BINARY,
    *CROSS_ENTROPY,
    *WEIGHTED_CROSS_ENTROPY,
    *CLASSIFICATION,
    *MARGIN,
    *MULTICLASS_MARGIN,
    *RANKING,
    *DIVERGENCE,
    *EMBEDDING,
    *SEGMENTATION,
    *SEQUENCE,
)
