"""The untyped methods that every plugin client has."""

from typing import cast

from cl_client.jobs.collection import Jobs
from cl_client.jobs.follow import Follow
from cl_client.runtime import PluginClient


class RecordingJobs:
    """Takes submits, and keeps how they are followed; sends nothing."""

    def __init__(self) -> None:
        self.followed: list[Follow] = []

    async def submit(self, operation: object, body: object, follow: Follow, labels: object = None) -> None:
        self.followed.append(follow)


class Noise(PluginClient):
    task_type = "noise"
    path = "/jobs/noise"


async def test_a_job_without_a_file_is_followed_as_one_with_files_is():
    jobs = RecordingJobs()
    await Noise(cast("Jobs", jobs)).submit_job({}, wait=True, cancel_with_wait=True)
    assert jobs.followed == [Follow(wait=True, cancel_with_wait=True)]
