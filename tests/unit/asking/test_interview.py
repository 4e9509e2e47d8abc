"""The interview: at most eight questions, numbers for choices, wrong answers asked again, and its command."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from whichgpu.asking.interview import QUESTIONS, SOURCES, command, interview
from whichgpu.asking.reading import asked
from whichgpu.errors import WhichGpuError
from whichgpu.zoo import names


def answers(*given: str | None) -> Callable[[str], str | None]:
    left = list(given)
    return lambda _question: left.pop(0) if left else None


def asked_with(*given: str | None) -> tuple[list[str], list[WhichGpuError]]:
    complaints: list[WhichGpuError] = []
    return interview(answers(*given), complaints.append), complaints


def test_there_are_at_most_eight_questions() -> None:
    assert len(QUESTIONS) <= 8


def test_numbers_stand_for_choices_and_empty_answers_skip() -> None:
    words, complaints = asked_with("1", "", "1", "", "150000jpy", "", "", "2")
    assert words == ["recommend", "resnet50", "--place", "desk", "--budget", "150000jpy", "--goal", "fastest"]
    assert not complaints


def test_what_cannot_be_read_is_asked_again_three_times() -> None:
    words, complaints = asked_with("bert-base", "x", "y", "z", "2")
    assert len(complaints) == 3
    assert words == ["recommend", "bert-base", "--place", "laptop"]


def test_the_end_of_the_input_ends_the_interview() -> None:
    assert asked_with("lstm", None)[0] == ["recommend", "lstm"]
    assert asked_with(None)[0] == ["recommend"]


def test_the_command_can_be_typed() -> None:
    assert command(["recommend", "my model.py", "--os", "linux"]) == "whichgpu recommend 'my model.py' --os linux"


def test_every_offered_model_is_in_the_zoo() -> None:
    assert {name for _label, name in SOURCES} <= set(names())


def test_every_choice_is_a_value_of_its_key() -> None:
    sections: Sequence[tuple[str, str, str]] = (
        ("--phase", "workload", "phase"),
        ("--place", "place", "kind"),
        ("--os", "software", "os"),
        ("--hours", "money", "hours"),
    )
    by_option = {question.option: question for question in QUESTIONS}
    for option, section, key in sections:
        for _label, answer in by_option[option].choices:
            asked({section: {key: answer}})


def test_a_card_that_is_not_in_the_catalogue_is_asked_again_with_the_nearest() -> None:
    words, complaints = asked_with("lstm", "", "", "", "", "rtx-2071", "rtx-2070", "", "")
    assert words == ["recommend", "lstm", "--own", "rtx-2070"]
    assert [(error.code, error.values["close"]) for error in complaints] == [("unknown_name", "rtx-2070")]


def test_a_model_that_is_no_file_and_not_built_in_is_asked_again() -> None:
    words, complaints = asked_with("resnet5o", "resnet50", None)
    assert words == ["recommend", "resnet50"]
    assert [error.code for error in complaints] == ["source_not_found"]


def test_the_computer_is_looked_at_when_the_command_runs() -> None:
    assert asked_with("lstm", "", "", "", "", "auto", None) == (["recommend", "lstm", "--own", "auto"], [])
