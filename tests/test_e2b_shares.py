"""All ranks of a run share one account."""

from __future__ import annotations

import sys
from types import ModuleType, SimpleNamespace

import pytest

from rewards import ConfigurationError
from rewards.sandboxes.e2b_cloud.options import E2BOptions
from rewards.sandboxes.e2b_cloud.shares import Rank, find_rank, share_of
from rewards.sandboxes.e2b_cloud.tags import own_tags, read_tags


@pytest.mark.parametrize("ranks", [1, 2, 3, 7, 20])
def test_the_ranks_together_use_the_whole_cap_and_no_more(ranks: int) -> None:
    shares = [share_of(E2BOptions(max_sandbox_seconds=300), Rank(rank, ranks)) for rank in range(ranks)]
    assert sum(share.max_sandboxes for share in shares) == 20
    assert max(s.max_sandboxes for s in shares) - min(s.max_sandboxes for s in shares) <= 1
    assert sum(share.creates_per_s for share in shares) == pytest.approx(1)
    assert sum(share.max_sandbox_seconds or 0 for share in shares) == pytest.approx(300)
    assert all(share.keep_warm <= share.max_sandboxes for share in shares)
    assert sum(share.keep_warm for share in shares) == 4


def test_a_share_below_one_sandbox_is_an_error_that_names_the_cap() -> None:
    with pytest.raises(ConfigurationError, match=r"max_sandboxes=20 \(of plan 'hobby'\) is shared by 21 ranks"):
        share_of(E2BOptions(), Rank(0, 21))
    with pytest.raises(ConfigurationError, match=r"max_sandboxes=3 \(given\) is shared by 4 ranks"):
        share_of(E2BOptions(max_sandboxes=3), Rank(0, 4))


@pytest.mark.usefixtures("not_accelerated")
@pytest.mark.parametrize(
    ("environment", "rank"),
    [
        pytest.param({}, Rank(0, 1), id="one process"),
        pytest.param({"WORLD_SIZE": "8", "RANK": "5", "LOCAL_RANK": "1"}, Rank(5, 8), id="two nodes"),
        pytest.param({"WORLD_SIZE": "4", "LOCAL_RANK": "3"}, Rank(3, 4), id="one node"),
        pytest.param({"WORLD_SIZE": "", "RANK": " "}, Rank(0, 1), id="set and empty"),
    ],
)
def test_the_launcher_says_which_rank_this_is(environment: dict[str, str], rank: Rank) -> None:
    assert find_rank(environment) == rank


@pytest.mark.usefixtures("not_accelerated")
@pytest.mark.parametrize("environment", [{"WORLD_SIZE": "two"}, {"WORLD_SIZE": "2", "RANK": "2"}, {"RANK": "-1"}])
def test_a_place_that_does_not_exist_is_an_error(environment: dict[str, str]) -> None:
    with pytest.raises(ConfigurationError, match=r"RANK|WORLD_SIZE"):
        find_rank(environment)


@pytest.mark.parametrize("is_set_up", [True, False])
def test_accelerate_is_asked_only_where_somebody_has_set_it_up(
    monkeypatch: pytest.MonkeyPatch, is_set_up: bool
) -> None:
    class PartialState(SimpleNamespace):
        _shared_state = {"num_processes": 3} if is_set_up else {}
        process_index, num_processes = 2, 3

    state = ModuleType("accelerate.state")
    state.__dict__["PartialState"] = PartialState
    monkeypatch.setitem(sys.modules, "accelerate.state", state)
    assert find_rank({"WORLD_SIZE": "8", "RANK": "1"}) == (Rank(2, 3) if is_set_up else Rank(1, 8))


def test_the_real_accelerate_is_understood() -> None:
    accelerate = pytest.importorskip("accelerate", reason="pip install accelerate")
    state = accelerate.PartialState
    had = dict(state._shared_state)
    state._shared_state.clear()
    try:
        assert find_rank({"WORLD_SIZE": "2", "RANK": "1"}) == Rank(1, 2)
        state._shared_state.update(num_processes=4, process_index=3, backend=None, _cpu=True)
        assert find_rank({}) == Rank(3, 4)
    finally:
        state._shared_state.clear()
        state._shared_state.update(had)


def test_a_sandbox_says_whose_it_is() -> None:
    tags = own_tags(E2BOptions(run="mine"), Rank(3, 4))
    metadata = tags.metadata({"team": "blue"})
    assert read_tags(metadata) == tags
    assert (metadata["team"], tags.run, tags.rank) == ("blue", "mine", "3")
    assert tags.owned.items() <= metadata.items()
    assert read_tags({"team": "blue"}) is None


def test_two_pools_of_a_run_are_two_owners() -> None:
    """What one of them kills at its end must not be the other's."""
    one, other = (own_tags(E2BOptions(run="mine"), Rank()) for _ in range(2))
    assert one.run == other.run
    assert one.owned != other.owned


def test_the_ranks_that_torchrun_has_started_are_one_run(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TORCHELASTIC_RUN_ID", "job-7")
    assert own_tags(E2BOptions(), Rank(1, 2)).run == "job-7"
    monkeypatch.setenv("TORCHELASTIC_RUN_ID", "none")
    assert own_tags(E2BOptions(), Rank(1, 2)).run != "none"
