"""Every kind of state is copied, restored and hashed to the last bit."""

import math
import random
from collections import OrderedDict, defaultdict, deque, namedtuple
from dataclasses import dataclass
from types import SimpleNamespace

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp
from torch import nn

from desktop.engine.snapshots import SnapshotError, capture, restore, state_digest

from .toy import Parameters

Pair = namedtuple("Pair", "left right")


def holder(**state):
    """Something with a state, as ``capture`` expects it."""
    return SimpleNamespace(
        parameters=Parameters(),
        rng=torch.Generator().manual_seed(0),
        state_names=tuple(state),
        **state,
    )


def digest(experiment):
    return capture(experiment).digest()


TENSORS = st.sampled_from(
    [torch.float32, torch.float64, torch.bfloat16, torch.float16, torch.int64, torch.bool]
).flatmap(
    lambda dtype: st.lists(st.integers(0, 3), max_size=3).map(
        lambda shape: torch.randint(0, 9, shape).to(dtype)
    )
)
ARRAYS = hnp.arrays(
    st.sampled_from([np.float64, np.float32, np.int32, np.bool_]),
    hnp.array_shapes(min_dims=0, max_dims=3, max_side=3),
)
LEAVES = (
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats()
    | st.text(max_size=5)
    | st.binary(max_size=5)
    | TENSORS
    | ARRAYS
)
VALUES = st.recursive(
    LEAVES,
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(st.text(max_size=3), inner, max_size=3)
        | st.tuples(inner, inner)
        | st.builds(Pair, inner, inner)
        | st.lists(inner, max_size=3).map(deque)
    ),
    max_leaves=8,
)


@given(VALUES, VALUES)
def test_whatever_happens_in_between_the_state_comes_back(value, other):
    experiment = holder(value=value)
    state = capture(experiment)
    before = state.digest()
    experiment.value = other
    restore(experiment, state)
    assert digest(experiment) == before
    assert type(experiment.value) is type(value)
    assert state.digest() == before


@given(VALUES)
def test_a_state_survives_what_is_done_to_the_restored_one(value):
    experiment = holder(value=value)
    state = capture(experiment)
    before = state.digest()
    for _ in range(2):
        restore(experiment, state)
        spoil(experiment.value)
        assert state.digest() == before


def spoil(value):
    """Write into everything that can be written to."""
    if isinstance(value, torch.Tensor):
        value.fill_(1)
    elif isinstance(value, np.ndarray):
        value[...] = 1
    elif isinstance(value, dict):
        for item in value.values():
            spoil(item)
        value.clear()
    elif isinstance(value, (list, tuple, deque)):
        for item in value:
            spoil(item)
        if not isinstance(value, tuple):
            value.append("more")


@given(ARRAYS, ARRAYS)
def test_digests_are_equal_exactly_when_the_bits_are(one, other):
    equal = (one.dtype, one.shape, one.tobytes()) == (other.dtype, other.shape, other.tobytes())
    assert (digest(holder(value=one)) == digest(holder(value=other))) is equal
    assert (digest(holder(value=[one, 1])) == digest(holder(value=[other, 1]))) is equal


@pytest.mark.parametrize(
    ("one", "other"),
    [
        (torch.tensor([0.0]), torch.tensor([-0.0])),
        (torch.zeros(2, 3), torch.zeros(3, 2)),
        (torch.zeros(2), torch.zeros(2, dtype=torch.float64)),
        (torch.tensor([1.0]), torch.tensor([1.0]).nextafter(torch.tensor([2.0]))),
        (np.zeros(2), np.zeros(2, dtype=np.int64)),
        ([1, 2], (1, 2)),
        ([[1], 2], [1, [2]]),
        ({"a": 1, "b": 2}, {"b": 2, "a": 1}),
        (1, True),
        (1, 1.0),
        ("ab", ["a", "b"]),
        (None, "None"),
    ],
)
def test_digests_tell_neighbours_apart(one, other):
    assert digest(holder(value=one)) != digest(holder(value=other))


def test_a_fork_takes_the_state_into_another_object():
    first, second = holder(value=[torch.ones(2)]), holder(value=None)
    restore(second, capture(first))
    assert digest(first) == digest(second)
    first.value[0].fill_(7)
    assert second.value[0].tolist() == [1, 1]


class Learner:
    """A module and its optimizer, as most lessons have them."""

    state_names = ("net", "optimizer", "losses")

    def __init__(self, kind, **settings):
        self.parameters, self.rng = Parameters(), torch.Generator().manual_seed(0)
        self.net = nn.Sequential(nn.Linear(3, 4), nn.BatchNorm1d(4), nn.ReLU(), nn.Linear(4, 1))
        with torch.no_grad():
            for weight in self.net.parameters():
                weight.copy_(torch.randn(weight.shape, generator=self.rng))
        self.optimizer = kind(self.net.parameters(), **settings)
        self.losses = []

    def train(self, steps):
        for _ in range(steps):
            self.optimizer.zero_grad()
            x = torch.randn(6, 3, generator=self.rng)
            loss = (self.net(x) - x.sum(1, keepdim=True)).square().mean()
            loss.backward()
            self.optimizer.step()
            self.losses.append(loss.item())
        return digest(self)


OPTIMIZERS = [
    (torch.optim.SGD, {"lr": 0.01}),
    (torch.optim.SGD, {"lr": 0.01, "momentum": 0.9, "nesterov": True}),
    (torch.optim.Adam, {"lr": 0.01}),
    (torch.optim.Adam, {"lr": 0.01, "amsgrad": True}),
    (torch.optim.AdamW, {"lr": 0.01, "weight_decay": 0.1}),
    (torch.optim.RMSprop, {"lr": 0.01, "momentum": 0.5, "centered": True}),
    (torch.optim.Adagrad, {"lr": 0.01}),
    (torch.optim.Adadelta, {}),
]


@pytest.mark.parametrize(("kind", "settings"), OPTIMIZERS)
@pytest.mark.parametrize("before", [0, 3])
def test_training_goes_on_bit_for_bit(kind, settings, before):
    learner = Learner(kind, **settings)
    learner.train(before)
    state = capture(learner)
    truth = learner.train(5)
    for _ in range(2):
        restore(learner, state)
        assert learner.train(5) == truth
    fresh = Learner(kind, **settings)
    restore(fresh, state)
    assert fresh.train(5) == truth


def test_modules_and_optimizers_keep_their_parameters():
    learner = Learner(torch.optim.Adam, lr=0.1)
    parameters = list(learner.net.parameters())
    state = capture(learner)
    learner.train(2)
    learner.net.eval()
    restore(learner, state)
    assert all(a is b for a, b in zip(parameters, learner.net.parameters(), strict=True))
    assert all(
        a is b for a, b in zip(parameters, learner.optimizer.param_groups[0]["params"], strict=True)
    )
    assert learner.net.training


def test_settings_of_the_optimizer_come_back():
    learner = Learner(torch.optim.SGD, lr=0.1)
    state = capture(learner)
    learner.optimizer.param_groups[0]["lr"] = 9.0
    restore(learner, state)
    assert learner.optimizer.param_groups[0]["lr"] == 0.1


def test_a_schedule_comes_back():
    learner = Learner(torch.optim.SGD, lr=1.0)
    schedule = torch.optim.lr_scheduler.StepLR(learner.optimizer, 2, 0.5)
    experiment = holder(optimizer=learner.optimizer, schedule=schedule)
    state = capture(experiment)
    before = state.digest()
    for _ in range(3):
        learner.optimizer.step()
        schedule.step()
    assert digest(experiment) != before
    restore(experiment, state)
    assert digest(experiment) == before
    assert learner.optimizer.param_groups[0]["lr"] == 1.0


def test_a_leaf_tensor_is_filled_in_place_and_a_result_is_replaced():
    weight = torch.zeros(2, requires_grad=True)
    experiment = holder(weight=weight, result=torch.zeros(2))
    state, result = capture(experiment), experiment.result
    with torch.no_grad():
        weight += 1
    experiment.result = experiment.result + 1
    shown = experiment.result
    restore(experiment, state)
    assert experiment.weight is weight
    assert weight.tolist() == [0, 0]
    assert experiment.result is not result
    assert shown.tolist() == [1, 1]


def test_gradients_come_back():
    weight = torch.ones(2, requires_grad=True)
    weight.square().sum().backward()
    experiment = holder(weight=weight)
    state = capture(experiment)
    weight.grad.zero_()
    restore(experiment, state)
    assert weight.grad.tolist() == [2, 2]
    weight.grad = None
    restore(experiment, state)
    assert weight.grad.tolist() == [2, 2]


def test_two_names_for_one_object_stay_so():
    shared = np.zeros(2)
    experiment = holder(first=shared, second=[shared])
    state = capture(experiment)
    experiment.first, experiment.second = np.ones(2), [np.ones(2)]
    restore(experiment, state)
    assert experiment.first is experiment.second[0]


def test_a_list_that_contains_itself():
    loop = [1]
    loop.append(loop)
    experiment = holder(loop=loop)
    state = capture(experiment)
    experiment.loop = []
    restore(experiment, state)
    assert experiment.loop[1] is experiment.loop
    assert state.digest() == digest(experiment)


@pytest.mark.parametrize(
    ("make", "draw"),
    [
        (lambda: torch.Generator().manual_seed(5), lambda g: torch.rand(3, generator=g).tolist()),
        (lambda: np.random.default_rng(5), lambda g: g.normal(size=3).tolist()),
        (lambda: np.random.Generator(np.random.MT19937(5)), lambda g: g.random(3).tolist()),
        (lambda: random.Random(5), lambda g: [g.random() for _ in range(3)]),
    ],
    ids=["torch", "numpy", "mersenne", "python"],
)
def test_random_generators_repeat_themselves(make, draw):
    experiment = holder(generator=make())
    draw(experiment.generator)
    state = capture(experiment)
    before, truth = state.digest(), draw(experiment.generator)
    restore(experiment, state)
    assert digest(experiment) == before
    assert draw(experiment.generator) == truth
    experiment.generator = None
    restore(experiment, state)
    assert draw(experiment.generator) == truth


@pytest.mark.parametrize(
    "value",
    [
        defaultdict(list, {"a": [1]}),
        OrderedDict(b=1, a=2),
        deque([1, 2], maxlen=3),
        {1, 2, 3},
        frozenset({"a"}),
        Pair(1, [2]),
    ],
)
def test_containers_keep_their_type(value):
    experiment = holder(value=value)
    state = capture(experiment)
    experiment.value = None
    restore(experiment, state)
    assert type(experiment.value) is type(value)
    assert experiment.value == value
    if isinstance(value, deque):
        assert experiment.value.maxlen == 3
    if isinstance(value, defaultdict):
        assert experiment.value["new"] == []


@dataclass(frozen=True)
class Frozen:
    weights: torch.Tensor


@dataclass(slots=True)
class Slotted:
    weights: torch.Tensor
    count: int = 0


@pytest.mark.parametrize("kind", [Frozen, Slotted])
def test_small_objects_of_a_lesson(kind):
    experiment = holder(value=kind(torch.zeros(2)))
    state = capture(experiment)
    experiment.value.weights.add_(1)
    restore(experiment, state)
    assert experiment.value.weights.tolist() == [0, 0]


@pytest.mark.parametrize(
    "value", [iter([1]), (n for n in range(3)), np.array([object()]), [object()], {1: object()}]
)
def test_what_cannot_be_copied_is_named(value):
    with pytest.raises(SnapshotError) as caught:
        capture(holder(fine=1, odd=value))
    assert "odd" in caught.value.message.zh


def test_a_missing_attribute_is_named():
    experiment = holder()
    experiment.state_names = ("gone",)
    with pytest.raises(SnapshotError, match="gone"):
        capture(experiment)


def test_a_module_that_changed_its_shape_is_refused():
    experiment = holder(net=nn.Linear(2, 2))
    state = capture(experiment)
    experiment.net = nn.Linear(3, 2)
    with pytest.raises(SnapshotError, match="net"):
        restore(experiment, state)


def test_bytes_are_counted():
    state = capture(holder(big=torch.zeros(1000, 1000), more=np.zeros(1000)))
    assert 4_000_000 + 8_000 <= state.nbytes < 4_100_000


def test_nan_has_a_stable_digest():
    assert state_digest(holder(a=math.nan)) == state_digest(holder(a=math.nan))
