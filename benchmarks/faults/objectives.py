"""Faults of the methods and of the teacher: what each compares, holds still and hides, and which way it goes."""

from faults.fault import Fault


def _fault(what: str, place: str, old: str, new: str, only: str = "") -> Fault:
    """``place`` is a method's file and what holds the fault, such as byol.BYOL.forward; ``only``: one of its tests."""
    file, _, within = place.partition(".")
    tests = f"tests/objectives/test_{file}.py" + (only and f"::{only}")
    return Fault(what, f"objectives/{file}.py", within, old, new, (tests,))


def _teacher_fault(what: str, within: str, old: str, new: str) -> Fault:
    return Fault(what, "encoders/teacher.py", within, old, new, ("tests/objectives/test_byol.py",))


_NEXT_TO_NOTHING = "test_the_image_must_come_out_of_its_code"

BYOL = [
    _fault("BYOL compares a view with itself", "byol.BYOL.forward",
           "regression_loss(A, B) + regression_loss(C, D)", "regression_loss(A, D) + regression_loss(C, B)"),
    _fault("BYOL predicts in one direction only", "byol.BYOL.forward",
           "regression_loss(A, B) + regression_loss(C, D)", "2 * regression_loss(A, B)"),
    _fault("BYOL predicts itself, not the teacher", "byol.BYOL.forward",
           "self.teacher(x)", "self.projector(self.encoder(x))"),
    _fault("BYOL has no predictor", "byol.BYOL.forward", "self.predictor(A)", "A"),
    _fault("BYOL's loss has the other sign", "byol.regression_loss", "2 - 2 * A", "2 + 2 * A"),
    _fault("BYOL's teacher never moves", "byol.BYOL.after_step", "self.teacher.follow(A, B, momentum=C)", ""),
    _fault("BYOL's momentum is 0", "byol.BYOL.after_step", "rising(A, B)", "0.0"),
    _fault("BYOL's momentum never rises", "byol.BYOL.after_step", "rising(A, B)", "A"),
    _fault("BYOL's momentum is 0 by default", "byol.BYOL.__init__", "0.97", "0.0"),
    _fault("BYOL's predictor learns at a tenth of its rate", "byol.BYOL", "10.0", "1.0"),
]  # fmt: skip

TEACHER = [
    _teacher_fault("the teacher keeps what it should give up", "Teacher.follow", "1 - momentum", "momentum"),
    _teacher_fault("no teacher ever moves", "Teacher.follow", "own.lerp_(A, B)", ""),
    _teacher_fault("the momentum rises half of the way", "rising", "math.pi * progress", "math.pi * progress / 2"),
    _teacher_fault("the teacher begins elsewhere", "Teacher.__init__", "self.network = A",
                   "self.network = A\nfor p in self.network.parameters():\n    p.data += 1"),
]  # fmt: skip

SIMSIAM = [
    _fault("SimSiam compares a view with itself", "simsiam.SimSiam.forward",
           "negative_cosine(A, B) + negative_cosine(C, D)", "negative_cosine(A, D) + negative_cosine(C, B)"),
    _fault("SimSiam has no stop-gradient", "simsiam.SimSiam.forward", "z.detach()", "z"),
    _fault("SimSiam stops the gradient of the prediction", "simsiam.SimSiam.forward",
           "(z.detach(), self.predictor(z))", "(z, self.predictor(z.detach()))"),
    _fault("SimSiam has no predictor", "simsiam.SimSiam.forward", "self.predictor(z)", "z"),
    _fault("SimSiam's loss has the other sign", "simsiam.negative_cosine", "-A", "A"),
]  # fmt: skip

MOCO = [
    _fault("MoCo compares a view with itself", "moco.MoCo.forward", "((q1, k2), (q2, k1))", "((q1, k1), (q2, k2))"),
    _fault("MoCo's queries find keys of one view only", "moco.MoCo.forward",
           "((q1, k2), (q2, k1))", "((q1, k2), (q1, k2))"),
    _fault("MoCo's own keys stay among the negatives", "moco.MoCo.forward",
           "info_nce(A, B, C, temperature=D, own=E)", "info_nce(A, B, C, temperature=D)"),
    _fault("MoCo's keys are the student's", "moco.MoCo._keys",
           "self.teacher(A)", "self.projector(self.encoder(A)).detach()"),
    _fault("MoCo's keys have one group of batch statistics", "moco.MoCo._keys", "min(self.groups, A)", "1"),
    _fault("MoCo's keys have one group by default", "moco.MoCo.__init__", "4", "1"),
    _fault("MoCo's groups go by the order of the batch", "moco.MoCo._keys",
           "keys.argsort()", "torch.arange(len(keys))"),
    _fault("MoCo's keys go back into the wrong rows", "moco.MoCo._keys",
           "torch.empty_like(z).index_copy_(0, order, z)", "z"),
    _fault("MoCo's teacher never moves", "moco.MoCo.after_step", "self.teacher.follow(A, B, momentum=C)", ""),
    _fault("MoCo's momentum is 0", "moco.MoCo.after_step", "self.momentum", "0.0"),
    _fault("MoCo's queue never changes", "moco.MoCo.after_step", "torch.cat((new.to(old), old))", "old"),
    _fault("MoCo's queue has no owners", "moco.MoCo.forward",
           "torch.cat((index, index))", "torch.cat((index, index)) * 0 - 1"),
]  # fmt: skip

DINO = [
    _fault("DINO compares a view with itself", "dino.DINO.forward", "((s2, t1), (s1, t2))", "((s1, t1), (s2, t2))"),
    _fault("DINO's student is its own teacher", "dino.DINO.forward", "self.teacher(x)", "self.projector(h).detach()"),
    _fault("DINO's gradient passes the targets", "dino.DINO.forward",
           "self.teacher(x)", "self.projector(self.encoder(x))"),
    _fault("the first DINO's centre never moves", "dino.DINO.after_step", "self.center.lerp_(A, B)", ""),
    _fault("the first DINO's centre is the last mean", "dino.DINO.after_step", "1 - _CENTER_MOMENTUM", "1.0"),
    _fault("the first DINO's centre is of one view", "dino.DINO.forward",
           "(t1.mean(0) + t2.mean(0)) / 2", "t1.mean(0)"),
    _fault("DINO's centre is added", "dino.cross_entropy", "teacher - center", "teacher + center"),
    _fault("DINO's temperatures are exchanged", "dino.cross_entropy",
           "A / student_temperature", "A / teacher_temperature"),
    _fault("DINO's teacher never moves", "dino.DINO.after_step", "self.teacher.follow(A, B, momentum=C)", ""),
    _fault("DINO's momentum is 0", "dino.DINO.after_step", "rising(A, B)", "0.0"),
    _fault("Sinkhorn's first round begins with the images", "dino.balanced_center",
           "scores.new_zeros(len(A), 1)", "scores.logsumexp(1, keepdim=True)"),
    _fault("Sinkhorn's centre has the other sign", "dino.balanced_center",
           "group - group.mean()", "group.mean() - group"),
    _fault("Sinkhorn balances one view only", "dino.DINO.forward", "torch.cat((t1, t2))", "t1"),
    _fault("DINO's spread is rewarded for being narrow", "dino.DINO.forward", "self.spread * A", "-self.spread * A"),
    _fault("DINO's spread is over both views at once", "dino.DINO.forward", "h.chunk(2)", "(h,)"),
]  # fmt: skip

CPC = [
    _fault("CPC's target is one row too near", "cpc.CPC._below", "wanted[row + k]", "wanted[row + k - 1]"),
    _fault("CPC's target is one row too far", "cpc.CPC._below",
           "wanted[row + k]", "wanted[min(row + k + 1, len(wanted) - 1)]"),
    _fault("CPC's four directions are the same", "cpc.CPC.forward", "torch.rot90(z, A, B)", "z"),
    _fault("CPC looks to one side twice", "cpc.CPC.forward", "torch.rot90(z, turn, B)", "torch.rot90(z, turn % 3, B)"),
    _fault("CPC never draws its windows' own views", "cpc.CPC.forward", "self.version == 2", "False"),
    _fault("CPC's first version draws its windows' own views", "cpc.CPC.forward", "self.version == 2", "True"),
    _fault("CPC changes all windows of an image alike", "cpc.CPC._keys", "A ^ numbers", "A ^ (numbers * 0)"),
    _fault("CPC changes windows alike in every image", "cpc.CPC._keys", "keys[:, None] ^ A", "(keys[:, None] * 0) ^ A"),
    _fault("CPC's context sees the row below", "cpc.Context.forward", "(1, 1, 1, 0)", "(1, 1, 0, 1)"),
    _fault("CPC's context tells what is near of what is far", "cpc.CPC._below", "B.unbind(2)", "B.flip(2).unbind(2)"),
    _fault("CPC ignores its temperature", "cpc.CPC._below", "self.temperature", "1.0"),
]  # fmt: skip

MAE = [
    _fault("MAE's decoder knows no places", "mae.MAE.forward", "tokens + self.place", "tokens"),
    _fault("MAE keeps what it should hide", "mae.MAE.forward", "A[:, : self.kept]", "A[:, self.kept :]"),
    _fault("MAE's encoder looks at what is hidden", "mae.MAE.forward", "self.encoder.tokens(patches, kept)",
           "self.encoder.tokens(patches).gather(1, kept[:, :, None].expand(-1, -1, self.encoder.dim))"),
    _fault("MAE is judged on what it saw", "mae.MAE.forward", "hidden_error(*A)",
           "hidden_error(painted, patches, 1 - hidden)"),
    _fault("MAE is judged on all patches", "mae.MAE.forward", "A.scatter(1, kept, 0.0)", "A"),
    _fault("MAE's decoder gets tokens in other places", "mae.MAE.forward",
           "A.scatter(1, rows, z)", "A.scatter(1, rows.flip(1), z)"),
    _fault("MAE hides the same of all images", "mae.MAE.forward", "batch.keys", "batch.keys[:1].expand(n)"),
    _fault("MAE's target is the image, not its view", "mae.MAE.forward", "hidden_error(*A)",
           "hidden_error(painted, self.encoder.patches(batch.x), hidden)"),
    _fault("MAE's target keeps its patch's mean", "mae.hidden_error",
           "patches - patches.mean(2, keepdim=True)", "patches"),
]  # fmt: skip

RECONSTRUCTION = [
    _fault("denoising wants the damaged image", "denoising.Denoising.forward",
           "self.gather(batch.x)", "self.gather(damaged)"),
    _fault("denoising sees the undamaged image", "denoising.Denoising.forward",
           "self.reconstruct(self.encoder, damaged)", "self.reconstruct(self.encoder, batch.x)"),
    _fault("masking keeps what it should take", "denoising.corrupt", "A >= masking", "A < masking"),
    _fault("noise is not weighed", "denoising.corrupt", "noise * A", "A"),
    _fault("the autoencoder is compared with nothing", "autoencoder.Autoencoder.forward",
           "self.gather(batch.x)", "self.gather(batch.x) * 0", _NEXT_TO_NOTHING),
    _fault("sparsity is punished", "sparse.Sparse.forward", "self.weight * A", "-self.weight * A",
           _NEXT_TO_NOTHING + "_whose_activity_costs_its_weight"),
    _fault("the machine's data and its own are exchanged", "rbm.RBM.forward", "A - B", "B - A",
           "test_the_gradient_is_the_textbooks_statistics_of_the_data_less_those_of_the_walk"),
    _fault("the machine's own is the data", "rbm.RBM.forward", "(v, away)", "(v, v)",
           "test_the_gradient_is_the_textbooks_statistics_of_the_data_less_those_of_the_walk"),
    _fault("the machine draws what is unlikely", "rbm.gibbs", "drawn < h", "drawn > h",
           "test_a_long_walk_ends_where_the_machine_says"),
]  # fmt: skip

REDUNDANCY = [
    _fault("Barlow Twins wants views to disagree", "barlow_twins.BarlowTwins.forward",
           "1 - agreement", "1 + agreement"),
    _fault("Barlow Twins' redundancy is rewarded", "barlow_twins.BarlowTwins.forward",
           "self.redundancy * A", "-self.redundancy * A"),
    _fault("Barlow Twins' redundancy holds the diagonal", "barlow_twins.BarlowTwins.forward",
           "A - agreement.square().sum()", "A"),
    _fault("Barlow Twins compares a view with itself", "barlow_twins.BarlowTwins.forward",
           "cross_correlation(z1, z2)", "cross_correlation(z1, z1)"),
    _fault("VICReg wants deviations below 1", "vicreg._spread", "1 - A", "A - 1"),
    _fault("VICReg's variance is rewarded for being small", "vicreg.VICReg.__init__",
           "invariance / width, variance, covariance", "invariance / width, -variance, covariance"),
    _fault("VICReg's weights are in another order", "vicreg.VICReg.__init__",
           "invariance / width, variance, covariance", "invariance / width, covariance, variance"),
    _fault("VICReg compares a view with itself", "vicreg.terms", "z1 - z2", "z1 - z1"),
    _fault("VICReg spreads one view only", "vicreg.terms", "(_spread(z1), _spread(z2))", "(_spread(z1), _spread(z1))"),
    _fault("VICReg's covariance holds the diagonal", "vicreg._spread", "A - variance.square().sum()", "A"),
]  # fmt: skip

CONTRAST = [
    _fault("SimCLR has a temperature of 5", "simclr.SimCLR.forward", "self.temperature", "5.0"),
    _fault("SimCLR has a temperature of 5 by default", "simclr.SimCLR.__init__", "0.2", "5.0"),
    _fault("SimCLR compares a view with itself", "simclr.SimCLR.forward",
           "nt_xent(z1, z2, temperature=A)", "nt_xent(z1, z1, temperature=A)"),
    _fault("SimCLR's partner is another image's view", "simclr.nt_xent", "A.roll(n)", "A.roll(n - 1)"),
    _fault("SupCon has no labels", "supcon.SupCon.forward", "self.gather(batch.y)", "torch.full_like(batch.y, -1)"),
    _fault("SupCon takes what has no label for a class", "supcon.sup_con", "y >= 0", "y >= -1"),
    _fault("SupCon ignores its temperature", "supcon.SupCon.forward", "self.temperature", "1.0"),
    _fault("supervised learning has no labels", "supervised.Supervised.forward",
           "self.gather(batch.y)", "self.gather(batch.y) * 0"),
    _fault("supervised learning takes what has no label for the first class", "supervised.cross_entropy",
           "functional.cross_entropy(A, y, ignore_index=B, reduction=C)",
           "functional.cross_entropy(A, y.clamp(min=0), reduction=C)"),
    _fault("supervised learning divides by all images", "supervised.cross_entropy",
           "(y >= 0).sum()", "(y >= -1).sum()"),
    _fault("supervised learning sees the image, not its view", "supervised.Supervised.forward",
           "batch.views[0]", "batch.x"),
]  # fmt: skip

FAULTS = [*BYOL, *TEACHER, *SIMSIAM, *MOCO, *DINO, *CPC, *MAE, *RECONSTRUCTION, *REDUNDANCY, *CONTRAST]
