import ctypes

import emberbox_seeds
import pytest

numpy = pytest.importorskip("numpy")


@pytest.fixture(autouse=True)
def state(monkeypatch):
    monkeypatch.setattr(emberbox_seeds, "numpy_state", emberbox_seeds.find_numpy_state())


def draw():
    return numpy.random.randint(0, 2**31, 8).tolist()


def test_numpys_state_is_found_where_numpy_has_it():
    address = emberbox_seeds.numpy_state
    assert address is not None
    numpy.random.seed(7)
    expected = draw()
    numpy.random.seed(7)
    saved = ctypes.string_at(address, emberbox_seeds.KEY_BYTES + 4)
    draw()
    ctypes.memmove(address, saved, len(saved))
    assert draw() == expected


@pytest.mark.parametrize("drawn", [False, True])
def test_the_same_state_goes_on_differently(drawn):
    seen = []
    for _ in range(3):
        numpy.random.seed(7)
        emberbox_seeds.renew(drawn)
        seen.append(draw())
    assert len({str(one) for one in seen}) == 3


def test_a_number_that_was_ready_is_not_drawn_after_it():
    seen = set()
    for _ in range(3):
        numpy.random.seed(7)
        numpy.random.normal()
        emberbox_seeds.renew()
        seen.add(numpy.random.normal())
    assert len(seen) == 3


def test_renewed_numbers_are_spread_over_their_range():
    emberbox_seeds.renew(drawn=False)
    assert abs(numpy.random.random(100_000).mean() - 0.5) < 0.01
