"""A screen on the card: the desktop's part of the memory is gone for every GPU with memory of its own."""

import pytest

from whichgpu.asking.reading import asked
from whichgpu.catalog import default_catalog
from whichgpu.predicting import usable_bytes
from whichgpu.recommending.conditions import Surroundings
from whichgpu.recommending.question import Question
from whichgpu.requirement import Place, Requirements

CATALOG = default_catalog()


def placed(names, place):
    gpus = [CATALOG.get(name) for name in names]
    return Surroundings(gpus, Question(requirements=Requirements(place=place))).gpus


def test_the_key_of_a_requirements_file():
    assert asked({"source": "resnet50", "place": {"display": True}}).requirements.place.display
    assert not asked({"source": "resnet50"}).requirements.place.display


def test_cards_with_memory_of_their_own_lose_the_desktops_part():
    (board,) = placed(["rtx-3090"], Place(display=True))
    assert usable_bytes(CATALOG.get("rtx-3090")) - usable_bytes(board) == 500 * 2**20


@pytest.mark.parametrize("name", ["radeon-780m", "jetson-orin-nx-16gb"])
def test_machines_of_one_memory_have_room_for_a_desktop_already(name):
    (board,) = placed([name], Place(display=True))
    assert usable_bytes(board) == usable_bytes(CATALOG.get(name))


def test_a_question_without_a_screen_after_one_with_it_has_the_whole_card():
    (with_screen,) = placed(["rtx-3090"], Place(display=True))
    (without,) = placed(["rtx-3090"], Place())
    assert usable_bytes(without) > usable_bytes(with_screen)
