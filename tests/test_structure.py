"""The layout tells the story: each stage reads only earlier ones, each file says what it is for, and stays small."""

import ast
import re
from collections.abc import Iterator
from graphlib import TopologicalSorter
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
PACKAGE = ROOT / "src" / "headstart"
FILES = sorted(PACKAGE.rglob("*.py"))
STAGES = [
    "data", "views", "encoders", "objectives", "training", "evaluation", "representation", "reuse", "study", "report",
    "recipes", "commands",
]  # fmt: skip
READ_ALL = {"__init__", "__main__"}
NOT_METHODS = {"__init__", "catalogue", "learner", "objective", "ranges", "reconstruction"}
LONGEST_FILE, LONGEST_FUNCTION = 400, 60
KEYED = 8  # string-key subscripts per 1,000 lines, outside the recipes

# Extras, and what is slow to import: only inside the functions that need it.
LATE = {"torchvision", "timm", "lightly", "bokeh", "openTSNE", "matplotlib", "jsonargparse", "docstring_parser",
        "pyarrow", "tifffile", "datasets", "huggingface_hub", "onnx", "onnxruntime", "cv2", "tensorboard"}  # fmt: skip


def name(file: Path) -> str:
    return str(file.relative_to(PACKAGE))


def tree(file: Path) -> ast.Module:
    return ast.parse(file.read_text("utf-8"))


def imports(nodes: Iterator[ast.AST]) -> Iterator[str]:
    """Full dotted names: `from headstart.data import load` gives headstart.data.load."""
    for node in nodes:
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, "relative imports hide the stage"
            yield from (f"{node.module}.{alias.name}" for alias in node.names)


def own_imports(file: Path) -> list[list[str]]:
    """What a file takes from the package, without the package's name; under TYPE_CHECKING and in functions too."""
    reached = [ast.unparse(node) for node in ast.walk(tree(file)) if isinstance(node, ast.Attribute)]
    taken = [*imports(ast.walk(tree(file))), *reached]
    return [parts[1:] for full in taken if (parts := full.split("."))[0] == "headstart" and len(parts) > 1]


def at_import(body: list[ast.stmt]) -> Iterator[ast.AST]:
    """The statements that run when the module is imported."""
    for node in body:
        if isinstance(node, ast.If) and "TYPE_CHECKING" in ast.unparse(node.test):
            continue
        yield node
        if not isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
            for block in ("body", "orelse", "finalbody"):
                yield from at_import(getattr(node, block, []))


@pytest.mark.parametrize("file", FILES, ids=name)
def test_a_stage_imports_only_from_earlier_stages(file):
    stage = file.relative_to(PACKAGE).parts[0].removesuffix(".py")
    if stage in READ_ALL:
        return
    allowed = {"errors", "codec", *STAGES[: STAGES.index(stage) + 1]} if stage in STAGES else {"errors"}
    allowed |= {"commands"} if stage == "cli" else set()
    wrong = [".".join(parts) for parts in own_imports(file) if parts[0] not in allowed and parts != ["__version__"]]
    assert wrong == []


def test_no_two_files_wait_for_each_other_when_they_are_imported():
    modules = {f"headstart.{'.'.join(file.relative_to(PACKAGE).with_suffix('').parts)}": file for file in FILES}
    waits: dict[str, set[str]] = {}
    for module, file in modules.items():
        taken = set(imports(at_import(tree(file).body)))
        waits[module] = (taken | {full.rpartition(".")[0] for full in taken}) & modules.keys() - {module}
    TopologicalSorter(waits).prepare()  # raises where there is a circle


@pytest.mark.parametrize("file", FILES, ids=name)
def test_the_first_line_of_a_file_is_its_purpose_in_one_sentence(file):
    line = (ast.get_docstring(tree(file)) or "").partition("\n")[0]
    assert re.fullmatch(r"\S.{8,}[^.][.?]", line), line
    assert not re.search(r"[a-z)]\. [A-Z]", line), "two sentences"


def test_every_folder_opens_with_its_stage():
    for folder in [file.parent for file in PACKAGE.glob("*/__init__.py")]:
        line = ast.get_docstring(tree(folder / "__init__.py")) or ""
        assert line.startswith(f"Stage {STAGES.index(folder.name) + 1}, {folder.name}: ")


def test_every_folder_of_the_package_is_a_stage():
    assert {file.parent.name for file in FILES} - {"headstart"} <= set(STAGES)


def test_no_file_is_a_drawer_for_anything():
    assert [name(file) for file in FILES if re.search(r"util|helper|common|misc", file.stem)] == []


def test_a_method_imports_no_other_method():
    files = {file.stem: file for file in (PACKAGE / "objectives").glob("*.py") if file.stem not in NOT_METHODS}
    for method, file in files.items():
        assert [p for p in own_imports(file) if p[0] == "objectives" and p[1] in files and p[1] != method] == []


def callers(called: str) -> set[str]:
    """The files in which a function or method of that name is called."""
    calls = {file: [n.func for n in ast.walk(tree(file)) if isinstance(n, ast.Call)] for file in FILES}
    return {name(f) for f, found in calls.items() if called in {ast.unparse(c).split(".")[-1] for c in found}}


def test_one_function_makes_encoders_and_everything_that_pretrains_calls_it():
    assert callers("fit_encoder") == {
        "representation/pretrain.py", "study/plan.py", "study/tasks.py", "reuse/transformer.py", "recipes/work.py",
        "recipes/cells_study.py",
    }  # fmt: skip
    assert {f for f in callers("make") if f.startswith("training/")} == {"training/fit.py", "training/layerwise.py"}
    assert callers("pretrain_layerwise") <= {
        "training/fit.py", "recipes/deep_autoencoder.py", "recipes/greedy_pretraining.py",
        "recipes/training_trajectories.py",
    }  # fmt: skip


@pytest.mark.parametrize("file", FILES, ids=name)
def test_extras_and_slow_packages_are_imported_where_they_are_used(file):
    late = {full.split(".")[0] for full in imports(at_import(tree(file).body))} & LATE
    assert late == set()


@pytest.mark.parametrize("file", FILES, ids=name)
def test_nothing_is_unpickled(file):
    for node in ast.walk(tree(file)):
        if isinstance(node, ast.Call):
            call = ast.unparse(node)
            assert "allow_pickle=True" not in call
            if call.startswith("torch.load("):
                assert "weights_only=True" in call
            assert not call.startswith("joblib.load(")
    assert not {"pickle", "dill", "cloudpickle"} & {full.split(".")[0] for full in imports(ast.walk(tree(file)))}


@pytest.mark.parametrize("file", FILES, ids=name)
def test_files_and_functions_stay_small(file):
    assert len(file.read_text("utf-8").splitlines()) <= LONGEST_FILE
    for node in ast.walk(tree(file)):
        if isinstance(node, ast.FunctionDef):
            first = node.body[1:2] if ast.get_docstring(node) else node.body[:1]
            lines = (node.end_lineno or 0) - first[0].lineno + 1 if first else 0
            assert lines <= LONGEST_FUNCTION, f"{node.name} has {lines} lines"


def test_what_has_fields_is_a_type_and_no_dictionary_that_is_opened_by_keys():
    files = [file for file in FILES if file.relative_to(PACKAGE).parts[0] != "recipes"]
    lines = sum(len(file.read_text("utf-8").splitlines()) for file in files)
    keys = [
        node.slice.value
        for file in files
        for node in ast.walk(tree(file))
        if isinstance(node, ast.Subscript) and isinstance(node.slice, ast.Constant)
    ]
    assert 1000 * sum(isinstance(key, str) for key in keys) / lines <= KEYED


def annotations(body: list[ast.stmt], *, within: str = "") -> Iterator[tuple[str, ast.expr]]:
    """Of public functions and methods, and of the fields of classes, by name."""
    for node in body:
        if isinstance(node, ast.ClassDef):
            yield from annotations(node.body, within=f"{node.name}.")
        elif within and isinstance(node, ast.AnnAssign):
            yield within + ast.unparse(node.target), node.annotation
        elif isinstance(node, ast.FunctionDef) and (not node.name.startswith("_") or node.name.startswith("__")):
            a = node.args
            hints = [one.annotation for one in (*a.posonlyargs, *a.args, a.vararg, *a.kwonlyargs, a.kwarg) if one]
            yield from ((within + node.name, hint) for hint in (*hints, node.returns) if hint)


# What has no fields: keywords and arrays by the names that users give them, and what torch's optimisers take.
BY_NAME = {
    "commands/study.py: words", "data/arrays.py: from_keys", "objectives/catalogue.py: hyperparameters",
    "recipes/catalogue.py: Recipe.options", "recipes/side_by_side.py: side_by_side", "recipes/work.py: Work.part",
    "training/fit.py: encoder_spec", "training/method.py: Method.hyperparameters", "training/muon.py: Muon.__init__",
}  # fmt: skip


def test_no_dictionary_of_anything_crosses_a_stage():
    found = {
        f"{name(file)}: {where}"
        for file in FILES
        for where, hint in annotations(tree(file).body)
        if re.search(r"(dict|Mapping)\[str, (Any|object)\]", ast.unparse(hint))
    }
    assert found == BY_NAME


# Scikit-learn's constructors are flat, a verb's options are flattened values, an objective's are its own numbers.
LONG = {
    "data/dataset.py: Dataset.__init__", "objectives/dino.py: DINO.__init__", "recipes/greedy_pretraining.py: tuned",
    "reuse/transfer.py: Transfer.__init__", "reuse/transformer.py: PretrainedTransformer.__init__",
    "views/affine.py: affine",
}  # fmt: skip


def parameters(body: list[ast.stmt], *, within: str = "") -> Iterator[tuple[str, int]]:
    """Every function and method by name, and how many parameters it has beside self."""
    for node in body:
        if isinstance(node, ast.ClassDef):
            yield from parameters(node.body, within=f"{node.name}.")
        elif isinstance(node, ast.FunctionDef):
            a = node.args
            names = [one.arg for one in (*a.posonlyargs, *a.args, *a.kwonlyargs, a.vararg, a.kwarg) if one]
            yield within + node.name, len(names) - (names[:1] in (["self"], ["cls"]))


def test_what_a_function_is_given_are_at_most_eight_values():
    files = [file for file in FILES if file.relative_to(PACKAGE).parts[0] != "commands"]
    found = {f"{name(f)}: {which}" for f in files for which, n in parameters(tree(f).body) if n > 8}
    assert found == LONG


def test_every_verb_is_a_file_with_a_function_of_its_name_and_only_verbs_import_late():
    verbs = {file.stem: file for file in (PACKAGE / "commands").glob("*.py") if file.stem != "__init__"}
    for verb, file in verbs.items():
        public = [node.name for node in tree(file).body if isinstance(node, ast.FunctionDef)]
        assert verb in public
        assert not [full for full in imports(at_import(tree(file).body)) if full.startswith("headstart.")]


def test_no_file_names_the_host_of_a_registry():
    hosts = re.compile(
        "|".join(["pypi" + r"\.org", "python" + "hosted", "anaconda" + r"\.org", "download.py" + "torch"])
    )
    folders = ["src", "tests", "docs", "examples", "benchmarks"]
    texts = [f for folder in folders for kind in ("py", "md", "txt") for f in (ROOT / folder).rglob(f"*.{kind}")]
    texts += [f for f in ROOT.iterdir() if f.is_file() and f.suffix in {"", ".md", ".txt", ".toml"}]
    assert [str(f.relative_to(ROOT)) for f in texts if hosts.search(f.read_text("utf-8"))] == []
