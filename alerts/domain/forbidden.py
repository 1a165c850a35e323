"""Words that no sentence about a model's output may hold, from a file that can be reviewed."""

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

from patients.domain.rule_files import RuleFileError, read_rule_file

LANGUAGES = ("english", "french")


@dataclass(frozen=True)
class Exempt:
    """What one file may say all the same: the label of a field, the disclaimer."""

    key: str
    text: str
    why: str


@dataclass(frozen=True)
class ForbiddenWords:
    """forbidden_words.toml."""

    words: Mapping[str, tuple[str, ...]]
    exempt: tuple[Exempt, ...]

    def found_in(self, sentence: str, key: str = "") -> list[str]:
        """The forbidden words of the sentence, but for what ``key`` is exempt to say.

        >>> words = {"english": ("predict*",), "french": ()}
        >>> rules = ForbiddenWords(words, (Exempt("a.py", "not predict", ""),))
        >>> rules.found_in("It predicts an episode.")
        ['predict*']
        >>> rules.found_in("It does not predict.", "a.py"), rules.found_in("Unpredictable.")
        ([], [])
        """
        for exempt in self.exempt:
            if exempt.key == key:
                sentence = sentence.replace(exempt.text, "")
        return [word for word, pattern in self._patterns() if pattern.search(sentence)]

    def _patterns(self) -> Iterator[tuple[str, re.Pattern[str]]]:
        for language in LANGUAGES:
            for word in self.words[language]:
                stem = re.escape(word.removesuffix("*")).replace(r"\ ", r"\s+")
                ending = "" if word.endswith("*") else r"(?!\w)"
                yield word, re.compile(rf"(?<!\w){stem}{ending}", re.IGNORECASE)


def load_forbidden_words(path: Path) -> ForbiddenWords:
    """Read forbidden_words.toml. Raises RuleFileError for an empty list or word."""
    exempt = [{"key": str, "text": str, "why": str}]
    shape = {"words": dict.fromkeys(LANGUAGES, [str]), "exempt": exempt}
    table, _ = read_rule_file(path, shape)
    words = {language: tuple(table["words"][language]) for language in LANGUAGES}
    for language, listed in words.items():
        if not listed or not all(word.strip(" *") for word in listed):
            raise RuleFileError(f"{path.name}: words.{language} must hold words: add them.")
    return ForbiddenWords(words, tuple(Exempt(**each) for each in table["exempt"]))
