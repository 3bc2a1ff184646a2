"""The dense layers that methods put behind h: projectors, predictors, and how both end."""

from itertools import pairwise

from torch import nn


def perceptron(*widths: int, standardised: bool = False) -> nn.Sequential:
    """Dense layers of these widths with batch-norm and ReLU between them; at least an input's and an output's width.

    standardised: the output passes a batch-norm without scale and shift of its own.
    """
    layers: list[nn.Module] = []
    for inputs, outputs in pairwise(widths[:-1]):
        layers += [nn.Linear(inputs, outputs), nn.BatchNorm1d(outputs), nn.ReLU()]
    layers.append(nn.Linear(widths[-2], widths[-1]))
    if standardised:
        layers.append(nn.BatchNorm1d(widths[-1], affine=False))
    return nn.Sequential(*layers)
