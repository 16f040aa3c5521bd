import pytest

from tests.interop.stage import Stage


@pytest.fixture(scope="session")
def stage(request, tmp_path_factory):
    """Where stories are told; those of all selected tests begin together."""
    stage = Stage(tmp_path_factory.mktemp("stories"))
    stage.announce([item.callspec.params["story"] for item in request.session.items
                    if "story" in getattr(getattr(item, "callspec", None), "params", {}) and not _skipped(item)])
    yield stage
    stage.close()


def _skipped(item):
    return any(mark.args[0] for mark in item.iter_markers("skipif"))


@pytest.fixture
def told(stage, story):
    """The story of this test as it is being told."""
    return stage.telling(story)
