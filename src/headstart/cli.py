"""The command line: the functions of commands/ as verbs, each read off its signature and docstring.

Only the module of the verb that was asked for is imported, and no verb's module loads torch before it runs.
"""

import ast
import inspect
import logging
import os
import re
import sys
from argparse import HelpFormatter
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from importlib import import_module
from pathlib import Path
from types import UnionType
from typing import TYPE_CHECKING, Any, Literal, NoReturn, get_args, get_origin

from headstart import __version__
from headstart.errors import UserError, unknown

if TYPE_CHECKING:
    from jsonargparse import ArgumentParser

VERBS = ("study", "pretrain", "embed", "probe", "predict", "doctor", "data", "recipe", "methods")
USER_MISTAKE, INTERRUPTED = 2, 130


def verb(name: str) -> Callable[..., Any]:
    """The function of a verb; its module is imported here. ``str()`` of what it returns is what is printed."""
    return getattr(import_module(f"headstart.commands.{name}"), name)


def main(argv: Sequence[str] | None = None) -> int:
    """Run one verb and print what it found. Of several launched processes the first one speaks.

    Returns:
        The exit code: 0, 2 for a user's mistake, 3 where the doctor advises against a run, 130 when interrupted.
    """
    words = list(sys.argv[1:] if argv is None else argv)
    speaks = os.environ.get("RANK", os.environ.get("SLURM_PROCID", "0") if "MASTER_ADDR" in os.environ else "0") == "0"
    try:
        with _notes_on_stderr():
            answer, code = _answer(words)
        if speaks:
            print(answer, flush=True)
        return code
    except UserError as error:
        if speaks:
            print("headstart:", *str(error).splitlines(), file=sys.stderr)
        return USER_MISTAKE
    except KeyboardInterrupt:
        hint = (
            "; the same command with --resume continues" if words[:1] in (["study"], ["pretrain"], ["recipe"]) else ""
        )
        print(f"headstart: interrupted{hint}", file=sys.stderr)
        return INTERRUPTED
    except BrokenPipeError:  # the reader, such as `head`, has seen enough
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
    return 0


@contextmanager
def _notes_on_stderr() -> Iterator[None]:
    """What any verb has to say on the way, a line each: files that were skipped, the time that is left."""
    shown, log = logging.StreamHandler(sys.stderr), logging.getLogger("headstart")
    shown.setFormatter(logging.Formatter("headstart: %(message)s"))
    level = log.level
    log.addHandler(shown)
    log.setLevel(logging.INFO)
    try:
        yield
    finally:
        log.removeHandler(shown)
        log.setLevel(level)


def _answer(words: list[str]) -> tuple[str, int]:
    """What to print, and the exit code."""
    match words:
        case [] | ["-h" | "--help", *_]:
            return _overview(), 0
        case ["--version", *_]:
            return f"headstart {__version__}", 0
        case [name, *_] if name not in VERBS:
            raise unknown("option" if name.startswith("-") else "verb", name, [*VERBS, "--help", "--version"])
        case [name, *rest]:
            return _run(name, rest)
    raise AssertionError(words)


def _overview() -> str:
    verbs = "\n".join(f"  {name:<10}{_sentence(name)}" for name in VERBS)
    return (
        "usage: headstart VERB …\n\n"
        "Learn a representation from unlabelled images, reuse it with few labels,\n"
        "and know how much it helped.\n\n"
        f"{verbs}\n\n"
        "Start with `headstart study digits`. `headstart VERB --help` says more."
    )


def _sentence(name: str) -> str:
    """What a verb is for, from its file's first line, without importing it."""
    text = (Path(__file__).parent / "commands" / f"{name}.py").read_text("utf-8")
    return (ast.get_docstring(ast.parse(text)) or "").partition("\n")[0].partition(": ")[2].removesuffix(".")


def _run(name: str, words: list[str]) -> tuple[str, int]:
    function = verb(name)
    words = _spelled(words)
    parser = _parser(name, function)
    if "-h" in words or "--help" in words:
        return parser.format_help().rstrip(), 0
    _reject_unknown_options(parser, words)
    positional, named = _arguments(function, vars(parser.parse_args(words)))
    found = function(*positional, **named)
    return str(found), getattr(found, "exit_code", 0)


def _arguments(function: Callable[..., Any], given: dict[str, Any]) -> tuple[list[Any], dict[str, Any]]:
    positional, named = [], {}
    for parameter in inspect.signature(function).parameters.values():
        value = given[parameter.name]
        if parameter.kind is parameter.KEYWORD_ONLY:
            named[parameter.name] = value
        elif parameter.kind is parameter.VAR_POSITIONAL:
            positional += value
        else:
            positional.append(value)
    return positional, named


def _spelled(words: list[str]) -> list[str]:
    """--time_budget means --time-budget, --optimizer means --optimiser, --saw unlabeled means --saw unlabelled."""
    spelled: list[str] = []
    for word in words:
        option, equals, value = word.partition("=") if word.startswith("--") else ("", "", word)
        if value == "unlabeled" and "--saw" in (option, *spelled[-1:]):
            value = "unlabelled"
        spelled.append(option.replace("_", "-").replace("--optimizer", "--optimiser") + equals + value)
    return spelled


def _reject_unknown_options(parser: "ArgumentParser", words: list[str]) -> None:
    known = [option for action in parser._actions for option in action.option_strings if option.startswith("--")]
    for word in words:
        option = word.partition("=")[0]
        if option.startswith("--") and option not in known:
            raise unknown("option", option, known)


class _Lines(HelpFormatter):
    def __init__(self, prog: str) -> None:
        super().__init__(prog, max_help_position=26, width=100)


def _parser(name: str, function: Callable[..., Any]) -> "ArgumentParser":
    from docstring_parser import parse
    from jsonargparse import ArgumentParser

    class Parser(ArgumentParser):
        def error(self, message: str, ex: Exception | None = None) -> NoReturn:
            del ex
            raise UserError(f"{_reason(message, hints)}; see `headstart {name} --help`")

    parameters = inspect.signature(function).parameters.values()
    hints = {parameter.name: _plain(parameter.annotation) for parameter in parameters}
    story = parse(inspect.getdoc(function) or "")
    sentences = {parameter.arg_name: parameter.description or "" for parameter in story.params}
    needed = [_metavar(parameter) for parameter in parameters if parameter.kind is not parameter.KEYWORD_ONLY]
    parser = Parser(
        prog=f"headstart {name}",
        usage=" ".join([f"headstart {name}", *needed, "[options]"]),
        description=story.short_description,
        formatter_class=_Lines,
    )
    for parameter in parameters:
        _add(parser, parameter, hints[parameter.name], sentences.get(parameter.name, ""))
    return parser


def _add(parser: "ArgumentParser", parameter: inspect.Parameter, hint: Any, sentence: str) -> None:
    """A required parameter is positional, a truth value is an option without a value, the rest are options."""
    option = f"--{parameter.name.replace('_', '-')}"
    metavar = _metavar(parameter)
    if parameter.kind is parameter.VAR_POSITIONAL:
        parser.add_argument(parameter.name, metavar=metavar, nargs="+", type=hint, help=sentence)
    elif parameter.kind is not parameter.KEYWORD_ONLY:
        optional = {} if parameter.default is parameter.empty else {"nargs": "?", "default": parameter.default}
        parser.add_argument(parameter.name, metavar=metavar, type=hint, help=sentence, **optional)
    elif hint is bool:
        parser.add_argument(option, action="store_true", help=sentence)
    else:
        if parameter.default is not None:
            sentence = f"{sentence.rstrip('.')} (default: {parameter.default})."
        parser.add_argument(option, metavar=metavar, type=hint, default=parameter.default, help=sentence)


def _plain(hint: Any) -> Any:
    """The type of a value that is given: X of `X | None`; text where anything may come, so that 123 stays "123"."""
    if isinstance(hint, UnionType) or type(None) in get_args(hint):
        hint = next(kind for kind in get_args(hint) if kind is not type(None))
    return str if hint is Any else hint


def _metavar(parameter: inspect.Parameter) -> str:
    hint = _plain(parameter.annotation)
    if parameter.kind is parameter.VAR_POSITIONAL:
        return f"{parameter.name.removesuffix('s').upper()}…"
    if parameter.kind is not parameter.KEYWORD_ONLY:
        optional = parameter.default is not parameter.empty
        return f"[{parameter.name.upper()}]" if optional else parameter.name.upper()
    if get_origin(hint) is Literal:
        return "|".join(get_args(hint))
    return {int: "N", float: "X", Path: "PATH"}.get(hint, parameter.name.split("_")[-1].upper())


def _reason(message: str, hints: dict[str, Any]) -> str:
    """One line, in the words of the command line, of what jsonargparse found wrong."""
    line = " ".join(message.split())
    wrong = re.search(r'key "(\w+)".*value: (.*)', line)
    if not wrong:
        return line
    name, value = wrong.groups()
    hint = hints[name]
    wanted = {int: "a whole number", float: "a number"}.get(hint, f"one of {', '.join(map(str, get_args(hint)))}")
    return f"--{name.replace('_', '-')} {value}: wanted {wanted}"
