"""How surprised a model is by the true middles."""

from collections.abc import Sequence

import torch
from transformers import PreTrainedModel

from fimsmith.evaluate.causal import pad_left


@torch.inference_mode()
def losses(
    model: PreTrainedModel, pad: int, prompts: Sequence[Sequence[int]], targets: Sequence[Sequence[int]]
) -> list[float]:
    """Return the mean negative log-likelihood per target token, in nats, of each target after its prompt."""
    rows = [[*prompt, *target] for prompt, target in zip(prompts, targets, strict=True)]
    ids, mask = pad_left(rows, pad, model.device)
    # the positions of a row must not depend on how much padding its batch gave it
    positions = (mask.cumsum(1) - 1).clamp(min=0)
    # all targets end at the right edge, so only the last columns need the large output layer
    keep = max(map(len, targets)) + 1
    logits = model(
        input_ids=ids, attention_mask=mask, position_ids=positions, use_cache=False, logits_to_keep=keep
    ).logits
    return [_loss(logits[row, -len(target) - 1 : -1], target) for row, target in enumerate(targets)]


def _loss(logits: torch.Tensor, target: Sequence[int]) -> float:
    """Mean cross entropy of one row, (target, vocabulary), taken in fp32."""
    wanted = torch.tensor(list(target), device=logits.device)
    return torch.nn.functional.cross_entropy(logits.float(), wanted).item()
