from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from offload.core.discovery.labels import LABEL_MAX, merged, named, problems, split, values

#: Labels that people write, and others.
TEXTS = st.text(
    alphabet=st.sampled_from("ab=, \t\0\N{LATIN SMALL LETTER E WITH ACUTE}"), max_size=8
)
NAMES = st.from_regex(r"[A-Za-z0-9][A-Za-z0-9._-]{0,8}", fullmatch=True)
LABELS = st.lists(st.one_of(NAMES, st.tuples(NAMES, NAMES).map("=".join)), max_size=6)


@pytest.mark.parametrize(
    ("text", "labels"),
    [
        ("", ()),
        ("gpu", ("gpu",)),
        ("site=lab,rack=3", ("site=lab", "rack=3")),
        (" gpu , ,site=a=b,", ("gpu", "site=a=b")),
    ],
)
def test_commas_separate_labels(text: str, labels: tuple[str, ...]) -> None:
    assert split(text) == labels
    assert list(problems(labels)) == []


@pytest.mark.parametrize(
    ("label", "told"),
    [
        ("", "'' is empty"),
        (" gpu", "' gpu' is empty, or begins or ends with a blank"),
        ("a,b", "'a,b' has a comma"),
        ("a\nb", "cannot be printed"),
        ("site=", "'site=' has a name and no value"),
        ("=lab", "has the name '', which is not made of letters"),
        ("my site=lab", "has the name 'my site', which"),
        ("a" * (LABEL_MAX + 1), f"has {LABEL_MAX + 1} characters, and {LABEL_MAX} are allowed"),
        (f"{'a' * 65}=b", "has a name of 65 characters, and 64 are allowed"),
    ],
)
def test_a_label_that_is_none_is_named_with_what_is_wrong(label: str, told: str) -> None:
    [problem] = problems(["gpu", label])

    assert told in problem


def test_an_instance_has_one_value_of_a_name() -> None:
    [problem] = problems(["site=lab", "gpu", "site=home"])

    assert problem == "2 labels give 'site' a value, and an instance has one."


def test_of_two_values_that_of_the_environment_counts() -> None:
    settings, environment = ["gpu", "site=lab", "rack=1"], ["rack=3", "fast"]

    assert merged(settings, environment) == ("fast", "gpu", "rack=3", "site=lab")
    assert values(merged(settings, environment)) == {"rack": "3", "site": "lab"}
    assert list(named(settings, environment)) == [
        ("site", 'OFFLOAD["LABELS"]'),
        ("rack", "OFFLOAD_LABELS in the environment"),
    ]


@given(text=TEXTS)
def test_any_text_is_split_and_judged_without_an_error(text: str) -> None:
    found = split(text)

    assert all(one and one == one.strip() and "," not in one for one in found)
    if not list(problems(found)):
        assert split(",".join(found)) == found
        assert set(values(found).values()) <= {one.partition("=")[2] for one in found}


@given(settings=LABELS, environment=LABELS)
def test_merged_labels_are_those_of_both_and_each_name_has_one_value(
    settings: list[str], environment: list[str]
) -> None:
    found = merged(settings, environment)

    assert set(environment) <= set(found) <= {*settings, *environment}
    assert {name for name, _ in named(settings, environment)} == values(found).keys()
    assert merged(found, environment) == found
