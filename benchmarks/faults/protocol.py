"""Faults of splits, groups, budgets, selection, heads, and the tasks of a study."""

from faults.fault import Fault

SPLITS = ("tests/evaluation/test_splits.py",)
HEADS = ("tests/reuse/test_heads.py",)


def _one(file: str, claim: str) -> tuple[str, ...]:
    """One test, where all of its file take longer than a fault may."""
    return (f"tests/{file}.py::test_{claim}",)


SCORED = _one(
    "reuse/test_probe", "a_head_that_is_scored_has_learned_its_training_folds_and_the_one_that_is_kept_every_label"
)
TAUGHT = _one("reuse/test_probe", "an_encoder_is_not_scored_on_the_labels_that_it_was_trained_with")
GROUPED = _one("reuse/test_probe", "groups_stay_together_in_the_folds_that_tune_a_head")
REMEMBERS = _one("study/test_tasks", "a_network_that_only_remembers_is_at_chance_in_selection_and_in_test")
LEARNS = _one("study/test_tasks", "a_network_learns_its_budgets_labels_and_for_its_selection_all_inner_folds_but_one")
TOGETHER = _one("study/test_tasks", "what_belongs_together_is_on_one_side_of_every_inner_fold")
NETWORK_METRIC = _one("study/test_tasks", "a_networks_selection_is_by_the_metric_asked_for")
HEAD_METRIC = _one("study/test_tasks", "a_heads_selection_is_by_the_metric_asked_for")
ONE_LABEL = _one("study/test_tasks", "with_one_label_a_class_there_is_no_selection")
SEEDS = _one("study/test_tasks", "networks_of_different_splits_begin_and_draw_differently_and_a_seed_repeats_them")
OTHER_LABELS = _one("study/test_tasks", "other_test_labels_change_neither_predictions_nor_selection")
HEAD_LEARNS = _one("study/test_tasks", "a_head_learns_the_labels_of_each_budget")
OTHER_IMAGES = _one("study/test_tasks", "other_images_in_a_test_set_change_no_prediction_but_their_own")
OWN_ENCODER = _one("study/test_tasks", "with_training_each_split_uses_the_encoder_that_never_saw_its_test_images")
TRAINING = _one("study/test_tasks", "with_training_no_test_image_nor_its_copy_trains_an_encoder")
UNLABELLED = _one("study/test_tasks", "with_unlabelled_no_labelled_image_nor_its_copy_trains_an_encoder")
TESTED_GROUP = _one("study/test_tasks", "with_training_no_unlabelled_image_of_a_tested_group_trains_an_encoder")
NETWORK_WINNER, HEAD_WINNER = (
    _one("study/test_winner", f"the_winner_is_fitted_on_every_label[{name}]")
    for name in ("simclr+finetune", "knn-pixels")
)
FAULTS: list[Fault] = [
    Fault(
        "test images are in their own training pool",
        "evaluation/splits.py", "make_splits", "T[F != K]", "T", SPLITS,
    ),
    Fault("classes are not spread over the folds", "evaluation/splits.py", "_deal",
          "S[np.argsort(L[S], kind='stable')]", "S", SPLITS),
    Fault("folds are not shuffled", "evaluation/splits.py", "_deal", "R.permutation(N)", "np.arange(N)", SPLITS),
    Fault("repeats are equal", "evaluation/splits.py", "make_splits",
          "np.random.default_rng([A, B])", "np.random.default_rng([A, 0])", SPLITS),
    Fault("every seed gives the same splits", "evaluation/splits.py", "make_splits",
          "np.random.default_rng([A, B])", "np.random.default_rng([0, B])", SPLITS),
    Fault("labels of small budgets are not drawn", "evaluation/splits.py", "make_splits",
          "R.permutation(T)", "T", SPLITS),
    Fault("groups straddle splits", "evaluation/splits.py", "make_splits", "groups is None", "True", SPLITS),
    Fault("exact duplicates straddle splits", "evaluation/groups.py", "bound_groups",
          "(groups, duplicate_class)", "(groups,)", SPLITS),
    Fault("given groups straddle splits, duplicates do not", "evaluation/groups.py", "bound_groups",
          "(groups, duplicate_class)", "(duplicate_class,)", SPLITS),
    Fault("a chain of duplicates and groups is not followed", "evaluation/groups.py", "bound_groups",
          "np.unique(C[:M], return_inverse=True)",
          "np.unique(duplicate_class, return_inverse=True)", SPLITS),
    Fault("folds of groups are of any size", "evaluation/groups.py", "_place", "G.argmin()", "0", SPLITS),
    Fault("a class may be missing from a training pool of groups", "evaluation/groups.py", "assign_group_folds",
          "(A < B).all() and C", "C", SPLITS),
    Fault("the official test set is ignored", "evaluation/splits.py", "make_splits",
          "predefined_test(P)", "None", SPLITS),
    Fault("the official test set trains, too", "evaluation/splits.py", "make_splits",
          "T[F != K] if P is None else P", "T[F != K] if P is None else np.arange(len(labels))", SPLITS),
    Fault("copies of official test images train", "evaluation/predefined_split.py", "predefined_pool",
          "F if G is None else F & A", "F", SPLITS),
    Fault("rows that the source left out train", "evaluation/predefined_split.py", "predefined_pool",
          "M if M.any() else T", "T", SPLITS),
    Fault("a larger budget does not hold the smaller ones", "evaluation/splits.py", "Split.budget",
          "np.flatnonzero(A == B)[N * D : N * (D + 1)]",
          "np.roll(np.flatnonzero(A == B), N * N)[N * D : N * (D + 1)]", SPLITS),
    Fault("a budget takes the last of each class", "evaluation/splits.py", "Split.budget",
          "np.flatnonzero(A == B)[N * D : N * (D + 1)]",
          "np.flatnonzero(A == B)[::-1][N * D : N * (D + 1)]", SPLITS),
    Fault("a budget is so many labels in all, of whatever class", "evaluation/splits.py", "Split.budget",
          "self.order[np.sort(np.concatenate(A))]", "self.order[: sum(map(len, A))]", SPLITS),
    Fault("a budget gives each class one more", "evaluation/splits.py", "Split.budget",
          "np.flatnonzero(A == B)[N * D : N * (D + 1)]",
          "np.flatnonzero(A == B)[N * D : N * (D + 1) + 1]", SPLITS),
    Fault("a budget that a class cannot fill is taken", "evaluation/budgets.py", "check_budget",
          "C.min() < N", "False", SPLITS),
    Fault("default budgets go beyond the smallest class", "evaluation/budgets.py", "default_budgets",
          "B > fewest or C", "C", SPLITS),
    Fault("the hash of splits does not see the order of labels", "evaluation/splits.py", "split_hash",
          "(S.train, S.test, S.order)", "(S.train, S.test)", SPLITS),
    Fault("images of a group count one by one in the number of folds", "evaluation/splits.py", "default_folds",
          "R if G is None else G[R]", "R", SPLITS),
    Fault("candidates are judged on images that they learned", "reuse/heads.py", "Head._inner",
          "_fitted(K, C, H[T], Y[T])", "_fitted(K, C, H, Y)", HEADS),
    Fault("the worst candidate is chosen", "reuse/heads.py", "_chosen", "means.argmax()", "means.argmin()", HEADS),
    Fault("a probe takes the likeliest candidate, however bad its score", "reuse/heads.py", "_chosen",
          "np.where(N, L, -np.inf)", "L", HEADS),
    Fault("a probe takes the best score, whatever its likelihood", "reuse/heads.py", "_chosen",
          "not L.any()", "True", HEADS),
    Fault("a probe takes the least likely of the good candidates", "reuse/heads.py", "_chosen",
          "np.where(N, L, -np.inf)", "np.where(N, -L, -np.inf)", HEADS),
    Fault("a likelihood is that of the class before", "reuse/heads.py", "Head._inner",
          "np.searchsorted(A, B)", "np.searchsorted(A, B) - 1", HEADS),
    Fault("a head is tuned by balanced accuracy whatever was asked for", "reuse/heads.py", "Head._inner",
          "score(self.metric, A, B, C)", "score('balanced_accuracy', A, B, C)", HEADS),
    Fault("a head's tuning forgets the groups", "reuse/heads.py", "Head._inner",
          "inner_folds(A, G, S)", "inner_folds(A, None, S)", HEADS),
    Fault("inner folds part what belongs together", "reuse/heads.py", "inner_folds", "G is None", "True", HEADS),
    Fault("inner folds lose the classes", "reuse/heads.py", "inner_folds",
          "StratifiedKFold(A, shuffle=True, random_state=B).split(C, D)",
          "[(np.setdiff1d(np.arange(len(C)), b), b) for b in np.array_split(np.argsort(C, kind='stable'), A)]", HEADS),
    Fault("the selection is the best inner fold's", "reuse/heads.py", "Head.fit", "A[B].mean()", "A[B].max()", HEADS),
    Fault("the selection is the mean of all candidates", "reuse/heads.py", "Head.fit",
          "A[B].mean()", "A.mean()", HEADS),
    Fault("the chosen candidate is fitted on half of the labels", "reuse/heads.py", "Head.fit",
          "_fitted(K, C, H, Y)", "_fitted(K, C, H[::2], Y[::2])", HEADS),
    Fault("beyond its limit a kernel takes whatever comes", "reuse/heads.py", "Head._limited",
          "O[np.argsort(Y[O], kind='stable')]", "O", HEADS),
    Fault("a kernel's width is not by the total variance", "reuse/heads.py", "_Scale.fit",
          "H.var(0).sum()", "H.var(0).mean()", HEADS),
    Fault("a stored probe forgets the centre", "reuse/heads.py", "_affine",
          "return A, B - W @ S.mean_", "return A, B", HEADS),
    Fault("a head that is scored has learned from the test images", "reuse/probe.py", "Probe.cross_validate",
          "F(H[S.train], Y[S.train], G)", "F(H, Y, groups)", SCORED),
    Fault("an encoder is scored on labels that it was trained with", "reuse/probe.py", "Probe.cross_validate",
          "A.card.learned_from_labels and B", "False", TAUGHT),
    Fault("a score of a probe ignores groups", "reuse/probe.py", "Probe.cross_validate",
          "None if G is None else G[R]", "None", GROUPED),
    Fault("a network's selection is scored on its own training rows", "study/tasks.py", "_networks",
          "F[0]", "(F[0][0], F[0][0])", REMEMBERS),
    Fault("the network that gives the selection learns the rows that score it", "study/tasks.py", "_networks",
          "fit_network(S, B, kept, N, E)", "fit_network(S, B, train, N, E)", REMEMBERS),
    Fault("a network learns on the inner folds' training side only", "study/tasks.py", "_networks",
          "fit_network(S, B, train, N, E)", "fit_network(S, B, kept, N, E)", LEARNS),
    Fault("a network learns the test images' labels", "study/tasks.py", "_networks",
          "fit_network(S, B, train, N, E)", "fit_network(S, B, np.concatenate([train, space.splits[N].test]), N, E)",
          REMEMBERS),
    Fault("a network learns another budget's labels", "study/tasks.py", "_train",
          "S.budget(Y, B)", "S.budget(Y, 'all')", LEARNS),
    Fault("a network's inner folds forget the groups", "study/tasks.py", "_networks",
          "inner_folds(A, G, S)", "inner_folds(A, None, S)", TOGETHER),
    Fault("a network's selection ignores the metric", "study/tasks.py", "_networks",
          "score(M, A, B, C)", "score('balanced_accuracy', A, B, C)", NETWORK_METRIC),
    Fault("a network with nothing held out has a selection", "study/tasks.py", "_networks",
          "math.nan", "1.0", ONE_LABEL),
    Fault("networks of every split begin and draw alike", "study/tasks.py", "network_recipe",
          "A + 1000 * B", "A", SEEDS),
    Fault("fine-tuning gives labels to other images", "study/tasks.py", "fit_network",
          "S.images.rows(R)", "S.images.rows(train)", LEARNS),
    Fault("a head learns the test images' labels", "study/tasks.py", "_score",
          "S.budget(Y, B, D)", "np.concatenate([S.budget(Y, B, D), S.test])", OTHER_LABELS),
    Fault("a head learns another budget's labels", "study/tasks.py", "_score",
          "S.budget(Y, B, D)", "S.budget(Y, 'all')", HEAD_LEARNS),
    Fault("a head's tuning in a study forgets the groups", "study/tasks.py", "_head",
          "None if S.groups is None else S.groups[R]", "None", TOGETHER),
    Fault("a head with nothing held out has a selection", "study/tasks.py", "_head",
          "H if F else math.nan", "H", ONE_LABEL),
    Fault("a head in a study ignores the metric", "study/tasks.py", "_head",
          "Head(K, seed=S, metric=M)", "Head(K, seed=S)", HEAD_METRIC),
    Fault("vectors are standardised with the test images", "study/tasks.py", "_score",
          "vectors(S, A, T, encoder=E, rows=L)",
          "(lambda h: (h - h.mean(0)) / (h.std(0) + 1e-6))(vectors(S, A, T, encoder=E, rows=L))", OTHER_IMAGES),
    Fault("heads of every split use the first split's encoder", "study/tasks.py", "vectors",
          "S.encode_task(M, T, E)", "S.encode_task(M, 0, E)", OWN_ENCODER),
    Fault("networks of every split use the first split's encoder", "study/tasks.py", "_networks",
          "S.encode_task(M, T, E)", "S.encode_task(M, 0, E)", OWN_ENCODER),
    Fault("encoders that may see the training fold see the test images, too", "study/workspace.py", "Workspace.inputs",
          "np.concatenate([A, train])", "np.concatenate([A, train, test])", TRAINING),
    Fault("encoders that may see the training fold do not", "study/workspace.py", "Workspace.inputs",
          "np.concatenate([A, train])", "A", TRAINING),
    Fault("an encoder sees unlabelled copies of labelled images", "study/workspace.py", "Workspace.inputs",
          "U[~np.isin(self.twins[U], A)]", "U", UNLABELLED),
    Fault("an encoder sees unlabelled images of tested groups", "study/workspace.py", "Workspace.inputs",
          "U[~np.isin(self.bound[U], A)]", "U", TESTED_GROUP),
    Fault("groups of unlabelled images are forgotten, copies are not", "study/workspace.py", "Workspace.bound",
          "np.load(P) if P.is_file() else self.twins", "self.twins", TESTED_GROUP),
    Fault("an encoder that may see the unlabelled images sees all", "study/workspace.py", "Workspace.inputs",
          "self.plan.saw == 'all' or A", "True", UNLABELLED),
    Fault("the winner among networks learns one split's training labels only", "study/winner.py", "_refit",
          "fit_network(S, E, R)", "fit_network(S, E, S.splits[0].train)", NETWORK_WINNER),
    Fault("the winner among heads learns one split's training labels only", "study/winner.py", "_refit",
          "H.fit(R, S.y, S.groups)", "H.fit(R[S.splits[0].train], S.y[S.splits[0].train])", HEAD_WINNER),
]  # fmt: skip
