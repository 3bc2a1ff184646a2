"""Methods: the ways to pretrain, one sentence each."""


def methods() -> str:
    """List the ways to pretrain."""
    from headstart.objectives.catalogue import methods
    from headstart.report.words import aligned

    return (
        f"{aligned(list(methods().items()))}\n\ngreedy:METHOD is any of these but cpc and mae, one layer after the "
        "other; greedy:rbm wants --encoder dense."
    )
