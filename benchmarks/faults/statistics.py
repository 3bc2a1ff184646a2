"""Faults of uncertainty, influence, outcomes, comparisons, draws of labels, and a study's several encoders."""

from faults.fault import Fault


def _fault(what: str, place: str, old: str, new: str, claim: str) -> Fault:
    """``place`` is a file and what holds the fault, such as study/tasks._score; ``claim``: the test, by its file."""
    file, _, within = place.partition(".")
    test_file, _, test = claim.partition("::")
    return Fault(what, f"{file}.py", within, old, new, (f"tests/{test_file}.py::test_{test}",))


def _uncertain(what: str, within: str, old: str, new: str, claim: str) -> Fault:
    where = f"evaluation/uncertainty.{within}"
    return _fault(what, where, old, new, f"evaluation/test_uncertainty::{claim}")


def _outcome(what: str, within: str, old: str, new: str, claim: str) -> Fault:
    return _fault(what, f"evaluation/outcomes.{within}", old, new, f"evaluation/test_outcomes::{claim}")


def _compared(what: str, within: str, old: str, new: str, claim: str) -> Fault:
    return _fault(what, f"study/comparisons.{within}", old, new, f"study/test_comparisons::{claim}")


def _assembled(what: str, within: str, old: str, new: str, claim: str) -> Fault:
    return _fault(what, f"study/assemble.{within}", old, new, f"study/test_assemble::{claim}")


_COVERAGE = "of_300_studies_about_95_in_100_hold_the_truth"
_ABOUT = "an_estimate_says_what_beside_the_images_is_drawn"
_FOUR = "the_mean_of_four_encoders_that_alone_differ_has_students_interval_over_them"
_MODELS = "the_variance_between_models_is_found_and_divided_by_their_number"
_SEVERAL = "what_models_have_in_common_by_shared_labels_does_not_average_out"
_STRATIFIED = "the_variance_of_accuracy_is_that_of_a_stratified_sample"
_TWO_MORE = "two_more_images_are_counted_a_step_from_the_mean_and_shared_between_the_classes"
_GROUPS = "models_that_share_groups_share_labels_as_far_as_images_of_a_group_are_alike"
_DERIVATIVE = (
    "evaluation/test_influence::"
    "two_images_of_a_class_differ_by_what_it_moves_the_score_to_be_said_the_one_thing_and_not_the_other"
)
_ARRANGED = "every_value_stands_at_the_model_that_said_it_and_that_model_learned_its_own_splits_draw"
_TWO_MEANS = "a_difference_is_that_of_the_two_means_whatever_draws_and_encoders_each_has"
_NAMED = "the_training_side_names_and_the_tests_do_not"
_DRAWS = "evaluation/test_splits::labels_are_drawn_so_often_that_all_splits_together_use_each_about_once"
_EACH = "study/test_tasks::each_encoder_is_put_to_every_draw_of_a_splits_labels"

UNCERTAINTY = [
    _uncertain("repeats are not averaged first", "estimate", "image_variance(B, Y, G, S)",
               "image_variance(values.ravel(), np.tile(Y, values.shape[0] * values.shape[1]), None, 1.0)",
               "testing_again_does_not_make_more_images"),
    _uncertain("classes are not stratified", "image_variance", "values - _class_means(values, y)",
               "values - values.mean()", "classes_that_differ_add_no_variance"),
    _uncertain("groups are ignored", "image_variance", "groups is not None", "False",
               "an_image_copied_within_its_group_counts_once"),
    _uncertain("the variance of images is that of the sample, not of what it was drawn from", "image_variance",
               "np.maximum(size - 1, 1)", "size", _STRATIFIED),
    _uncertain("the variance of groups is that of the sample, not of what it was drawn from", "image_variance",
               "A * count / (count - 1)", "A", "an_image_copied_within_its_group_counts_once"),
    _uncertain("all right is certain", "image_variance", "np.square(step)", "0 * np.square(step)",
               "all_of_81_images_right_is_about_as_uncertain_as_the_exact_binomial_bound"),
    _uncertain("two more images are counted in every class", "image_variance", "A / len(classes)", "A", _TWO_MORE),
    _uncertain("a step is not squared", "image_variance", "np.square(step)", "np.asarray(step)", _TWO_MORE),
    _uncertain("images teach each other's models nothing", "estimate", "images.value + A", "images.value",
               "what_repeats_disagree_on_is_averaged_before_images_are_compared"),
    _uncertain("all models teach each other, whatever they learned", "mutual_variance", "share / 2 * A", "A / 2",
               "images_that_teach_each_other_add_twice_what_is_counted_where_they_do_it_alike_and_else_nothing"),
    _uncertain("chance is not taken off", "label_variance", "A - chance / float(tested.mean()) / scale", "A",
               "where_fresh_labels_change_nothing_nothing_is_found"),
    _uncertain("chance is taken off twice", "label_variance", "A - chance / float(tested.mean()) / scale",
               "A - 2 * chance / float(tested.mean()) / scale", _MODELS),
    _uncertain("what fresh labels change is left out", "estimate", "label_variance(A, B, C)", "Variance(0.0, 1.0)",
               _COVERAGE),
    _uncertain("models count as if they had no label in common", "label_variance",
               "share + (1 - share) / len(tested)", "1 / len(tested)", _SEVERAL),
    _uncertain("a model counts as the share that it learned, however few there are", "label_variance",
               "share + (1 - share) / len(tested)", "share", _MODELS),
    _uncertain("what the mean over draws takes of a model's effect is not given back", "label_variance",
               "A / left / (1 - share)", "A * scale / (1 - share)", _MODELS),
    _uncertain("what models have in common by shared labels is forgotten", "label_variance",
               "A / (1 - share)", "A", _SEVERAL),
    _uncertain("groups that models share are forgotten", "label_variance", "design.groups is not None", "False",
               _GROUPS),
    _uncertain("groups count as if their images were alike", "_intraclass_correlation",
               "np.clip((between - within) / total, 0, 1)", "1.0", _GROUPS),
    _uncertain("that easy samples teach well is forgotten", "label_variance", "min(max(0.0, together), A)", "0.0",
               "easy_samples_that_teach_well_add_twice_their_covariance"),
    _uncertain("hard samples that teach well make the interval narrower", "label_variance",
               "max(0.0, together)", "together", "hard_samples_that_teach_well_take_nothing_off"),
    _uncertain("a covariance may be as large as it comes", "label_variance",
               "min(max(0.0, together), A)", "max(0.0, together)",
               "the_covariance_is_no_larger_than_two_variances_allow"),
    _uncertain("fresh labels are told of where draws share most of them", "estimate",
               "max(design.share, design.group_share) <= LARGEST_SHARE", "True", _ABOUT),
    _uncertain("fresh labels are told of where draws share most groups", "estimate",
               "max(design.share, design.group_share)", "design.share",
               "models_that_share_most_groups_tell_nothing_of_fresh_labels"),
    _uncertain("two encoders tell what a seed changes", "estimate", "len(values) >= FEWEST_ENCODERS",
               "len(values) >= 2", _ABOUT),
    _uncertain("what a seed changes is left out", "estimate", "parts['encoders'] = A",
               "parts['encoders'] = Variance(0.0, 1.0)", _FOUR),
    _uncertain("the variance between encoders is that of one, not of their mean", "estimate",
               "Variance(A / len(values), B)", "Variance(A, B)", _FOUR),
    _uncertain("four encoders count as many degrees of freedom as images", "estimate",
               "Variance(A, len(values) - 1)", "Variance(A, 399.0)", _FOUR),
    _uncertain("intervals are by the normal distribution", "estimate", "student.ppf(0.975, freedom)", "1.96", _FOUR),
    _uncertain("the test is one-sided", "estimate", "2 * student.sf(A, B)", "student.sf(A, B)",
               "the_interval_excludes_zero_exactly_when_p_is_below_five_percent"),
    _uncertain("a loss has another p than a gain", "estimate", "abs(mean)", "mean",
               "a_difference_turns_its_sign_with_its_sides"),
    _uncertain("two or three encoders are taken", "check_encoders", "encoders < FEWEST_ENCODERS", "encoders < 1",
               "from_two_or_three_encoders_it_cannot_be_told_what_a_seed_changes"),
]  # fmt: skip

INFLUENCE = [
    _fault("the images' values are not centred", "evaluation/influence.influence", "A - moved.mean()", "A",
           "evaluation/test_influence::the_mean_of_the_images_values_is_the_score"),
    _fault("balanced accuracy weighs classes by their images", "evaluation/influence._balanced_accuracy",
           "np.diag(A)", "np.eye(len(share))", _DERIVATIVE),
    _fault("a class's F1 does not feel what is wrongly said of it", "evaluation/influence._f1_macro",
           "A - 2 * confusion.diagonal() / both", "A", _DERIVATIVE),
    _fault("kappa's chance does not move", "evaluation/influence._cohen_kappa", "A - (1 - agreed) * share", "A",
           _DERIVATIVE),
    _fault("Matthews' denominator does not move", "evaluation/influence._matthews", "A + excess * said / B", "A",
           _DERIVATIVE),
    _fault("a step is 1 for every metric", "evaluation/influence.step", "metric == 'accuracy'", "True",
           "evaluation/test_influence::a_step_is_what_lies_between_right_and_wrong_in_a_class"),
]  # fmt: skip

OUTCOMES = [
    _outcome("a model has the number of another split's", "Outcomes._design",
             "np.arange(len(self.splits) * each).reshape(len(self.splits), each)",
             "np.arange(len(self.splits) * each).reshape(each, len(self.splits)).T", _ARRANGED),
    _outcome("every draw's model learned the first draw", "Outcomes._design",
             "s.budget(self.y, self.budget, draw)", "s.budget(self.y, self.budget, 0)", _ARRANGED),
    _outcome("models learned in another order than they are numbered", "Outcomes._design",
             "[s.budget(Y, B, draw) for s in self.splits for draw in range(each)]",
             "[s.budget(Y, B, draw) for draw in range(each) for s in self.splits]", _ARRANGED),
    _outcome("a model's share is of the images tested, not of the labels there are", "Outcomes._design",
             "np.concatenate([s.train for s in self.splits])", "np.concatenate([s.test for s in self.splits])",
             "an_official_training_set_is_not_among_the_images_tested_but_shares_out_the_labels"),
    _outcome("an interval is not told of groups", "Outcomes._design", "Design(M, T, Y, groups, A, B)",
             "Design(M, T, Y, None, A, B)", "groups_that_are_right_or_wrong_together_make_the_interval_wider"),
    _outcome("an interval is not told of the step", "Outcomes.interval", "estimate(A, B, step=self._step)",
             "estimate(A, B, step=0.0)", "all_right_is_one_but_not_certain"),
    _outcome("an interval leaves the metric's range", "Outcomes.interval", "min(found.high, high)", "found.high",
             "all_wrong_is_nought_and_no_interval_leaves_the_metrics_range"),
    _outcome("a difference is that of the other minus this", "Outcomes.minus",
             "a.mean((0, 1)) - b.mean((0, 1))", "b.mean((0, 1)) - a.mean((0, 1))", _TWO_MEANS),
    _outcome("a difference is of the draws that both have, not of what is shown", "Outcomes.minus",
             "a.mean((0, 1)) - b.mean((0, 1))", "(a[:, :draws] - b[:, :draws]).mean((0, 1))", _TWO_MEANS),
    _outcome("a difference is not paired by image", "Outcomes.minus",
             "a.mean((0, 1)) - b.mean((0, 1))", "a.mean((0, 1)) - np.roll(b.mean((0, 1)), 30)",
             "what_both_sides_get_wrong_is_no_part_of_the_differences_interval"),
    _outcome("several encoders are compared with a single one by the first", "Outcomes.minus",
             "np.broadcast_to(A, B)", "np.broadcast_to(A[:1], (1, *A.shape[1:]))",
             "a_score_says_whether_it_is_of_these_models_or_of_fresh_labels"),
    _outcome("a split's score is its first draw's", "Outcomes.folds", "said.reshape(-1, N)", "said.reshape(-1, N)[:1]",
             "a_splits_score_is_the_mean_over_encoders_and_draws"),
]  # fmt: skip

COMPARISONS = [
    _compared("the best baseline is chosen among all approaches", "choose",
              "{name: value for name, value in known.items() if name in baselines}", "known",
              "the_highest_selection_of_all_is_named_and_of_the_baselines_is_the_one_to_beat"),
    _compared("the approach named is the best baseline", "choose",
              "max(known, key=lambda name: known[name]) if known else best", "best",
              "the_highest_selection_of_all_is_named_and_of_the_baselines_is_the_one_to_beat"),
    _compared("convention names the majority", "choose", "(name != 'svm-pixels', name == 'majority')",
              "(name != 'svm-pixels', name != 'majority')",
              "where_nothing_has_a_selection_convention_names_a_baseline"),
    _compared("a difference has the other sign", "compare", "predicted[name].minus(predicted[best])",
              "predicted[best].minus(predicted[name])",
              "every_approach_but_the_best_baseline_is_set_against_it_with_its_role"),
    _compared("the approach named is one of the others", "compare", "'named' if name == named else A", "A",
              "every_approach_but_the_best_baseline_is_set_against_it_with_its_role"),
    _compared("baselines are others", "compare", "'baseline' if name in baselines else 'other'", "'other'",
              "every_approach_but_the_best_baseline_is_set_against_it_with_its_role"),
    _compared("the difference that confirms is corrected", "corrected",
              "c.role == 'named' and c.budget != last", "c.role == 'named'",
              "the_difference_at_the_largest_budget_of_the_approach_named_is_not_corrected"),
    _compared("what was named at smaller budgets is not corrected", "corrected",
              "c.role == 'other' or A", "c.role == 'other'",
              "what_was_named_at_smaller_budgets_is_corrected_for_their_number"),
    _compared("other approaches are not corrected", "corrected", "counts[i] = float(p)",
              "counts[i] = found[i].p if found[i].role == 'other' else float(p)",
              "other_approaches_are_corrected_for_their_number_within_a_budget"),
    _compared("other approaches are corrected over all budgets", "corrected",
              "c.budget if c.role == 'other' else ''", "''",
              "other_approaches_are_corrected_for_their_number_within_a_budget"),
    _compared("baselines are tested", "corrected", "c.p if c.role == 'named' else None", "c.p",
              "baselines_among_themselves_are_not_tested_and_count_for_nobody"),
]  # fmt: skip

ASSEMBLE = [
    _assembled("the test score names", "assemble", "o.preference(budget)", "o.at(budget).interval().mean", _NAMED),
    _assembled("the smallest budget's approach wins", "assemble", "list(chosen)[-1]", "list(chosen)[0]",
               "the_difference_at_all_labels_is_the_one_that_confirms"),
    _assembled("baselines are what is pretrained", "assemble", "o.approach.kind == 'baseline'",
               "o.approach.kind != 'baseline'", _NAMED),
    _assembled("where nothing was held out no larger budget counts", "Outcome.__init__",
               "self.selection[larger] if larger in whole else A", "A",
               "without_a_selection_that_of_the_next_larger_budget_counts"),
    _assembled("a budget counts that some splits do not have", "Outcome.__init__",
               "len(p) == len(space.splits)", "True",
               "a_budget_that_was_not_finished_on_every_split_is_left_out"),
    _assembled("an encoder's seconds count once a split", "Outcome.__init__", "encoders |= set(A)",
               "self.seconds += sum(read_facts(space.folder / t.path, EncodeFacts).seconds for t in A)",
               "an_encoders_seconds_count_once_for_all_splits_and_again_for_every_seed"),
    _assembled("a study's intervals forget its groups", "outcomes", "space.groups", "None",
               "intervals_are_by_group_where_there_are_groups"),
    _assembled("any gain over guessing is one", "beats_guessing", "named.minus(guess).low", "named.minus(guess).mean",
               "guessing_is_beaten_where_the_intervals_lower_end_is_above_it"),
]  # fmt: skip

DRAWS = [
    _fault("draws of labels overlap", "evaluation/splits.Split.budget",
           "np.flatnonzero(A == B)[N * D : N * (D + 1)]", "np.flatnonzero(A == B)[D : D + N]",
           "evaluation/test_splits::another_draw_shares_no_label_with_the_first_and_the_larger_budget_holds_the_first"),
    _fault("a draw for which no labels are left is taken", "evaluation/splits.Split.budget",
           "check_budget(A, B, C)", "",
           "evaluation/test_splits::a_draw_for_which_a_class_has_no_labels_left_is_refused"),
    _fault("images that are tested once are never drawn for twice", "evaluation/splits.label_draws",
           "2 if A else 1", "1", _DRAWS),
    _fault("labels are drawn twice where two draws share most of them", "evaluation/splits.label_draws",
           "times_tested(splits) == 1 and share <= LARGEST_SHARE", "times_tested(splits) == 1", _DRAWS),
    _fault("every split draws as many labels as there are", "evaluation/splits.label_draws",
           "round(1 / share / len(splits))", "round(1 / share)", _DRAWS),
    _fault("labels of many are drawn without end", "evaluation/splits.label_draws",
           "min(A, ENOUGH_MODELS // len(splits), B)", "min(A, B)", _DRAWS),
    _fault("labels are drawn once", "evaluation/splits.label_draws", "round(1 / share / len(splits))", "1", _DRAWS),
    _fault("more draws than a class has labels for", "evaluation/splits.label_draws",
           "min(most, A, B)", "min(A, B)",
           "evaluation/test_splits::no_more_draws_than_the_rarest_class_has_labels_for"),
    _fault("every draw of a split's labels is the first", "study/tasks._score",
           "split.budget(space.y, budget, d)", "split.budget(space.y, budget)", _EACH),
]  # fmt: skip

ENCODERS = [
    _fault("all encoders have one seed", "study/workspace.Workspace.seed", "A if encoder else first", "first",
           "study/test_tasks::encoders_of_several_seeds_differ_and_the_first_is_that_of_one"),
    _fault("the first of several encoders is not that of one", "study/workspace.Workspace.seed",
           "A if encoder else first", "A",
           "study/test_tasks::encoders_of_several_seeds_differ_and_the_first_is_that_of_one"),
    _fault("heads see the first of several encoders", "study/tasks._score",
           "vectors(space, approach, task.split, encoder=e, rows=space.labelled)",
           "vectors(space, approach, task.split, rows=space.labelled)", _EACH),
    _fault("networks begin from the first of several encoders", "study/tasks._networks",
           "space.encode_task(approach.method, number, encoder)", "space.encode_task(approach.method, number)",
           "study/test_tasks::networks_of_several_encoders_begin_from_their_own"),
    _fault("a score waits for one of its encoders", "study/pool.needs", "range(space.encoders(method))", "range(1)",
           "study/test_tasks::a_score_waits_for_all_its_encoders_and_pixels_for_none"),
]  # fmt: skip

FAULTS: list[Fault] = [*UNCERTAINTY, *INFLUENCE, *OUTCOMES, *COMPARISONS, *ASSEMBLE, *DRAWS, *ENCODERS]
